"""Drawing from what an example has so far.

``sampled_from`` and ``lists`` of a new list are new strategies, which Hypothesis looks through each time: a fifth of
the time of the tests of core. Numbers up to some length are always the same one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

Value = TypeVar("Value")


def pick(draw: st.DrawFn, values: Sequence[Value]) -> Value:
    """Draw one of the values; a failing example shrinks to the first."""
    return values[draw(st.integers(0, len(values) - 1))]


def some(draw: st.DrawFn, values: Sequence[Value], most: int | None = None, *, twice: bool = False) -> list[Value]:
    """Draw none or some of the values, in any order; ``twice``: the same one may come again."""
    if not values:
        return []
    places = st.integers(0, len(values) - 1)
    return [values[place] for place in draw(st.lists(places, max_size=most, unique=not twice))]


def shuffled(draw: st.DrawFn, values: Sequence[Value]) -> list[Value]:
    """Draw an order of the values; a failing example shrinks to the one that they have."""
    left = list(values)
    return [left.pop(draw(st.integers(0, len(left) - 1))) for _ in values]
