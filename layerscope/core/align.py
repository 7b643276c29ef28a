"""History alignment: which history entry made which layer of one image.

The engine answers a list of layers (RootFS digests, no sizes) and a list of
history entries (sizes, no digests). Every layer took at most one entry, in
order, and some entries took none. This module finds *all* the ways in which
the two can be laid side by side, and says what is the same in every one.

The set of positions reachable after each entry is an integer used as a bit
mask, forwards and then backwards, so one image costs two passes over its
history whatever the number of ways.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.core.labels import Label, labels
from layerscope.core.stores import StoreRules
from layerscope.inventory import HistoryEntry


@dataclass(frozen=True, slots=True)
class Alignment:
    """All the ways to lay a history beside a stack of layers."""

    candidates: tuple[tuple[int, ...], ...]
    """For each layer, oldest first: the indices of the entries that may have made it."""
    maybe_none: tuple[bool, ...]
    """For each layer: may it be one that the history has no entry for?"""
    by_rule: bool
    """True when only sizes and builders' rules were used; False when text had to be disbelieved."""


def align(
    entries: Sequence[HistoryEntry],
    diff_ids: Sequence[str],
    rules: StoreRules,
    *,
    total: int | None = None,
    known: Sequence[int | None] | None = None,
    cuts: Iterable[tuple[int, int]] = (),
) -> Alignment | None:
    """Lay ``entries`` (oldest first) beside the layers ``diff_ids`` (oldest first).

    ``total`` is the engine's own sum of the layers' sizes, ``known`` a size for each
    layer where other images have settled it, both in bytes of the store's unit.
    A cut ``(m, n)`` says that the first m entries made exactly the first n layers,
    as an image with that history and those layers exists.

    Returns None when no way fits, even with the builders' text disbelieved.
    """
    n = len(diff_ids)
    sizes = [entry.size for entry in entries]
    known = list(known) if known is not None else [None] * n
    if rules.empty_diff_is_zero:
        known = [0 if diff == EMPTY_DIFF_ID else size for diff, size in zip(diff_ids, known, strict=True)]
    shown = sum(size for size in sizes if size > 0)
    # Unpacked in part or not at all: the total then says nothing about the layers.
    usable_total = total if total is not None and shown <= total else None
    bytes_missing = usable_total is not None and shown < usable_total

    by_size = [Label.LAYER if size > 0 else Label.MAYBE if size < 0 else Label.EMPTY for size in sizes]
    by_text = labels(entries)
    by_nothing = [Label.LAYER if size > 0 else Label.MAYBE for size in sizes]
    cuts = tuple(cuts)

    if rules.zero_size_means_no_layer:
        layers = sum(1 for found in by_size if found is Label.LAYER)
        complete = layers == n or (layers < n and (usable_total is None or bytes_missing))
        if complete and (fit := _fit(by_size, sizes, known, n, layers == n, rules, ())):
            return Alignment(*fit, by_rule=True)
    attempts = [(by_text, True), (by_nothing, True)] if not bytes_missing else []
    attempts += [(by_text, False), (by_nothing, False)]
    for found, every in attempts:
        for through in (cuts, ()) if cuts else ((),):
            if fit := _fit(found, sizes, known, n, every, rules, through):
                return Alignment(*fit, by_rule=found is by_text)
    return None


_Fit = tuple[tuple[tuple[int, ...], ...], tuple[bool, ...]]


def _fit(
    found: Sequence[Label],
    sizes: Sequence[int],
    known: Sequence[int | None],
    n: int,
    every: bool,
    rules: StoreRules,
    cuts: Iterable[tuple[int, int]],
) -> _Fit | None:
    """Find all ways under one set of labels; ``every``: each layer must have an entry."""
    m = len(found)
    bottom = rules.history_anchor == "bottom"
    start, end = 1, 1 << n
    if not every:
        partial = (1 << n) - 1  # Docker: ends below the top; Podman: starts above the bottom
        start, end = (start, partial) if bottom else (partial << 1, end)
    if (direct := _only_way(found, sizes, known, n, every, start, end)) is not None:
        return direct

    unsettled = 0
    settled: dict[int, int] = {}
    for j, size in enumerate(known):
        if size is None:
            unsettled |= 1 << j
        else:
            settled[size] = settled.get(size, 0) | 1 << j
    full = (1 << n) - 1
    allow = [full if size < 0 else unsettled | settled.get(size, 0) for size in sizes]
    gates = dict(cuts)

    reach = [start]
    for i, kind in enumerate(found):
        here = reach[i]
        there = here if kind is not Label.LAYER else 0
        if kind is not Label.EMPTY:
            there |= (here & allow[i]) << 1
        if i + 1 in gates:
            there &= 1 << gates[i + 1]
        reach.append(there)
    ends = reach[m] & end
    if not ends:
        return None
    candidates: list[list[int]] = [[] for _ in range(n)]
    live = ends
    for i in reversed(range(m)):
        kind = found[i]
        took = (live >> 1) & allow[i] & reach[i] if kind is not Label.EMPTY else 0
        passed = live & reach[i] if kind is not Label.LAYER else 0
        bits = took
        while bits:
            low = bits & -bits
            candidates[low.bit_length() - 1].append(i)
            bits ^= low
        live = took | passed
    if bottom:
        lowest = (ends & -ends).bit_length() - 1
        none = tuple(j >= lowest for j in range(n))
    else:
        highest = live.bit_length() - 1
        none = tuple(j < highest for j in range(n))
    return tuple(tuple(reversed(c)) for c in candidates), none


def _only_way(
    found: Sequence[Label],
    sizes: Sequence[int],
    known: Sequence[int | None],
    n: int,
    every: bool,
    start: int,
    end: int,
) -> _Fit | None:
    """The common case, straight: no entry is in doubt, and there are as many as layers."""
    if not every or Label.MAYBE in found:
        return None
    took = [i for i, kind in enumerate(found) if kind is Label.LAYER]
    if len(took) != n:
        return None
    if any(size is not None and size != sizes[i] for size, i in zip(known, took, strict=True)):
        return None
    return tuple((i,) for i in took), (False,) * n
