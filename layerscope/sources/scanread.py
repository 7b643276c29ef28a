"""Reading a saved scan: a stream of JSON becomes records one by one, within limits.

Limits are in :data:`LIMITS` and :data:`MOST`: a host of 40,000 images with 25 layers each is well inside. What is
refused was held in part only: besides the records that were sound until then, and at most :data:`LIMITS` ``.loose``
values, nothing is kept.
"""

from __future__ import annotations

import gc
import gzip
import json
import re
import types
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, BinaryIO, Literal, get_args, get_origin, get_type_hints

from layerscope.inventory import Container, ContentStore, DiskUsage, HistoryEntry, Image, Inventory
from layerscope.sources.jsonstream import CHUNK, LOOSE, Limits, NotJson, Path, Take, read_json

SCHEMA = "layerscope.scan/2"
_FAMILY, _VERSION = "layerscope.scan/", 2

LIMITS = Limits(bytes=1 << 29, nesting=32, text=1 << 20, values=40_000_000, loose=1_000_000)
"""Of a document."""
SHARDS = 256
MOST = {"layers": 1_500_000, "folders": 1_500_000, "history": 1_500_000, "images": 80_000, "containers": 200_000}
"""Records of a list; of others :data:`OTHERS`."""
OTHERS = 500_000
"""Build cache records, blobs, manifests."""
FEW = 200_000
"""New objects up to which Python's collector may walk them later: it takes about 0.02 s. More are frozen."""

TABLES: dict[tuple[type, str], str] = {
    (Image, "diff_ids"): "layers",
    (Image, "history"): "history",
    (Image, "cache_ids"): "folders",
    (Container, "cache_ids"): "folders",
}
"""Fields that are written as places in a table -> the name of the table."""
_INT64 = range(-(2**63), 2**63)
_GZIP_MAGIC = b"\x1f\x8b"


class Invalid(Exception):
    """What is wrong with a document, and where; the place is put together while the error rises."""

    def __init__(self, problem: str, prefix: str = "not a layerscope scan: ") -> None:
        super().__init__(problem)
        self.problem, self.prefix, self.place = problem, prefix, ""

    def at(self, step: str) -> Invalid:
        """Note that this was found under ``step``: a field, or ``[3]``."""
        dot = "." if self.place and not self.place.startswith("[") else ""
        self.place = f"{step}{dot}{self.place}"
        return self

    @property
    def line(self) -> str:
        """The whole complaint."""
        return f"{self.prefix}{self.place}{': ' if self.place else ''}{self.problem}"


def read(stream: BinaryIO) -> Inventory:
    """Return the inventory in ``stream``, JSON or gzip of it. Raises Invalid, and OSError if it cannot be read."""
    reader = _Reader()
    with _no_collector():
        try:
            document = read_json(_chunks(stream), LIMITS, reader.lists, reader.field)
        except NotJson as error:
            if error.cut:
                raise Invalid(f"cut short: {error}; copy or export it again", "") from None
            raise Invalid(str(error)) from None
        found = reader.inventory(document)
        reader.let_go()
        return found


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep Python's collector away: it would stop every thread to walk all that was read, for up to a second."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
        if gc.get_count()[0] > FEW:
            gc.freeze()  # records have no cycles: there is nothing to be found among them later either
    finally:
        if was:
            gc.enable()


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Give what is in ``stream``, unpacked, and no more than a byte too much."""
    first = stream.read(CHUNK)
    while len(first) < len(_GZIP_MAGIC) and (more := stream.read(CHUNK)):  # a slow pipe
        first += more
    if not first.startswith(_GZIP_MAGIC):
        while first:
            yield first
            first = stream.read(CHUNK)
        return
    packed = gzip.GzipFile(fileobj=_Again(first, stream))  # type: ignore[call-overload]
    try:
        left = LIMITS.bytes + 1
        while left > 0 and (piece := packed.read(min(left, CHUNK))):
            left -= len(piece)
            yield piece
    except EOFError:
        raise Invalid("cut short: the gzip data ends too early; copy or export it again", "") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Invalid(f"damaged gzip data ({error}); copy or export it again", "") from None


class _Again:
    """A stream of which the beginning was read already."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first, self._stream = first, stream

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes."""
        if self._first:
            part, self._first = self._first[:size], self._first[size:]
            return part
        return self._stream.read(size)


def _shown(value: object) -> str:
    """A JSON value in an error message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _expected(what: str, value: object) -> Invalid:
    return Invalid(f"expected {what}, got {_shown(value)}")


