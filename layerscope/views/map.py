"""The map: the footprint as an icicle drawn to scale, in terminal cells.

The whole rectangle is what is on disk; the area of a block is the bytes of its
run of layers, and what stands on a run is to its right, within its height: a base
is a column on the left, beside it everything that is built on it. So depth reads
from left to right, as text does, and blocks are wide enough for names.

Runs on one base lie one below the other, most bytes first. Those that would get
less than a line start another column on the right (as in a squarified treemap);
what does not fit even there becomes one block, "… 41 more", that can be zoomed into.
Every byte is in exactly one block; a block's sides are whole cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from rich.cells import cell_len

from layerscope.core.graph import ImageNode
from layerscope.text import fit
from layerscope.units import Units, format_size
from layerscope.views.forest import Forest, Run
from layerscope.views.names import count, fit_name, image_label, layer_label, repository

Direction = Literal["left", "right", "up", "down"]
Role = Literal["name", "size", "note", "fill", "foot", "gap"]

COLUMN = 10
"""Cells that a further column of blocks must be wide."""
WORD = 8
"""Cells in which a block can say something."""
SLIVER = 2
"""Cells that a block is wide at least; narrower than a word it must be :data:`TALL` to be a block of its own."""
TALL = 3


@dataclass(slots=True)
class Block:
    """One rectangle of the map. Places and sides in terminal cells, bytes in the store's unit."""

    index: int
    x: int
    y: int
    width: int
    height: int
    size: int
    """Bytes that its area stands for."""
    run: Run | None
    """The run of layers; None for the block of many small ones."""
    rest: tuple[Run, ...]
    """The runs that it stands for besides: the small ones, or what is too thin to be drawn on its right."""
    depth: int
    odd: bool
    """Every other one in a column, to be told apart from its neighbours."""
    hue: float
    """0 to 1: near for what stands on one base, far for what does not."""
    zoom: str
    """The root to lay out for seeing this block larger."""

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
        """True when the layers are needed by more than one image."""
        return self.run is not None and self.run.count > 1

    @property
    def label(self) -> str:
        """What it is, in a few words.

        The image that ends with it; else the repository that all its images are of; else
        the instruction that made its heaviest layer. ``… 41 more`` for many small ones.
        """
        if self.run is None:
            return f"… {len(self.rest):,} more"
        ends = self.run.images
        if ends:
            return image_label(ends[0]) if len(ends) == 1 else f"{image_label(ends[0])} +{len(ends) - 1}"
        common = _common_repository(self.run)
        return f"{common} ×{self.run.count}" if common else layer_label(self.run.biggest)

    @property
    def note(self) -> str:
        """How many images need it."""
        return count(self.images, "image")

    def lines(self, units: Units = Units.SI) -> list[list[tuple[str, Role]]]:
        """Return the text that fits into the block, line by line, as (text, role), each line at most its width."""
        room = self.width - (2 if self.width >= 5 else 1)
        rows = self.height - (1 if self.height >= 2 else 0)
        size = format_size(self.size, units)
        if room < 3:
            return []
        if rows == 1:
            if room >= len(size) + 8:
                return [[(fit_name(self.label, room - len(size) - 2), "name"), (f"  {size}", "size")]]
            return [[(fit_name(self.label, room), "name")]]
        lines: list[list[tuple[str, Role]]] = [[(fit_name(self.label, room), "name")]]
        tail = f" · {self.note}" if self.shared or self.run is None else ""
        if len(size) <= room:
            lines.append([(size, "size"), (fit(tail, room - len(size)), "note")])
        if rows >= 4 and self.run is not None and self.run.images and self.run.own:
            lines.append([(fit(layer_label(self.run.biggest), room), "note")])
        return lines


def _common_repository(run: Run) -> str:
    """Return the repository that every image on a run is of; empty when there is none."""
    found = ""
    for node in run.walk():
        name = repository(node)
        if not name or (found and name != found):
            return ""
        found = name
    return found


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of the drawn map: in one style, of one block."""

    text: str
    block: int | None
    """Index of the block; None for the gaps between blocks."""
    role: Role
    """``fill`` and the text roles stand on the block's colour; ``foot`` is in it, on the background."""


