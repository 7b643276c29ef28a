"""The two bars that are always on screen: the sum of sizes over what is on disk, each with its parts."""

from __future__ import annotations

from typing import NamedTuple

from layerscope.core.graph import LayerGraph
from layerscope.core.totals import Totals
from layerscope.units import Units, count, format_ratio, format_size, natural_list
from layerscope.views.names import bounded

UNPACKED, CONTENT = "█", "▒"
"""What the parts of a bar are drawn with: their shapes differ."""


class Bar(NamedTuple):
    """One of the two. Bytes."""

    label: str
    total: int
    figure: str
    """The total as a person reads it, with its bound."""
    content: int
    """So much of the total is content, drawn as the second part; 0 on stores that keep none."""
    said: tuple[str, ...]
    """The numbers of both parts, in more and in fewer words; () where there is one part."""
    filled: int | None
    """What the rows that pass the filter come to; None without one."""


def two_bars(graph: LayerGraph, shown: Totals | None, units: Units = Units.SI) -> tuple[Bar, Bar]:
    """Return both bars; on a containerd store each is unpacked layers and content, on one scale.

    ``shown``: the totals of the rows that pass the filter, None without one.
    """
    totals = graph.totals
    first = Bar(
        "Sum of sizes",
        totals.disk_listed,
        f"{totals.disk_listed_bound}{format_size(totals.disk_listed, units)}",
        totals.listed_content or 0,
        _parts(totals, totals.listed, totals.listed_bound, totals.listed_content, units),
        shown.disk_listed if shown is not None else None,
    )
    second = Bar(
        "On disk" if graph.disk_rule.once else "Each once",
        totals.disk,
        f"{totals.disk_bound}{format_size(totals.disk, units)}",
        totals.content or 0,
        _parts(totals, totals.footprint, totals.footprint_bound, totals.content, units),
        shown.disk if shown is not None else None,
    )
    return first, second


def _parts(totals: Totals, unpacked: int, bound: str, content: int | None, units: Units) -> tuple[str, ...]:
    if not totals.keeps_content:
        return ()
    one, two = bounded(unpacked, bound, units), format_size(content, units)
    return (
        f"{UNPACKED} unpacked {one:>8}  {CONTENT} content {two:>8}",
        f"{UNPACKED} {one:>8} {CONTENT} {two:>8}",
    )


def saved_words(totals: Totals, units: Units = Units.SI) -> tuple[str, str]:
    """Return what sharing saves and how many times over the disk is used: ``5.03 GB``, ``4.8×``; empty for unknown."""
    bound = totals.disk_ratio_bound
    known = not totals.unknown_images and bound != "?"
    ratio = f"{bound}{format_ratio(totals.disk_listed, totals.disk)}" if known else ""
    return f"{totals.saved_bound}{format_size(totals.disk_saved, units)}", ratio


def open_words(graph: LayerGraph, units: Units = Units.SI) -> str:
    """Return why the lower bar is no more than a bound, in a few words; empty where it is exact."""
    totals = graph.totals
    parts = []
    if totals.unknown_images:
        least = "≥" if graph.inventory.only_first else ""
        parts.append(f"{least}{count(totals.unknown_images, 'image')} not read")
    if totals.unknown_layers:
        most = f", at most {format_size(totals.disk_most, units)} in all" if totals.disk_most is not None else ""
        parts.append(f"{count(totals.unknown_layers, 'layer size')} unknown{most}")
    if not totals.content_known:
        parts.append("content refused" if graph.inventory.content is not None else "content not asked yet")
    return natural_list(parts)
