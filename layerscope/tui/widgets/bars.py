"""Bars in eighths of a cell, as pieces for a row or a header."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.tui.widgets.columns import Piece

EIGHTHS = " ▏▎▍▌▋▊▉"
FULL = "█"
SHARED = "░"


def plain_bar(part: int, whole: int, width: int, style: str) -> list[Piece]:
    """A bar of ``part`` on the scale of ``whole``; anything above zero is seen."""
    if whole <= 0 or part <= 0 or width <= 0:
        return []
    eighths = max(1, round(part * width * 8 / whole))
    full, rest = divmod(min(eighths, width * 8), 8)
    return [(FULL * full + (EIGHTHS[rest] if rest else ""), style)]


def split_bar(part: int, total: int, whole: int, width: int) -> list[Piece]:
    """A bar of ``total`` on the scale of ``whole``: a ``part`` of it ``█``, the rest ``░``: their shapes differ.

    The part is drawn to an eighth of a cell; the cell in which it ends has the style ``split``,
    whose background is the rest.
    """
    if whole <= 0 or width <= 0 or total <= 0:
        return []
    if part >= total:
        return plain_bar(total, whole, width, "unique")
    full, rest = divmod(max(1, round(part * width * 8 / whole)) if part > 0 else 0, 8)
    cells = max(1, full + bool(rest), round(total * width / whole))
    if full == cells:  # the rest is less than half a cell, and there is one
        full, rest = full - 1, 7
    pieces = [(FULL * full, "unique"), (EIGHTHS[rest] if rest else "", "split")]
    return [piece for piece in (*pieces, (SHARED * (cells - full - bool(rest)), "shared")) if piece[0]]


def stacked(values: Sequence[int], room: int) -> list[int]:
    """Return how many of ``room`` cells each value gets in one bar of all; what is not nothing gets one at least."""
    whole = sum(values)
    if whole <= 0 or room <= 0:
        return [0 for _ in values]
    cells = [max(1, value * room // whole) if value else 0 for value in values]
    cells[cells.index(max(cells))] += room - sum(cells)
    return cells
