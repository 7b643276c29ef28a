"""Blocks of the map: what one of them stands for, what it is called, and the text that fits into it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct
from rich.cells import cell_len, set_cell_size

from layerscope.core.graph import ImageNode
from layerscope.text import fit, fit_name
from layerscope.units import Units, count, format_number, format_size
from layerscope.views.forest import Forest, Run
from layerscope.views.names import image_label

Role = Literal["name", "size", "note", "fill", "foot", "line", "edge", "gap"]
Text = tuple[str, Role]

LEAST = 3
"""Cells in which a name says something."""
READABLE = 6
"""Cells of a cut name under which it is left out."""
ROOM = 8
"""Cells of a name that are enough for the size to stand beside it."""


class Block(Struct):
    """One rectangle of the map. Places and sides in terminal cells, bytes in the store's unit."""

    index: int
    x: int
    y: int
    width: int
    height: int
    size: int
    """Bytes that its area stands for."""
    host: int
    """Bytes of everything, of which it is a part."""
    run: Run | None
    """The run of layers; None for the block of many small ones."""
    rest: tuple[Run, ...]
    """The runs that it stands for besides: the small ones, or what is too thin to be drawn on its right."""
    name: str
    """The image that ends with it, else the repository that all its images are of, else the image nearest above it."""
    more: str
    """What there is besides: `` · 24 images`` of the repository, `` and 322 more`` images; empty for nothing."""
    depth: int
    odd: bool
    """Every other one in a column, to be told apart from its neighbours."""
    hue: float | None
    """0 to 1: near for what stands on one base, far for what does not; None for many that have nothing in common."""
    zoom: str
    """The root to lay out for seeing this block larger. No two blocks of a map have the same."""
    outer: tuple[bool, bool] = (False, False)
    """Does what stands on the same root end at its right side, and at its lower one?"""

    @property
    def images(self) -> int:
        """How many images need what it stands for (at least one of the runs)."""
        return self.run.count if self.run is not None else sum(run.count for run in self.rest)

    @property
    def members(self) -> list[ImageNode]:
        """Those images."""
        return self.run.members if self.run is not None else [node for run in self.rest for node in run.members]

    @property
    def shared(self) -> bool:
        """True when more than one image needs it."""
        return self.images > 1

    @property
    def leaf(self) -> ImageNode | None:
        """The image that it is, when it is of one alone and nothing else is behind it."""
        return self.run.images[0] if self.run is not None and self.run.count == 1 and self.run.images else None

    @property
    def image(self) -> ImageNode | None:
        """The image that it is named by: one that ends with it, or the nearest above."""
        return _nearest(self.run if self.run is not None else self.rest[0])

    @property
    def label(self) -> str:
        """What it is, in a few words."""
        return self.name + self.more

    @property
    def note(self) -> str:
        """How many images need it."""
        return count(self.images, "image")

    @property
    def percent(self) -> str:
        """Its part of everything."""
        return percent(self.size, self.host)

    def counted(self, counts: Mapping[Run, int]) -> int:
        """Add up, of what it stands for, what :meth:`Forest.counts` counted."""
        return sum(counts.get(run, 0) for run in (self.rest if self.run is None else (self.run,)))

    def holds(self, run: Run | None) -> bool:
        """Is a run what it stands for, or does the run stand on it?"""
        mine = self.rest if self.run is None else (self.run,)
        while run is not None:
            if run in mine:
                return True
            run = run.parent
        return False

    def lines(self, room: int, units: Units = Units.SI, sign: str = "") -> list[list[Text]]:
        """Return the text that fits, line by line, as (text, role), each line at most ``room`` cells.

        ``sign`` stands in front of the name.
        """
        head = f"{sign} " if sign else ""
        if room < LEAST + len(head) or not self._readable(room - len(head)):
            return [[(sign, "name")]] if sign and room >= 1 else []
        size = format_size(self.size, units)
        beside = room - len(size) - 1
        if self.height == 1 or (self.height == 2 and beside > ROOM + len(head)):
            if beside < LEAST + len(head) or not self._says_something(beside - len(head)):
                return [[(self._called(room, head), "name")]]
            name = self._called(beside - (beside > ROOM), head)
            gap = 2 if cell_len(name) < beside else 1
            return [[(name, "name"), (" " * gap + size, "size")]]
        name = self._called(room, head)
        if len(size) > room:
            return [[(name, "name")]]
        notes = [self.percent] if self.height > 2 else []
        if self.shared and not (self.more and name.endswith(self.more)):
            notes.append(self.note)
        tail = ""
        for note in notes:
            if len(size) + len(tail) + len(note) + 3 <= room:
                tail += f" · {note}"
        return [[(name, "name")], [(size, "size"), (tail, "note")]]

    def _readable(self, room: int) -> bool:
        """Is a name of so many cells worth reading? Three letters of one say nothing."""
        return room >= READABLE or cell_len(self.label) <= room

    def _says_something(self, room: int) -> bool:
        """Is a name of so many cells worth its place beside the size? Its first letters alone are not."""
        return self._readable(room) or cell_len(_bare(self.name)[1]) <= room

    def _called(self, room: int, head: str) -> str:
        room -= len(head)
        if cell_len(self.label) <= room:
            return head + self.label
        # An image must not seem to weigh what it and others do together.
        tail = self.more.replace(" and ", " +").removesuffix(" more") if self.more.startswith(" and ") else ""
        if len(tail) + LEAST + 1 > room:
            tail = ""
        return head + short_name(self.name, room - len(tail)) + tail


