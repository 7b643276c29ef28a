"""Between what bounds the bytes of some layers lie."""

from __future__ import annotations

from collections.abc import Iterable

from layerscope.core.graph import Layer, LayerGraph
from layerscope.core.sizes.sums import Bounds, Tally


def bounds_of(graph: LayerGraph, layers: Iterable[Layer]) -> Bounds:
    """Return between what bounds the bytes of some layers of a graph lie."""
    tally = Tally()
    weights = 0
    for layer in layers:
        tally.add(layer.height, layer.below)
        weights += layer.weight
    found = graph.unknowns.bounds(tally)
    return found if found.exact else Bounds(max(found.low, weights), found.high)
