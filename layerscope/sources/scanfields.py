"""What the values of a saved scan must be: each decoder takes a JSON value and returns what it stands for."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, get_type_hints

from msgspec import NODEFAULT, Struct

SHARDS = 256
"""Parts of what is looked up by its hash: other threads get their turn between them."""
_INT64 = range(-(2**63), 2**63)


class Told(NamedTuple):
    """What a record's class says of one of its fields."""

    name: str
    hint: Any
    """Its type."""
    default: Any
    """NODEFAULT where it has none."""


@lru_cache(maxsize=32)
def told(kind: type[Struct]) -> tuple[Told, ...]:
    """Return the fields of a kind of record, in order."""
    names, defaults, hints = kind.__struct_fields__, kind.__struct_defaults__, get_type_hints(kind)
    defaults = (NODEFAULT,) * (len(names) - len(defaults)) + defaults
    return tuple(Told(name, hints[name], default) for name, default in zip(names, defaults, strict=True))


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


def shown(value: object) -> str:
    """A JSON value in an error message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:39] + "…"


def expected(what: str, value: object) -> Invalid:
    """Return the complaint that ``value`` is not ``what``."""
    return Invalid(f"expected {what}, got {shown(value)}")


Decode = Callable[[Any], Any]
"""Takes a JSON value, returns the record or value it stands for, or raises Invalid."""


class Ids:
    """The IDs of a list's records, as eight bytes each: a dict of a million texts takes 100 MB, and 0.1 s to grow."""

    def __init__(self, name: str, field: str) -> None:
        self._name, self._field = name, field
        self._hashes = [array("q") for _ in range(SHARDS)]

    def add(self, record: Any) -> None:
        """Take the next record."""
        number = hash(getattr(record, self._field))
        self._hashes[number % SHARDS].append(number)

    def check(self, records: Sequence[Any]) -> None:
        """Raise Invalid if two have the same; ``records`` are those of the list, or the first one for each."""
        if not any(self._hashes):  # taken late, all at once
            for record in records:
                self.add(record)
        for hashes in self._hashes:
            if len(seen := set(hashes)) == len(hashes):
                continue
            for number in hashes:
                if number not in seen:
                    self._refuse(number, records)
                seen.discard(number)

    def _refuse(self, number: int, records: Sequence[Any]) -> None:
        if records[0] is records[-1]:
            raise Invalid(f"two have the same {self._field}").at(self._name)
        first: dict[str, int] = {}
        for index, record in enumerate(records):
            one = getattr(record, self._field)
            if hash(one) == number and (same := first.setdefault(one, index)) != index:
                raise Invalid(f"the same as that of {self._name}[{same}]").at(f"{self._name}[{index}].{self._field}")


def whole(value: Any) -> int:
    """Decode a whole number of 64 bits."""
    if type(value) is not int or value not in _INT64:
        raise expected("a whole number", value)
    return value


def flag(value: Any) -> bool:
    """Decode true or false."""
    if type(value) is not bool:
        raise expected("true or false", value)
    return value


def one_of(words: tuple[Any, ...]) -> Decode:
    """Return the decoder of one of some words."""

    def decode(value: Any) -> Any:
        if type(value) is not str or value not in words:
            raise expected(" or ".join(words), value)
        return words[words.index(value)]

    return decode


def or_none(decoder: Decode) -> Decode:
    """Return a decoder that takes null too."""
    return lambda value: None if value is None else decoder(value)


def at_least(least: int, decoder: Decode) -> Decode:
    """Return a decoder that refuses numbers of bytes below ``least``; far below zero: of something else."""
    if least < -1:
        return decoder

    def decode(value: Any) -> Any:
        if (number := decoder(value)) is not None and number < least:
            raise expected("a number of bytes", value)
        return number

    return decode


def items(decoder: Decode) -> Decode:
    """Return the decoder of a list of any length: a tuple."""

    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise expected("a list", value)
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


def fixed(decoders: tuple[Decode, ...]) -> Decode:
    """Return the decoder of a list with one item for each of ``decoders``: a tuple."""

    def decode(value: Any) -> tuple[Any, ...]:
        if type(value) is tuple:  # taken already
            return value
        if type(value) is not list or len(value) != len(decoders):
            raise expected(f"a list of {len(decoders)}", value)
        return tuple(decoder(item) for decoder, item in zip(decoders, value, strict=True))

    return decode


def place(table: list[Any]) -> Decode:
    """Return the decoder of a place in ``table``: what stands there."""

    def decode(value: Any) -> Any:
        if type(value) is not int or not 0 <= value < len(table):
            raise expected(f"a place in a table of {len(table)}", value)
        return table[value]

    return decode