Decode = Callable[[Any], Any]
"""Takes a JSON value, returns the record or value it stands for, or raises Invalid."""


class _Reader:
    """Builds an Inventory from a document, with decoders made from the records' type hints."""

    def __init__(self) -> None:
        self._words: list[dict[str, str]] = [{} for _ in range(SHARDS)]
        """Texts by their hash: one dict of a million holds every other thread for 0.1 s when it grows, or goes."""
        self._records: dict[type, Decode] = {}
        self._tables: dict[str, list[Any]] = {"layers": [], "history": [], "folders": []}
        self._fields: set[str] = set()
        self._before = ""
        """The field that was read last; the table that it is, is complete when another one begins."""
        self._tables_are_read = False
        self.lists: dict[Path, Take] = {
            ("layers",): self._in_table("layers", self._word),
            ("history",): self._in_table("history", self._record(HistoryEntry)),
            ("folders",): self._in_table("folders", self._word),
        }
        """What is taken item by item."""
        for kind, path in ((Inventory, ()), (DiskUsage, ("usage",)), (ContentStore, ("content",))):
            for name, hint in get_type_hints(kind).items():
                for one in (hint, *get_args(hint)):
                    if get_origin(one) is tuple and get_args(one)[1:] == (...,):
                        self.lists[*path, name] = self._item((*path, name), self._decoder(get_args(one)[0]))

    def let_go(self) -> None:
        """Give back what was needed for reading, in parts: other threads get their turn between them."""
        while self._words:
            self._words.pop()
        for table in self._tables.values():
            while table:
                del table[-10_000:]

    def field(self, name: str, document: dict[str, Any]) -> None:
        """Hear that a field of the document begins; of a newer version the rest is not looked at."""
        if self._fields == {"schema"}:
            _version(document["schema"])
        if self._before in self._tables and type(document[self._before]) is not list:
            raise _expected("a list", document[self._before]).at(self._before)
        if name in self._fields:
            raise Invalid("it is there twice").at(_shown(name))
        self._tables_are_read = self._tables.keys() <= self._fields
        self._fields.add(name)
        self._before = name

    def _item(self, path: Path, decode: Decode) -> Take:
        name, most = ".".join(path), MOST.get(path[-1], OTHERS)
        needs_tables = name in {"images", "containers"}

        def take(index: int, value: Any) -> Any:
            if index >= most:
                raise Invalid(f"more than {most:,} {name}")
            if needs_tables and not self._tables_are_read:
                return LOOSE
            try:
                return decode(value)
            except Invalid as error:
                raise error.at(f"{name}[{index}]") from None

        return take

    def _in_table(self, name: str, decode: Decode) -> Take:
        table, most = self._tables[name], MOST[name]

        def take(index: int, value: Any) -> None:
            if index >= most:
                raise Invalid(f"more than {most:,} {name}")
            try:
                table.append(decode(value))
            except Invalid as error:
                raise error.at(f"{name}[{index}]") from None

        return take

    def inventory(self, document: dict[str, Any]) -> Inventory:
        """Return the Inventory, or raise Invalid."""
        version = _version(document.pop("schema", None))
        if version == 1:
            document.setdefault("folders", [])
        for name in self._tables:
            if name not in document:
                raise Invalid(f'no "{name}" in it')
            if type(table := document.pop(name)) is not list:
                raise _expected("a list", table).at(name)
        found: Inventory = self._record(Inventory)(document | {"from_file": True})
        _check_distinct("images", [image.id for image in found.images])
        _check_distinct("containers", [container.id for container in found.containers])
        if found.content is not None:
            _check_distinct("content.blobs", [blob.digest for blob in found.content.blobs or ()], "digest")
        return found

    def _decoder(self, hint: Any) -> Decode:
        """Return the decoder of a type hint, as they stand in :mod:`layerscope.inventory`."""
        if isinstance(hint, type) and is_dataclass(hint):
            return self._record(hint)
        origin, args = get_origin(hint), get_args(hint)
        if origin is Literal:
            return _one_of(args)
        if origin is tuple:
            if args[1:] == (...,):
                return _items(self._decoder(args[0]))
            return _fixed(tuple(map(self._decoder, args)))
        if origin is types.UnionType and args[1:] == (types.NoneType,):
            return _or_none(self._decoder(args[0]))
        return {str: self._word, int: _whole, bool: _flag}[hint]

    def _record(self, kind: type) -> Decode:
        if kind in self._records:
            return self._records[kind]
        hints = get_type_hints(kind)
        decoders: dict[str, Decode] = {}
        for field in fields(kind):
            decoder = self._decoder(hints[field.name])
            if (kind, field.name) in TABLES:
                decoder = _or_none(_items(_place(self._tables[TABLES[kind, field.name]])))
            elif field.name == "size" or field.name.endswith(("_size", "_reclaimable")):
                decoder = _not_negative(decoder)
            decoders[field.name] = decoder
        required = tuple(f.name for f in fields(kind) if f.default is MISSING)

        def decode(value: Any) -> Any:
            if type(value) is kind:  # taken already
                return value
            if type(value) is not dict:
                raise _expected("an object", value)
            found = {}
            for name, item in value.items():
                if name not in decoders:
                    raise Invalid(f"unknown field {_shown(name)}")
                try:
                    found[name] = decoders[name](item)
                except Invalid as error:
                    raise error.at(name) from None
            for name in required:
                if name not in found:
                    raise Invalid(f'no "{name}" in it')
            return kind(**found)

        self._records[kind] = decode
        return decode

    def _word(self, value: Any) -> str:
        if type(value) is not str:
            raise _expected("text", value)
        return self._words[hash(value) % SHARDS].setdefault(value, value)  # equal text is kept once


