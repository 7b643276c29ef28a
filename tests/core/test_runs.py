"""Runs against what they are: layers that the very same images need, one on the other."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given

from layerscope.core.build import build_graph
from layerscope.core.runs import runs
from tests.core.removals import Host, hosts


@given(hosts())
def test_a_run_is_all_layers_on_one_another_that_the_same_images_need(host: Host) -> None:
    graph = build_graph(host.inventory)
    found = runs(
        {layer: layer.parent for layer in graph.layers}, {node.layers[-1] for node in graph.images if node.layers}
    )
    assert sorted(layer.index for run in found for layer in run) == list(range(len(graph.layers)))
    needed_by = {layer.index: [node.id for node in layer.images] for layer in graph.layers}
    for run in found:
        assert all(upper.parent is lower for lower, upper in pairwise(run))
        assert all(needed_by[layer.index] == needed_by[run[0].index] for layer in run)
        below = run[0].parent
        assert below is None or needed_by[below.index] != needed_by[run[0].index]


def test_runs_come_in_the_order_of_their_first_layers() -> None:
    parents = {"a": None, "b": "a", "x": None, "c": "b", "d": "b", "y": "x", "e": "d", "z": "y"}
    assert runs(parents, {"y", "c", "e", "z"}) == [["a", "b"], ["x", "y"], ["c"], ["d", "e"], ["z"]]


def test_what_stands_on_a_layer_that_is_not_among_them_begins_a_run() -> None:
    assert runs({"b": "a", "c": "b"}, {"c"}) == [["b", "c"]]
