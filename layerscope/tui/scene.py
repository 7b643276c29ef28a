"""Scene: what every view of the session looks at. Data goes down from here; no widget, no I/O."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from layerscope.core.graph import ImageNode, Layer, LayerGraph, union
from layerscope.core.removal.marks import Marks
from layerscope.core.removal.measured import Freed
from layerscope.inventory import Inventory
from layerscope.state.pins import Pins
from layerscope.tui.widgets.columns import Sort
from layerscope.units import Units, format_size, size_width
from layerscope.views.changes import News
from layerscope.views.orders import in_order

if TYPE_CHECKING:
    from layerscope.search.query import Query


class Scene(Struct):
    """The graph on screen with what the user chose to see of it."""

    graph: LayerGraph
    marks: Marks
    units: Units = Units.SI
    query: Query | None = None
    image_sort: Sort = field(default_factory=lambda: Sort("size"))
    clock: Callable[[], float] = time.time
    only: frozenset[str] | None = None
    """IDs of the images that were marked when only those were asked for; None: not asked for."""
    pins: Pins = field(default_factory=lambda: Pins(None))
    """Images that are never proposed for removal."""
    freed: Freed = field(default_factory=Freed)
    """What removals and prunes of this session brought back, measured by the engine's figures or bounded by them."""
    log: Sequence[News] = ()
    """What happened on a live engine, the latest first."""
    _shown: tuple[tuple[object, ...], list[ImageNode]] | None = None
    _alone: Marks | None = None
    changes: int = 0
    """Counts everything that changes which rows are shown; views compare it to know that they are stale."""
    marked: int = 0
    """Counts what marks or pins."""

    @property
    def now(self) -> int:
        """Unix seconds: the engine's clock; for a saved scan the time of the scan, so that its ages stay true."""
        inventory = self.graph.inventory
        if inventory.from_file and inventory.taken_at:
            return inventory.taken_at
        return int(self.clock()) + inventory.clock_ahead

    @property
    def longer(self) -> int:
        """Cells that a size needs more in these units than in SI: ``MiB`` for ``MB``."""
        return size_width(self.units) - size_width(Units.SI)

    def size(self, size: int | None) -> str:
        """A size in the units that the user chose."""
        return format_size(size, self.units)

    def image_size(self, node: ImageNode) -> str:
        """An image's size; ``≥`` where parts of it are not known, ``?`` where nothing is."""
        if node.exact:
            return self.size(node.size)
        return f"≥{self.size(node.size)}" if node.size else "?"

    @property
    def looks(self) -> tuple[int, int]:
        """What rows look like beside :attr:`changes`: with other marks and pins, or other ages, it is another one."""
        return self.marked, self.now

    def shown_images(self) -> list[ImageNode]:
        """The images that pass the filter, in the chosen order; the same list until any of that changes."""
        sort = self.image_sort
        wanted = (self.graph, self.query, self.only, sort.key, sort.reverse)
        if self._shown is None or self._shown[0] != wanted:
            images = None if self.query is None else self.query.select(self.graph)
            if self.only is not None:
                of = self.graph.images if images is None else images
                images = [node for node in of if node.id in self.only]
            if (sort.key, sort.reverse) != ("size", False):  # the graph's own order
                images = in_order(self.graph, sort.key, sort.reverse, images)
            self._shown = wanted, list(self.graph.images) if images is None else images
        return self._shown[1]

    def shown_layers(self) -> Sequence[Layer]:
        """The layers of the images that pass the filter."""
        return union(self.shown_images()) if self.filtered else self.graph.layers

    @property
    def filtered(self) -> bool:
        """Are only some of the images shown?"""
        return self.query is not None or self.only is not None

    def widen(self) -> bool:
        """Leave the filter, or else the marked alone; False where all is shown already."""
        if self.query is not None:
            self.query = None
        elif self.only is not None:
            self.only = None
        else:
            return False
        return True

    def inventory(self) -> Inventory:
        """Return what the engine said last."""
        return self.graph.inventory

    # -- what is marked -------------------------------------------------------------------

    def mark_all(self) -> None:
        """Mark every image that is shown."""
        for node in self.shown_images():
            self.marks.mark(node)

    def invert_marks(self) -> None:
        """Mark what is shown and not marked; unmark what is."""
        for node in self.shown_images():
            if node in self.marks:
                self.marks.unmark(node)
            else:
                self.marks.mark(node)

    def mark_only(self, ids: Iterable[str]) -> None:
        """Mark some images in place of what was marked, and show them alone, for editing."""
        self.marks.clear()
        for image_id in ids:
            if image_id in self.graph.image_by_id:
                self.marks.mark(self.graph.image_by_id[image_id])
        self.only = frozenset(self.marks.ids)
        self.query = None

    def is_before(self, graph: LayerGraph) -> bool:
        """Is a graph as new as the one here? Several threads ask one engine; the one that asked first may end last."""
        return self.graph.inventory.serial <= graph.inventory.serial

    def rebase(self, graph: LayerGraph) -> None:
        """Take a newer graph; what was marked stays so as far as it is there."""
        self.graph = graph
        self.marks.rebase(graph)

    def now_of(self, image: ImageNode | None, layer: Layer | None) -> tuple[ImageNode | None, Layer | None]:
        """Return an image and a layer of an older graph as they are in the present one; None for what is gone."""
        return (
            self.graph.image_by_id.get(image.id) if image is not None else None,
            self.graph.layer_by_chain.get(layer.chain_id) if layer is not None else None,
        )

    def alone(self, nodes: Sequence[ImageNode]) -> Marks:
        """Return what some images would come to if they alone were marked; good until the next call."""
        if self._alone is None or self._alone.graph is not self.graph:
            self._alone = Marks(self.graph)
        for node in self._alone.images:  # in time with the images, where a fresh start is with the graph
            self._alone.unmark(node)
        for node in nodes:
            self._alone.mark(node)
        return self._alone