def _version(schema: object) -> int:
    """Return the version of the format; raise Invalid for one that is not known here."""
    if not isinstance(schema, str) or not schema.startswith("layerscope."):
        raise Invalid('no "schema" of layerscope in it')
    if found := re.fullmatch(re.escape(_FAMILY) + r"([1-9][0-9]{0,8})", schema):
        if int(found[1]) <= _VERSION:
            return int(found[1])
        raise Invalid(f"made by a newer layerscope ({schema}); update layerscope to read it", "")
    raise Invalid(f"its schema is {_shown(schema)}, not {SCHEMA}; make a scan with: layerscope export")


def _check_distinct(name: str, ids: list[str], field: str = "id") -> None:
    first: dict[str, int] = {}
    for index, one in enumerate(ids):
        if (same := first.setdefault(one, index)) != index:
            raise Invalid(f"the same as that of {name}[{same}]").at(f"{name}[{index}].{field}")


def _whole(value: Any) -> int:
    if type(value) is not int or value not in _INT64:
        raise _expected("a whole number", value)
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _expected("true or false", value)
    return value


def _one_of(words: tuple[Any, ...]) -> Decode:
    def decode(value: Any) -> Any:
        if type(value) is not str or value not in words:
            raise _expected(" or ".join(words), value)
        return words[words.index(value)]

    return decode


def _or_none(decoder: Decode) -> Decode:
    return lambda value: None if value is None else decoder(value)


def _not_negative(decoder: Decode) -> Decode:
    def decode(value: Any) -> Any:
        if (number := decoder(value)) is not None and number < 0:
            raise _expected("a number of bytes", value)
        return number

    return decode


def _items(decoder: Decode) -> Decode:
    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _expected("a list", value)
        try:
            return tuple(map(decoder, value))
        except Invalid:
            pass
        for index, item in enumerate(value):  # once more, to say which
            try:
                decoder(item)
            except Invalid as error:
                raise error.at(f"[{index}]") from None
        raise AssertionError("a decoder changed its mind")

    return decode


def _fixed(decoders: tuple[Decode, ...]) -> Decode:
    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is tuple:  # taken already
            return value
        if type(value) is not list or len(value) != len(decoders):
            raise _expected(f"a list of {len(decoders)}", value)
        return tuple(decoder(item) for decoder, item in zip(decoders, value, strict=True))

    return decode


def _place(table: list[Any]) -> Decode:
    def decode(value: Any) -> Any:
        if type(value) is not int or not 0 <= value < len(table):
            raise _expected(f"a place in a table of {len(table)}", value)
        return table[value]

    return decode
