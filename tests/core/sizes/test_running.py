"""A tally that keeps its bound is the sum that one would work out anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.sizes.sums import Height, RunningTally, Tally, Total, Unknowns

BOUNDS = [(0, 5), (2, None), (7, 7), (0, None)]


def unknowns() -> Unknowns:
    made = Unknowns()
    for low, high in BOUNDS:
        made.low.append(low)
        made.high.append(high)
    return made


HEIGHTS = st.builds(Height, st.integers(0, len(BOUNDS)), st.integers(0, 50))


STEPS = st.lists(st.tuples(HEIGHTS, HEIGHTS, st.sampled_from([-2, -1, 1, 3])))


@given(STEPS, st.none() | STEPS, st.integers(0, 200))
def test_its_bounds_are_those_of_the_same_sum_made_at_once(
    steps: list[tuple[Height, Height, int]], whole: list[tuple[Height, Height, int]] | None, size: int
) -> None:
    known = unknowns()
    if whole is not None:
        every = Tally()
        for height, below, times in whole:
            every.add(height, below, times)
        known.total = Total(size, every)
    running, plain = RunningTally(known), Tally()
    for height, below, times in steps:
        running.add(height, below, times)
        plain.add(height, below, times)
    assert (running.rest, running.factors) == (plain.rest, plain.factors)
    low, _ = known._between(plain)
    assert running.low == low
    assert running.bounds() == known.bounds(plain)
