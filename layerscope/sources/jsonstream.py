"""JSON read as a stream, within limits: values as they come, lists record by record, nothing held that is not needed.

The parser is ijson's, fed line by line in pieces of at most 64 KiB, so that other threads get their turn. What it
does not do is done here: limits, the line of a fault, and lone surrogates, which it would turn into ``?``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

CHUNK = 64 * 1024
"""Bytes that are parsed in one go: about a millisecond."""
BLANK = 4 << 20
"""Bytes that may follow one another without a value being complete: a longer string, or blanks, are refused."""


class Limits(Struct, frozen=True):
    """What a document may be."""

    bytes: int
    """After unpacking."""
    nesting: int
    """Objects and lists in one another."""
    text: int
    """Characters of one string."""
    values: int
    """Values and names of all objects together: some 8 to 100 bytes of memory each."""
    loose: int
    """Of those, the ones that belong to no record that was taken yet: some 70 bytes each."""


class NotJson(Exception):
    """The document is not JSON, or beyond a limit; the text says what and where. ``cut``: it ends too early."""

    def __init__(self, what: str, *, cut: bool = False) -> None:
        super().__init__(what)
        self.cut = cut


Take = Callable[[int, Any], Any]
"""Takes the number and the value of an item of a list, and returns what is kept in its place; may raise."""
Quick = Callable[[bytes], Any]
"""Takes the JSON of an item, and returns what its :data:`Take` is given; None where it is to be parsed first."""
Field = Callable[[str, dict[str, Any]], None]
Path = tuple[str, ...]
"""Names of the objects' fields that lead to a value."""


class _Loose:
    """Returned by a :data:`Take` that leaves an item as it is."""


LOOSE = _Loose()
"""What a :data:`Take` returns to leave an item as it is for now: it counts as loose then."""


def read_json(
    chunks: Iterator[bytes], limits: Limits, lists: Mapping[Path, Take], field: Field, quicks: Mapping[Take, Quick] = {}
) -> Any:
    """Return the one value in ``chunks``, an object; items of ``lists`` are what their :data:`Take` made of them.

    ``field`` hears of each field of the outermost object before its value is read, with the object as far as it is
    there, and may raise. Raises NotJson, and what they raise.
    """
    import ijson  # type: ignore[import-untyped]  # noqa: PLC0415 (only where a scan is read)

    events: Any = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events)
    builder = _Builder(limits, lists, field, quicks)
    line, blank, total, anything, between = 1, 0, 0, False, False
    try:
        for piece in _pieces(_kept_surrogates(_without_mark(chunks))):
            if not piece:
                continue  # the parser would take it for the end
            total += len(piece)
            anything = anything or not piece.isspace()
            if total > limits.bytes:
                raise NotJson(f"larger than {limits.bytes >> 20} MiB")
            if between and piece.endswith(b",\n") and builder.whole_item(piece[:-2]):
                line += 1
                continue
            between = piece.endswith((b"[\n", b",\n"))
            parser.send(piece)
            if events:
                blank = 0
                builder.take(events)
                events.clear()
            else:
                blank += len(piece)
                if blank > BLANK:
                    raise NotJson(f"no value is complete within {BLANK >> 20} MiB at line {line}")
            line += piece.endswith(b"\n")
        try:
            parser.close()
        except ijson.IncompleteJSONError:
            if builder.begun:
                raise NotJson(f"the JSON breaks off at line {line}", cut=True) from None
            raise NotJson("not JSON: it is no value" if anything else "empty") from None
        builder.take(events)
    except ijson.JSONError as error:
        raise NotJson(_said(error, line)) from None
    except (ValueError, OverflowError, SystemError) as error:
        # Python refuses lone surrogates in UTF-8, and numbers of more than some 4,300 digits; ijson trips over both
        why = error.__cause__ if isinstance(error, SystemError) else error
        wrong = "not UTF-8 text" if isinstance(why, UnicodeDecodeError) else "a number in it is too long,"
        raise NotJson(f"{wrong} at line {line}") from None
    return builder.found


def _said(error: Exception, line: int) -> str:
    words = str(error.args[0] if error.args else error)
    words = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    first = words.strip().splitlines()[0] if words.strip() else "no value"
    if "integer overflow" in first:
        return f"a number in it is too long, at line {line}"
    if "UTF8" in first or "utf-8" in first.lower():
        return f"not UTF-8 text at line {line}"
    return f"not JSON: {first.removeprefix('lexical error: ').removeprefix('parse error: ')[:120]} at line {line}"