@dataclass(slots=True)
class Map:
    """A map, laid out: blocks that together cover it, from the left to the right of the forest."""

    width: int
    height: int
    root: str
    blocks: list[Block]
    size: int
    """Bytes of the whole."""
    unknown: int
    """Layers whose size is not known, and which are therefore not drawn."""
    path: tuple[tuple[str, str], ...]
    """(root, label) of what is around this one, outermost first; not this one."""

    def at(self, x: int, y: int) -> int | None:
        """Return the index of the block at a place."""
        for block in self.blocks:
            if block.x <= x < block.x + block.width and block.y <= y < block.y + block.height:
                return block.index
        return None

    def index_of(self, run: Run) -> int | None:
        """Return the index of the block that a run is drawn as, or is part of, or stands on."""
        drawn = {id(part): block.index for block in self.blocks for part in block.rest}
        drawn |= {id(block.run): block.index for block in self.blocks if block.run is not None}
        below: Run | None = run
        while below is not None:
            if id(below) in drawn:
                return drawn[id(below)]
            below = below.parent
        return None

    def neighbour(self, index: int, direction: Direction) -> int | None:
        """Return the block beside one: of those that touch that side, the one that does so the longest."""
        here = self.blocks[index]
        upright = direction in {"left", "right"}
        edge = {
            "left": here.x,
            "right": here.x + here.width,
            "up": here.y,
            "down": here.y + here.height,
        }[direction]
        best, found = 0, None
        for block in self.blocks:
            side = {
                "left": block.x + block.width,
                "right": block.x,
                "up": block.y + block.height,
                "down": block.y,
            }[direction]
            if side != edge:
                continue
            if upright:
                touch = min(here.y + here.height, block.y + block.height) - max(here.y, block.y)
            else:
                touch = min(here.x + here.width, block.x + block.width) - max(here.x, block.x)
            if touch > best:
                best, found = touch, block.index
        return found

    def paint(self, units: Units = Units.SI) -> list[list[Span]]:
        """Return the map line by line, each line the width of the map.

        A block of two lines or more ends in half a line of background (``▀``), one of five
        columns or more in a column of it, so that blocks are told apart without colour too.
        """
        if not self.blocks:
            return [[Span(" " * self.width, None, "gap")] for _ in range(self.height)]
        lines: list[list[Block]] = [[] for _ in range(self.height)]
        texts = [block.lines(units) for block in self.blocks]
        for block in sorted(self.blocks, key=lambda block: block.x):
            for y in range(block.y, block.y + block.height):
                lines[y].append(block)
        return [[span for block in line for span in _row(block, texts[block.index], y)] for y, line in enumerate(lines)]


def _row(block: Block, texts: list[list[tuple[str, Role]]], y: int) -> list[Span]:
    gap = 1 if block.width >= 5 else 0
    room = block.width - gap
    if block.height >= 2 and y == block.y + block.height - 1:
        spans = [Span("▀" * room, block.index, "foot")]
    else:
        line = texts[y - block.y] if y - block.y < len(texts) else []
        spans = [Span(text, block.index, role) for text, role in line if text]
        if spans:
            spans.insert(0, Span(" ", block.index, "fill"))
        used = sum(cell_len(span.text) for span in spans)
        if used < room:
            spans.append(Span(" " * (room - used), block.index, "fill"))
    if gap:
        spans.append(Span(" ", None, "gap"))
    return spans


# -- laying out ----------------------------------------------------------------------------


def lay_out(forest: Forest, width: int, height: int, root: str = "") -> Map:
    """Return the map of a forest, ``width`` by ``height`` cells.

    ``root`` is the :attr:`Block.zoom` of a block to fill the map with; of one that is gone
    since, or empty, the whole forest is drawn. Time depends on what is drawn, and on the
    number of runs that stand on one base.
    """
    return _Layout(forest, max(1, width), max(1, height)).map(root)


