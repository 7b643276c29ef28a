"""Which sums over layers an engine's figures determine, and between what bounds the others lie.

What an engine says exactly are sums over paths from the bottom: the Size of an image is one over its
whole chain, a SharedSize one up to the last layer that is shared, and the size of a single layer is
the difference of two. So every layer has a *height*, the bytes of its chain, and a sum over any set of layers
is a sum of heights with whole factors: each layer adds its own height and takes its parent's off.

Heights that are not known are written as an unknown plus a number: layers of known size on one another
have the same unknown. A sum in which no unknown is left is exact, though no layer in it may be known by itself;
so it is with every run of layers between two heights that are known. The others have bounds, since no layer weighs
less than nothing. Everything here takes time in proportion to the distinct layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

Bound = Literal["", "≥", "≤", "~", "?"]
"""What a figure is to the truth: equal, not more than it, not less than it, likely, or nothing can be said."""


class Height(NamedTuple):
    """The bytes of a layer and all below it: ``rest`` and what the unknown stands for."""

    unknown: int
    """Number of the unknown; 0: there is none, and ``rest`` is all."""
    rest: int


class Bounds(NamedTuple):
    """A sum of bytes is at least ``low`` and at most ``high``; None: nobody knows how much it may be."""

    low: int
    high: int | None

    @property
    def exact(self) -> bool:
        """Do the engine's figures determine the sum?"""
        return self.low == self.high


def ratio_bound(over: Bound, under: Bound) -> Bound:
    """Return what a ratio is to the truth when its parts are only bounds."""
    if not under:
        return over
    return "?" if over else {"≥": "≤", "≤": "≥"}.get(under, "?")  # type: ignore[return-value]


GROUND = Height(0, 0)
"""Below the first layer."""


class Tally:
    """A sum over layers: bytes, and how often each unknown is in it. The order of adding does not matter."""

    __slots__ = ("factors", "rest")

    def __init__(self, rest: int = 0, factors: dict[int, int] | None = None) -> None:
        self.rest = rest
        self.factors = {} if factors is None else factors
        """By the number of the unknown; none is 0."""

    def add(self, height: Height, below: Height, times: int = 1) -> None:
        """Add a layer (``height`` with the one ``below``) so many times, negative: take it off."""
        self.rest += (height.rest - below.rest) * times
        if height.unknown != below.unknown:
            self._shift(height.unknown, times)
            self._shift(below.unknown, -times)

    def less(self, other: Tally) -> Tally:
        """Return this sum without another."""
        found = Tally(self.rest - other.rest, dict(self.factors))
        for unknown, factor in other.factors.items():
            found._shift(unknown, -factor)
        return found

    def _shift(self, unknown: int, by: int) -> None:
        if unknown:
            factor = self.factors.get(unknown, 0) + by
            if factor:
                self.factors[unknown] = factor
            else:
                del self.factors[unknown]


class _Ends:
    """The lower and the upper bound of a sum of unknowns, kept up to date while their factors change."""

    __slots__ = ("_high", "_low", "_no_high", "_no_low")

    def __init__(self) -> None:
        self._low = self._high = self._no_low = self._no_high = 0

    def move(self, old: int, new: int, low: int, high: int | None) -> None:
        """Let an unknown between ``low`` and ``high`` have the factor ``new``, that had ``old``."""
        up, down = max(new, 0) - max(old, 0), min(new, 0) - min(old, 0)
        self._low += up * low
        self._high += down * low
        if high is not None:
            self._low += down * high
            self._high += up * high
        else:
            self._no_low += (new < 0) - (old < 0)
            self._no_high += (new > 0) - (old > 0)

    def of(self, rest: int) -> tuple[int | None, int | None]:
        """Return both with ``rest`` added; None where an unknown has no bound on the side that matters."""
        return None if self._no_low else rest + self._low, None if self._no_high else rest + self._high


class RunningTally(Tally):
    """A tally that keeps its bounds up to date: to ask for them takes no time, however many unknowns there are."""

    __slots__ = ("_all", "_ends", "_others", "_rest_ends", "_unknowns")

    def __init__(self, unknowns: Unknowns) -> None:
        super().__init__()
        self._unknowns = unknowns
        self._ends = _Ends()
        self._all = None if unknowns.total is None else unknowns.total.tally.factors
        self._rest_ends = _Ends()
        """Of what the engine's total has besides this sum."""
        for unknown, factor in (self._all or {}).items():
            self._rest_ends.move(0, factor, unknowns.low[unknown], unknowns.high[unknown])
        self._others = len(self._all or {})
        """How many unknowns have another factor there than here."""

    @property
    def low(self) -> int | None:
        """A lower bound of bytes by the bounds of each unknown alone; None where one has no bound."""
        return self._ends.of(self.rest)[0]

    def bounds(self) -> Bounds:
        """Return between what bounds it lies: what :meth:`Unknowns.bounds` says."""
        if not self.factors:
            return Bounds(self.rest, self.rest)
        total = self._unknowns.total
        between = self._ends.of(self.rest)
        if total is None:
            return _limited(between, 0, (None, None))
        rest = total.tally.rest - self.rest
        if not self._others:
            return Bounds(total.size - rest, total.size - rest)
        return _limited(between, total.size, self._rest_ends.of(rest))

    def _shift(self, unknown: int, by: int) -> None:
        if not unknown:
            return
        old = self.factors.get(unknown, 0)
        new = old + by
        if new:
            self.factors[unknown] = new
        else:
            del self.factors[unknown]
        low, high = self._unknowns.low[unknown], self._unknowns.high[unknown]
        self._ends.move(old, new, low, high)
        if self._all is not None:
            there = self._all.get(unknown, 0)
            self._rest_ends.move(there - old, there - new, low, high)
            self._others += (there != new) - (there != old)


