"""The line after a pull that was looked at before it, and the names that can be typed to look."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.core.graph import LayerGraph
from layerscope.core.pulled import Pulled
from layerscope.core.stock import AddsIs
from layerscope.text import clean, fit_name
from layerscope.units import UNKNOWN, Units, format_size
from layerscope.views.names import LONGEST

_ROOMS = (48, 30, 20)
"""Cells that a name may have, most first."""
SIGNS: dict[AddsIs, str] = {"exact": "", "inferred": "≈", "unknown": ""}


def pulled_wordings(found: Pulled, units: Units) -> tuple[str, ...]:
    """Return ``web:1.9: predicted 45.6 MB and ≈31.0 MB · 44.9 MB and 30.8 MB``, the longest wording first.

    To download, and on disk; what was downloaded only where it is known.
    """
    said, low_high = found.said, found.said.download
    low, high = (format_size(size, units) for size in low_high)
    download = low if low_high[0] == low_high[1] else f"{low} … {high}"
    grew = UNKNOWN if found.grew is None else SIGNS[found.grew_is] + format_size(found.grew, units)
    adds = UNKNOWN if said.adds is None else SIGNS[said.adds_is] + format_size(said.adds, units)
    came = f"{grew} on disk" if found.fetched is None else f"{format_size(found.fetched, units)} and {grew}"
    name = clean(said.image.name, LONGEST)
    long = f"pulled {fit_name(name, _ROOMS[0])}: predicted {download} to download and {adds} on disk · {came}"
    short = f"predicted {download} and {adds} · {came}"
    least = f"predicted {adds} · {grew} on disk"
    return tuple(dict.fromkeys([long, *(f"{fit_name(name, room)}: {short}" for room in _ROOMS), short, least]))


def names_here(graph: LayerGraph) -> tuple[str, ...]:
    """Return the names of the images that are here, to complete what is typed."""
    tags = {tag for node in graph.images for tag in node.image.tags if tag.isprintable() and " " not in tag}
    return tuple(sorted(tags))


def complete_name(names: Sequence[str], typed: str, now: str = "") -> str:
    """Return ``typed`` with its last word made one of ``names`` that begins so: the first, or the one after ``now``.

    ``now`` is what was answered before. Empty where no name begins so.
    """
    before, blank, word = typed.rpartition(" ")
    fits = [before + blank + name for name in names if name.startswith(word)] if word else []
    if not fits:
        return ""
    return fits[(fits.index(now) + 1) % len(fits) if now in fits else 0]
