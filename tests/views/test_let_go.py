"""A graph is let go when a newer one takes its place, whatever was worked out of it."""

from __future__ import annotations

import gc
import weakref

from layerscope.core.build import build_graph
from layerscope.core.removal.holders import holders_of
from layerscope.views.forest import forest_of, origin_of
from tests.replay import recorded_inventory


def test_nothing_that_was_worked_out_keeps_a_graph() -> None:
    graph = build_graph(recorded_inventory("docker-28.5-overlay2"))
    gone = weakref.ref(graph)
    forest_of(graph)
    holders_of(graph)
    origin_of(graph, graph.layers[0])
    del graph
    gc.collect()
    assert gone() is None
