"""What is settled of each stored layer so far, and what the engine's own sums add to it.

An engine's sum of an image's layers is a sum over a path of the forest. So a layer's
size follows from the sums above and below it, and sums from sizes, until
nothing more follows. Nothing here reads a history: see :mod:`.sizes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from layerscope.core.runs import runs
from layerscope.core.sizes.sums import GROUND, Bounds, Height, Heights, heights
from layerscope.inventory import HistoryEntry, Image

Certainty = Literal["exact", "inferred", "unknown"]


@dataclass(slots=True)
class Settled:
    """What is known of one stored layer."""

    size: int | None = None
    """Bytes in the store's unit; None: not known."""
    size_is: Certainty = "unknown"
    size_from: str = ""
    """In words, where the size comes from when it is not simply the layer's own history entry."""
    entry: HistoryEntry | None = None
    """The history entry that made it."""
    entry_is: Certainty = "unknown"
    sum_exact: bool = False
    """Is the size exact, or at least its sum with the layers that always come and go with this one?"""
    weight: int = 0
    """What it adds to a sum: never more than the truth over the layers that always come and go together.

    Where the engine's figures determine their sum it is that; the topmost of those whose size is not known carries
    what the others leave.
    """
    height: Height = GROUND
    """See :mod:`layerscope.core.sizes.sums`."""
    since: int = 0
    """:attr:`Ledger.facts` when its size, its entry or their certainty changed last."""


@dataclass(slots=True)
class Stack:
    """One image's layers, and the sizes in its history."""

    image: Image
    diff_ids: tuple[str, ...]
    chain: tuple[str, ...]
    sizes: Sequence[int] = field(init=False)
    """Of the history's entries."""
    weighty: int = field(init=False)
    """How many of them weigh something: these surely made layers."""
    shown: int = field(init=False)
    """What they weigh together."""

    def __post_init__(self) -> None:
        self.sizes = [entry.size for entry in self.image.history or ()]
        weights = [size for size in self.sizes if size > 0]
        self.weighty, self.shown = len(weights), sum(weights)

    @property
    def told_by_size(self) -> bool:
        """True when those that weigh something are all the layers, whatever is written in the others."""
        return self.weighty == len(self.chain)

    @property
    def name(self) -> str:
        """A tag, or the beginning of the ID. Hostile text."""
        return self.image.tags[0] if self.image.tags else self.image.id.removeprefix("sha256:")[:12]


class Sum(NamedTuple):
    """What a layer and all below it weigh together."""

    size: int
    certain: Certainty
    name: str
    """The image of which the engine said it."""


NOTHING = Sum(0, "exact", "")


