"""A graph brought up to date in place is the graph that is built afresh, whatever changed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.changes import changes
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.removal.holders import holders_of
from layerscope.core.update import updated
from layerscope.inventory import BuildCacheRecord, Container, DiskUsage, HistoryEntry, Image, Inventory
from layerscope.views.forest import forest_of
from tests.core.contents import with_content
from tests.core.hosts import hosts, inventory
from tests.core.test_changes import APP, BASE, ENGINE
from tests.replay import recorded_inventory


def _layer(layer: Layer) -> dict[str, Any]:
    plain = {name: getattr(layer, name) for name in Layer.__slots__}
    names = {"parent": layer.parent and layer.parent.chain_id, "children": [one.chain_id for one in layer.children]}
    return {**plain, **names, "words": layer.size_from, "images": [node.id for node in layer.images]}


def _row(node: ImageNode) -> dict[str, Any]:
    plain = {name: getattr(node, name) for name in ImageNode.__slots__}
    return {**plain, "layers": [layer.chain_id for layer in node.layers]}


def fields(graph: LayerGraph) -> dict[str, Any]:
    """Everything that is in a graph, by value."""
    return {
        "inventory": graph.inventory,
        "layers": [_layer(layer) for layer in graph.layers],
        "hidden": [_layer(layer) for layer in graph.hidden_layers],
        "images": [_row(node) for node in graph.images],
        "unlisted": graph.unlisted,
        "stacks": {name: [layer.chain_id for layer in stack] for name, stack in graph.stacks.items()},
        "unknowns": (graph.unknowns.low, graph.unknowns.high, graph.unknowns.total),
        "by": (list(graph.layer_by_chain), sorted(graph.image_by_id)),
        "totals": graph.totals,
        "orphans": graph.orphan_containers,
        "elsewhere": graph.elsewhere,
        "states": [graph.layers_state(node) for node in graph.images],
        "said": {name: vars(holders_of(graph))[name] for name in HELD},
        "runs": [(run.key, [node.id for node in run.images]) for run in forest_of(graph).run_of.values()],
    }


HOST = recorded_inventory("docker-20.10-overlay2")
HELD = [name for name in vars(holders_of(build_graph(HOST))) if name not in {"layers", "unknowns"}]


def test_all_that_holders_say_is_compared() -> None:
    assert {"images", "stacks", "named", "containers", "holding"} <= set(HELD)


def _account(host: Inventory, total: int | None) -> DiskUsage:
    record = BuildCacheRecord("r", (), "regular", "RUN make", False, True, 5)
    rows = tuple((image.id, 0) for image in host.images if image.listed)
    return DiskUsage(total, shared_sizes=rows, build_cache=(record,))


@st.composite
def changed(draw: st.DrawFn, old: Inventory) -> Inventory:
    """The same host a moment later: names, containers, images come and go."""
    images, containers = list(old.images), list(old.containers)
    what = draw(st.sampled_from(("tag", "tag", "untag", "start", "stop", "gone", "order", "usage", "nothing")))
    at = draw(st.integers(0, max(0, len(images) - 1)))
    if not images:
        return old
    if what == "tag":
        tag = f"{draw(st.sampled_from('amz'))}:{draw(st.integers(0, 3))}"
        tags = tuple(sorted({*images[at].tags, tag}))
        images[at] = replace(images[at], tags=tags, last_tagged=draw(st.sampled_from([None, 5])))
    elif what == "untag":
        images[at] = replace(images[at], tags=images[at].tags[1:], digests=())
    elif what == "start":
        containers.append(Container(f"c{len(containers)}", "box", images[at].id, "img", "running"))
    elif what == "stop" and containers:
        containers[0] = replace(containers[0], state="exited")
    elif what == "gone":
        del images[at]
    elif what == "order":
        images.reverse()
    elif what == "usage":
        return replace(old, usage=_account(old, draw(st.sampled_from([None, 12]))))
    return replace(old, images=tuple(images), containers=tuple(containers), taken_at=old.taken_at + 1, usage=None)


@given(hosts(), st.data())
def test_a_graph_that_was_brought_up_to_date_is_the_one_that_is_built(host: Any, data: st.DataObject) -> None:
    now = inventory(host)
    graph = build_graph(now)
    for _ in range(data.draw(st.integers(1, 5))):
        then, now = now, data.draw(changed(now))
        forest_of(graph), holders_of(graph), graph.orphan_containers, graph.totals
        before, expected = build_graph(then), build_graph(now)
        found = updated(graph, now)
        if found is None:
            event("built")
            graph = build_graph(now)
            continue
        event("in place")
        assert fields(found) == fields(expected)
        assert changes(graph, found) == changes(before, expected)
        graph = found


def _named(inventory: Inventory, image: Image, *tags: str) -> Inventory:
    images = tuple(replace(one, tags=tags) if one is image else one for one in inventory.images)
    return replace(inventory, images=images, usage=None, taken_at=inventory.taken_at + 1)


@pytest.mark.parametrize("name", ["docker-20.10-overlay2", "docker-28.5-containerd", "docker-28.5-overlay2"])
def test_names_and_containers_of_real_hosts_need_no_other_graph(name: str) -> None:
    now = replace(recorded_inventory(name), usage=None)
    graph = build_graph(now)
    in_place = 0
    for image in [node.image for node in graph.images]:
        now = _named(now, next(one for one in now.images if one.id == image.id), *image.tags, "zz:new")
        container = Container(f"of {image.id}", "box", image.id, "img", "running")
        now = replace(now, containers=(*now.containers, container))
        found = updated(graph, now)
        if found is not None:
            in_place += 1
            assert {layer.chain_id for layer in found.layers} == {layer.chain_id for layer in graph.layers}
            assert found.layers is graph.layers
        graph = found or build_graph(now)
        assert [_row(node) for node in graph.images] == [_row(node) for node in build_graph(now).images]
    assert in_place >= len(graph.images) * 3 // 4


def test_a_row_whose_name_changes_goes_where_it_belongs_and_the_old_graph_tells_what_it_was() -> None:
    step = (HistoryEntry("RUN make", 5),)
    image = Image("sha256:1", ("b:1",), layers_size=5, diff_ids=("sha256:l",), history=step)
    host = Inventory(HOST.engine, (image, replace(image, id="sha256:2", tags=("c:1",))))
    graph = build_graph(host)
    found = updated(graph, _named(host, image, "d:1"))
    assert found is not None
    assert [node.name for node in found.images] == ["c:1", "d:1"]
    assert [node.name for node in found.layers[0].images] == ["c:1", "d:1"]
    assert [node.name for node in graph.images] == ["b:1", "c:1"]


def test_what_was_worked_out_of_the_old_graph_does_not_stand_for_the_new_one() -> None:
    graph = build_graph(HOST)
    forest_of(graph)
    graph.worked_out["of the old one"] = object()
    image = next(image for image in HOST.images if image.tags)
    found = updated(graph, _named(HOST, image, "zzz:1"))
    assert found is not None
    assert "of the old one" in graph.worked_out
    assert "of the old one" not in found.worked_out


def test_where_a_name_says_what_a_size_comes_from_it_is_the_new_one() -> None:
    image = Image("sha256:1", ("b:1",), layers_size=5, diff_ids=("sha256:l",), history=())
    host = Inventory(HOST.engine, (image,))
    graph = build_graph(host)
    assert "b:1" in graph.layers[0].size_from
    for tags in (("d:1",), ("d:1", "e:1"), ()):
        now = _named(host, image, *tags)
        graph = updated(graph, now) or build_graph(Inventory(HOST.engine, ()))
        assert graph.layers[0].size_from == build_graph(now).layers[0].size_from
        assert (tags[0] if tags else "of 1,") in graph.layers[0].size_from
        host, (image,) = now, now.images


def test_where_the_engines_account_of_its_disk_settled_sizes_the_graph_is_built_without_it() -> None:
    image = Image("sha256:1", ("b:1",), diff_ids=("sha256:l",), history=())
    host = Inventory(HOST.engine, (image,))
    graph = build_graph(replace(host, usage=_account(host, 12)))
    assert graph.totals.footprint == 12
    assert updated(graph, _named(host, image, "b:1", "d:1")) is None


def test_where_every_size_is_in_a_history_it_does_not_matter_that_the_account_is_gone() -> None:
    step = (HistoryEntry("RUN make", 5),)
    image = Image("sha256:1", ("b:1",), layers_size=5, diff_ids=("sha256:l",), history=step)
    host = Inventory(HOST.engine, (image,))
    graph = build_graph(replace(host, usage=_account(host, 5)))
    assert holders_of(graph).cached == {5: 1}
    now = _named(host, image, "b:1", "d:1")
    found = updated(graph, now)
    assert found is not None
    assert fields(found) == fields(build_graph(now))


def test_where_blobs_came_or_went_the_graph_is_built() -> None:
    """What containerd holds says what layers weigh; the same said again is no change."""
    then = with_content(Inventory(ENGINE, (BASE, APP)))
    assert then.content is not None
    again = replace(then, content=replace(then.content, blobs=tuple(map(replace, then.content.blobs))))
    assert again.content is not then.content
    assert updated(build_graph(then), again) is not None
    less = replace(then, content=replace(then.content, blobs=then.content.blobs[1:]))
    assert updated(build_graph(then), less) is None


@pytest.mark.parametrize("what", [{"complete": False}, {"engine": replace(ENGINE, version="29.0.0")}])
def test_where_the_engine_or_the_scan_is_another_the_graph_is_built(what: dict[str, Any]) -> None:
    then = Inventory(ENGINE, (BASE, APP))
    assert updated(build_graph(then), replace(then, taken_at=5)) is not None
    assert updated(build_graph(then), replace(then, **what)) is None
