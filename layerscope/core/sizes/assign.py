"""Which layers the history entries are assigned to: which entry made which layer of one image.

The engine answers a list of layers (RootFS digests, no sizes) and a list of
history entries (sizes, no digests). Every layer took at most one entry, in
order, and some entries took none. This module finds *all* the ways in which
the two can be laid side by side, and says what is the same in every one.
What may be believed of an entry is not decided here: see :mod:`.sizes`.

The set of positions reachable after each entry is an integer used as a bit
mask, forwards and then backwards, so one image costs two passes over its
history whatever the number of ways.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import eq
from typing import Literal

from msgspec import Struct

from layerscope.core.sizes.labels import EMPTY, LAYER, MAYBE, Label

NO_GATES: Mapping[int, int] = {}


class Assignment(Struct, frozen=True):
    """All the ways to lay a history beside a stack of layers."""

    layers: int
    """How many layers there are."""
    may: Sequence[int]
    """For each entry, oldest first: the layers that it may have made, as a bit mask; bit 0 is the oldest."""
    none: int
    """The layers that the history may have no entry for, as a bit mask."""
    made: int
    """How many layers the history made, as a bit mask: bit k is set when it may be k."""
    left: int | None
    """Bytes of all layers without an entry together; None where no total says it."""
    cuts: Sequence[tuple[int, int]] = ()
    """After so many entries, so many layers: there every way passes, whatever stands on those layers.

    What is below a cut and what is above it can be read apart: see :mod:`layerscope.core.sizes.begun`.
    """
    only: Sequence[int] | None = None
    """For each layer the index of the entry that made it, where there is but one way and each has one."""

    @property
    def candidates(self) -> tuple[tuple[int, ...], ...]:
        """For each layer, oldest first: the indices of the entries that may have made it."""
        found: list[list[int]] = [[] for _ in range(self.layers)]
        for i, mask in enumerate(self.may):
            for j in bits(mask):
                found[j].append(i)
        return tuple(map(tuple, found))

    @property
    def maybe_none(self) -> tuple[bool, ...]:
        """For each layer: may it be one that the history has no entry for?"""
        return tuple(bool(self.none >> j & 1) for j in range(self.layers))

    def one_size(self, sizes: Sequence[int], wanted: int) -> list[tuple[int, int]]:
        """Return the sizes of the layers that have the same in every way, each with its layers as a bit mask.

        ``sizes``: of the entries, in bytes, -1 where the engine gave none; ``wanted``: of which layers.
        """
        unsized = 0
        of_size: dict[int, int] = {0: 0}
        for size, mask in zip(sizes, self.may, strict=True):
            if mask & wanted:
                if size < 0:
                    unsized |= mask
                else:
                    of_size[size] = of_size.get(size, 0) | mask
        if self.left == 0:
            of_size[0] |= self.none
        else:
            unsized |= self.none
        some = several = 0
        for mask in of_size.values():
            several |= some & mask
            some |= mask
        one = some & ~several & ~unsized & wanted
        return [(size, mask & one) for size, mask in of_size.items() if mask & one] if one else []


def assign(
    labels: Sequence[Label],
    sizes: Sequence[int],
    known: Sequence[int | None],
    *,
    anchor: Literal["bottom", "top"] = "bottom",
    total: int | None = None,
    short: bool = True,
    gates: Mapping[int, int] = NO_GATES,
    all_ways: bool = True,
) -> Assignment | None:
    """Lay history entries (``labels`` and ``sizes``, oldest first) beside the layers (``known``, oldest first).

    ``sizes`` are bytes, -1 where the engine gave none; an entry that weighs something must be
    labelled a layer. ``known`` is a size for each layer, None where nothing has settled it;
    ``total`` is the engine's own sum of the layers.
    ``short``: may layers have no entry? They are the top ones when the history is
    anchored at the bottom, and the other way round. ``gates``, for an anchor at the bottom only,
    maps a number of entries to the numbers of layers that these may have made (a bit mask).
    ``all_ways``: False where only what is the same in every way is asked for: of layers of which nothing is,
    may be said then that they may have no entry, and any size.

    Returns None when no way fits.
    """
    n = len(known)
    # An entry of unknown size may weigh whatever the total has left.
    left = total - sum(sizes) if total is not None and min(sizes, default=0) >= 0 else None
    took = [i for i, label in enumerate(labels) if label is LAYER]
    if len(took) > n:
        return None
    told = _told(labels, sizes, known, gates) if anchor == "bottom" else []
    if told is None:
        return None
    cuts = [(i + 1, count) for count, i in enumerate(told, 1)]
    if len(took) == n:
        return _only_way(took, sizes, known, left, gates, cuts)
    if anchor == "top":
        return _ways(labels, sizes, known, anchor, left, short, gates)
    # What is left in doubt is mostly a few layers on top.
    first, after = told[-1] + 1 if told else 0, len(told)
    if not all_ways and short and not gates and left == 0 and _all_in_doubt(labels, sizes, known, first, after):
        may = [0] * len(sizes)
        for j, i in enumerate(told):
            may[i] = 1 << j
        above = (2 << n) - (1 << len(took))
        return Assignment(n, may, (1 << n) - (1 << after), above, None, cuts)
    fit = _ways(
        labels[first:],
        sizes[first:],
        known[after:],
        anchor,
        left,
        short,
        {entries - first: allowed >> after for entries, allowed in gates.items() if entries > first},
    )
    if fit is None or not told:
        return fit
    may = [0] * first
    for j, i in enumerate(told):
        may[i] = 1 << j
    may += [mask << after for mask in fit.may]
    cuts += [(entries + first, count + after) for entries, count in fit.cuts]
    return Assignment(n, may, fit.none << after, fit.made << after, left, cuts)


def _told(
    labels: Sequence[Label], sizes: Sequence[int], known: Sequence[int | None], gates: Mapping[int, int]
) -> list[int] | None:
    """Return the entries of the lowest layers, as far as there is one way to read them whatever stands on these.

    None: they do not fit. Anchor at the bottom.
    """
    found: list[int] = []
    layers = len(known)
    for i, label in enumerate(labels):
        if label is EMPTY:
            continue
        if len(found) == layers:
            break
        size, here = sizes[i], known[len(found)]
        if label is LAYER:
            if size >= 0 and here is not None and size != here:
                return None
            found.append(i)
        elif here is None or size < 0 or size == here:
            break
    if gates and found:
        for entries, allowed in gates.items():
            if entries <= found[-1] + 1 and not allowed >> bisect_left(found, entries) & 1:
                return None
    return found


def _all_in_doubt(
    labels: Sequence[Label], sizes: Sequence[int], known: Sequence[int | None], first: int, after: int
) -> bool:
    """Is nothing the same in every way, from entry ``first`` and layer ``after`` on?

    See :func:`any_in_place`; layers without an entry weigh nothing here. May say False where it is so.
    """
    rest, said = sizes[first:], labels[first:]
    layers = len(known) - after
    if not rest or known[after:].count(None) < layers or said[0] is not MAYBE or not any_in_place(rest, layers):
        return False
    none = rest.count(0)
    return said.count(LAYER) == len(rest) - none and said.count(MAYBE) == none


def any_in_place(sizes: Sequence[int], layers: int) -> bool:
    """Can each entry that weighs something have made another of as many ``layers``, that another size may have made?

    So it is where the first may have made a layer of size 0 or none, and each of the others may move up by as
    many layers as are too many: then a layer has another size with the one way than with the other. Of the layers
    nothing is known, those without an entry weigh nothing; ``sizes`` are bytes, all known. May say False where it is.
    """
    if sizes[0]:
        return False
    weights = [size for size in sizes if size]
    if not weights or min(weights) < 0 or any(map(eq, weights, weights[1:])):
        return False
    after_last = sizes[::-1].index(weights[-1])
    return 0 < layers - len(weights) <= len(sizes) - after_last - len(weights)


def _ways(
    labels: Sequence[Label],
    sizes: Sequence[int],
    known: Sequence[int | None],
    anchor: Literal["bottom", "top"],
    left: int | None,
    short: bool,
    gates: Mapping[int, int],
) -> Assignment | None:
    """Find all the ways, one or none."""
    n = len(known)
    spare = _spare(known if anchor == "top" else known[::-1], left, short)
    start, end = 1, 1 << n
    if anchor == "top":
        start = spare
    elif spare != 1:
        end = int(f"{spare:0{n + 1}b}"[::-1], 2)  # so many layers from the top are so many from the bottom

    full = (1 << n) - 1
    settled: dict[int, int] = {}
    unsettled = full
    for j, size in enumerate(known):
        if size is not None:
            settled[size] = settled.get(size, 0) | 1 << j
            unsettled ^= 1 << j
    allow = [full] * len(sizes)
    if settled:
        allow = [settled.get(size, 0) | unsettled if size >= 0 else full for size in sizes]

    reach = [start]
    here = most = start
    cuts: list[tuple[int, int]] = []
    for i, label in enumerate(labels):
        if label is not EMPTY:
            there = (here & allow[i]) << 1
            here = there | here if label is MAYBE else there
        if gates:
            here &= gates.get(i + 1, here)
        elif here > most:
            most = here
            if not here & (here - 1):  # so many for the first time, and no fewer
                cuts.append((i + 1, here.bit_length() - 1))
        reach.append(here)
    live = ends = here & end
    if not ends:
        return None
    may = [0] * len(labels)
    for i in range(len(labels) - 1, -1, -1):
        label = labels[i]
        if label is EMPTY:
            if gates:
                live &= reach[i]
            continue
        before = reach[i]
        made = may[i] = (live >> 1) & allow[i] & before
        live = made if label is LAYER else made | live & before
    if anchor == "bottom":
        fewest = (ends & -ends).bit_length() - 1
        return Assignment(n, may, full >> fewest << fewest, ends, left, cuts)
    lacking = live.bit_length() - 1  # layers below the first that has an entry
    consumed = sum(1 << n - count for count in bits(live))
    return Assignment(n, may, (1 << lacking) - 1, consumed, left)


def _only_way(
    took: Sequence[int],
    sizes: Sequence[int],
    known: Sequence[int | None],
    left: int | None,
    gates: Mapping[int, int],
    cuts: Sequence[tuple[int, int]],
) -> Assignment | None:
    """The common case, straight: as many entries surely made layers as there are layers."""
    n = len(known)
    if left:
        return None
    for i, size in zip(took, known, strict=True):
        if size is not None and size != sizes[i] >= 0:
            return None
    for entries, allowed in gates.items():
        if not allowed >> bisect_left(took, entries) & 1:
            return None
    may = [0] * len(sizes)
    for j, i in enumerate(took):
        may[i] = 1 << j
    return Assignment(n, may, 0, 1 << n, left, cuts, took)


def _spare(known: Iterable[int | None], left: int | None, short: bool) -> int:
    """Return how many layers may have no entry, as a bit mask; ``known`` begins with the first that may have none."""
    found = 0 if left else 1
    if not short:
        return found
    if left is None:
        return (1 << sum(1 for _ in known) + 1) - 1
    certain, doubt, bit = 0, False, 1
    for size in known:
        bit <<= 1
        if size is None:
            doubt = True
        else:
            certain += size
        if certain > left:
            break
        if doubt or certain == left:
            found |= bit
    return found


def bits(mask: int) -> Iterator[int]:
    """Yield the numbers of the bits that are set, the lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