class Ledger:
    """All layers of a store with what is settled of them. A size once set stays; it can only lose certainty."""

    def __init__(self, stacks: Sequence[Stack], parents: Mapping[str, str | None]) -> None:
        self.stacks = stacks
        self.parents = _from_the_bottom(parents)
        self.settled = {chain: Settled() for chain in self.parents}
        self.sums: dict[str, Sum] = {}
        self.opened = list(self.parents)
        """Layers whose size or sum, or the sum below, may still follow from others; from the bottom."""
        self.unfilled = [stack for stack in stacks if stack.chain]
        """Images with a layer whose size is not known."""
        self.facts = 0
        """Grows with everything that is found out: when it stands still, nothing more follows."""
        self.sized = 0
        """Grows with every size and every sum that is found out."""

    def set_size(self, chain: str, size: int, certain: Certainty, why: str = "") -> None:
        """Settle a layer's size, unless it is."""
        found = self.settled[chain]
        if found.size is None:
            found.size, found.size_is, found.size_from = size, certain, why
            self.facts += 1
            self.sized += 1
            found.since = self.facts

    def set_entry(self, chain: str, entry: HistoryEntry, certain: Certainty) -> None:
        """Settle the history entry that made a layer, unless it is."""
        found = self.settled[chain]
        if found.entry is None:
            found.entry, found.entry_is = entry, certain
            self.facts += 1
            found.since = self.facts

    def newest(self) -> dict[str | None, int]:
        """Return for each layer :attr:`facts` when anything of it or of a layer below was found out last."""
        found: dict[str | None, int] = {None: 0}
        for chain, parent in self.parents.items():
            here, below = self.settled[chain].since, found[parent]
            found[chain] = here if here > below else below
        return found

    def exact(self) -> set[str]:
        """Return the layers whose size is exact."""
        return {chain for chain, found in self.settled.items() if found.size_is == "exact"}

    def demote(self, stack: Stack, disputed: Iterable[str]) -> None:
        """Let the sizes of ``disputed`` layers be exact no longer: what is said of this image does not fit them."""
        for chain in disputed:
            found = self.settled[chain]
            if found.size_is == "exact":
                found.size_is = "inferred"
                found.since = self.facts
                found.size_from = f"what the engine says of {stack.name} does not add up"
        for chain in stack.chain:
            self.sums.pop(chain, None)
        self.opened = list(self.parents)

    # -- sums ------------------------------------------------------------------------------

    def sum_of(self, chain: str | None) -> Sum | None:
        """Return what a layer and all below it weigh; 0 below the first."""
        return NOTHING if chain is None else self.sums.get(chain)

    def add_up(self) -> None:
        """Take what follows from sums for sizes, and the other way round."""
        settled, sums = self.settled, self.sums
        # Neighbours count: a sum travels along layers of known size.
        opened = [c for c in self.opened if settled[c].size is None or c not in sums or self._open_below(c)]
        self.opened = opened
        for chain in opened:  # up: child = parent + layer
            if chain not in sums:
                found, below = settled[chain], self.sum_of(self.parents[chain])
                if below is not None and found.size is not None:
                    sums[chain] = Sum(below.size + found.size, _weaker(below.certain, found.size_is), below.name)
        for chain in reversed(opened):  # down: parent = child − layer
            parent, found, here = self.parents[chain], settled[chain], sums.get(chain)
            if parent is None or parent in sums or here is None or found.size is None or found.size > here.size:
                continue
            sums[parent] = Sum(here.size - found.size, _weaker(here.certain, found.size_is), here.name)
        for chain in opened:
            if settled[chain].size is None:
                below, here = self.sum_of(self.parents[chain]), sums.get(chain)
                if below and here and here.size >= below.size:
                    why = f"the engine's size of {here.name}, less the layers below"
                    self.set_size(chain, here.size - below.size, _weaker(here.certain, below.certain), why)
        self._fill()

    def _open_below(self, chain: str) -> bool:
        parent = self.parents[chain]
        return parent is not None and parent not in self.sums

    def _fill(self) -> None:
        """A sum that the known layers already fill leaves nothing for the others."""
        settled, doubtful = self.settled, []
        for stack in self.unfilled:
            layers = [settled[chain] for chain in stack.chain]
            if all(found.size is not None for found in layers):
                continue
            here = self.sums.get(stack.chain[-1])
            if here is None or here.size != sum(found.size or 0 for found in layers):
                doubtful.append(stack)
                continue
            guessed = any(found.size_is == "inferred" for found in layers)
            for chain in stack.chain:
                why = f"the engine's size of {here.name}, which leaves nothing for it"
                self.set_size(chain, 0, "inferred" if guessed else here.certain, why)
        self.unfilled = doubtful

    def sizes_below(self) -> dict[str | None, int | None]:
        """Return for each layer what the settled sizes up to it sum up to; None where one is not settled."""
        found: dict[str | None, int | None] = {None: 0}
        for chain, parent in self.parents.items():
            below, size = found[parent], self.settled[chain].size
            found[chain] = None if below is None or size is None else below + size
        return found

    # -- what the sums determine -----------------------------------------------------------

    def heights(self, near: Mapping[str, Bounds], total: tuple[int, Sequence[str]] | None) -> Heights:
        """Return the heights that follow from what is exact; see :func:`layerscope.core.sizes.sums.heights`."""
        sizes = {chain: found.size if found.size_is == "exact" else None for chain, found in self.settled.items()}
        told = {chain: here.size for chain, here in self.sums.items() if here.certain == "exact"}
        return heights(self.parents, sizes, told, near, total)

    def learn(self, found: Heights) -> None:
        """Take the sums and the sizes that heights determine."""
        for chain, parent in self.parents.items():
            here, below = found.of[chain], found.of[parent]
            known = self.sums.get(chain)
            if not here.unknown and (known is None or known.certain != "exact"):
                self.sums[chain] = Sum(here.rest, "exact", known.name if known else "")
                self.facts += 1
                self.sized += 1
            if here.unknown == below.unknown and here.rest >= below.rest:
                self.set_size(chain, here.rest - below.rest, "exact", "the engine's sums over the images that have it")

    def vouch(self, found: Heights) -> None:
        """Give each layer its height and its weight, and take back guesses that the engine's sums rule out."""
        for chain, parent in self.parents.items():
            layer = self.settled[chain]
            layer.height = found.of[chain]
            layer.sum_exact = layer.size_is == "exact"
            if layer.size_is == "inferred" and layer.size is not None:
                between = found.layer(chain, parent)
                if layer.size < between.low or (between.high is not None and layer.size > between.high):
                    _forget(layer)
            layer.weight = layer.size or 0 if layer.sum_exact else 0
        for run in self._runs():
            here, below = found.of[run[-1]], found.of[self.parents[run[0]]]
            layers = [self.settled[chain] for chain in run]
            if here.unknown != below.unknown or all(layer.size_is == "exact" for layer in layers):
                continue
            _weigh(layers, here.rest - below.rest)

    def _runs(self) -> Iterable[list[str]]:
        """Return the layers that always come and go together: no image ends between them and nothing branches."""
        tops = {stack.chain[-1] for stack in self.stacks if stack.chain}
        return runs(self.parents, tops)


def _weigh(layers: Sequence[Settled], size: int) -> None:
    """Share the exact sum of a run out among its layers: guesses where they add up, the rest to the topmost unknown."""
    rest = size - sum(layer.size or 0 for layer in layers)
    if rest < 0 or (rest and all(layer.size is not None for layer in layers)):
        for layer in layers:
            if layer.size_is == "inferred":
                _forget(layer)
        rest = size - sum(layer.size or 0 for layer in layers)
    for layer in layers:
        layer.sum_exact = True
        layer.weight = layer.size or 0
    unknown = [layer for layer in layers if layer.size is None]
    if unknown:
        unknown[-1].weight = rest


def _forget(layer: Settled) -> None:
    layer.size, layer.size_is, layer.size_from = None, "unknown", ""


def _weaker(one: Certainty, other: Certainty) -> Certainty:
    return "exact" if one == other == "exact" else "inferred"


def _from_the_bottom(parents: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return ``parents`` in an order that does not depend on theirs: by depth, then by name."""
    depth: dict[str | None, int] = {None: 0}
    for chain, parent in parents.items():
        depth[chain] = depth[parent] + 1
    return {chain: parents[chain] for chain in sorted(parents, key=lambda chain: (depth[chain], chain))}
