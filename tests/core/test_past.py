"""What earlier scans say of now: between which bounds the disk changed, held against true hosts."""

from __future__ import annotations

from hypothesis import given
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.past import Look, Point, Record, biggest_steps, change_between, point_of, since_look, sparkline
from layerscope.inventory import Inventory
from tests.core.hosts import THOROUGH, Host, inventory
from tests.core.test_before_after import layers_of, parts
from tests.core.test_changes import ENGINE, host, image

BASE = image("base", ("a", 100))
APP = image("app", ("a", 100), ("b", 31))


def look_at(graph: LayerGraph, at: int = 50) -> Look:
    return Look(point_of(graph, at), frozenset(graph.image_by_id))


def true_change(before: Host, after: Host) -> int:
    sizes = before.sizes() | after.sizes()
    return sum(sizes[path] for path in layers_of(after)) - sum(sizes[path] for path in layers_of(before))


@THOROUGH
@given(parts())
def test_the_true_change_lies_between_the_bounds(hosts: tuple[Host, Host]) -> None:
    before, after = hosts
    old, new = build_graph(inventory(before)), build_graph(inventory(after))
    change = true_change(before, after)
    for low, high in (change_between(point_of(old, 0), point_of(new, 1)), since_look(look_at(old), new, 60).change):
        assert low is None or low <= change
        assert high is None or change <= high


def vague(*images: str) -> LayerGraph:
    """A host that nobody knows the footprint of: two layers without a size at its bottom."""
    hidden = replace(
        image("hidden", ("x", 0), ("y", 0)), history=(), engine_size=70, layers_size=70, tags=("hidden:1",)
    )
    rows = {"base": BASE, "app": APP, "hidden": hidden, "top": image("top", ("x", 0), ("z", 5))}
    rows["top"] = replace(rows["top"], history=(), engine_size=None, layers_size=None)
    return build_graph(Inventory(ENGINE, tuple(rows[name] for name in images)))


def test_where_no_image_went_what_came_tells_although_the_footprint_does_not() -> None:
    before = vague("hidden", "top", "base")
    assert not point_of(before, 0).exact
    same = since_look(look_at(before), before, 60)
    assert (same.change, same.came, same.went) == ((0, 0), 0, 0)
    assert since_look(look_at(before), vague("hidden", "top", "base", "app"), 60).change == (31, 31)


def test_where_one_went_nobody_knows_what_went_with_it() -> None:
    assert since_look(look_at(vague("hidden", "top", "app")), vague("hidden", "top", "base"), 60).change != (-31, -31)


def test_content_counts_where_both_tell_it() -> None:
    one, other = Point(0, 100, 100, 20), Point(9, 150, 150, 30)
    assert change_between(one, other) == (60, 60)
    assert change_between(replace(one, content=None), other) == (None, None)
    assert change_between(replace(one, most=None), other) == (None, 60)
    assert change_between(replace(one, most=110), replace(other, most=None)) == (50, None)


def test_steps_are_those_that_surely_changed_most_and_never_guessed() -> None:
    sizes = [(100, 100), (100, 130), (200, 200), (190, 190), (90, None), (500, 500)]
    records = [Record(Point(at, low, most, None), None, {}) for at, (low, most) in enumerate(sizes)]
    found = [(record.point.at, change) for record, change in biggest_steps(records, 5)]
    assert found == [(2, (70, 100)), (3, (-10, -10))]


def test_a_host_that_is_exact_is_told_by_its_sums() -> None:
    found = since_look(look_at(host(BASE, APP)), host(BASE), 60)
    assert (found.change, found.came, found.went, found.seconds) == ((-31, -31), 0, 1, 10)


def test_a_footprint_without_a_gap_is_exact() -> None:
    assert point_of(host(BASE, APP), 0).exact is True
    assert Point(0, 100, 101, None).exact is False
    assert Point(0, 100, None, None).exact is False


def test_a_clock_that_was_put_back_is_told_and_counts_no_time() -> None:
    graph = host(BASE)
    for now, seconds, back in ((49, 0, True), (50, 0, False), (51, 1, False)):
        since = since_look(look_at(graph, 50), graph, now)
        assert (since.seconds, since.clock_back) == (seconds, back)


def test_a_line_is_as_wide_as_it_may_be() -> None:
    values = [1, 2, 3, 4, 5]
    assert [len(sparkline(values, width)) for width in (-1, 0, 1, 2, 4, 5, 9)] == [0, 0, 1, 2, 4, 5, 5]
    assert sparkline([], 5) == ""
    assert len(set(sparkline([7, 7, 7], 3))) == 1
