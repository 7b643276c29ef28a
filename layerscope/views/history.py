"""History in words: what changed since the last look, and when an image was seen in use. All of it is cleaned."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.units import UNKNOWN, Units, count, format_age
from layerscope.views.names import signed_words

if TYPE_CHECKING:
    from layerscope.core.past import SinceLook

FEWEST = 3
"""Scans from which on it says something that an image was in use in none of them."""
_YEAR = 300 * 86_400


def day(at: int, now: int) -> str:
    """Return a day in words, ``17 October``; with the year where it is long ago."""
    try:
        moment = time.localtime(at)
    except (OverflowError, ValueError, OSError):
        return "?"
    text = f"{moment.tm_mday} {time.strftime('%B', moment)}"
    return text if abs(now - at) < _YEAR else f"{text} {moment.tm_year}"


def since_look_words(found: SinceLook, units: Units) -> tuple[str, ...]:
    """Return what is otherwise since the last look, longest wording first.

    ``since your last look 3 days ago: +1.2 GB, +3 images``.
    """
    parts = []
    if (change := signed_words(found.change, units)) != "no change":
        parts.append("bytes not known" if change == UNKNOWN else change)
    if found.came and found.went:
        parts.append(f"+{found.came:,} −{found.went:,} images")
    elif found.came or found.went:
        parts.append(f"{'+' if found.came else '−'}{count(found.came or found.went, 'image')}")
    if found.clock_back:
        when = "since your last look, which the clock says is still to come"
    else:
        when = f"since your last look {format_age(0, found.seconds)} ago"
    what = ", ".join(parts) or "nothing changed"
    return f"{when}: {what}", f"since your last look: {what}", f"last look: {what}"


def use_words(node: ImageNode, graph: LayerGraph, now: int) -> str:
    """Return when an image was seen in use: what was observed and no more; empty where nothing was.

    ``in use``, ``in use until 3 weeks ago``, ``never seen in use in 41 scans since 17 October``.
    """
    if node.containers:
        return "in use"
    found = graph.seen.images.get(node.id)
    if found is None:
        return ""
    if found.last_used is None:
        return f"never seen in use in {count(found.scans, 'scan')} since {day(found.first, now)}"
    if found.last_used > now:
        return "in use at a scan that the clock says is still to come"
    return f"in use until {format_age(found.last_used, now)} ago"


def use_cell(node: ImageNode, graph: LayerGraph, now: int) -> str:
    """Return the same in few cells: ``now``, ``3 weeks ago``, ``not in 41``, ``–`` after too few scans, or nothing."""
    if node.containers:
        return "now"
    found = graph.seen.images.get(node.id)
    if found is None:
        return ""
    if found.last_used is None:
        return f"not in {found.scans:,}" if found.scans >= FEWEST else "–"
    return "in future" if found.last_used > now else f"{format_age(found.last_used, now)} ago"
