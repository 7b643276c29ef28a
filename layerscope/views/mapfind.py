"""Find on the map: which blocks hold what was found."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from msgspec.structs import replace

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.views.find import Spot, Spots
from layerscope.views.forest import Forest
from layerscope.views.map import Map

INSIDE = "image"
"""What a spot is in when it is an image that the label of its block does not name."""


def spots_on(map_: Map, graph: LayerGraph, forest: Forest, found: Mapping[Hashable, Spot]) -> dict[int, Spot]:
    """Return by index of a block the best of what it holds; ``found`` are the hits among all images, by ID.

    A block holds the images that end in it, and of images that fit by an instruction the layers that do.
    """
    best: dict[int, Spot] = {}
    among: Mapping[int, object] | None = None
    for key, spot in found.unlike() if isinstance(found, Spots) else found.items():
        if spot.among is None:
            node = graph.image_by_id.get(str(key))
            index = _block_of(map_, forest, node) if node is not None else None
            if index is not None and node is not None and (index not in best or best[index].score < spot.score):
                named = spot.what == "name" and spot.name == map_.blocks[index].name
                what = spot.what if named or spot.what != "name" else INSIDE
                best[index] = replace(spot, what=what, node=node)
        elif among is not spot.among:  # all that fit by an instruction share what fits
            among = spot.among
            for layer in spot.among.values():
                run = forest.run_of.get(layer.index)
                index = map_.index_of(run) if run is not None else None
                if index is not None and index not in best and layer.images:
                    best[index] = replace(spot, among={layer.index: layer}, node=layer.images[0])
    return best


def _block_of(map_: Map, forest: Forest, node: ImageNode) -> int | None:
    run = forest.end_of(node)
    return map_.index_of(run) if run is not None and node in run.images else None
