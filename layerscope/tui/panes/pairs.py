"""The matrix of what each pair of some images shares: a row for each, a column for each that there is room for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from textual.content import Content

from layerscope.core.compare import Comparison
from layerscope.core.graph import ImageNode
from layerscope.text import fit
from layerscope.tui.panes.cells import name_cell
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import Cell, ListColumn
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import UNKNOWN, count
from layerscope.views.compare import LEGEND, Form, Lanes, alone, form_for, lanes, letter, pair, width_of
from layerscope.views.find import user_search
from layerscope.views.orders import IMAGE_ORDERS

BESIDE = 37
"""Cells that are not for what is shared: border and scrollbar, marks, letter, the shortest name, size, alone."""
NAME = (12, 48)
"""Cells for the name: at least, at most."""
FRAME = 3
"""Lines that are no rows: the border and the heading."""


class Pairs(RowTable):
    """A list of the compared images; the cursor is on one of them."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__([], key=lambda node: node.id, empty="no images", id=id)
        self.scene: Scene | None = None
        self.comparison: Comparison | None = None
        self._place: Mapping[str, int] = {}
        self._form: Form = "bytes"
        self._lanes = Lanes(0, 1, 0)
        self.is_marked = lambda node: self.scene is not None and node.id in self.scene.marks.ids
        self.search = lambda: user_search(self.rows)

    def compare(self, comparison: Comparison, place: Mapping[str, int], scene: Scene, width: int) -> None:
        """Show a comparison in that many cells; ``place`` is that of each image in it, by ID."""
        self.comparison, self._place, self.scene = comparison, place, scene
        images = len(comparison.images)
        self.longer = scene.longer
        beside = BESIDE + 2 * scene.longer
        self._form = form_for(images, width - beside, scene.units)
        self._lanes = lanes(images, width - beside - 1)
        self.set_columns(self._columns(width))
        self.in_its_order()
        hidden = (
            f" · {count(self._lanes.more, 'column')} not shown" if self._form == "block" and self._lanes.more else ""
        )
        self.entitle(Content(f"Shared by each pair{hidden}"))
        self.subtitle = fit(LEGEND if self._form != "bytes" and images > 1 else "", max(1, width - 6))

    def in_its_order(self) -> None:
        """Show the images as they are sorted."""
        if self.comparison is not None:
            self.show(self.in_order(self.comparison.images))

    # -- columns --------------------------------------------------------------------------

    def _columns(self, width: int) -> list[ListColumn]:
        comparison, place, form, scene = self.comparison, self._place, self._form, self.scene
        if comparison is None or scene is None:
            return []

        def by_alone(node: ImageNode) -> int:
            return comparison.alone(place[node.id]).size

        images = range(len(comparison.images))
        shared = self._lanes.width + 1 if form == "block" else len(images) * (width_of(form, scene.units) + 1)
        name = max(NAME[0], min(NAME[1], NAME[0] + width - BESIDE - 2 * scene.longer - shared - 1))
        columns = [
            ListColumn("letter", "", self._letter, 1),
            ListColumn("name", "NAME", self._name_cell, name, by=IMAGE_ORDERS["name"]),
            ListColumn("size", "SIZE", self._size_cell, 8, align="right", by=IMAGE_ORDERS["size"], sizes=True),
            ListColumn("alone", "ALONE", self._alone, 8, align="right", by=(by_alone, True), sizes=True),
        ]
        if form == "block":
            return [*columns, ListColumn("pairs", self._lanes.heading, self._blocks, self._lanes.width)]
        wide = width_of(form, scene.units)
        for at in images:
            columns.append(ListColumn(f"pair {at}", letter(at), partial(self._pair, other=at), wide, align="right"))
        return columns

    def _letter(self, node: ImageNode, width: int) -> Cell:
        return [(letter(self._place[node.id]) or "·", "group")]

    def _name_cell(self, node: ImageNode, width: int) -> Cell:
        return name_cell(node, width, self.spots.get(node.id))

    def _size_cell(self, node: ImageNode, width: int) -> Cell:
        text = self.scene.image_size(node) if self.scene is not None else ""
        return [(text, "warn" if text == UNKNOWN else "")]

    def _alone(self, node: ImageNode, width: int) -> Cell:
        if self.comparison is None or self.scene is None:
            return ""
        text, some = alone(self.comparison, self._place[node.id], self.scene.units)
        return [(text, "warn" if text == UNKNOWN else "unique" if some else "dim")]

    def _pair(self, node: ImageNode, width: int, other: int) -> Cell:
        if self.comparison is None or self.scene is None:
            return ""
        return pair(self.comparison, self._place[node.id], other, self._form, self.scene.units)

    def _blocks(self, node: ImageNode, width: int) -> Cell:
        scene, comparison, row = self.scene, self.comparison, self._place[node.id]
        if scene is None or comparison is None:
            return ""
        return self._lanes.joined(
            pair(comparison, row, at, "block", scene.units)[0] for at in range(self._lanes.images)
        )
