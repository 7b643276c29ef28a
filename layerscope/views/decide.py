"""What decides whether an image may go, as cells: what it alone frees, its age, who uses it, can it be had again."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.origin import origin_of
from layerscope.core.removal.marks import Marks
from layerscope.core.stores import RUNNING
from layerscope.inventory import Container
from layerscope.units import Units, short_age
from layerscope.views.names import bounded

COLUMNS: tuple[tuple[str, int], ...] = (("FREES ALONE", 11), ("AGE", 5), ("IN USE", 6), ("PULL", 9))
"""Titles, each with its cells."""


class Decider:
    """Gives the cells of images of one graph."""

    def __init__(self, graph: LayerGraph, now: int, units: Units) -> None:
        """``now``: Unix seconds to which ages are counted."""
        self.graph, self.now, self.units = graph, now, units
        self._alone = Marks(graph)

    def cells(self, node: ImageNode) -> tuple[str, ...]:
        """Return the cells of an image for :data:`COLUMNS`."""
        self._alone.mark(node)
        frees = self._alone.figures
        self._alone.unmark(node)
        return (
            bounded(frees.frees, frees.bound, self.units),
            short_age(made(node.image.created, self.now), self.now),
            in_use(node.containers),
            origin_of(self.graph, node).again,
        )


def in_use(containers: Sequence[Container]) -> str:
    """Return ``●2 ○1``: containers that run, and others; empty for none."""
    running = sum(container.state in RUNNING for container in containers)
    rest = len(containers) - running
    return " ".join(filter(None, (f"●{running}" if running else "", f"○{rest}" if rest else "")))