def percent(part: int, whole: int) -> str:
    """Return what part of a whole something is, ``7 %``: ``<1 %`` for what is not nothing, ``>99 %`` for not all."""
    if whole <= 0 or part <= 0:
        return "0 %"
    rounded = (200 * part + whole) // (2 * whole)
    return "<1 %" if not rounded else ">99 %" if rounded >= 100 and part < whole else f"{rounded} %"


def _bare(label: str) -> tuple[str, str]:
    """Return the label of an image without its path, and without its tag as well."""
    last = label if " " in label.rpartition("/")[0] else label.rpartition("/")[2] or label
    return last, re.split("[:@ ]", last)[0] or last


def short_name(label: str, width: int) -> str:
    """Cut the label of an image to ``width`` cells: first its path goes, then its tag, and its letters last.

    ``acme/shop-api:2.4.1`` becomes ``…/shop-api:2.4.1``, ``shop-api:2…``, ``shop-api`` and ``shop…``.
    """
    if cell_len(label) <= width:
        return label
    last, bare = _bare(label)
    if cell_len(last) + 2 <= width:
        return fit_name(label, width)
    if cell_len(last) <= width:
        return last
    if cell_len(bare) > width or cell_len(bare) + 4 <= width:
        return fit(bare if cell_len(bare) > width else last, width) if width > 4 else set_cell_size(bare, width)
    return bare


def name_of(forest: Forest, run: Run | None, rest: Sequence[Run]) -> tuple[str, str]:
    """Return what to call a block (name, more): of a run and what stands on it, or of several beside each other."""
    runs = rest if run is None else (run,)
    images = sum(one.count for one in runs)
    if run is not None and run.images:
        others = images - 1 if rest else len(run.images) - 1
        return image_label(run.images[0]), f" and {format_number(others)} more" if others else ""
    common = {forest.repository_of(one) for one in runs}
    if len(common) == 1 and images > 1 and (name := common.pop()):
        return name, f" · {count(images, 'image')}"
    nearest = _nearest(runs[0])
    if nearest is None:  # only leftovers of builds stand on it
        return "no image", ""
    return image_label(nearest), f" and {format_number(images - 1)} more" if images > 1 else ""


def _nearest(run: Run) -> ImageNode | None:
    """Return the image that ends with a run, or with the nearest one above it, the heaviest branch first."""
    waiting = deque([run])
    while waiting:
        here = waiting.popleft()
        if here.images:
            return here.images[0]
        waiting.extend(here.children)
    return None