class _Layout:
    def __init__(self, forest: Forest, width: int, height: int) -> None:
        self.forest = forest
        self.whole = _Box(0, 0, width, height)
        self.blocks: list[Block] = []

    def map(self, root: str) -> Map:
        key, _, skip = root.partition("#")
        run = next((run for run in self.forest.run_of.values() if run.key == key), None) if key else None
        if key and run is None:
            root = skip = ""
        first = int(skip) if skip.isdecimal() else 0
        if run is not None and not skip:
            shown = [run]
            self._run(run, self.whole, 0, False, (0.0, 1.0))
        else:
            shown = (run.children if run is not None else self.forest.roots)[first:]
            self._place(shown, self.whole, 0, (0.0, 1.0), run.key if run is not None else "", first)
        size, unknown = sum(one.total for one in shown), sum(one.total_unknown for one in shown)
        return Map(self.whole.width, self.whole.height, root, self.blocks, size, unknown, self._path(run, first))

    def _path(self, run: Run | None, first: int) -> tuple[tuple[str, str], ...]:
        around: list[tuple[str, str]] = []
        below = run if first or run is None else run.parent
        while below is not None:
            around.append((below.key, below.images[0].name if below.images else below.key))
            below = below.parent
        if run is not None or first:
            around.append(("", "everything"))
        return tuple(reversed(around))

    def _place(self, runs: Sequence[Run], box: _Box, depth: int, hues: tuple[float, float], base: str, at: int) -> None:
        """Fill a box with runs that stand on one base (its key); they are its children from number ``at`` on."""
        runs = [run for run in runs if run.total]
        left = whole = sum(run.total for run in runs)
        x, width, begin, seen = box.x, box.width, 0, 0
        while begin < len(runs):
            end, weight = _column(runs, begin, box.height)
            share = round(width * weight / left)
            if min(share, width - share) < COLUMN:  # no room for another column: what is left goes below this one
                share = width
                while end > begin and end < len(runs) and 3 * box.height * runs[end - 1].total < 2 * left:
                    end -= 1  # a line for each, and the rest to scale
                if end < len(runs) and end - begin == box.height:
                    end -= 1
                if len(runs) - end == 1:
                    end += 1
            rest = tuple(runs[end:]) if share == width else ()
            weights = [run.total for run in runs[begin:end]] + ([sum(run.total for run in rest)] if rest else [])
            y = box.y
            for nth, rows in enumerate(_rows(weights, box.height)):
                place = _Box(x, y, share, rows)
                if begin + nth < end:
                    run = runs[begin + nth]
                    tint = _part(hues, seen / whole, (seen + run.total) / whole)
                    seen += run.total
                    self._run(run, place, depth, nth % 2 == 1, tint)
                else:
                    self._block(place, None, rest, depth, nth % 2 == 1, hues, f"{base}#{at + end}")
                y += rows
            if rest:
                return
            x, width, left, begin = x + share, width - share, left - weight, end

    def _run(self, run: Run, box: _Box, depth: int, odd: bool, hues: tuple[float, float]) -> None:
        above = run.total - run.own
        beside = round(box.width * above / run.total) if run.total else 0
        if run.own and box.width - beside < SLIVER < box.width:
            beside = box.width - SLIVER  # anything above zero is seen
        if run.own and beside == box.width:
            beside = 0  # too narrow for two: both are in one block
        tall = box.height >= TALL
        if not _readable(beside, tall) or (beside < box.width and not _readable(box.width - beside, tall)):
            self._block(box, run, tuple(run.children) if above else (), depth, odd, hues, run.key)
            return
        if beside < box.width:
            own = _Box(box.x, box.y, box.width - beside, box.height)
            self._block(own, run, (), depth, odd, hues, run.key)
            depth += 1
        right = _Box(box.x + box.width - beside, box.y, beside, box.height)
        self._place(run.children, right, depth, hues, run.key, 0)

    def _block(
        self,
        box: _Box,
        run: Run | None,
        rest: tuple[Run, ...],
        depth: int,
        odd: bool,
        hues: tuple[float, float],
        zoom: str,
    ) -> None:
        size = (run.own if run is not None else 0) + sum(one.total for one in rest)
        hue = (hues[0] + hues[1]) / 2
        self.blocks.append(Block(len(self.blocks), *box, size, run, rest, depth, odd, hue, zoom))


def _readable(width: int, tall: bool) -> bool:
    return width >= WORD or (tall and width >= SLIVER)


class _Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int


def _column(runs: Sequence[Run], begin: int, height: int) -> tuple[int, int]:
    """Return (end, bytes) of the runs from ``begin`` on that fill a column with a line or more for each."""
    weight, end = 0, begin
    while end < len(runs) and (end == begin or height * runs[end].total >= weight + runs[end].total):
        weight += runs[end].total
        end += 1
    return end, weight


def _rows(weights: Sequence[int], height: int) -> list[int]:
    """Share out lines in proportion to ``weights``, one at least to each; there are no more of them than lines."""
    whole = sum(weights)
    rows = [max(1, height * weight // whole) for weight in weights]
    spare = height - sum(rows)
    while spare > 0:  # to whom it is owed most
        at = max(range(len(rows)), key=lambda i: height * weights[i] - rows[i] * whole)
        rows[at] += 1
        spare -= 1
    while spare < 0:  # from whom it hurts least
        at = max((i for i in range(len(rows)) if rows[i] > 1), key=lambda i: rows[i] * whole - height * weights[i])
        rows[at] -= 1
        spare += 1
    return rows


def _part(hues: tuple[float, float], begin: float, end: float) -> tuple[float, float]:
    low, high = hues
    return low + (high - low) * begin, low + (high - low) * end