class Total(Struct, frozen=True):
    """The engine's own sum over the layers of all rows."""

    size: int
    tally: Tally
    """Of those layers."""


class Unknowns:
    """What is known of the unknowns: a lower and an upper bound for each."""

    def __init__(self, low: Iterable[int] = (0,)) -> None:
        self.low = list(low)
        self.high: list[int | None] = [0, *[None] * (len(self.low) - 1)]
        self.total: Total | None = None
        """None where the engine gives none, or it adds nothing to the rest."""

    def bounds(self, tally: Tally) -> Bounds:
        """Return between what bounds a sum lies; it is never below nothing."""
        if not tally.factors:
            return Bounds(tally.rest, tally.rest)
        if self.total is not None and self.total.tally.factors == tally.factors:
            size = self.total.size - self.total.tally.rest + tally.rest
            return Bounds(size, size)
        if self.total is None:
            return _limited(self._between(tally), 0, (None, None))
        return _limited(self._between(tally), self.total.size, self._between(self.total.tally.less(tally)))

    def of(self, height: Height) -> Bounds:
        """Return between what bounds a height lies."""
        low, high = self.low[height.unknown], self.high[height.unknown]
        return Bounds(low + height.rest, None if high is None else high + height.rest)

    def _between(self, tally: Tally) -> tuple[int | None, int | None]:
        low: int | None = tally.rest
        high: int | None = tally.rest
        for unknown, factor in tally.factors.items():
            least, most = self.low[unknown], self.high[unknown]
            down, up = (least, most) if factor > 0 else (most, least)
            low = None if low is None or down is None else low + factor * down
            high = None if high is None or up is None else high + factor * up
        return low, high


def _limited(between: tuple[int | None, int | None], total: int, rest: tuple[int | None, int | None]) -> Bounds:
    """Return a sum's bounds where it is part of a ``total``: what all weigh less what the ``rest`` weighs."""
    low, high = between
    rest_low, rest_high = rest
    if rest_low is not None:
        most = total - rest_low
        high = most if high is None else min(high, most)
    if rest_high is not None:
        low = total - rest_high if low is None else max(low, total - rest_high)
    return Bounds(max(0, low or 0), high)


class Heights(Struct, frozen=True):
    """The height of every layer of a store, and what its unknowns are."""

    of: Sequence[Height]
    """By the number of the layer; last, where -1 finds it, that of the ground."""
    unknowns: Unknowns

    def layer(self, number: int, parent: int) -> Bounds:
        """Return between what bounds one layer's size lies; ``parent``: the layer below, -1 for the ground."""
        here, below = self.of[number], self.of[parent]
        if here.unknown == below.unknown:
            return Bounds(here.rest - below.rest, here.rest - below.rest)
        if self.unknowns.total is None:
            low, high, rest = self.unknowns.low, self.unknowns.high, here.rest - below.rest
            most, most_below = high[here.unknown], high[below.unknown]
            least = 0 if most_below is None else max(0, low[here.unknown] + rest - most_below)
            return Bounds(least, None if most is None else most + rest - low[below.unknown])
        tally = Tally()
        tally.add(here, below)
        return self.unknowns.bounds(tally)


Known = Sequence[int | None]
"""Bytes by the number of the layer; None: not known."""


def heights(
    up: Sequence[int],
    sizes: Known,
    told: Known,
    near: Mapping[int, Bounds] | None = None,
    total: tuple[int, Sequence[int]] | None = None,
) -> Heights:
    """Return the height of each layer. All bytes are in the store's unit.

    Layers are numbered from 0, parents before what stands on them: ``up`` has for each the number of its parent, -1 for
    the ground. ``sizes`` are those that are exact, ``told`` heights that the engine gives, both by number;
    where they contradict each other, the lower of the layers is believed and the rest
    has an unknown. ``near`` are heights that are only known to lie between two bounds; ``total`` is what some layers
    weigh together, by the engine, and these layers: left out of account where it cannot be.
    """
    known = _spread(up, sizes, told)
    while True:
        found = _number(up, sizes, known, near or {})
        pinned = _pinned(up, found)
        if not pinned and total is not None:
            pinned = _by_total(found, up, *total)
            total = None if found.unknowns.total is None else total
        if not pinned:
            return found
        before = known
        told = list(known)
        for number, height in pinned.items():
            told[number] = height
        known = _spread(up, sizes, told)
        if known == before:
            return found


