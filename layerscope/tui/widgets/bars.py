"""Bars in eighths of a cell, as pieces for a row or a header."""

from __future__ import annotations

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


def split_bar(unique: int, shared: int, whole: int, width: int) -> list[Piece]:
    """Two parts on one scale, told apart by shape as well as colour: unique ``█``, then shared ``░``."""
    if whole <= 0 or width <= 0 or unique + shared <= 0:
        return []
    cells = max(1, round((unique + shared) * width / whole))
    own = min(cells, round(unique * width / whole)) if unique else 0
    if unique and shared and cells > 1:
        own = min(max(own, 0), cells - 1)
    if unique and not own:
        return [("▌", "unique"), (SHARED * (cells - 1), "shared")] if cells > 1 else [("▌", "unique")]
    return [(FULL * own, "unique"), (SHARED * (cells - own), "shared")]


def two_part_bar(part: int, total: int, whole: int, width: int) -> list[Piece]:
    """As :func:`split_bar`, for a ``part`` of a ``total``."""
    return split_bar(part, total - part, whole, width)
