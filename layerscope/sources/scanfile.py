"""Saved scans: an Inventory as one JSON document, and back, unchanged.

The document (``"schema": "layerscope.scan/2"``, RFC 8259, ASCII, one record a line)
is an object of the fields of :class:`~layerscope.inventory.Inventory` under
their own names, records as objects, and tables, because images share most
of what they are made of:

* ``layers``: every diff ID once; ``diff_ids`` of an image are places in it;
* ``history``: every distinct history entry once; ``history`` of an image are places in it;
* ``folders``: every cache ID once; ``cache_ids`` of an image or a container are places in it.

Version 1 had no ``folders`` and fewer fields; it is still read.

A field that has its default value is left out. Which fields there are, their
types and their defaults is read off the records themselves, so this module has
no list of them. The same Inventory always gives the same bytes.

Text is kept as it is, lone surrogates included (as ``\\udc80``); only a high
surrogate right before a low one comes back as the one character they mean.
Times are Unix seconds and sizes bytes, as in the records.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import types
import zlib
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, get_args, get_origin, get_type_hints

from layerscope.inventory import Container, HistoryEntry, Image, Inventory
from layerscope.state.files import cause, check_writable, write_whole
from layerscope.text import clean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SCHEMA = "layerscope.scan/2"
_FAMILY, _VERSION = "layerscope.scan/", 2

MAX_BYTES = 1 << 30
"""The largest document that is read, in bytes after unpacking: 1 GiB, some 100 times a host of 5,000 images."""

_GZIP_MAGIC = b"\x1f\x8b"
_TABLES: dict[tuple[type, str], str] = {
    (Image, "diff_ids"): "layers",
    (Image, "history"): "history",
    (Image, "cache_ids"): "folders",
    (Container, "cache_ids"): "folders",
}
"""Fields that are written as places in a table -> the name of the table."""
_INT64 = range(-(2**63), 2**63)


class ScanFileError(Exception):
    """A scan could not be read or written; the text is one line that says what and where."""


class ScanFileNotSaved(ScanFileError):
    """A scan could not be written; what was there before is as it was."""


def dumps(inventory: Inventory) -> bytes:
    """Return the document of ``inventory``: ASCII bytes, the same for the same inventory."""
    tables: dict[str, dict[Any, int]] = {"layers": {}, "history": {}, "folders": {}}
    body = _plain(inventory, tables)
    body.pop("from_file", None)
    body.pop("serial", None)
    images = body.pop("images")
    document: dict[str, Any] = {"schema": SCHEMA} | body
    document["layers"] = list(tables["layers"])
    document["history"] = [_plain(entry, tables) for entry in tables["history"]]
    document["folders"] = list(tables["folders"])
    document["images"] = images
    lines = ",\n".join(f"{_json(key)}:{_lines(value)}" for key, value in document.items())
    return f"{{{lines}}}\n".encode("ascii")


def loads(data: bytes, name: str = "scan") -> Inventory:
    """Return the Inventory in ``data`` (JSON, or gzip of it), marked ``from_file``.

    Raises ScanFileError, its text starting with ``name``, for anything that is not
    a whole, sound scan of a version that is known here.
    """
    try:
        return _Reader(_parsed(_unpacked(data))).inventory()
    except _Invalid as problem:
        raise ScanFileError(f"{clean(name, 200)}: {clean(problem.line, 300)}") from None


def save_inventory(inventory: Inventory, target: str | Path | BinaryIO) -> None:
    """Write ``inventory`` to a file (``-``: standard output), whole or not at all; gzip when the name ends in ``.gz``.

    A file that was there is replaced in one step when the new one is complete and
    on disk; after a failure it is as it was. What is written has been read back
    first, so that no scan is saved that could not be loaded. Raises ScanFileNotSaved;
    BrokenPipeError when the reader of a stream has gone.
    """
    name = _name(target, "standard output")
    data = dumps(inventory)
    try:
        loads(data, name)
    except ScanFileError as error:
        raise ScanFileNotSaved(f"{error}; not saved") from None
    try:
        if name.lower().endswith(".gz"):
            data = gzip.compress(data, mtime=0)
        if target == "-":
            target = _binary(sys.stdout)
        if isinstance(target, str | Path):
            write_whole(Path(target), data)
        else:
            target.write(data)
            target.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise _not_saved(name, error) from None


def check_target(target: str | Path) -> None:
    """Raise ScanFileNotSaved if :func:`save_inventory` is bound to fail on ``target``; writes nothing."""
    if target == "-":
        return
    try:
        check_writable(Path(target))
    except (OSError, ValueError) as error:
        raise _not_saved(str(target), error) from None


def _not_saved(name: str, error: Exception) -> ScanFileNotSaved:
    return ScanFileNotSaved(f"{clean(name, 200)}: not saved: {cause(error)}")


def load_inventory(source: str | Path | BinaryIO) -> Inventory:
    """Read the Inventory from a file (``-``: standard input), gzip or not whatever its name; see :func:`loads`.

    Raises ScanFileError, also for a file that cannot be read.
    """
    name = _name(source, "standard input")
    try:
        if source == "-":
            source = _binary(sys.stdin)
            if source.isatty():
                raise ValueError("it is the keyboard; redirect a scan into it")
        if isinstance(source, str | Path):
            with Path(source).open("rb") as stream:
                data = read_bounded(stream)
        else:
            data = read_bounded(source)
    except (OSError, ValueError) as error:
        raise ScanFileError(f"{clean(name, 200)}: cannot be read: {cause(error)}") from None
    return loads(data, name)


def _binary(stream: Any) -> BinaryIO:
    """Return the bytes under a standard stream, which Python has as None when it was closed at the start."""
    if stream is None:
        raise ValueError("it is closed; redirect it to or from a file")
    buffer: BinaryIO = stream.buffer
    return buffer


def _name(place: str | Path | BinaryIO, stream: str) -> str:
    return str(place) if isinstance(place, str | Path) and place != "-" else stream


# --- writing ------------------------------------------------------------------


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _lines(value: object) -> str:
    """JSON of ``value``; a list has one record a line, so that two scans can be compared with diff."""
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(map(_json, value)) + "]"
    return _json(value)


@lru_cache(maxsize=32)
def _defaults(kind: type[DataclassInstance]) -> tuple[tuple[str, object, str | None], ...]:
    """Per field of a record: name, default, and the table its items go to."""
    return tuple((f.name, f.default, _TABLES.get((kind, f.name))) for f in fields(kind))


def _plain(value: Any, tables: dict[str, dict[Any, int]]) -> Any:
    """Return a record as an object, a tuple as a list, anything else as it is."""
    if isinstance(value, tuple):
        return [_plain(item, tables) for item in value]
    kind: type = type(value)
    if not is_dataclass(kind):
        return value
    plain: dict[str, object] = {}
    for name, default, table_name in _defaults(kind):
        item = getattr(value, name)
        if item == default and default is not MISSING:
            continue
        if table_name is not None and item is not None:
            table = tables[table_name]
            plain[name] = [table.setdefault(each, len(table)) for each in item]
        else:
            plain[name] = _plain(item, tables)
    return plain


# --- reading ------------------------------------------------------------------


class _Invalid(Exception):
    """What is wrong with a document, and where; the place is put together while the error rises."""

    def __init__(self, problem: str, prefix: str = "not a layerscope scan: ") -> None:
        super().__init__(problem)
        self.problem, self.prefix, self.place = problem, prefix, ""

    def at(self, step: str) -> _Invalid:
        """Note that this was found under ``step``: a field, or ``[3]``."""
        dot = "." if self.place and not self.place.startswith("[") else ""
        self.place = f"{step}{dot}{self.place}"
        return self

    @property
    def line(self) -> str:
        """The whole complaint."""
        return f"{self.prefix}{self.place}{': ' if self.place else ''}{self.problem}"


def _unpacked(data: bytes) -> bytes:
    if data.startswith(_GZIP_MAGIC):
        try:
            data = read_bounded(gzip.GzipFile(fileobj=io.BytesIO(data)))
        except EOFError:
            raise _Invalid("cut short: the gzip data ends too early; copy or export it again", "") from None
        except (OSError, zlib.error) as error:
            raise _Invalid(f"damaged gzip data ({error}); copy or export it again", "") from None
    if len(data) > MAX_BYTES:
        raise _Invalid(f"larger than {MAX_BYTES >> 20} MiB")
    return data


def read_bounded(stream: BinaryIO | gzip.GzipFile) -> bytes:
    """Read ``stream`` to its end, but at most one byte more than MAX_BYTES: enough to tell that it is too much."""
    parts: list[bytes] = []
    left = MAX_BYTES + 1
    while left > 0 and (part := stream.read(min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _no_constant(name: str) -> object:
    raise _Invalid(f"not JSON: {name} is no JSON number")


def _parsed(data: bytes) -> object:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Invalid(f"not UTF-8 text (byte {error.start})") from None
    text = text.rstrip()
    if not text:
        raise _Invalid("empty")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        if text.startswith("{") and not text.endswith("}"):
            raise _Invalid(f"cut short: the JSON breaks off at {place}; copy or export it again", "") from None
        raise _Invalid(f"not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise _Invalid("nested too deeply") from None
    except ValueError:  # Python refuses to read a number of more than some 4,300 digits
        raise _Invalid("a number in it is too long") from None


def _shown(value: object) -> str:
    """A JSON value in an error message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"


