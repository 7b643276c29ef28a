"""Where a layer comes from."""

from __future__ import annotations

from hypothesis import given

from layerscope.core.build import build_graph
from layerscope.views.forest import origin_of
from tests.core.removals import Host, hosts_and_sets
from tests.hosts import SMALL, image_id


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