def _spread(up: Sequence[int], sizes: Known, told: Known) -> list[int | None]:
    """Return all heights that follow from those ``told`` and layers of known size, without contradictions."""
    known = [*told[: len(up)], 0]  # -1 is the ground
    for number, parent, size in zip(range(len(up) - 1, -1, -1), reversed(up), reversed(sizes), strict=True):
        here = known[number]
        if here is not None and size is not None and size <= here and known[parent] is None:
            known[parent] = here - size
    for number, (parent, size) in enumerate(zip(up, sizes, strict=False)):
        below = known[parent]
        if below is None:
            continue
        here = known[number]
        if here is None:
            if size is not None:
                known[number] = below + size
        elif here < below or (size is not None and here != below + size):
            known[number] = None
    return known


def _number(up: Sequence[int], sizes: Known, known: Known, near: Mapping[int, Bounds]) -> Heights:
    # Two lists of numbers cost half of what one of pairs does.
    unknown_of, rest_of = [0] * (len(up) + 1), [0] * (len(up) + 1)
    low = [0]
    for number, (parent, size, height) in enumerate(zip(up, sizes, known, strict=False)):
        unknown, rest = unknown_of[parent], rest_of[parent]
        if height is not None and height >= low[unknown] + rest:
            rest_of[number] = height
        elif size is not None and (unknown or height is None):
            unknown_of[number], rest_of[number] = unknown, rest + size
        else:
            unknown_of[number] = len(low)
            low.append(low[unknown] + rest)
        if number in near:
            here = unknown_of[number]
            if here:
                low[here] = max(low[here], near[number].low - rest_of[number])
    unknowns = Unknowns(low)
    if len(low) > 1:
        _from_above(up, unknown_of, rest_of, near, unknowns)
    new = tuple.__new__  # what Height() comes to, in a quarter of its time
    return Heights([new(Height, pair) for pair in zip(unknown_of, rest_of, strict=True)], unknowns)


def _from_above(
    up: Sequence[int],
    unknown_of: Sequence[int],
    rest_of: Sequence[int],
    near: Mapping[int, Bounds],
    unknowns: Unknowns,
) -> None:
    """Take for an upper bound of each unknown what stands on its layers."""
    low, high = unknowns.low, unknowns.high
    from_the_top = range(len(up) - 1, -1, -1)
    for number, unknown, parent in zip(from_the_top, reversed(unknown_of[:-1]), reversed(up), strict=True):
        under = unknown_of[parent]
        if not unknown and not under:
            continue
        rest, most = rest_of[number], high[unknown]
        most = None if most is None else most + rest
        if unknown and number in near:
            limit = near[number].high
            most = limit if most is None or (limit is not None and limit < most) else most
            if most is not None:
                high[unknown] = max(low[unknown], most - rest)
        if under and most is not None:
            limit, before = max(low[under], most - rest_of[parent]), high[under]
            high[under] = limit if before is None else min(limit, before)


def _pinned(up: Sequence[int], found: Heights) -> dict[int, int]:
    """Return the heights whose bounds leave no choice: nothing is left for the layers between two others."""
    low, high = found.unknowns.low, found.unknowns.high
    if all(one != other for one, other in zip(low[1:], high[1:], strict=True)):
        return {}
    return {
        number: low[unknown] + rest
        for number, (unknown, rest) in zip(range(len(up)), found.of, strict=False)
        if unknown and low[unknown] == high[unknown]
    }


def _by_total(found: Heights, up: Sequence[int], size: int, layers: Iterable[int]) -> dict[int, int]:
    """Take what follows from the sum of all; return the heights that it leaves no choice for."""
    unknowns = found.unknowns
    tally = Tally()
    for number in layers:
        tally.add(found.of[number], found.of[up[number]])
    between = unknowns.bounds(tally)
    if between.exact or size < between.low or (between.high is not None and size > between.high):
        return {}
    pinned: dict[int, int] = {}
    if len(tally.factors) == 1:
        ((unknown, factor),) = tally.factors.items()
        if (size - tally.rest) % factor:
            return {}
        pinned[unknown] = (size - tally.rest) // factor
    else:
        unknowns.total = Total(size, tally)
    return {
        number: pinned[unknown] + rest
        for number, (unknown, rest) in zip(range(len(up)), found.of, strict=False)
        if unknown in pinned
    }
