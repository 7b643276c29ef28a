"""Terms that compare: ``>500MB``, ``layers>20``, ``age>30d``; and ages, which ``older:30d`` has too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from operator import eq, ge, gt, le, lt, ne

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.search.meaning import Meaning, Test, WrongTermError
from layerscope.units import count, format_size, parse_size

_OPERATORS: Mapping[str, tuple[Callable[[int, int], bool], str]] = {
    ">": (gt, "over"),
    ">=": (ge, "at least"),
    "<": (lt, "under"),
    "<=": (le, "at most"),
    "=": (eq, "exactly"),
    "==": (eq, "exactly"),
    "!=": (ne, "other than"),
    "≥": (ge, "at least"),
    "≤": (le, "at most"),
}
_SIZES: Mapping[str, Callable[[ImageNode], int]] = {
    "size": lambda node: node.size,
    "unique": lambda node: node.unique,
    "shared": lambda node: node.shared,
}
_COUNTS: Mapping[str, Callable[[ImageNode], int]] = {
    "layers": lambda node: len(node.layers),
    "tags": lambda node: len(node.image.tags),
    "containers": lambda node: len(node.containers),
}
FIELDS = (*_SIZES, *_COUNTS, "age")
OPERATOR = re.compile(r">=|<=|!=|==|[><=≥≤]")


def comparison(field: str, operator: str, value: str, now: int) -> Meaning:
    """Return the meaning of ``field operator value``; raises :class:`WrongTermError`.

    A size that is only a lower bound passes ``>`` when the bound does, and nothing else.
    """
    compare, word = _OPERATORS[operator]
    if field == "age":
        return _age(operator, value, now)
    if field in _COUNTS:
        return _count(field, compare, word, value)
    try:
        bound = parse_size(value)
    except ValueError:
        example = f"{'' if field == 'size' else field}{operator if operator in '<>' else '>'}500MB"
        raise WrongTermError(f"not a size: write it like {example}, 1.5G or 200MiB") from None
    size = _SIZES[field]

    def test(node: ImageNode) -> bool:
        return (over or node.exact) and compare(size(node), bound)

    over = operator[0] in ">≥"
    return Meaning(f"{field} {word} {format_size(bound)}", lambda _: test)


def _count(field: str, compare: Callable[[int, int], bool], word: str, value: str) -> Meaning:
    if not (value.isascii() and value.isdigit() and len(value) <= 9):
        raise WrongTermError(f"not a number: write {field}>20")
    number_of, number = _COUNTS[field], int(value)
    needs_layers = field == "layers"

    def test(node: ImageNode) -> bool:
        return (node.known or not needs_layers) and compare(number_of(node), number)

    return Meaning(f"{word} {count(number, field.removesuffix('s'))}", lambda _: test)


_SPANS: Mapping[str, int] = {
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 7 * 86400,
    "month": 30 * 86400,
    "year": 365 * 86400,
}
_SHORT = {"m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}
_SPAN = re.compile(r"(\d{1,6}) ?([a-z]+)", re.ASCII | re.IGNORECASE)


def parse_span(value: str, key: str) -> tuple[int, str]:
    """Return (seconds, in words) of a span like ``30d`` or ``2 weeks``; ``key`` is what an example begins with.

    Raises :class:`WrongTermError`.
    """
    found = _SPAN.fullmatch(value)
    if found:
        unit = _SHORT.get(found[2].lower(), found[2].lower().removesuffix("s"))
        if unit in _SPANS:
            number = int(found[1])
            return number * _SPANS[unit], count(number, unit)
    raise WrongTermError(f"not a span of time: write {key}30d, 2w, 6mo or 1y")


def _moment(value: str, now: int, key: str) -> tuple[int, str]:
    """Return (Unix time, in words) of ``30d`` (before now) or ``2026-01-31`` (midnight, UTC)."""
    with suppress(WrongTermError):
        seconds, words = parse_span(value, key)
        return now - seconds, words
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise WrongTermError(f"not an age: write {key}30d, 2w, 6mo, 1y or a day like 2026-01-31") from None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()), ""


def _age(operator: str, value: str, now: int) -> Meaning:
    if operator[0] not in "><≥≤":
        raise WrongTermError("an age is compared with > or <: write age>30d")
    return created(operator[0] in ">≥", value, now, f"age{operator}")


def created(older: bool, value: str, now: int, key: str) -> Meaning:
    """Return the meaning of ``older:30d`` and ``newer:30d``; ``key`` is what was typed before the age."""
    then, span = _moment(value, now, key)

    def test(node: ImageNode) -> bool:
        at = made(node.image.created, now)
        return at is not None and (at < then if older else at > then)

    if span:
        return Meaning(f"older than {span}" if older else f"made in the last {span}", lambda _: test)
    return Meaning(f"made {'before' if older else 'after'} {value}", lambda _: test)


def seen(used: bool, value: str, now: int) -> Meaning:
    """Return the meaning of ``used:30d`` and ``unused:30d``: what earlier scans saw (:mod:`layerscope.core.seen`).

    Seen in use within a span; or watched for so long and not seen in use.
    """
    seconds, span = parse_span(value, "used:" if used else "unused:")

    def bind(graph: LayerGraph) -> Test:
        past = graph.seen
        if used:
            return lambda node: bool(node.containers) or past.used_within(node.id, seconds, now)
        return lambda node: not node.containers and past.unused_for(node.id, seconds, now)

    return Meaning(f"seen in use in the last {span}" if used else f"not seen in use for {span}", bind)
