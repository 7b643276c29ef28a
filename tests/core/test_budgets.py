"""Budgets against a model: what the true host is decides, wherever what is told of it lets it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.before_after import NotComparableError
from layerscope.core.budgets import Budget, Check, check
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Inventory
from tests.core.hosts import THOROUGH, Host, forgetful, hosts, inventory
from tests.core.model import figures
from tests.core.test_before_after import layers_of
from tests.core.test_changes import APP, BASE, ENGINE, host


def true_values(truth: Host, chosen: set[str]) -> dict[str, int]:
    """Return what each budget is about, from the truth alone."""
    rows = {one.id: one.diff_ids for one in truth.images if truth.listed(one)}
    sizes = truth.sizes()
    found = figures(rows, sizes)
    users = layers_of(truth)
    copies: dict[str, list[int]] = {}
    for path in users:
        copies.setdefault(path[-1], []).append(sizes[path])
    return {
        "footprint": found.footprint,
        "layers": max(map(len, rows.values()), default=0),
        "dangling": sum(not one.tagged for one in truth.images if truth.listed(one)),
        "missed": sum(sum(some) - max(some) for some in copies.values()),
        "unique.x": sum(sizes[path] for path, images in users.items() if images <= chosen),
    }


@THOROUGH
@given(hosts(stores=("graphdriver", "podman"), packed=False), st.data())
def test_a_budget_is_never_kept_or_broken_wrongly(truth: Host, data: st.DataObject) -> None:
    told = inventory(truth)
    if data.draw(st.booleans()):
        told = data.draw(forgetful(told))
    graph = build_graph(told)
    rows = [one.id for one in truth.images if truth.listed(one)]
    chosen = set(data.draw(st.lists(st.sampled_from(rows), unique=True))) if rows else set()
    values = true_values(truth, chosen)
    limits = {key: max(0, value + data.draw(st.integers(-3, 3))) for key, value in values.items()}

    def select(graph: LayerGraph) -> set[int]:
        return {node.index for node in graph.images if node.id in chosen}

    budget = Budget(
        footprint=limits["footprint"],
        layers=limits["layers"],
        dangling=limits["dangling"],
        missed=limits["missed"],
        unique={"x": (limits["unique.x"], select)},
    )
    found = check(graph, budget)
    assert [one.key for one in found] == list(limits)
    known = all(node.known for node in graph.images)
    for one in found:
        value = values[one.key]
        assert one.low is None or one.low <= value, one
        assert one.high is None or one.high >= value, one
        if one.state == "ok":
            assert value <= one.limit
        if one.state == "over":
            assert value > one.limit
        if graph.totals.exact and known and one.low == one.high:
            assert one.state == ("over" if value > one.limit else "ok")


def one_of(checks: list[Check], key: str) -> Check:
    return next(one for one in checks if one.key == key)


def test_an_unknown_size_fails_only_where_it_could_decide() -> None:
    unknown = replace(APP, diff_ids=None, history=None, layers_size=None, engine_size=None, note="refused")
    graph = host(BASE, unknown)
    assert one_of(check(graph, Budget(footprint=99_000_000)), "footprint").state == "over"
    (open_,) = check(graph, Budget(footprint=200_000_000))
    assert (open_.state, open_.high, open_.because) == ("unknown", None, "images whose layers are not known: 1")
    assert one_of(check(graph, Budget(dangling=0)), "dangling").state == "ok"
    assert one_of(check(graph, Budget(layers=5)), "layers").state == "unknown"


def test_growth_is_counted_from_an_earlier_scan() -> None:
    before, after = host(BASE), host(BASE, APP)
    (found,) = check(after, Budget(growth=31_000_000), before)
    assert (found.low, found.high, found.state) == (31_000_000, 31_000_000, "ok")
    assert check(after, Budget(growth=30_999_999), before)[0].state == "over"
    assert check(before, Budget(growth=0), after)[0].low == -31_000_000
    with pytest.raises(ValueError, match="earlier scan"):
        check(after, Budget(growth=1))
    other = build_graph(Inventory(replace(ENGINE, store="vfs"), (BASE,)))
    with pytest.raises(NotComparableError):
        check(after, Budget(growth=1), other)


def test_what_growth_is_not_known_fails() -> None:
    unknown = replace(APP, diff_ids=None, history=None, layers_size=None, note="refused")
    (found,) = check(host(BASE, unknown), Budget(growth=10**12), host(BASE))
    assert (found.low, found.high, found.state) == (None, None, "unknown")


def test_images_without_a_tag_by_number_and_by_bytes() -> None:
    graph = host(BASE, replace(APP, tags=()))
    assert check(graph, Budget(dangling=1))[0].state == "ok"
    assert check(graph, Budget(dangling=0))[0].images == (APP.id,)
    (found,) = check(graph, Budget(dangling_bytes=30_999_999))
    assert (found.low, found.high, found.state) == (31_000_000, 31_000_000, "over")


def test_an_unfinished_scan_may_have_more() -> None:
    graph = build_graph(Inventory(ENGINE, (BASE,), complete=False))
    budget = Budget(footprint=10**9, layers=5, dangling=5, missed=5)
    assert [one.state for one in check(graph, budget)] == ["unknown"] * 4


def test_a_pattern_that_means_no_image_is_said() -> None:
    budget = Budget(unique={"shop/*": (5, lambda graph: ())})
    (found,) = check(host(BASE), budget)
    assert (found.state, found.low, found.because) == ("ok", 0, "no image has such a name")
    assert budget
    assert not Budget()
