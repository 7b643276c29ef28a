"""The map as lines of text: what stands where in each block, and how blocks are told apart.

On colours, blocks are parted by hairlines, and by gaps between what stands on different roots. Without
colours each has a thin line on its left and below it. The block of the cursor has a frame either way.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from rich.cells import cell_len

from layerscope.units import Units
from layerscope.views.blocks import LEAST, Block, Role, Text
from layerscope.views.map import Map

GAP = 2
"""Cells between what stands on different roots."""
_JOINTS = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"  # by what is drawn from the middle of the cell: up 1, down 2, left 4, right 8


class Span(Struct, frozen=True):
    """A stretch of one line of the drawn map: in one style, of one block."""

    text: str
    block: int | None
    """Index of the block; None for the gaps between blocks."""
    role: Role
    """Text of a block, or how it is edged: ``foot`` is in the colour of what is around it, ``line`` parts blocks
    where there are no colours, ``edge`` is the frame of the cursor."""
    under: bool = False
    """Underlined: the lower edge of a block that has no line to spare for it."""


class Picture:
    """Draws a map line by line."""

    def __init__(self, map_: Map, units: Units = Units.SI, *, outlined: bool = False) -> None:
        """Take a map. ``outlined``: with lines between the blocks, for where there are no colours."""
        self.map = map_
        self.units = units
        self.outlined = outlined
        self.signs: Mapping[int, str] = {}
        """What stands in front of the names of some blocks, by index."""
        self._rows: list[list[Block]] = [[] for _ in range(map_.height)]
        for block in sorted(map_.blocks, key=lambda block: block.x):
            for row in self._rows[block.y : block.y + block.height]:
                row.append(block)
        self._joints = self._joined() if outlined else {}

    def line(self, y: int, cursor: int | None = None) -> list[Span]:
        """Return one line, as wide as the map; ``cursor`` is the index of the block under the cursor."""
        if not self._rows[y]:
            return [Span(" " * self.map.width, None, "gap")]
        return [span for block in self._rows[y] for span in self._part(block, y, block.index == cursor) if span.text]

    def _inner(self, block: Block) -> int:
        """Return the width of a block without the gap on its right."""
        gap = block.outer[0] and block.x + block.width < self.map.width and not self.outlined
        return block.width - GAP if gap and block.width > 2 * GAP else block.width

    def _part(self, block: Block, y: int, here: bool) -> list[Span]:
        width, nth = self._inner(block), y - block.y
        framed = here and width > 1
        sign = self.signs.get(block.index, "")
        texts = block.lines(width - 1 - framed, self.units, sign)
        text = texts[nth] if nth < len(texts) else []
        last = nth == block.height - 1
        gap = [Span(" " * (block.width - width), None, "gap")]
        if framed:
            return [*self._framed(block, width, nth, text), *gap]
        spans = [Span(word, block.index, role) for word, role in text]
        blank = width - 1 - sum(cell_len(word) for word, _ in text)
        side = Span(" ", block.index, "fill") if not block.x else Span("▏", block.index, "foot")
        if sign and not nth and width <= LEAST:
            side, spans, blank = Span(sign, block.index, "name"), [], width - 1
        floor = block.y + block.height == self.map.height
        if self.outlined:
            side = side if side.role != "foot" else Span(self._joints[block.x, y], block.index, "line")
            if last and not text and block.height > 1 and not floor:
                # The sign of a mark may have made its text shorter since they were joined.
                line = (self._joints.get((x, y), "─") for x in range(block.x, block.x + width))
                return [Span("".join(line), block.index, "line")]
            under = last and not floor
            spans = [side, *(Span(span.text, span.block, span.role, under) for span in spans)]
            return [*spans, Span(" " * blank, block.index, "fill", under)]
        if last and not text and block.height > 1 and not floor:
            return [Span(("▄" if block.outer[1] else "▁") * width, block.index, "foot"), *gap]
        return [side, *spans, Span(" " * blank, block.index, "fill"), *gap]

    def _framed(self, block: Block, width: int, nth: int, text: list[Text]) -> list[Span]:
        """Return a line of the block under the cursor: its frame around its text."""
        first, last = not nth, nth == block.height - 1
        left, right = "[]" if first and last else "┏┓" if first else "┗┛" if last else "┃┃"
        spans = [Span(left, block.index, "edge"), *(Span(word, block.index, role) for word, role in text)]
        blank = width - 2 - sum(cell_len(word) for word, _ in text)
        if first is not last:
            pad = 1 if text and blank else 0
            spans += [Span(" " * pad, block.index, "fill"), Span("━" * (blank - pad), block.index, "edge")]
        else:
            spans.append(Span(" " * blank, block.index, "fill"))
        return [*spans, Span(right, block.index, "edge")]

    def _joined(self) -> dict[tuple[int, int], str]:
        """Return the lines on the left of blocks and below them, each cell joined to those around it."""
        upright: set[tuple[int, int]] = set()
        level: set[tuple[int, int]] = set()
        for block in self.map.blocks:
            if block.x:
                upright.update((block.x, y) for y in range(block.y, block.y + block.height))
            low = block.y + block.height - 1
            if (
                block.height > 1
                and low + 1 < self.map.height
                and len(block.lines(block.width - 1, self.units)) < block.height
            ):
                level.update((x, low) for x in range(block.x, block.x + block.width))
        found = {}
        for x, y in upright | level:
            here, lies = (x, y) in upright, (x, y) in level
            up = here
            down = (x, y + 1) in upright if lies else True
            left = (x - 1, y) in level or (lies and not x)
            right = lies and ((x + 1, y) in level or (x + 1, y) in upright or x + 1 == self.map.width)
            found[x, y] = _JOINTS[up + 2 * down + 4 * left + 8 * right]
        return found
