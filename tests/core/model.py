"""What must come out, worked out the slow way: sets and loops only, nothing of the core's is used.

A layer is named here by the diff IDs from the bottom up to it, not by a chain ID.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Path = tuple[str, ...]
"""The diff IDs from the first layer up to one: the layer itself."""


def path_of(layer: Any) -> Path:
    """Return the path of a layer of a graph."""
    return (*(path_of(layer.parent) if layer.parent else ()), layer.diff_id)


@dataclass(frozen=True)
class Figures:
    """What a host's listed images share and cost."""

    sharers: Mapping[Path, frozenset[str]]
    listed: int
    footprint: int
    saved: int
    size: Mapping[str, int]
    unique: Mapping[str, int]
    shared: Mapping[str, int]


def paths(diff_ids: Sequence[str]) -> list[Path]:
    """Return the layers of one image."""
    return [tuple(diff_ids[: end + 1]) for end in range(len(diff_ids))]


def figures(images: Mapping[str, Sequence[str]], sizes: Mapping[Path, int]) -> Figures:
    """Return the figures of ``images`` (ID to diff IDs), where each layer weighs what ``sizes`` says."""
    layers = {layer for diff_ids in images.values() for layer in paths(diff_ids)}
    sharers = {
        layer: frozenset(name for name, diff_ids in images.items() if layer in paths(diff_ids)) for layer in layers
    }
    size = {name: sum(sizes[layer] for layer in paths(diff_ids)) for name, diff_ids in images.items()}
    unique = {
        name: sum(sizes[layer] for layer in paths(diff_ids) if sharers[layer] == {name})
        for name, diff_ids in images.items()
    }
    listed, footprint = sum(size.values()), sum(sizes[layer] for layer in layers)
    shared = {name: size[name] - unique[name] for name in images}
    return Figures(sharers, listed, footprint, listed - footprint, size, unique, shared)


@dataclass(frozen=True)
class Readings:
    """All ways to lay a history beside a stack of layers."""

    candidates: tuple[tuple[int, ...], ...]
    """For each layer the entries that made it in at least one way."""
    maybe_none: tuple[bool, ...]
    """For each layer: is there a way in which no entry made it?"""
    consumed: frozenset[int]
    """How many layers the history made, in all the ways."""


def readings(
    marks: Sequence[str],
    sizes: Sequence[int],
    known: Sequence[int | None],
    *,
    top: bool,
    total: int | None,
    short: bool,
    gates: Mapping[int, frozenset[int]],
) -> Readings | None:
    """Try every set of entries as the ones that made layers, and keep those that nothing speaks against.

    ``marks`` is "layer", "empty" or "maybe" for each entry; ``gates`` says, for a number of
    entries, how many layers these may have made. None when nothing is left.
    """
    n = len(known)
    found: list[dict[int, int]] = []  # layer -> entry
    for count in range(n + 1) if short else (n,):
        for made in combinations(range(len(marks)), count):
            below = n - count if top else 0
            way = {below + place: entry for place, entry in enumerate(made)}
            if any((mark == "empty") if i in made else (mark == "layer") for i, mark in enumerate(marks)):
                continue
            if any(known[j] is not None and sizes[i] >= 0 and known[j] != sizes[i] for j, i in way.items()):
                continue
            if any(len([i for i in made if i < entries]) not in allowed for entries, allowed in gates.items()):
                continue
            if total is not None and not _adds_up(total, way, sizes, known):
                continue
            found.append(way)
    if not found:
        return None
    return Readings(
        tuple(tuple(sorted({way[j] for way in found if j in way})) for j in range(n)),
        tuple(any(j not in way for way in found) for j in range(n)),
        frozenset(len(way) for way in found),
    )


def _adds_up(total: int, way: Mapping[int, int], sizes: Sequence[int], known: Sequence[int | None]) -> bool:
    """Can the layers weigh ``total`` together, when each size that nothing says is 0 or more?"""
    weights = [sizes[way[j]] if j in way else size for j, size in enumerate(known)]
    certain = sum(weight for weight in weights if weight is not None)
    return certain == total if None not in weights else certain <= total
