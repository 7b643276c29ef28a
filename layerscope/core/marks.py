"""Marks: the set of images that somebody picked out."""

from __future__ import annotations

from layerscope.core.graph import ImageNode, LayerGraph


class Marks:
    """A set of marked images on one graph; survives a new graph."""

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.ids: set[str] = set()

    def mark(self, node: ImageNode) -> None:
        """Mark an image."""
        self.ids.add(node.id)

    def unmark(self, node: ImageNode) -> None:
        """Take a mark away."""
        self.ids.discard(node.id)

    def clear(self) -> None:
        """Take all marks away."""
        self.ids.clear()

    def rebase(self, graph: LayerGraph) -> None:
        """Keep the marks of images that are still there."""
        self.graph = graph
        self.ids &= set(graph.image_by_id)
