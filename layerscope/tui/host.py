"""Host: what every view of the session looks at. Data goes down from here; no widget, no I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from layerscope.core.graph import ImageNode, Layer, LayerGraph, union
from layerscope.core.marks import Marks
from layerscope.core.query import Query
from layerscope.tui.widgets.columns import Sort
from layerscope.units import Units, format_size
from layerscope.views.orders import IMAGE_ORDERS


@dataclass(slots=True)
class Host:
    """The graph on screen with what the user chose to see of it."""

    graph: LayerGraph
    marks: Marks
    units: Units = Units.SI
    query: Query | None = None
    image_sort: Sort = field(default_factory=lambda: Sort("size"))
    clock: Callable[[], float] = time.time
    changes: int = 0
    """Counts everything that changes which rows are shown; views compare it to know that they are stale."""

    @property
    def now(self) -> int:
        """Unix seconds: the clock for a live engine, the time of the scan for a saved one (its ages stay true)."""
        inventory = self.graph.inventory
        return inventory.taken_at if inventory.from_file and inventory.taken_at else int(self.clock())

    def size(self, size: int | None) -> str:
        """A size in the units that the user chose."""
        return format_size(size, self.units)

    def image_size(self, node: ImageNode) -> str:
        """An image's size; ``≥`` where parts of it are not known, ``?`` where nothing is."""
        if node.exact:
            return self.size(node.size)
        return f"≥{self.size(node.size)}" if node.size else "?"

    def shown_images(self) -> list[ImageNode]:
        """The images that pass the filter, in the chosen order."""
        graph = self.graph
        images = list(graph.images) if self.query is None else [n for n in graph.images if self.query.matches(n, graph)]
        key, natural = IMAGE_ORDERS[self.image_sort.key]
        if (self.image_sort.key, self.image_sort.reverse) != ("size", False):
            images.sort(key=key, reverse=natural != self.image_sort.reverse)
        return images

    def shown_layers(self) -> Sequence[Layer]:
        """The layers of the images that pass the filter."""
        return self.graph.layers if self.query is None else union(self.shown_images())

    def stack_of(self, node: ImageNode) -> list[Layer]:
        """An image's layers, newest first, as ``docker history`` lists them."""
        return list(reversed(node.layers))
