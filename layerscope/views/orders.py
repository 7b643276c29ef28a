"""By what lists are sorted: for each column what rows are compared by, and whether the biggest comes first by nature.

Rows that compare equal keep the order in which they come, which for images is the
biggest first. What is not known counts as nothing: it is last where the biggest comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.inventory import Container
from layerscope.views.names import layer_label

Order = tuple[Callable[[Any], Any], bool]
"""What rows are compared by, and whether the biggest comes first by nature."""


def _name(node: ImageNode) -> tuple[bool, str, str]:
    return (node.dangling, node.name.lower(), node.id)


def _user_name(row: ImageNode | Container) -> tuple[bool, bool, str]:
    return (True, False, row.name.lower()) if isinstance(row, Container) else (False, row.dangling, row.name.lower())


_NEVER = 2**62
"""A time that no date lies beyond."""

IMAGE_ORDERS: Mapping[str, Order] = {
    "name": (_name, False),
    "size": (lambda node: node.size, True),
    "footprint": (lambda node: node.size, True),
    "unique": (lambda node: (node.unique, node.size), True),
    "shared": (lambda node: (node.shared, node.size), True),
    "content": (lambda node: (node.content.size if node.content is not None else -1, node.size), True),
    "containers": (lambda node: (len(node.containers), node.size), True),
    "layers": (lambda node: (len(node.layers), node.size), True),
    "created": (lambda node: made(node.image.created, _NEVER) or 0, True),
}
"""Of the images."""


def in_order(graph: LayerGraph, key: str, reverse: bool, images: Sequence[ImageNode] | None = None) -> list[ImageNode]:
    """Return images of a graph, all or some that are in its own order, in one of :data:`IMAGE_ORDERS`.

    All of them are sorted once for as long as the graph lives: some of them are then picked out of those.
    """
    by, falls = IMAGE_ORDERS[key]
    known: dict[tuple[str, bool], list[ImageNode]] = graph.worked_out.setdefault("orders", {})
    every = known.get((key, reverse))
    if every is None:
        every = known[key, reverse] = sorted(graph.images, key=by, reverse=falls is not reverse)
    if images is None:
        return list(every)
    chosen = {node.index for node in images}
    return [node for node in every if node.index in chosen]


LAYER_ORDERS: Mapping[str, Order] = {
    # Plain attributes: there are 20,000 of them, and the view is waited for. Equals stay put from scan to scan.
    "size": (lambda layer: (layer.size or 0, layer.chain_id), True),
    "users": (lambda layer: (len(layer.images), layer.size or 0, layer.chain_id), True),
    "saves": (lambda layer: ((layer.size or 0) * (len(layer.images) - 1), layer.chain_id), True),
    "instruction": (lambda layer: layer_label(layer).lower(), False),
}
"""Of layers, of one image or of all."""

USER_ORDERS: Mapping[str, Order] = {
    "name": (_user_name, False),
    "size": (lambda row: -1 if isinstance(row, Container) else row.size, True),
    "unique": (lambda row: -1 if isinstance(row, Container) else row.unique, True),
}
"""Of what uses a layer: images and containers."""
