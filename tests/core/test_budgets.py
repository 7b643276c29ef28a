"""Budgets against a model: what the true host is decides, wherever what is told of it lets it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.before_after import NotComparableError
from layerscope.core.budgets import Budget, Check, check
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Image, Inventory
from tests.core.contents import CONFIG, MANIFEST, blob_of, with_content
from tests.core.hosts import THOROUGH, Host, forgetful, hosts, inventory
from tests.core.model import figures
from tests.core.test_before_after import layers_of
from tests.core.test_changes import APP, BASE, ENGINE, host, image
from tests.picking import some


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
    chosen = set(some(data.draw, rows))
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
    with pytest.raises(ValueError, match=r"^growth is counted from an earlier scan$"):
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


def with_blobs(*images: Image, complete: bool = True) -> LayerGraph:
    return build_graph(with_content(Inventory(ENGINE, images, complete=complete)))


def without_blobs(*images: Image) -> LayerGraph:
    """The same store, where the engine refuses to tell its content."""
    return build_graph(replace(with_content(Inventory(ENGINE, images)), content=None))


OWN = MANIFEST + CONFIG
"""Bytes of content that each image has alone."""
BASE_BLOB, APP_BLOB = blob_of("sha256:a").size, blob_of("sha256:b").size


def test_content_is_held_against_a_budget_and_counts_on_disk() -> None:
    graph, size = with_blobs(BASE, APP), 2 * OWN + BASE_BLOB + APP_BLOB
    assert graph.content is not None
    assert graph.content.size == size
    disk, content = check(graph, Budget(footprint=131_000_000 + size, content=size))
    assert (disk.state, disk.low, disk.high, disk.because) == ("ok", 131_000_000 + size, 131_000_000 + size, "")
    assert disk.what == "on disk, layers and content"
    assert (content.key, content.state, content.low, content.high, content.because) == ("content", "ok", size, size, "")
    assert [one.state for one in check(graph, Budget(footprint=131_000_000, content=size - 1))] == ["over", "over"]


def test_content_that_is_not_told_may_be_any() -> None:
    why = "the engine does not tell its content"
    everything = lambda graph: range(len(graph.images))  # noqa: E731
    budget = Budget(footprint=10**9, content=10**9, dangling_bytes=10**9, unique={"*": (10**9, everything)})
    found = check(without_blobs(BASE, replace(APP, tags=())), budget)
    assert [(one.low, one.high, one.state, one.because) for one in found] == [
        (131_000_000, None, "unknown", why),
        (0, None, "unknown", why),
        (31_000_000, None, "unknown", why),
        (131_000_000, None, "unknown", why),
    ]


def test_a_store_without_content_has_none() -> None:
    (found,) = check(host(BASE), Budget(content=0))
    assert (found.low, found.high, found.state, found.because) == (0, 0, "ok", "")


def test_content_of_an_unfinished_scan_may_be_more() -> None:
    (found,) = check(with_blobs(BASE, complete=False), Budget(content=10**9))
    assert (found.low, found.high, found.state) == (OWN + BASE_BLOB, None, "unknown")
    assert found.because == "the scan was not finished"


def test_what_only_some_have_is_their_layers_and_their_blobs() -> None:
    apps = {"app": (0, lambda graph: [graph.image_by_id[APP.id].index])}
    (found,) = check(with_blobs(BASE, APP), Budget(unique=apps))
    assert (found.low, found.high) == (31_000_000 + OWN + APP_BLOB, 31_000_000 + OWN + APP_BLOB)
    assert (found.key, found.what, found.images) == ("unique.app", "only app has", (APP.id,))
    both = {"*": (0, lambda graph: [0, 1])}
    (found,) = check(with_blobs(BASE, APP), Budget(unique=both))
    assert found.low == found.high == 131_000_000 + 2 * OWN + BASE_BLOB + APP_BLOB


def test_growth_counts_content_too() -> None:
    (found,) = check(with_blobs(BASE, APP), Budget(growth=0), with_blobs(BASE))
    assert (found.low, found.high) == (31_000_000 + OWN + APP_BLOB, 31_000_000 + OWN + APP_BLOB)
    (found,) = check(without_blobs(BASE, APP), Budget(growth=0), with_blobs(BASE))
    assert (found.low, found.high, found.state) == (None, None, "unknown")


def test_growth_that_is_not_known_stays_so_with_content() -> None:
    unknown = replace(APP, diff_ids=None, history=None, layers_size=None, note="refused")
    (found,) = check(with_blobs(BASE, unknown), Budget(growth=10**12), with_blobs(BASE))
    assert (found.low, found.high, found.state) == (None, None, "unknown")


def test_what_others_may_need_is_nobodys_alone() -> None:
    unknown = replace(APP, diff_ids=None, history=None, layers_size=None, note="refused")
    graph = host(BASE, unknown)
    bases = {"base": (0, lambda graph: [graph.image_by_id[BASE.id].index])}
    (found,) = check(graph, Budget(unique=bases))
    assert (found.low, found.high, found.state) == (0, 100_000_000, "unknown")
    assert found.because == "images whose layers are not known: 1"


def test_the_deepest_image_is_named_and_those_that_are_over() -> None:
    flat = image("flat", ("c", 500_000_000))
    graph = host(flat, BASE, APP)
    (found,) = check(graph, Budget(layers=2))
    assert (found.key, found.low, found.high, found.because, found.images) == ("layers", 2, 2, "app:1", (APP.id,))
    (found,) = check(graph, Budget(layers=1))
    assert (found.state, found.images) == ("over", (APP.id,))
    (found,) = check(host(), Budget(layers=0))
    assert (found.state, found.low, found.because, found.images) == ("ok", 0, "", ())


def test_what_an_unfinished_scan_knows_is_at_least_there() -> None:
    graph = build_graph(Inventory(ENGINE, (replace(BASE, tags=()),), complete=False))
    (found,) = check(graph, Budget(dangling=1))
    assert (found.low, found.high, found.because) == (1, None, "the scan was not finished")
    (found,) = check(host(BASE), Budget(dangling=1))
    assert (found.low, found.high, found.because) == (0, 0, "")


def test_content_stored_more_than_once_is_held_against_a_budget() -> None:
    other = image("other", ("z", 1), ("b", 31_000_000))
    (found,) = check(host(APP, other), Budget(missed=30_999_999))
    assert (found.key, found.what, found.low, found.state) == ("missed", "stored more than once", 31_000_000, "over")
