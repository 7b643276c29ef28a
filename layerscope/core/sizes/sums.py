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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

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


@dataclass(slots=True)
class Tally:
    """A sum over layers: bytes, and how often each unknown is in it. The order of adding does not matter."""

    rest: int = 0
    factors: dict[int, int] = field(default_factory=dict)
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


@dataclass(frozen=True, slots=True)
class Total:
    """The engine's own sum over the layers of all rows."""

    size: int
    tally: Tally
    """Of those layers."""


class Unknowns:
    """What is known of the unknowns: a lower and an upper bound for each."""

    def __init__(self) -> None:
        self.low: list[int] = [0]
        self.high: list[int | None] = [0]
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
        most = total - max(0, rest_low)
        high = most if high is None else min(high, most)
    if rest_high is not None:
        low = total - rest_high if low is None else max(low, total - rest_high)
    return Bounds(max(0, low or 0), high)


@dataclass(frozen=True, slots=True)
class Heights:
    """The height of every layer of a store, and what its unknowns are."""

    of: Mapping[str | None, Height]
    unknowns: Unknowns

    def layer(self, chain: str, parent: str | None) -> Bounds:
        """Return between what bounds one layer's size lies."""
        tally = Tally()
        tally.add(self.of[chain], self.of[parent])
        return self.unknowns.bounds(tally)


def heights(
    parents: dict[str, str | None],
    sizes: Mapping[str, int | None],
    told: Mapping[str, int],
    near: Mapping[str, Bounds] | None = None,
    total: tuple[int, Iterable[str]] | None = None,
) -> Heights:
    """Return the height of each layer. All bytes are in the store's unit.

    ``parents`` maps layers to their parents, in an order by depth. ``sizes`` are those that are exact, ``told``
    heights that the engine gives; where they contradict each other, the lower of the layers is believed and the rest
    has an unknown. ``near`` are heights that are only known to lie between two bounds; ``total`` is what some layers
    weigh together, by the engine, and these layers: left out of account where it cannot be.
    """
    known = _spread(parents, sizes, told)
    while True:
        found = _number(parents, sizes, known, near or {})
        pinned = _pinned(parents, found)
        if not pinned and total is not None:
            pinned = _by_total(found, parents, *total)
            total = None if found.unknowns.total is None else total
        before = known
        known = _spread(parents, sizes, {**_named(known), **pinned}) if pinned else known
        if known == before:
            return found


def _spread(
    parents: dict[str, str | None], sizes: Mapping[str, int | None], told: Mapping[str, int]
) -> dict[str | None, int]:
    """Return all heights that follow from those ``told`` and layers of known size, without contradictions."""
    known: dict[str | None, int] = {None: 0}
    known.update(told)
    for chain in reversed(parents):
        parent, size = parents[chain], sizes[chain]
        if parent is not None and parent not in known and chain in known and size is not None and size <= known[chain]:
            known[parent] = known[chain] - size
    for chain, parent in parents.items():
        below, size = known.get(parent), sizes[chain]
        if below is None:
            continue
        if chain not in known:
            if size is not None:
                known[chain] = below + size
        elif known[chain] < below or (size is not None and known[chain] != below + size):
            del known[chain]
    return known


def _named(known: Mapping[str | None, int]) -> dict[str, int]:
    return {chain: height for chain, height in known.items() if chain is not None}


def _number(
    parents: dict[str, str | None],
    sizes: Mapping[str, int | None],
    known: Mapping[str | None, int],
    near: Mapping[str, Bounds],
) -> Heights:
    unknowns = Unknowns()
    low, high = unknowns.low, unknowns.high
    of: dict[str | None, Height] = {None: GROUND}
    for chain, parent in parents.items():
        below, size, height = of[parent], sizes[chain], known.get(chain)
        if height is not None and height >= low[below.unknown] + below.rest:
            of[chain] = Height(0, height)
        elif size is not None and (below.unknown or height is None):
            of[chain] = Height(below.unknown, below.rest + size)
        else:
            of[chain] = Height(len(low), 0)
            low.append(low[below.unknown] + below.rest)
            high.append(None)
        if chain in near:
            here, bounds = of[chain], near[chain]
            if here.unknown and bounds.low - here.rest > low[here.unknown]:
                low[here.unknown] = bounds.low - here.rest
    for chain in reversed(parents):
        here, below = of[chain], of[parents[chain]]
        most = high[here.unknown]
        most = None if most is None else most + here.rest
        if chain in near and here.unknown:
            limit = near[chain].high
            most = limit if most is None or (limit is not None and limit < most) else most
            if most is not None:
                high[here.unknown] = max(low[here.unknown], most - here.rest)
        if below.unknown and most is not None:
            limit, before = max(low[below.unknown], most - below.rest), high[below.unknown]
            high[below.unknown] = limit if before is None else min(limit, before)
    return Heights(of, unknowns)


def _pinned(parents: dict[str, str | None], found: Heights) -> dict[str, int]:
    """Return the heights whose bounds leave no choice: nothing is left for the layers between two others."""
    low, high = found.unknowns.low, found.unknowns.high
    if all(one != other for one, other in zip(low[1:], high[1:], strict=True)):
        return {}
    heights = ((chain, found.of[chain]) for chain in parents)
    return {
        chain: low[here.unknown] + here.rest
        for chain, here in heights
        if here.unknown and low[here.unknown] == high[here.unknown]
    }


def _by_total(found: Heights, parents: dict[str, str | None], size: int, layers: Iterable[str]) -> dict[str, int]:
    """Take what follows from the sum of all; return the heights that it leaves no choice for."""
    unknowns = found.unknowns
    tally = Tally()
    for chain in layers:
        tally.add(found.of[chain], found.of[parents[chain]])
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
    return {chain: pinned[here.unknown] + here.rest for chain in parents if (here := found.of[chain]).unknown in pinned}