def _expected(what: str, value: object) -> _Invalid:
    return _Invalid(f"expected {what}, got {_shown(value)}")


Decode = Callable[[Any], Any]
"""Takes a JSON value, returns the record or value it stands for, or raises _Invalid."""


class _Reader:
    """Builds an Inventory from a parsed document, with decoders made from the records' type hints."""

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict):
            raise _expected("an object", document)
        self._version = _version(document.pop("schema", None))
        self._document = document
        self._words: dict[str, str] = {}
        self._records: dict[type, Decode] = {}
        self._tables: dict[str, tuple[Any, ...]] = {}

    def inventory(self) -> Inventory:
        """Return the Inventory, or raise _Invalid."""
        self._table("layers", str)
        self._table("history", HistoryEntry)
        if self._version == 1:
            self._document.setdefault("folders", [])
        self._table("folders", str)
        found: Inventory = self._record(Inventory)(self._document | {"from_file": True})
        _check_distinct("images", [image.id for image in found.images])
        _check_distinct("containers", [container.id for container in found.containers])
        if found.content is not None:
            _check_distinct("content.blobs", [blob.digest for blob in found.content.blobs or ()], "digest")
        return found

    def _table(self, name: str, kind: type) -> None:
        if name not in self._document:
            raise _Invalid(f'no "{name}" in it')
        try:
            self._tables[name] = self._decoder(tuple[kind, ...])(self._document.pop(name))  # type: ignore[valid-type]
        except _Invalid as error:
            raise error.at(name) from None

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
            if (kind, field.name) in _TABLES:
                decoder = _or_none(_items(_place(self._tables[_TABLES[kind, field.name]])))
            elif field.name == "size" or field.name.endswith("_size"):
                decoder = _not_negative(decoder)
            decoders[field.name] = decoder
        required = tuple(f.name for f in fields(kind) if f.default is MISSING)

        def decode(value: Any) -> Any:
            if type(value) is not dict:
                raise _expected("an object", value)
            found = {}
            for name, item in value.items():
                if name not in decoders:
                    raise _Invalid(f"unknown field {_shown(name)}")
                try:
                    found[name] = decoders[name](item)
                except _Invalid as error:
                    raise error.at(name) from None
            for name in required:
                if name not in found:
                    raise _Invalid(f'no "{name}" in it')
            return kind(**found)

        self._records[kind] = decode
        return decode

    def _word(self, value: Any) -> str:
        if type(value) is not str:
            raise _expected("text", value)
        return self._words.setdefault(value, value)  # equal text is kept once


