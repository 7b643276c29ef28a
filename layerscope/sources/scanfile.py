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
import os
import stat
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import NODEFAULT, Struct

from layerscope.inventory import Inventory
from layerscope.sources.scanfields import Invalid, told
from layerscope.sources.scanread import SCHEMA, TABLES, check, read
from layerscope.state.files import cause, check_writable, write_whole
from layerscope.text import clean


class ScanFileError(Exception):
    """A scan could not be read or written; the text is one line that says what and where."""


class ScanFileNotSaved(ScanFileError):
    """A scan could not be written; what was there before is as it was."""


def dumps(inventory: Inventory) -> bytes:
    """Return the document of ``inventory``: ASCII bytes, the same for the same inventory."""
    tables: dict[str, dict[Any, int]] = {"layers": {}, "history": {}, "folders": {}}
    body = _plain(inventory, tables)
    body.pop("from_file", None)
    body.pop("sample", None)
    body.pop("clock_ahead", None)
    body.pop("serial", None)
    body.pop("only_first", None)
    images, containers = body.pop("images"), body.pop("containers", [])
    document: dict[str, Any] = {"schema": SCHEMA} | body
    document["layers"] = list(tables["layers"])
    document["history"] = [_plain(entry, tables) for entry in tables["history"]]
    document["folders"] = list(tables["folders"])
    document["images"] = images  # after the tables, so that each can be read as it comes
    if containers:
        document["containers"] = containers
    lines = ",\n".join(f"{_json(key)}:{_lines(value)}" for key, value in document.items())
    return f"{{{lines}}}\n".encode("ascii")


def loads(data: bytes, name: str = "scan") -> Inventory:
    """Return the Inventory in ``data`` (JSON, or gzip of it), marked ``from_file``.

    Raises ScanFileError, its text starting with ``name``, for anything that is not
    a whole, sound scan of a version that is known here.
    """
    return _read(io.BytesIO(data), name)


def _read(stream: BinaryIO, name: str) -> Inventory:
    try:
        return read(stream)
    except Invalid as problem:
        raise ScanFileError(_complaint(name, problem)) from None


def _complaint(name: str, problem: Invalid) -> str:
    return f"{clean(name, 200)}: {clean(problem.line, 300)}"


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
        check(io.BytesIO(data))
    except Invalid as problem:
        raise ScanFileNotSaved(f"{_complaint(name, problem)}; not saved") from None
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
                return _read(_checked(stream), name)
        return _read(source, name)
    except (OSError, ValueError) as error:
        raise ScanFileError(f"{clean(name, 200)}: cannot be read: {cause(error)}") from None


def _checked(stream: BinaryIO) -> BinaryIO:
    """Return ``stream`` if it is a regular file or a pipe: devices have no end. Raises ValueError."""
    mode = os.fstat(stream.fileno()).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ValueError("neither a regular file nor a pipe")
    return stream


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
def _defaults(kind: type[Struct]) -> tuple[tuple[str, object, str | None], ...]:
    """Per field of a record: name, default, and the table its items go to."""
    return tuple((f.name, f.default, TABLES.get((kind, f.name))) for f in told(kind))


def _plain(value: Any, tables: dict[str, dict[Any, int]]) -> Any:
    """Return a record as an object, a tuple as a list, anything else as it is."""
    if isinstance(value, tuple):
        return [_plain(item, tables) for item in value]
    kind: type = type(value)
    if not issubclass(kind, Struct):
        return value
    plain: dict[str, object] = {}
    for name, default, table_name in _defaults(kind):
        item = getattr(value, name)
        if item == default and default is not NODEFAULT:
            continue
        if table_name is not None and item is not None:
            table = tables[table_name]
            plain[name] = [table.setdefault(each, len(table)) for each in item]
        else:
            plain[name] = _plain(item, tables)
    return plain
