"""Columns of a row table: what they show, and which of them fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from layerscope.views.orders import Order

Piece = tuple[str, str]
"""A run of text and the name of its style (a component class of the table without its prefix)."""
Cell = str | list[Piece]


class ListColumn(NamedTuple):
    """One column. ``cell(row, width)`` gives its text; it is called for visible rows only."""

    key: str
    title: str
    cell: Callable[[Any, int], Cell]
    width: int
    """Cells it needs at least; it is dropped rather than cut below that."""
    align: Literal["left", "right"] = "left"
    good: int = 0
    """Cells it has before columns that are of less use (``drop`` from :data:`LUXURY` on) get any."""
    flex: int = 0
    """Its share of the room that is left over; 0 keeps it at ``width``."""
    most: int | None = None
    """Cells it takes at most, with ``flex``."""
    drop: int = 0
    """0 is never dropped; the highest goes first when the room is short."""
    short: tuple[str, ...] = ()
    """Titles for less room, the longest first."""
    by: Order | None = None
    """How rows are sorted by it; None: they cannot be."""
    sizes: bool = False
    """It shows sizes: :func:`place` can be told that those need a cell more."""


class Sort(Struct):
    """The order of one list."""

    key: str
    """Of the column."""
    reverse: bool = False
    """True when it is the other way round than is natural for the column (sizes: biggest first)."""


class Placed(NamedTuple):
    """A column with its place on the line."""

    column: ListColumn
    x: int
    width: int


GAP = 1
LUXURY = 5
LEAST = 6
"""Cells of text under which it is of no use."""


def place(columns: Sequence[ListColumn], room: int, keep: str = "", longer: int = 0) -> tuple[Placed, ...]:
    """Choose the columns that fit ``room`` cells in full and give each its place.

    Columns are dropped by their ``drop`` number, highest first, but that with the key
    ``keep`` stays; what is left over goes to those with ``flex``. Is there too little even so, the
    first of those gives way: it has text, which is still of use when it is cut. Sizes
    need ``longer`` cells more than their column is wide (``MiB`` for ``MB``).
    """
    chosen = [column._replace(width=column.width + longer) if column.sizes and longer else column for column in columns]
    while len(chosen) > 1 and sum(_wanted(c, chosen, keep) for c in chosen) + GAP * (len(chosen) - 1) > room:
        last = max(chosen, key=lambda column: 0 if column.key == keep else column.drop)
        if last.drop == 0 or last.key == keep:
            break
        chosen.remove(last)
    widths = {c.key: _wanted(c, chosen, keep) for c in chosen}
    spare = room - sum(widths.values()) - GAP * (len(chosen) - 1)
    if spare < 0:
        text = next((c for c in chosen if c.flex and not c.drop), chosen[0])
        widths[text.key] = max(min(LEAST, widths[text.key]), widths[text.key] + spare)
    growing = [c for c in chosen if c.flex]
    while spare > 0 and growing:
        weight = sum(c.flex for c in growing)
        given = 0
        for c in list(growing):
            share = max(1, spare * c.flex // weight)
            if c.most is not None:
                share = min(share, c.most - widths[c.key])
            share = min(share, spare - given)
            widths[c.key] += share
            given += share
            if c.most is not None and widths[c.key] >= c.most:
                growing.remove(c)
        if not given:
            break
        spare -= given
    placed: list[Placed] = []
    x = 0
    for c in chosen:
        placed.append(Placed(c, x, max(1, min(widths[c.key], room - x))))
        x += widths[c.key] + GAP
    return tuple(placed)


def _wanted(column: ListColumn, chosen: Sequence[ListColumn], keep: str) -> int:
    rich = any(other.drop >= LUXURY and other.key != keep for other in chosen)
    return max(column.width, column.good) if rich else column.width