def _version(schema: object) -> int:
    """Return the version of the format; raise _Invalid for one that is not known here."""
    if not isinstance(schema, str) or not schema.startswith("layerscope."):
        raise _Invalid('no "schema" of layerscope in it')
    if found := re.fullmatch(re.escape(_FAMILY) + r"([1-9][0-9]{0,8})", schema):
        if int(found[1]) <= _VERSION:
            return int(found[1])
        raise _Invalid(f"made by a newer layerscope ({schema}); update layerscope to read it", "")
    raise _Invalid(f"its schema is {_shown(schema)}, not {SCHEMA}; make a scan with: layerscope export")


def _check_distinct(name: str, ids: list[str], field: str = "id") -> None:
    first: dict[str, int] = {}
    for index, one in enumerate(ids):
        if (same := first.setdefault(one, index)) != index:
            raise _Invalid(f"the same as that of {name}[{same}]").at(f"{name}[{index}].{field}")


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
        except _Invalid:
            pass
        for index, item in enumerate(value):  # once more, to say which
            try:
                decoder(item)
            except _Invalid as error:
                raise error.at(f"[{index}]") from None
        raise AssertionError("a decoder changed its mind")

    return decode


def _fixed(decoders: tuple[Decode, ...]) -> Decode:
    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) != len(decoders):
            raise _expected(f"a list of {len(decoders)}", value)
        return tuple(decoder(item) for decoder, item in zip(decoders, value, strict=True))

    return decode


def _place(table: tuple[Any, ...]) -> Decode:
    def decode(value: Any) -> Any:
        if type(value) is not int or not 0 <= value < len(table):
            raise _expected(f"a place in a table of {len(table)}", value)
        return table[value]

    return decode
