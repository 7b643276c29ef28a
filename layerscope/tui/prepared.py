"""A graph with all that its first frame takes, made off the event loop."""

from __future__ import annotations

import gc

from layerscope.collector import no_collector
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Inventory
from layerscope.views.forest import forest_of

MANY = 2_000
"""Layers from which on Python's own housekeeping can be felt."""


def prepared(inventory: Inventory) -> LayerGraph:
    """Return the graph of an inventory with what views need at once worked out, off the event loop."""
    with no_collector():
        graph = build_graph(inventory)
        forest_of(graph)
    if len(graph.layers) > MANY:
        # Python's collector would walk the whole graph every now and then, in the middle of a key: 0.15 s for 20,000
        # layers. What has served its time is let go here, in the thread that waits anyway; the rest is set aside.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    return graph
