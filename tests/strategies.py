"""Hypothesis strategies for the records of an Inventory: sound in type, nasty in content.

They are made from the records' type hints, so that no field can be forgotten.
"""

import re
import types
from typing import Any, Literal, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from layerscope.inventory import Blob, Container, HistoryEntry, Image, Inventory

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")

NASTY = [
    "",
    "[bold red]not markup[/]",
    "two\nlines\r\n\ttabbed",
    "\x1b]0;title\x07\x1b[2J\x9b31m",
    "\u202etxt.exe\u2066\u200b\ufeff",
    "\ud800 alone",
    "=cmd|' /C calc'!A0",
    '"quoted", \\ and \\u0041',
    "x" * 300,
    "e\u0301 日本 👍🏽",
]

texts = st.sampled_from(NASTY) | st.text(st.characters(), max_size=20).filter(lambda text: not _PAIR.search(text))
"""Any text but a high surrogate before a low one: those two are one character wherever JSON is read."""

digests = st.integers(0, 30).map(lambda number: f"sha256:{number:064x}") | texts
"""Few, so that images share layers."""

numbers = st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 3)
sizes = st.integers(0, 2**63 - 1) | st.integers(0, 10**10)


def _of(hint: Any, name: str) -> st.SearchStrategy[Any]:
    args = get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return records(hint)
    if get_origin(hint) is Literal:
        return st.sampled_from(args)
    if get_origin(hint) is types.UnionType:
        return st.none() | _of(args[0], name)
    if get_origin(hint) is tuple:
        if args[1:] != (...,):
            return st.tuples(*(_of(arg, "") for arg in args))
        if args[0] in {Image, Container}:
            return st.lists(_of(args[0], name), max_size=4, unique_by=lambda record: record.id).map(tuple)
        if args[0] is Blob:
            return st.lists(_of(Blob, name), max_size=4, unique_by=lambda blob: blob.digest).map(tuple)
        return st.lists(entries if args[0] is HistoryEntry else _of(args[0], name), max_size=3).map(tuple)
    is_size = name == "size" or name.endswith(("_size", "_reclaimable"))
    return {str: digests if name == "diff_ids" else texts, int: sizes if is_size else numbers, bool: st.booleans()}[
        hint
    ]


def records(kind: type) -> st.SearchStrategy[Any]:
    """Records of one kind, every field filled in."""
    hints = get_type_hints(kind)
    filled = {field.name: _of(hints[field.name], field.name) for field in fields(kind) if field.name != "from_file"}
    return st.builds(kind, **filled)


entries = st.deferred(lambda: st.sampled_from(_COMMON) | records(HistoryEntry))
_COMMON = [
    HistoryEntry("RUN true", 0),
    HistoryEntry("ADD . /", 5),
    HistoryEntry("ADD . /", 5, comment="x"),
    HistoryEntry("RUN x", -1),
]

inventories: st.SearchStrategy[Inventory] = records(Inventory)
