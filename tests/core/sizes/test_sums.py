"""Sums over layers, held against every way that sizes could be: what is called exact is the same in all of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from layerscope.core.sizes.sums import Bound, Bounds, Height, Heights, Tally, heights, ratio_bound
from tests.picking import pick, some

MOST = 4
"""The largest size that is tried: a layer of 0 to 3 bytes leaves room for one that is not known."""


@dataclass(frozen=True)
class Store:
    parents: dict[str, str | None]
    true: dict[str, int]
    """What each layer weighs."""
    sizes: dict[str, int | None]
    """What is known of that."""
    told: dict[str, int]
    near: dict[str, Bounds]
    total: tuple[int, tuple[str, ...]] | None

    def height(self, sizes: dict[str, int], layer: str | None) -> int:
        found = 0
        while layer is not None:
            found += sizes[layer]
            layer = self.parents[layer]
        return found

    def number(self, layer: str | None) -> int:
        return -1 if layer is None else list(self.parents).index(layer)

    def heights(self) -> Heights:
        return heights(
            [self.number(parent) for parent in self.parents.values()],
            [self.sizes[name] for name in self.parents],
            [self.told.get(name) for name in self.parents],
            {self.number(name): bounds for name, bounds in self.near.items()},
            None if self.total is None else (self.total[0], [self.number(name) for name in self.total[1]]),
        )

    def ends(self, found: Heights, layer: str) -> tuple[Height, Height]:
        return found.of[self.number(layer)], found.of[self.number(self.parents[layer])]

    def possible(self) -> list[dict[str, int]]:
        """Return every choice of sizes, of 0 to MOST, that nothing known speaks against."""
        names = list(self.parents)
        ways = (dict(zip(names, way, strict=True)) for way in product(range(MOST + 1), repeat=len(names)))
        return [
            way
            for way in ways
            if all(size is None or way[name] == size for name, size in self.sizes.items())
            and all(self.height(way, name) == height for name, height in self.told.items())
            and all(
                low <= self.height(way, name) and (high is None or self.height(way, name) <= high)
                for name, (low, high) in self.near.items()
            )
            and (self.total is None or sum(way[name] for name in self.total[1]) == self.total[0])
        ]


@st.composite
def stores(draw: st.DrawFn) -> Store:
    names = [f"l{number}" for number in range(draw(st.integers(1, 5)))]
    parents = {name: pick(draw, [None, *names[:place]]) for place, name in enumerate(names)}
    depth: dict[str | None, int] = {None: 0}
    for name in names:
        depth[name] = depth[parents[name]] + 1
    parents = {name: parents[name] for name in sorted(names, key=depth.__getitem__)}
    true = {name: draw(st.integers(0, MOST - 1)) for name in names}
    bare = Store(parents, true, {}, {}, {}, None)
    known = {name: size if draw(st.booleans()) else None for name, size in true.items()}
    told = {name: bare.height(true, name) for name in names if draw(st.booleans())}
    near = {}
    for name in names:
        if draw(st.integers(0, 3)) == 0:
            low = max(0, bare.height(true, name) - draw(st.integers(0, 2)))
            near[name] = Bounds(low, pick(draw, [None, bare.height(true, name) + draw(st.integers(0, 2))]))
    some = tuple(name for name in names if draw(st.booleans()))
    total = (sum(true[name] for name in some), some) if some and draw(st.booleans()) else None
    return Store(parents, true, known, told, near, total)


@given(stores(), st.data())
def test_a_sum_lies_in_its_bounds_whatever_the_sizes_are(store: Store, data: st.DataObject) -> None:
    found = store.heights()
    summed = some(data.draw, list(store.parents))
    tally = Tally()
    for name in summed:
        tally.add(*store.ends(found, name))
    between = found.unknowns.bounds(tally)
    for way in store.possible():
        true = sum(way[name] for name in summed)
        assert between.low <= true
        assert between.high is None or true <= between.high


def test_a_total_of_some_layers_bounds_no_sum_that_has_others_too() -> None:
    """Build steps that are no rows have layers that the engine's total is not over."""
    found = heights([-1, -1, -1, -1], [None, None, 0, 1], [None] * 4, {}, (0, (0, 1)))
    tally = Tally()
    for number in (0, 2, 3):
        tally.add(found.of[number], found.of[-1])
    low, high = found.unknowns.bounds(tally)
    assert low <= 1
    assert high is None or high >= 1


@given(stores(), st.data())
def test_a_run_of_layers_between_two_heights_that_are_told_is_exact(store: Store, data: st.DataObject) -> None:
    """Size of one image less Size of the one below it, whatever single layers weigh."""
    ends = [name for name in store.told if name in store.parents]
    assume(ends)
    top = pick(data.draw, ends)
    run: list[str] = []
    here: str | None = top
    while here is not None and (here == top or here not in store.told):
        run.append(here)
        here = store.parents[here]
    found = store.heights()
    tally = Tally()
    for name in run:
        tally.add(*store.ends(found, name))
    assert found.unknowns.bounds(tally) == Bounds(*[sum(store.true[name] for name in run)] * 2)


def test_a_total_narrows_what_is_not_told_and_widens_nothing() -> None:
    """Two layers side by side, one of 3 to 10 bytes, one of which nothing is known; 100 together."""
    found = heights([-1, -1], [None, None], [None, None], {0: Bounds(3, 10)}, (100, [0, 1]))
    assert (found.layer(0, -1), found.layer(1, -1)) == (Bounds(3, 10), Bounds(90, 97))
    found = heights([-1, -1], [None, None], [None, None], {0: Bounds(3, 10), 1: Bounds(95, 200)}, (100, [0, 1]))
    assert (found.layer(0, -1), found.layer(1, -1)) == (Bounds(3, 5), Bounds(95, 97))


@pytest.mark.parametrize(
    ("over", "under", "ratio"),
    [
        *(("", "", ""), ("≥", "", "≥"), ("≤", "", "≤"), ("~", "", "~"), ("?", "", "?")),
        *(("", "≥", "≤"), ("", "≤", "≥"), ("", "~", "?"), ("", "?", "?")),
        *(("≥", "≥", "?"), ("≤", "≥", "?"), ("≥", "≤", "?")),
    ],
)
def test_a_ratio_is_bound_as_its_parts_let_it(over: Bound, under: Bound, ratio: Bound) -> None:
    assert ratio_bound(over, under) == ratio
