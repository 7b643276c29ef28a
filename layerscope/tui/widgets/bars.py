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


def split_bar(part: int, total: int, whole: int, width: int) -> list[Piece]:
    """A bar of ``total`` on the scale of ``whole``: a ``part`` of it ``█``, the rest ``░``: their shapes differ."""
    if whole <= 0 or width <= 0 or total <= 0:
        return []
    cells = max(1, round(total * width / whole))
    own = min(cells, round(part * width / whole)) if part else 0
    if 0 < part < total and cells > 1:
        own = min(own, cells - 1)
    if part and not own:
        return [("▌", "unique"), (SHARED * (cells - 1), "shared")] if cells > 1 else [("▌", "unique")]
    return [(FULL * own, "unique"), (SHARED * (cells - own), "shared")]
