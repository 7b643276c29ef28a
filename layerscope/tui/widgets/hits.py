"""What was found, drawn: the characters that fit stand out, wherever the text was cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from layerscope.text import ELLIPSIS, fit
from layerscope.tui.widgets.columns import Piece


def lit(text: str, shown: str, positions: Iterable[int], style: str) -> list[Piece]:
    """Return ``shown``, which is ``text`` or what is left of it around one ``…``, with some characters as hits.

    A hit that was cut away shows on the ``…``.
    """
    if shown == text:
        places = set(positions)
    else:
        same = (i for i, (a, b) in enumerate(zip(text, shown, strict=False)) if a != b)
        head = next(same, min(len(text), len(shown)))
        cut = shown.find(ELLIPSIS, head)
        cut = head if cut < 0 else cut
        away = len(text) - (len(shown) - cut - 1)
        places = {p if p < cut else cut if p < away else p - away + cut + 1 for p in positions}
    return _pieces(shown, places, style)


def excerpt(text: str, positions: Sequence[int], width: int) -> list[Piece]:
    """Return the part of a long text that holds the first hits."""
    first = min(positions, default=0)
    start = max(0, first - width // 3) if len(text) > width else 0
    part = text[start:]
    shown = fit(part, width - bool(start))
    pieces = lit(part, shown, [p - start for p in positions if p >= start], "")
    return [(ELLIPSIS, ""), *pieces] if start else pieces


def _pieces(text: str, places: set[int], style: str) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    while at < len(text):
        hit = at in places
        end = at + 1
        while end < len(text) and (end in places) is hit:
            end += 1
        pieces.append((text[at:end], "hit" if hit else style))
        at = end
    return pieces
