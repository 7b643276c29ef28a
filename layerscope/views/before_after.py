"""The difference of two scans in words and rows, for text, Markdown and the interface. All of it is cleaned."""

from __future__ import annotations

import time
from collections.abc import Iterator

from layerscope.core.before_after import Difference, Side
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.sizes.sums import Bounds
from layerscope.text import clean
from layerscope.units import UNKNOWN, Units, count, format_about, format_number, format_size, natural_list
from layerscope.views.names import LONGEST, bounded, image_label, image_labels, layer_label, signed_words
from layerscope.views.removal import Row

MOST_LAYERS = 200
"""Layers of each side in a list to scroll."""

TotalRow = tuple[str, str, str, str]
"""What, before, after, change."""


def moment(seconds: int) -> str:
    """Return local date and time of Unix seconds, ``2026-10-17 14:05``; ``?`` where it is not known."""
    if not seconds:
        return UNKNOWN
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return UNKNOWN


def between_words(bounds: Bounds, units: Units) -> str:
    """Return a number of bytes that lies between two bounds: ``5.0 MB``, ``≥5.0 MB``, ``≤9.0 MB``, or ``?``."""
    if bounds.exact:
        return format_size(bounds.low, units)
    if bounds.low:
        return f"≥{format_size(bounds.low, units)}"
    return UNKNOWN if bounds.high is None else f"≤{format_size(bounds.high, units)}"


def footprint_words(found: Difference, units: Units) -> str:
    """Return what the footprint changed by: ``+31.0 MB``, ``no change``, ``−1.0 MB to +5.0 MB``, or ``?``."""
    low, high = found.footprint
    return signed_words((low if found.footprint_least_known else None, high), units)


def change_words(found: Difference, units: Units) -> str:
    """Return the difference in one line: ``+221 MB on disk · 3 images came, 1 went, 2 retagged``."""
    parts = [f"{number} {verb}" for number, verb in _numbers(found) if number]
    if parts:
        head, _, verb = parts[0].partition(" ")
        parts[0] = f"{count(int(head), 'image')} {verb}"
    change = footprint_words(found, units)
    disk = "nothing more or less on disk" if change == "no change" else f"{change} on disk"
    if change == UNKNOWN:
        disk = "how much more or less is on disk is not known"
    return " · ".join([disk, ", ".join(parts)]) if parts else disk


def _numbers(found: Difference) -> Iterator[tuple[int, str]]:
    yield len(found.added.images), "came"
    yield len(found.gone.images), "went"
    yield len(found.retagged), "retagged"


def span_words(found: Difference) -> str:
    """Return what is set beside what: ``From 2026-10-16 09:00 to 2026-10-17 09:00, 1 day later``."""
    old, new = found.old.inventory, found.new.inventory
    when = f"From {moment(old.taken_at)} to {moment(new.taken_at)}"
    if old.taken_at and new.taken_at:
        later = format_about(abs(found.seconds))
        when += f", {later} {'later' if found.seconds >= 0 else 'earlier: the second scan is the older one'}"
    hosts = [clean(one.engine.name or one.engine.host, 60) for one in (old, new)]
    what = f"{clean(new.engine.store, 40)} of {hosts[1]}" if hosts[0] == hosts[1] else f"{hosts[0]} and {hosts[1]}"
    return f"{when} · {what}"


def total_rows(found: Difference, units: Units) -> list[TotalRow]:
    """Return the sums before and after."""
    old, new = found.old.totals, found.new.totals

    def row(label: str, one: int, other: int, bounds: tuple[str, str], change: str) -> TotalRow:
        before, after = (bounded(size, bound, units) for size, bound in zip((one, other), bounds, strict=True))
        return label, before, after, change

    def plain(number: int) -> str:
        return f"{'+' if number > 0 else '−' if number < 0 else ''}{format_number(abs(number))}" if number else "–"

    exactly = not (old.listed_bound or new.listed_bound)
    listed = (format_size(found.listed, units, signed=True) if found.listed else "–") if exactly else UNKNOWN
    disk = footprint_words(found, units).replace("no change", "–")
    rows = [
        row("On disk", old.footprint, new.footprint, (old.footprint_bound, new.footprint_bound), disk),
        row("Sum of sizes", old.listed, new.listed, (old.listed_bound, new.listed_bound), listed),
    ]
    if found.content is not None and found.old.content is not None and found.new.content is not None:
        change = format_size(found.content, units, signed=True) if found.content else "–"
        rows.append(row("Content", found.old.content.size, found.new.content.size, ("", ""), change))
    for label, one, other in (
        ("Images", old.images, new.images),
        ("Layers", old.layers, new.layers),
        ("Containers", len(found.old.inventory.containers), len(found.new.inventory.containers)),
    ):
        rows.append((label, format_number(one), format_number(other), plain(other - one)))
    return rows


