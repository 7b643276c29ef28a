"""Bars: to an eighth of a cell, and nothing that is there is left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from layerscope.tui.widgets.bars import EIGHTHS, FULL, SHARED, split_bar


def drawn(part: int, total: int, whole: int, width: int) -> str:
    return "".join(text for text, _ in split_bar(part, total, whole, width))


def test_by_hand() -> None:
    assert drawn(40, 80, 80, 8) == "████░░░░"
    assert drawn(134, 496, 4000, 32) == "█▏░░"
    assert drawn(25, 80, 80, 8) == "██▌░░░░░"
    assert drawn(80, 80, 80, 8) == "████████"
    assert drawn(79, 80, 80, 8) == "███████▉", "what is shared is seen, however little it is"
    assert drawn(1, 80, 80, 8) == "▏░░░░░░░"
    assert drawn(0, 1, 1_000_000, 8) == "░"
    assert drawn(1, 1, 1_000_000, 8) == "▏"
    assert drawn(0, 0, 80, 8) == ""
    assert split_bar(25, 80, 80, 8) == [("██", "unique"), ("▌", "split"), ("░░░░░", "shared")]


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12), st.integers(1, 80))
def test_a_bar_is_as_long_as_what_it_stands_for(part: int, rest: int, more: int, width: int) -> None:
    total, whole = part + rest, part + rest + more
    bar = drawn(part, total, whole, width)
    assert len(bar) <= width
    assert bool(bar) == bool(total)
    if total:
        assert abs(len(bar) - total * width / whole) <= 1
        own = bar.count(FULL) + sum(EIGHTHS.index(char) for char in bar if char in EIGHTHS[1:]) / 8
        assert abs(own - part * width / whole) <= 1 / 8 or (rest and bar.endswith(EIGHTHS[7]))
        assert (own > 0) == (part > 0)
        assert (SHARED in bar) <= (rest > 0)
