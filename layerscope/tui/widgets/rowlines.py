"""The lines of a row table: a heading or a row in its columns, as Textual draws it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from layerscope.text import fit_first
from layerscope.tui.widgets.columns import Cell, Placed, Sort

Styles = Callable[[str], Style]
"""Gives the style of a component by its short name."""


def sign_of(marked: bool | None) -> str:
    """Return what stands before a row: marked, not, or (None) a part of what it stands for is."""
    return "✓ " if marked else "~ " if marked is None else "  "


def heading_line(placed: Sequence[Placed], sort: Sort, gutter: int, width: int, style_of: Styles) -> Strip:
    """Return the titles of the columns; that of the order with an arrow."""
    style = style_of("text") + style_of("heading")
    segments = [Segment(" " * gutter, style)]
    at = 0
    for place in placed:
        column, here, arrow = place.column, style, ""
        if sort.key == column.key and column.by is not None:
            arrow = "▾" if column.by[1] is not sort.reverse else "▴"
            here = style + style_of("sorted")
        text = fit_first((title + arrow for title in (column.title, *column.short)), place.width)
        pad = " " * (place.width - cell_len(text))
        gap = " " * (place.x - at)
        segments.append(Segment(gap + pad + text if column.align == "right" else gap + text + pad, here))
        at = place.x + place.width
    return Strip(segments).adjust_cell_length(width, style)


def row_line(row: Any, placed: Sequence[Placed], sign: str, width: int, style_on: Styles) -> Strip:
    """Return a row in its columns, behind its ``sign`` (of marks; empty: no room is kept for one).

    ``style_on`` gives a style on that of the text; for "" the text's own.
    """
    base = style_on("")
    runs: list[tuple[str, Style]] = []
    if sign:
        runs.append((sign, style_on("mark") if sign.strip() else base))
    at = 0
    for place in placed:
        if place.x > at:
            runs.append((" " * (place.x - at), base))
        runs += _cell(place.column.cell(row, place.width), place, style_on)
        at = place.x + place.width
    if at + len(sign) < width:
        runs.append((" " * (width - len(sign) - at), base))
    # Each segment costs time wherever Textual passes it on: what looks the same is one.
    segments: list[Segment] = []
    together, last = "", base
    for text, style in runs:
        if style is last:
            together += text
        else:
            segments.append(Segment(together, last))
            together, last = text, style
    segments.append(Segment(together, last))
    return Strip(segments, max(width, at + len(sign))).adjust_cell_length(width, base)


def _cell(cell: Cell, placed: Placed, style_on: Styles) -> list[tuple[str, Style]]:
    used = 0
    found: list[tuple[str, Style]] = []
    for whole, name in [(cell, "")] if isinstance(cell, str) else cell:
        text, length = whole, len(whole) if whole.isascii() else cell_len(whole)
        if used + length > placed.width:
            text = set_cell_size(whole, max(0, placed.width - used - 1)) + "…"
            length = placed.width - used
            if length <= 0:
                break
        found.append((text, style_on(name)))
        used += length
    if used < placed.width:
        pad = " " * (placed.width - used), style_on("")
        found = [pad, *found] if placed.column.align == "right" else [*found, pad]
    return found