def totals_words(found: Difference, units: Units) -> str:
    """Return the sums of bytes before and after in one line: ``On disk 154 MB → 155 MB · Sum of sizes …``."""
    rows = total_rows(found, units)[:-_COUNTS]
    return " · ".join(f"{label} {before} → {after}" for label, before, after, _ in rows)


_COUNTS = 3
"""Rows of :func:`total_rows` that are no bytes."""


def image_rows(side: Side, units: Units) -> list[tuple[str, str, str]]:
    """Return (name, size, what it adds or frees alone) of the images that came or went."""
    found = []
    for one in side.images:
        own = between_words(one.alone, units)
        if one.content:
            own += f" and {format_size(one.content, units)} of content"
        found.append((labelled(one.node), bounded(one.node.size, "" if one.node.exact else "≥", units), own))
    return found


def labelled(node: ImageNode) -> str:
    """Return an image's name and how many more it has: ``app:2 +1 tag``."""
    more = len(node.image.tags) - 1
    return f"{image_label(node)} +{count(more, 'tag')}" if more > 0 else image_label(node)


def retagged_words(found: Difference) -> list[tuple[str, str]]:
    """Return (name, what became of its names) of the images that are in both under other names."""
    rows = []
    for one in found.retagged:
        gained = natural_list([clean(tag, LONGEST) for tag in one.gained], 3)
        lost = natural_list([clean(tag, LONGEST) for tag in one.lost], 3)
        words = [f"gained {gained}"] * bool(gained) + [f"lost {lost}"] * bool(lost)
        rows.append((image_label(found.old.image_by_id[one.node.id]), ", ".join(words)))
    return rows


def layer_rows(side: Side, units: Units, most: int) -> list[tuple[str, str, str]]:
    """Return (size, instruction, whose) of at most so many layers that came or went."""
    return [
        (
            ("~" if layer.size_is == "inferred" else "") + format_size(layer.size, units),
            layer_label(layer),
            image_labels(layer.images, 1),
        )
        for layer in side.layers[:most]
    ]


def moved_words(found: Difference) -> list[str]:
    """Return a line for each name that means another image now."""

    def shown(graph: LayerGraph, image_id: str) -> str:
        node = graph.image_by_id[image_id]
        return clean(node.id.removeprefix("sha256:"), 12)

    return [
        f"{clean(name, LONGEST)}  {shown(found.old, before)} → {shown(found.new, after)}"
        for name, before, after in found.moved
    ]


def difference_rows(found: Difference, units: Units) -> list[Row]:
    """Return what changed as rows of a dialog: images, names, layers, containers."""
    rows: list[Row] = []
    for side, sign, style, verb in ((found.added, "+", "warn", "adds"), (found.gone, "−", "good", "frees")):
        for number, (name, size, own) in enumerate(image_rows(side, units)):
            rows.append(Row(f"{sign}{number}", sign, style, name, size, f"{verb} {own} alone"))
        if side.together != (0, 0):
            together = between_words(side.together, units)
            rows.append(Row(f"{sign}together", sign, style, "several of them", together, "in layers that they share"))
    for number, (name, words) in enumerate(retagged_words(found)):
        rows.append(Row(f"~{number}", "~", "", name, "", words))
    for side, sign, style in ((found.added, "+", "warn"), (found.gone, "−", "good")):
        for number, (size, text, whose) in enumerate(layer_rows(side, units, MOST_LAYERS)):
            rows.append(Row(f"{sign}layer{number}", sign, style, f"layer of {whose}", size, text))
        rest = len(side.layers) - MOST_LAYERS
        if rest > 0:
            rows.append(Row(f"{sign}layers", sign, style, count(rest, "more layer"), "", ""))
    for some, sign, verb in (
        (found.changes.created, "+", "created"),
        (found.changes.gone, "−", "removed"),
        (found.changes.altered, "~", "changed"),
    ):
        for one in some:
            name = f"container {clean(one.name or one.id[:12], 60)}"
            rows.append(Row(f"{sign}{one.id}", sign, "", name, "", f"{verb}, {clean(one.state, 20)}"))
    return rows
