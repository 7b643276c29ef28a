"""Where a layer comes from, and what parts of a forest come to."""

from __future__ import annotations

from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.views.forest import origin_of, parts_of
from tests.core.hosts import hosts as true_hosts
from tests.core.hosts import inventory
from tests.core.removals import Host, hosts_and_sets
from tests.hosts import SMALL, image_id
from tests.views.forests import hosts


def test_a_layer_comes_from_the_base_that_it_ends() -> None:
    graph = build_graph(SMALL)
    base = graph.image_by_id[image_id("base")]
    for layer in base.layers:
        assert origin_of(graph, layer) is base
    for node in graph.images:
        for layer in node.layers[len(base.layers) :]:
            assert origin_of(graph, layer) is not base


@given(hosts_and_sets())
def test_nobody_else_who_needs_it_has_fewer_layers(drawn: tuple[Host, list[str]]) -> None:
    graph = build_graph(drawn[0].inventory)
    for layer in graph.layers:
        origin = origin_of(graph, layer)
        assert layer in origin.layers
        assert len(origin.layers) == min(len(node.layers) for node in layer.images)


@given(hosts, st.data())
def test_the_parts_of_a_host_add_up_as_if_they_were_alone(graph: LayerGraph, data: st.DataObject) -> None:
    some = [node for node in graph.images if data.draw(st.booleans())]
    assert parts_of(graph).totals_of(graph, some) == graph.totals_of(some)


@given(true_hosts(), st.data())
def test_so_do_parts_of_a_host_that_tells_little(host: Any, data: st.DataObject) -> None:
    told = inventory(host)
    hidden, elsewhere = (data.draw(st.sets(st.integers(0, 5))) for _ in "12")
    images = [
        replace(one, diff_ids=None if at in hidden else one.diff_ids, read_only=at in elsewhere)
        for at, one in enumerate(told.images)
    ]
    graph = build_graph(replace(told, images=tuple(images)))
    some = [node for node in graph.images if data.draw(st.booleans())]
    event(f"exact: {graph.totals.exact}, bare: {any(not node.layers for node in some)}")
    assert parts_of(graph).totals_of(graph, some) == graph.totals_of(some)
