"""Rows of what is stored more than once, for the view of all layers."""

from __future__ import annotations

from collections.abc import Callable

from layerscope.core.missed import Missed
from layerscope.tui.panes.cells import instruction_cell
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import Cell, ListColumn
from layerscope.units import format_number
from layerscope.views.before_after import between_words


def missed_key(one: Missed) -> str:
    """Return what tells a row from all others."""
    return f"{one.is_} {one.copies[0].chain_id}"


def missed_columns(scene: Callable[[], Scene | None]) -> list[ListColumn]:
    """Return the columns: what the copies weigh but for the biggest, how many there are, what made them."""

    def size(one: Missed, width: int) -> Cell:
        here = scene()
        words = between_words(one.size, here.units) if here is not None else ""
        return [(words, "warn")] if one.is_ == "exact" else [(f"~{words}", "dim")]

    def kind(one: Missed, width: int) -> Cell:
        return "same" if one.is_ == "exact" else [("likely", "dim")]

    return [
        ListColumn("missed", "AGAIN", size, 9, align="right", sizes=True),
        ListColumn("copies", "TIMES", lambda one, w: format_number(len(one.copies)), 5, align="right", drop=2),
        ListColumn("is", "CONTENT", kind, 7, drop=1),
        ListColumn("what", "INSTRUCTION", lambda one, w: instruction_cell(one.copies[0], w), 8, flex=1),
    ]
