"""Tables of plain text: no line wider than asked for, no number ever cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from msgspec import Struct
from rich.cells import cell_len

from layerscope.text import pad

_GAP = 2
"""Blanks between two columns."""


class Column(Struct, frozen=True, dict=True):
    """A column of a table; only one with a ``cut`` is ever narrower than its widest cell."""

    title: str
    cells: list[str]
    """Clean text."""
    right: bool = True
    """Are the cells put to the right?"""
    cut: Callable[[str, int], str] | None = None
    """How to make a cell fit into a number of columns of a terminal."""

    @cached_property
    def width(self) -> int:
        """Cells of a terminal that it takes."""
        return max([len(self.title), *map(cell_len, self.cells)])

    def placed(self, cell: str, width: int) -> str:
        """Return one of its cells in exactly ``width``."""
        return pad(self.cut(cell, width) if self.cut else cell, width, right=self.right)


def spare(width: int, columns: Sequence[Column]) -> int:
    """Return the cells of a line of ``width`` that are left when nothing is cut; below 0: those to be cut."""
    return width - sum(column.width for column in columns) - _GAP * (len(columns) - 1)


def table(width: int, *columns: Column) -> list[str]:
    """Lay out columns under their titles; the one that can be cut takes what room the others leave."""
    widths = [column.width for column in columns]
    if (missing := spare(width, columns)) < 0:
        widths = [w + missing if column.cut else w for w, column in zip(widths, columns, strict=True)]
    rows = [[column.title for column in columns], *zip(*(column.cells for column in columns), strict=True)]
    lines = ([c.placed(cell, w) for cell, w, c in zip(row, widths, columns, strict=True)] for row in rows)
    return [(" " * _GAP).join(line).rstrip() for line in lines]
