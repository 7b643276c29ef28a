"""Reading a saved scan: a stream of JSON becomes records one by one, within limits.

Limits are in :data:`LIMITS` and :data:`MOST`: a host of 40,000 images with 25 layers each is well inside. A document of
more than :data:`SMALL` bytes is read twice: the first time nothing of it is kept, so that what is refused at its very
end has taken little memory.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, get_args, get_origin

from msgspec import NODEFAULT, Struct

from layerscope.collector import no_collector
from layerscope.inventory import Container, ContentStore, DiskUsage, HistoryEntry, Image, Inventory
from layerscope.sources.jsonstream import LOOSE, Limits, NotJson, Path, Quick, Take, read_json
from layerscope.sources.scanbytes import Damaged, again_and_again, unpacked
from layerscope.sources.scanfields import (
    SHARDS,
    Decode,
    Ids,
    Invalid,
    at_least,
    expected,
    fixed,
    flag,
    items,
    one_of,
    or_none,
    place,
    shown,
    told,
    whole,
)
from layerscope.sources.scanquick import NO_LESS, Rules, quick

SCHEMA = "layerscope.scan/2"
_FAMILY, _VERSION = "layerscope.scan/", 2

LIMITS = Limits(bytes=3 << 28, nesting=32, text=1 << 20, values=40_000_000, loose=1_000_000)
"""Of a document."""
MOST = {"layers": 1_500_000, "folders": 1_500_000, "history": 1_500_000, "images": 80_000, "containers": 200_000}
"""Records of a list; of others :data:`OTHERS`."""
OTHERS = 1_500_000
"""Blobs, records of the build cache, manifests: 25 for each of 40,000 images, and half as many again."""
SMALL = 32 << 20
"""Bytes of a document, unpacked, up to which it is read only once: what it holds takes 200 MB at the most."""
WORDS = 1024
"""Texts of one shard that are remembered, to keep equal ones once."""

TABLES: dict[tuple[type, str], str] = {
    (Image, "diff_ids"): "layers",
    (Image, "history"): "history",
    (Image, "cache_ids"): "folders",
    (Container, "cache_ids"): "folders",
}
"""Fields that are written as places in a table -> the name of the table."""
DISTINCT = {"images": "id", "containers": "id", "content.blobs": "digest"}
"""Lists no two records of which have the same value of a field."""


def least(kind: type, name: str) -> int:
    """Return the lowest number that a field of a record may have."""
    if (kind, name) == (HistoryEntry, "size"):
        return -1  # the engine gave none
    return 0 if name == "size" or name.endswith(("_size", "_reclaimable")) else NO_LESS


class _Large(Exception):
    """The document is too large to be kept before it is known to be sound."""


def read(stream: BinaryIO) -> Inventory:
    """Return the inventory in ``stream``, JSON or gzip of it. Raises Invalid, and OSError if it cannot be read."""
    with no_collector(), again_and_again(stream) as again:
        try:
            return _read(again(), _Reader(), small=True)
        except _Large:
            pass
        _read(again(), _Reader(keeps=False))
        return _read(again(), _Reader())


def check(stream: BinaryIO) -> None:
    """Raise what :func:`read` would raise; nothing is kept."""
    with no_collector():
        _read(stream, _Reader(keeps=False))


class RecordReader:
    """Makes records of a document's objects, without what they have in its tables. Raises Invalid."""

    def __init__(self) -> None:
        self._reader = _Reader()

    def record(self, kind: type, value: dict[str, Any]) -> Any:
        """Return the record of ``kind`` in ``value``."""
        elsewhere = [name for name in value if (kind, name) in TABLES]
        return self._reader._record(kind)({name: value[name] for name in value if name not in elsewhere})


def _read(stream: BinaryIO, reader: _Reader, small: bool = False) -> Inventory:
    pieces = unpacked(stream, LIMITS.bytes)
    try:
        return reader.inventory(
            read_json(_small(pieces) if small else pieces, LIMITS, reader.lists, reader.field, reader.quicks)
        )
    except Damaged as error:
        raise Invalid(f"{error}; copy or export it again", "") from None
    except NotJson as error:
        if error.cut:
            raise Invalid(f"cut short: {error}; copy or export it again", "") from None
        raise Invalid(str(error)) from None
    finally:
        reader.let_go()


