"""The line about the marked set, or about what a mark would do: sentences in pieces, by how much they matter.

The bytes come from :mod:`layerscope.core.removal.marks`; nothing is computed here.
"""

from __future__ import annotations

from typing import NamedTuple

from rich.cells import cell_len

from layerscope.core.graph import ImageNode
from layerscope.core.removal.marks import Figures
from layerscope.core.removal.measured import Freed
from layerscope.text import fit, fit_name
from layerscope.units import Units, count, format_number, format_size, natural_list
from layerscope.views.names import bounded, image_label

GAP = " · "
NAMES = (60, 30, 20, 12)
"""Cells that a name may have; under the last it says too little to be worth the room."""


class Part(NamedTuple):
    """A part of a line: it is said as long as there is room, in the longest wording that fits."""

    key: str
    wordings: tuple[str, ...]
    """Longest first. A number in them is never cut."""
    rank: int
    """0 is never left out; the highest goes first."""


def marked_parts(figures: Figures, units: Units, held_by_cache: int | None, freed: Freed) -> list[Part]:
    """Return the line for a marked set; ``freed`` is what came back in this session so far.

    ``held_by_cache``: as :attr:`layerscope.core.removal.marks.Marks.held_by_cache`.
    """
    frees = _frees(figures, units)
    parts = [
        Part("mark", (f"✓ marked {format_number(figures.marked)}", f"✓ {format_number(figures.marked)}"), 0),
        Part("listed", (f"listed {format_size(figures.listed, units)}",), 5),
        Part("frees", (f"frees {frees}",), 0),
    ]
    if held_by_cache:
        held = format_size(held_by_cache, units)
        if held_by_cache == figures.frees:
            after = ("after the build cache is pruned", "after a cache prune")
        else:
            after = (f"up to {held} of it after the build cache is pruned", f"≤{held} after a cache prune")
        parts.append(Part("cache", after, 3))
    if figures.blocked:
        parts.append(_blocked_part(figures, 1))
    parts += _untagged_part(figures, 1)
    if figures.kept:
        parts.append(Part("keeps", _keeps(figures, units), 2))
    return [*parts, *freed_part(freed, units)]


def _blocked_part(figures: Figures, rank: int) -> Part:
    many = format_number(figures.blocked)
    are = "is" if figures.blocked == 1 else "are"
    return Part("blocked", (f"{many} {are} in use and cannot go", f"{many} cannot go", f"{many} blocked"), rank)


def _untagged_part(figures: Figures, rank: int) -> list[Part]:
    number = figures.untagged
    if not number:
        return []
    many = format_number(number)
    return [Part("untagged", (f"{many} only untagged", f"{many} untagged"), rank)]


def freed_part(freed: Freed, units: Units) -> list[Part]:
    """Return what came back in this session so far, a bound where only that is known; nothing when nothing did."""
    if freed == Freed():
        return []
    low, high = format_size(freed.low, units), format_size(freed.high, units)
    if freed.low == freed.high:
        size = low
    elif freed.low:  # what surely came back is worth more than the most that may have
        size = f"≥{low}"
    else:
        size = "not measured" if freed.high is None else f"≤{high}"
    return [Part("freed", (f"freed this session: {size}", f"freed {size}"), 6)]


def alone_parts(images: list[ImageNode], figures: Figures, why_not: str, units: Units, freed: Freed) -> list[Part]:
    """Return the line about what the cursor is on, nothing being marked: what these images alone would free.

    ``why_not``: what keeps the engine from removing the only one of them; empty for nothing.
    """
    if why_not:
        parts = [Part("name", tuple(f"{name} stays: {why_not}" for name in _names(images[0])), 0)]
        return [*parts, *freed_part(freed, units)]
    frees = _frees(figures, units)
    if len(images) == 1:
        said = tuple(f"{name} alone frees {frees}" for name in _names(images[0]))
    else:
        said = (f"These {count(len(images), 'image')} together free {frees}",)  # the layer's, the repository's
    parts = [Part("frees", said, 0)]
    if figures.kept:
        kept = format_size(figures.kept, units)
        what = f"its other {kept}" if len(images) == 1 and figures.frees else kept
        if figures.keepers == 1 and figures.keeper is not None:
            said = tuple(f"{what} stay for {name}" for name in _names(figures.keeper))
        elif figures.keepers:
            said = (f"{what} stay for {count(figures.keepers, 'other image')}",)
        else:
            said = (f"{what} stay for build steps",)
        parts.append(Part("keeps", (*said, f"{what} stay"), 1))
    if figures.blocked:
        parts.append(_blocked_part(figures, 2))
    parts += _untagged_part(figures, 2)
    return [*parts, *freed_part(freed, units)]


def fit_parts(parts: list[Part], width: int) -> list[tuple[str, str]]:
    """Return ``(key, text)`` of the parts that fit in ``width`` cells, in order.

    Parts of the highest rank are shortened and then left out first; one of rank 0 is only ever shortened,
    and cut at the very last.
    """
    level = {part.key: 0 for part in parts}
    left = list(parts)

    def used() -> int:
        return sum(cell_len(part.wordings[level[part.key]]) for part in left) + len(GAP) * max(0, len(left) - 1)

    for part in sorted(parts, key=lambda part: -part.rank):
        while used() > width and level[part.key] < len(part.wordings) - 1:
            level[part.key] += 1
        if used() > width and part.rank:
            left.remove(part)
    texts = [(part.key, part.wordings[level[part.key]]) for part in left]
    if used() > width and texts:
        key, text = texts[-1]
        texts[-1] = (key, fit(text, max(0, cell_len(text) - (used() - width))))
    return texts


def _frees(figures: Figures, units: Units) -> str:
    frees = bounded(figures.frees, figures.bound, units)
    return f"{frees} + {format_size(figures.content, units)} content" if figures.content else frees


def _keeps(figures: Figures, units: Units) -> tuple[str, ...]:
    kept = f"keeps {format_size(figures.kept, units)}"
    if figures.keeper is None:
        return (f"{kept} for build steps", kept)
    others = figures.keepers - 1
    return (*(f"{kept} for {natural_list([name], more=others)}" for name in _names(figures.keeper)), kept)


def _names(node: ImageNode) -> tuple[str, ...]:
    """Return the name of an image, longest first; of an ID, which it is called by without one, the beginning tells."""
    label = image_label(node)
    return tuple((fit if node.dangling else fit_name)(label, width) for width in NAMES)