class _Builder:
    """Makes values of a parser's events."""

    def __init__(self, limits: Limits, lists: Mapping[Path, Take], field: Field, quicks: Mapping[Take, Quick]) -> None:
        self.limits = limits
        self.quicks = quicks
        self.lists = lists
        self.field = field
        self.found: Any = None
        self.begun = False
        self._stack: list[Any] = []
        self._keys: list[str] = []
        self._takes: list[Take | None] = []
        """For each open list or object: what takes its items."""
        self._starts: list[int] = []
        """For each: how much was loose when the item began that it is, or is in."""
        self._loose = 0
        self._values = 0

    def whole_item(self, data: bytes) -> bool:
        """Take an item of a list that has a line of its own; False if it is none: it is parsed then as all else is.

        Only between two items. That is how scans are written, and some eight times as fast: the parser, which
        expects a value before and after, does not see it.
        """
        taker = self._takes[-1] if self._takes else None
        if taker is None or _MARK_ESCAPED in data:
            return False
        quick = self.quicks.get(taker)
        value = None if quick is None else quick(data)
        if value is None:
            try:
                words = data.decode("utf-8")
                value, end = _SCAN(words, 0)
            except (ValueError, StopIteration, RecursionError):
                return False
            if end != len(words):
                return False
        values = 2 + data.count(b",")
        items = self._stack[-1]
        kept = taker(len(items), value)
        items.append(value if kept is LOOSE else kept)
        self._loose += values if kept is LOOSE else 0
        self._count(values)
        return True

    def _count(self, values: int) -> None:
        self._values += values
        if self._values > self.limits.values:
            raise NotJson(f"more than {self.limits.values:,} values")
        if self._loose > self.limits.loose:
            raise NotJson(f"more than {self.limits.loose:,} values that belong to no record")

    def take(self, events: list[tuple[str, Any]]) -> None:
        """Go on with some events."""
        stack, takes, starts = self._stack, self._takes, self._starts
        limits = self.limits
        loose = self._loose
        for event, given in events:
            if event == "map_key":
                name = restored(given)
                if len(stack) == 1:
                    self.field(name, stack[0])
                self._keys[-1] = name
                loose += 1 + (len(name) >> 6)
                continue
            if event in {"end_map", "end_array"}:
                done = stack.pop()
                takes.pop()
                self._keys.pop()
                start = starts.pop()
                taker = takes[-1] if takes else None
                if taker is not None and (kept := taker(len(stack[-1]) - 1, done)) is not LOOSE:
                    stack[-1][-1] = kept
                    loose = start
                continue
            start = loose
            loose += 1
            opens = event in {"start_map", "start_array"}
            value: Any = given
            if opens:
                value = {} if event == "start_map" else []
            elif event == "number" and type(given) is not int:
                value = float(given)
            elif event == "string":
                value = restored(given)
                if len(value) > limits.text:
                    raise NotJson(f"a text of more than {limits.text:,} characters")
                loose += len(value) >> 6
            if not stack:
                if event != "start_map":
                    raise NotJson(f"expected an object, got {'a list' if opens else repr(value)[:40]}")
                self.begun, self.found = True, value
            elif type(parent := stack[-1]) is dict:
                parent[self._keys[-1]] = value
            else:
                parent.append(value)
                taker = None if opens else takes[-1]
                if taker is not None and (kept := taker(len(parent) - 1, value)) is not LOOSE:
                    parent[-1] = kept
                    loose = start
            if opens:
                stack.append(value)
                self._keys.append("")
                starts.append(start)
                takes.append(self.lists.get(tuple(self._keys[: len(stack) - 1])) if event == "start_array" else None)
                if len(stack) > limits.nesting:
                    raise NotJson("nested too deeply")
            if loose > limits.loose:
                self._loose = loose
                self._count(0)
        self._loose = loose
        self._count(len(events))


def _refuse(name: str) -> object:
    raise ValueError(name)


_SCAN: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder(parse_constant=_refuse).scan_once  # type: ignore[attr-defined]


# --- bytes ------------------------------------------------------------------------


def _without_mark(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Leave the byte order mark out."""
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= 3:
            break
    yield first.removeprefix(b"\xef\xbb\xbf")
    yield from chunks


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Give lines, long ones in pieces, so that a fault is known by its line."""
    for chunk in chunks:
        yield from chunk.splitlines(keepends=True) if b"\r" not in chunk else re.split(rb"(?<=\n)", chunk)


MARK = "\uffff"
"""Stands before the code of a lone surrogate, or of itself, while a document is parsed: no parser keeps those."""
_MARK_ESCAPED = b"\\uffff"
_ESCAPE = re.compile(
    rb"\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2}|[fF]{4})|\\.|\xef\xbf\xbf",
    re.DOTALL,
)
_UNSURE = re.compile(rb"\\u[dD][89aAbB]|\\u[dD][c-fC-F]|\\u[fF]{4}|\xef\xbf\xbf")
_OPEN = re.compile(rb"(\\+)(u[0-9a-fA-F]{0,3}|u[dD][89aAbB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z")
_MARKED = re.compile(f"{MARK}([0-9a-f]{{4}})")


def _kept_surrogates(chunks: Iterator[bytes]) -> Iterator[bytes]:
    r"""Replace ``\ud800`` where it has no partner by something that a parser keeps; :func:`restored` undoes it."""
    rest = b""
    for chunk in chunks:
        data, rest = rest + chunk, b""
        found = _OPEN.search(data, max(0, len(data) - 32))
        if found and found.start() + 32 <= len(data):  # a long row of backslashes: does it begin there?
            found = _OPEN.search(data)
        if found and len(found[1]) % 2:
            at = found.end(1) - 1
            data, rest = data[:at], data[at:]
        elif data[-2:] == b"\xef\xbf" or data[-1:] == b"\xef":
            at = len(data) - (1 if data[-1:] == b"\xef" else 2)
            data, rest = data[:at], data[at:]
        yield _ESCAPE.sub(_marked, data) if _UNSURE.search(data) else data
    if rest:
        yield _ESCAPE.sub(_marked, rest)


def _marked(found: re.Match[bytes]) -> bytes:
    if found[0] == b"\xef\xbf\xbf":
        return b"\\uffffffff"
    return b"\\uffff" + found[1].lower() if found[1] is not None else found[0]


def restored(value: str) -> str:
    """Return a text as the document had it."""
    return value if MARK not in value else _MARKED.sub(lambda found: chr(int(found[1], 16)), value)
