"""The difference of two scans for people: plain text, totals first, then images, then layers.

No line is wider than asked for and no number is cut.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from layerscope.core.before_after import Difference, Side
from layerscope.output.tables import Column, table
from layerscope.text import clean, fit, fit_name
from layerscope.units import Units, count, format_exact, format_size, natural_list
from layerscope.views.before_after import (
    between_words,
    change_words,
    image_rows,
    layer_rows,
    moved_words,
    retagged_words,
    span_words,
    total_rows,
)

MIN_WIDTH = 80
TOP = 15
"""Layers listed on each side: the biggest."""
_WHOSE = 28


def diff_text(found: Difference, *, units: Units = Units.SI, width: int = MIN_WIDTH) -> str:
    """Return the difference as text of at most ``width`` columns, a newline at its end."""
    width = max(width, MIN_WIDTH)
    head = [fit(change_words(found, units), width), *textwrap.wrap(span_words(found), width)]
    if not found:
        return "\n".join(["Nothing changed.", *head[1:]]) + "\n"
    parts = [
        head,
        [*_totals(found, units, width), *_doubts(found, units, width)],
        _images(found.added, "CAME", "ADDS ALONE", "came with", units, width),
        _images(found.gone, "WENT", "FREES ALONE", "went with", units, width),
        _retagged(found, width),
        _moved(found, width),
        _layers(found.added, "LAYER THAT CAME", units, width),
        _layers(found.gone, "LAYER THAT WENT", units, width),
        _containers(found, width),
    ]
    return "\n".join("\n".join(lines) + "\n" for lines in parts if lines)


def _totals(found: Difference, units: Units, width: int) -> list[str]:
    rows = total_rows(found, units)
    change = found.footprint.low if found.exact else 0
    exact = [f"{'−' if change < 0 else '+'}{format_exact(abs(change))}" if change else ""] + [""] * (len(rows) - 1)
    return table(
        width,
        Column("", [row[0] for row in rows], right=False),
        Column("BEFORE", [row[1] for row in rows]),
        Column("AFTER", [row[2] for row in rows]),
        Column("CHANGE", [row[3] for row in rows]),
        Column("", exact),
    )


def _doubts(found: Difference, units: Units, width: int) -> list[str]:
    told = []
    for graph, which in ((found.old, "first"), (found.new, "second")):
        if not graph.inventory.complete:
            told.append(f"The {which} scan was not finished.")
        if graph.totals.unknown_images:
            told.append(f"The {which} scan has {count(graph.totals.unknown_images, 'image')} of unknown layers.")
    if found.untold:
        size = format_size(found.untold, units, signed=True)
        told.append(f"{size} of the change is known as a sum, not layer by layer.")
    if found.resized:
        size = format_size(sum(one.change for one in found.resized), units, signed=True)
        told.append(
            f"{count(len(found.resized), 'layer')} in both scans {'has' if len(found.resized) == 1 else 'have'} "
            f"another size in the second: {size} in all."
        )
    return [line for sentence in told for line in textwrap.wrap(sentence, width)]


def _images(side: Side, title: str, alone: str, verb: str, units: Units, width: int) -> list[str]:
    rows = image_rows(side, units)
    if not rows:
        return []
    lines = table(
        width,
        Column(f"IMAGE THAT {title}", [row[0] for row in rows], right=False, cut=fit_name),
        Column("SIZE", [row[1] for row in rows]),
        Column(alone, [row[2] for row in rows]),
    )
    if side.together != (0, 0):
        lines.append(f"{between_words(side.together, units)} more {verb} several of them together.")
    return lines


def _retagged(found: Difference, width: int) -> list[str]:
    rows = retagged_words(found)
    if not rows:
        return []
    return table(
        width,
        Column("RETAGGED", [fit_name(name, 40) for name, _ in rows], right=False),
        Column("NAMES", [words for _, words in rows], right=False, cut=fit),
    )


def _moved(found: Difference, width: int) -> list[str]:
    rows = moved_words(found)
    return ["NAME THAT MEANS ANOTHER IMAGE NOW", *(fit(row, width) for row in rows)] if rows else []


def _layers(side: Side, title: str, units: Units, width: int) -> list[str]:
    rows = layer_rows(side, units, TOP)
    if not rows:
        return []
    lines = table(
        width,
        Column("SIZE", [row[0] for row in rows]),
        Column("OF", [fit(row[2], _WHOSE) for row in rows], right=False),
        Column(title, [row[1] for row in rows], right=False, cut=fit),
    )
    if rest := len(side.layers) - len(rows):
        size = format_size(sum(layer.known_size for layer in side.layers[TOP:]), units)
        lines.append(f"{count(rest, 'more layer')}, {size} together.")
    return lines


def _containers(found: Difference, width: int) -> list[str]:
    def told(some: Sequence[object], names: list[str], verb: str) -> str:
        return f"{count(len(some), 'container')} {verb}: {natural_list(names, 5)}."

    lines = []
    for some, verb in (
        (found.changes.created, "created"),
        (found.changes.gone, "removed"),
        (found.changes.altered, "changed"),
    ):
        if some:
            names = [f"{clean(one.name or one.id[:12], 60)} ({clean(one.state, 12)})" for one in some]
            lines += textwrap.wrap(told(some, names, verb), width)
    return lines