def _small(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Give ``pieces``; raise _Large when they are more than :data:`SMALL` bytes."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > SMALL:
            raise _Large
        yield piece


class _Reader:
    """Builds an Inventory from a document, with decoders made from the records' type hints."""

    def __init__(self, *, keeps: bool = True) -> None:
        """With ``keeps`` false the inventory has nothing but IDs: what was read was checked, and let go."""
        self._keeps = keeps
        self._words: list[dict[str, str]] = [{} for _ in range(SHARDS)]
        """Texts by their hash."""
        self._lists: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._ids = {name: Ids(name, field) for name, field in DISTINCT.items()}
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
        self.quicks: dict[Take, Quick] = {self.lists["history",]: self._quick(HistoryEntry)}
        """And how, where an item is written as it is here."""
        for kind, path in ((Inventory, ()), (DiskUsage, ("usage",)), (ContentStore, ("content",))):
            for name, hint, _ in told(kind):
                for one in (hint, *get_args(hint)):
                    if get_origin(one) is tuple and get_args(one)[1:] == (...,):
                        item = get_args(one)[0]
                        take = self.lists[*path, name] = self._item((*path, name), self._decoder(item))
                        if isinstance(item, type) and issubclass(item, Struct):
                            self.quicks[take] = self._quick(item)

    def let_go(self) -> None:
        """Give back what was needed for reading, in parts: other threads get their turn between them.

        A reader refers to itself, and the collector that would find that is away.
        """
        while self._words:
            self._words.pop()
        for table in self._tables.values():
            while table:
                del table[-10_000:]

    def field(self, name: str, document: dict[str, Any]) -> None:
        """Hear that a field of the document begins; of a newer version the rest is not looked at."""
        if self._fields == {"schema"}:
            known_version(document["schema"])
        if self._before in self._tables and type(document[self._before]) is not list:
            raise expected("a list", document[self._before]).at(self._before)
        if name in self._fields:
            raise Invalid("it is there twice").at(shown(name))
        self._tables_are_read = self._tables.keys() <= self._fields
        self._fields.add(name)
        self._before = name

    def _item(self, path: Path, decode: Decode) -> Take:
        name, most = ".".join(path), MOST.get(path[-1], OTHERS)
        needs_tables = name in {"images", "containers"}
        ids = self._ids.get(name)
        first: dict[str, Any] = {}
        """The first record, which stands for all where none is kept."""

        def take(index: int, value: Any) -> Any:
            if index >= most:
                raise Invalid(f"more than {most:,} {name}")
            if needs_tables and not self._tables_are_read:
                return LOOSE
            try:
                record = decode(value)
            except Invalid as error:
                raise error.at(f"{name}[{index}]") from None
            if ids is not None:
                ids.add(record)
            return record if self._keeps else first.setdefault(name, record)

        return take

    def _in_table(self, name: str, decode: Decode) -> Take:
        table, most = self._tables[name], MOST[name]

        def take(index: int, value: Any) -> None:
            if index >= most:
                raise Invalid(f"more than {most:,} {name}")
            try:
                item = decode(value)
                table.append(item if self._keeps else None)
            except Invalid as error:
                raise error.at(f"{name}[{index}]") from None

        return take

    def inventory(self, document: dict[str, Any]) -> Inventory:
        """Return the Inventory, or raise Invalid."""
        version = known_version(document.pop("schema", None))
        if version == 1:
            document.setdefault("folders", [])
        for name in self._tables:
            if name not in document:
                raise Invalid(f'no "{name}" in it')
            if type(table := document.pop(name)) is not list:
                raise expected("a list", table).at(name)
        found: Inventory = self._record(Inventory)(document | {"from_file": True, "only_first": False})
        blobs = found.content.blobs or () if found.content is not None else ()
        for ids, records in zip(self._ids.values(), (found.images, found.containers, blobs), strict=True):
            ids.check(records)
        return found

    def _decoder(self, hint: Any) -> Decode:
        """Return the decoder of a type hint, as they stand in :mod:`layerscope.inventory`."""
        if isinstance(hint, type) and issubclass(hint, Struct):
            return self._record(hint)
        origin, args = get_origin(hint), get_args(hint)
        if origin is Literal:
            return one_of(args)
        if origin is tuple:
            if args[1:] == (...,):
                return items(self._decoder(args[0]))
            return fixed(tuple(map(self._decoder, args)))
        if origin is types.UnionType and args[1:] == (types.NoneType,):
            return or_none(self._decoder(args[0]))
        return {str: self._word, int: whole, bool: flag}[hint]

    def _record(self, kind: type) -> Decode:
        if kind in self._records:
            return self._records[kind]
        decoders: dict[str, Decode] = {}
        for name, hint, _ in told(kind):
            decoder = self._decoder(hint)
            if (kind, name) in TABLES:
                decoder = or_none(items(place(self._tables[TABLES[kind, name]])))
            elif hint in {int, int | None}:
                decoder = at_least(least(kind, name), decoder)
            decoders[name] = decoder
        required = tuple(field.name for field in told(kind) if field.default is NODEFAULT)

        def decode(value: Any) -> Any:
            if type(value) is kind:  # taken already
                return value
            if type(value) is not dict:
                raise expected("an object", value)
            found = {}
            for name, item in value.items():
                if name not in decoders:
                    raise Invalid(f"unknown field {shown(name)}")
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

    def _quick(self, kind: type[Struct]) -> Quick:
        """Return what takes records of ``kind`` as they are written here."""

        def finish(name: str, hint: Any) -> Callable[[Any], Any] | None:
            if (kind, name) in TABLES:
                item = self._tables[TABLES[kind, name]].__getitem__
                return lambda places: None if places is None else tuple(map(item, places))
            if hint is str and name not in DISTINCT.values():
                return self._word
            return self._kept if get_origin(hint) is tuple else None

        return quick(kind, Rules({name for one, name in TABLES if one is kind}, least, finish))

    def _kept(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(self._lists) >= WORDS:
            self._lists.clear()
        return self._lists.setdefault(values, values)  # labels of one base are kept once, mostly

    def _word(self, value: Any) -> str:
        if type(value) is not str:
            raise expected("text", value)
        words = self._words[hash(value) % SHARDS]
        if len(words) >= WORDS:  # it would take as much memory as the records, and 0.1 s to grow
            words.clear()
        return words.setdefault(value, value)  # equal text is kept once, mostly


def known_version(schema: object) -> int:
    """Return the version of the format; raise Invalid for one that is not known here."""
    if not isinstance(schema, str) or not schema.startswith("layerscope."):
        raise Invalid('no "schema" of layerscope in it')
    if found := re.fullmatch(re.escape(_FAMILY) + r"([1-9][0-9]{0,8})", schema):
        if int(found[1]) <= _VERSION:
            return int(found[1])
        raise Invalid(f"made by a newer layerscope ({schema}); update layerscope to read it", "")
    raise Invalid(f"its schema is {shown(schema)}, not {SCHEMA}; make a scan with: layerscope export")
