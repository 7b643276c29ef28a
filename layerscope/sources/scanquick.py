"""Records of a saved scan, each out of its line of JSON in one go: ten times as fast as value by value.

It takes what is written as :mod:`layerscope.sources.scanfile` writes it and keeps to the types of the records. Of
anything else it says nothing: :mod:`layerscope.sources.scanread` looks at it value by value, and tells what is wrong.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta, Struct
from msgspec.structs import astuple

from layerscope.sources.jsonstream import Quick
from layerscope.sources.scanfields import or_none, told

Convert = Callable[[Any], Any]

NO_LESS, _NO_MORE = -(2**63), 2**63 - 1


class Rules(NamedTuple):
    """What is not said by the types of a record's fields."""

    places: Collection[str]
    """Fields that are written as lists of places in a table."""
    least: Callable[[type[Struct], str], int]
    """The lowest number that a field of a record may have."""
    finish: Callable[[str, Any], Convert | None]
    """By name and type of a field what makes its value of the texts, numbers and places that were read.

    It raises IndexError for a place that is none.
    """


def quick(kind: type[Struct], rules: Rules) -> Quick:
    """Return what makes records of ``kind``."""
    made: list[tuple[Convert, Convert]] = []

    def take(data: bytes) -> Any:
        if not made:  # only where there is such a record
            read, convert = _read(kind, rules)
            made.append((convert, msgspec.json.Decoder(read).decode))
        ((convert, decode),) = made
        try:
            return convert(decode(data))
        except (ValueError, IndexError, RecursionError):
            return None

    return take


def _read(kind: type[Struct], rules: Rules) -> tuple[type[Struct], Convert]:
    """Return a record as the JSON has it, and what makes one of ``kind`` of it."""
    read: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    steps: list[tuple[int, Convert]] = []
    for at, (name, given, default) in enumerate(told(kind)):
        hint, step = _PLACES if name in rules.places else _hint(given, rules.least(kind, name), rules)
        step = step or rules.finish(name, given)
        if step is not None:
            steps.append((at, step))
        read.append((name, hint) if default is NODEFAULT else (name, hint, default))
    # A field that is new to this version is told of, not passed over.
    made = msgspec.defstruct(kind.__name__, read, forbid_unknown_fields=True, gc=False)

    def convert(raw: Any) -> Any:
        values = list(astuple(raw))
        for at, step in steps:
            values[at] = step(values[at])
        return kind(*values)

    return made, convert


_PLACES: tuple[Any, None] = list[Annotated[int, Meta(ge=0)]] | None, None


def _hint(hint: Any, least: int, rules: Rules) -> tuple[Any, Convert | None]:
    """Return a type as it is read, and what makes a value of ``hint`` of it; None: it is one already."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return _read(hint, rules)
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple:
        if args[1:] != (...,):
            return tuple[*(_hint(arg, least, rules)[0] for arg in args)], None  # type: ignore[misc]
        read, step = _hint(args[0], least, rules)
        return tuple[read, ...], step and _each(step)  # type: ignore[valid-type]
    elif origin is types.UnionType:
        read, step = _hint(args[0], least, rules)
        return read | None, step and or_none(step)
    return (Annotated[int, Meta(ge=least, le=_NO_MORE)] if hint is int else hint), None


def _each(step: Convert) -> Convert:
    return lambda values: tuple(map(step, values))
