"""What is settled of each stored layer so far, and what the engine's own sums add to it.

An engine's sum of an image's layers is a sum over a path of the forest. So a layer's
size follows from the sums above and below it, and sums from sizes, until
nothing more follows. Nothing here reads a history: see :mod:`.sizes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from typing import Literal

from msgspec import Struct, field

from layerscope.core.sizes.sums import GROUND, Bounds, Height, Heights, heights
from layerscope.inventory import HistoryEntry, Image

Certainty = Literal["exact", "inferred", "unknown"]


class Naming(Struct, eq=False):
    """What an image is called: a tag, or the beginning of the ID. Hostile text.

    An object of its own, so that what is said of layers with it stays true when the image gets another name.
    """

    text: str


def name_of(image: Image) -> str:
    """Return what an image is called in words about layers."""
    return image.tags[0] if image.tags else image.id.removeprefix("sha256:")[:12]


class Words(Struct, frozen=True):
    """What is said of a layer, with the name of an image in it."""

    before: str
    image: Naming | None = None
    after: str = ""

    def __str__(self) -> str:
        return f"{self.before}{self.image.text if self.image else ''}{self.after}"


class Settled(Struct):
    """What is known of one stored layer."""

    size: int | None = None
    """Bytes in the store's unit; None: not known."""
    size_is: Certainty = "unknown"
    words: Words | None = None
    """Where the size comes from when it is not simply the layer's own history entry."""
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


class Stack(Struct):
    """One image's layers, and the sizes in its history."""

    image: Image
    diff_ids: tuple[str, ...]
    chain: tuple[str, ...]
    path: Sequence[int] = ()
    """The numbers of its layers in the ledger, oldest first."""
    order: int = 0
    """Its place in the order in which stacks are read: shorter histories first."""
    sizes: Sequence[int] = ()
    """Of the history's entries."""
    known: bool = True
    """Is each of them told?"""
    weighty: int = 0
    """How many of them weigh something: these surely made layers."""
    shown: int = 0
    """What they weigh together."""
    naming: Naming = field(default_factory=lambda: Naming(""))

    def __post_init__(self) -> None:
        sizes = self.sizes = [entry.size for entry in self.image.history or ()]
        self.known = min(sizes, default=0) >= 0
        weights = sizes if self.known else [size for size in sizes if size > 0]
        self.weighty, self.shown = len(weights) - weights.count(0), sum(weights)
        self.naming = Naming(name_of(self.image))

    @property
    def told_by_size(self) -> bool:
        """True when those that weigh something are all the layers, whatever is written in the others."""
        return self.weighty == len(self.chain)


class Sum(Struct, frozen=True):
    """What a layer and all below it weigh together."""

    size: int
    certain: Certainty
    image: Naming | None
    """The image of which the engine said it."""


NOTHING = Sum(0, "exact", None)


class Ledger:
    """All layers of a store with what is settled of them. A size once set stays; it can only lose certainty.

    Layers have numbers here, from the bottom: lists of them cost a fraction of what maps by chain ID do. Where a layer
    below is asked for, -1 is the ground.
    """

    def __init__(self, stacks: Sequence[Stack], parents: Mapping[str, str | None]) -> None:
        self.stacks = stacks
        self.names = _from_the_bottom(parents)
        """Chain IDs by number."""
        number: dict[str | None, int] = {name: at for at, name in enumerate(self.names)}
        number[None] = -1
        self.up = [number[parents[name]] for name in self.names]
        """By number the layer below."""
        self.above: list[list[int]] = [[] for _ in range(len(self.names) + 1)]
        """By number the layers that stand on it; -1, the ground: the first ones."""
        for at, parent in enumerate(self.up):
            self.above[parent].append(at)
        for stack in stacks:
            stack.path = list(map(number.__getitem__, stack.chain))
        self.settled = [Settled() for _ in self.names]
        self.sizes: list[int | None] = [None] * len(self.names)
        """Settled sizes by number."""
        self.sure: list[int | None] = list(self.sizes)
        """Those that are exact."""
        self.open = [True] * len(self.names)
        """By number: is its size or the entry that made it not known?"""
        self.since = [0] * len(self.names)
        """By number :attr:`facts` when its size, its entry or their certainty changed last."""
        self.sums: list[Sum | None] = [None] * len(self.names) + [NOTHING]
        """By number what a layer and all below it weigh together; -1, the ground: nothing."""
        self.unfilled = [stack for stack in stacks if stack.chain]
        """Images with a layer whose size is not known."""
        self._tops = [stack.path[-1] for stack in self.unfilled]
        self.facts = 0
        """Grows with everything that is found out: when it stands still, nothing more follows."""
        self.sized = 0
        """Grows with every size and every sum that is found out, from which others may follow."""
        self.demoted = 0
        """Grows when anything that was exact is not any more."""
        self._added_up = -1
        """:attr:`sized` when sums were taken for sizes last."""
        self._newest: list[int] = []
        self._newer: list[int] = []
        """Layers of which something was found out since :attr:`_newest` was worked out."""
        self.look_at_all()

    def look_at_all(self) -> None:
        """Let nothing pass for known to be without consequences."""
        self._look = bytearray(b"\1") * len(self.names)
        """By number: was its size found out since sums were taken for sizes last?"""
        self._summed: list[int] = []
        """Layers whose sum was found out since then."""
        self._unlike = self._look + b"\0"
        """By number: was its size or its sum found out since :meth:`_fill`? -1, the ground: no."""
        self._newest = []

    def set_size(self, number: int, size: int, certain: Certainty, why: Words | None = None) -> None:
        """Settle a layer's size, unless it is."""
        if self.sizes[number] is None:
            found = self.settled[number]
            found.size, found.size_is, found.words = size, certain, why
            self.sizes[number] = size
            if certain == "exact":
                self.sure[number] = size
            self.open[number] = found.entry is None
            self.facts += 1
            self.sized += 1
            self.since[number] = self.facts
            self._newer.append(number)
            self._look[number] = self._unlike[number] = 1

    def set_entry(self, number: int, entry: HistoryEntry, certain: Certainty) -> None:
        """Settle the history entry that made a layer, unless it is."""
        found = self.settled[number]
        if found.entry is None:
            found.entry, found.entry_is = entry, certain
            self.open[number] = found.size is None
            self.facts += 1
            self.since[number] = self.facts
            self._newer.append(number)

    def tell(self, number: int, told: Sum) -> None:
        """Take a sum that the engine told, unless there is one."""
        if self.sums[number] is None:
            self._set_sum(number, told)
            self.sized += 1

    def _set_sum(self, number: int, here: Sum) -> None:
        self.sums[number] = here
        self._summed.append(number)
        self._unlike[number] = 1

    def newest(self) -> list[int]:
        """Return for each layer :attr:`facts` when anything of it or of a layer below was found out last."""
        found, since, newer = self._newest, self.since, self._newer
        if not found or len(newer) > len(self.names) // 8:
            found = [0]
            for here, parent in zip(since, self.up, strict=True):
                below = found[parent + 1]
                found.append(here if here > below else below)
            self._newest = found[1:]
        else:
            for number in reversed(newer):  # the newest first, so that a layer is come by once
                here = since[number]
                todo = [number]
                while todo:
                    at = todo.pop()
                    if found[at] < here:
                        found[at] = here
                        todo += self.above[at]
        self._newer = []
        return self._newest

    def exact(self) -> set[int]:
        """Return the layers whose size is exact."""
        return {number for number, size in enumerate(self.sure) if size is not None}

    def demote(self, stack: Stack, disputed: Iterable[int]) -> None:
        """Let the sizes of ``disputed`` layers be exact no longer: what is said of this image does not fit them."""
        for number in disputed:
            found = self.settled[number]
            if found.size_is == "exact":
                found.size_is = "inferred"
                self.sure[number] = None
                self.since[number] = self.facts
                found.words = Words("what the engine says of ", stack.naming, " does not add up")
        for number in stack.path:
            self.sums[number] = None
        self.demoted += 1
        self.sized += 1
        self.look_at_all()

    # -- sums ------------------------------------------------------------------------------

    def add_up(self) -> None:
        """Take what follows from sums for sizes, and the other way round.

        Of a layer something follows from its size, its sum and the sum below. So those are passed over of which none
        of the three was found out since they were looked at.
        """
        if self.sized == self._added_up:
            return
        self._added_up = self.sized
        settled, sizes, sums, up, above = self.settled, self.sizes, self.sums, self.up, self.above
        numbers = range(len(up))
        look, self._look = self._look, bytearray(len(up))
        self._look_above(look)
        for at in compress(numbers, look):  # up: child = parent + layer
            if sums[at] is None:
                below, size = sums[up[at]], sizes[at]
                if below is not None and size is not None:
                    sums[at] = Sum(below.size + size, _weaker(below.certain, settled[at].size_is), below.image)
                    for child in above[at]:
                        look[child] = 1
        for at in compress(reversed(numbers), reversed(look)):  # down: parent = child − layer
            here, parent = sums[at], up[at]
            if here is None or sums[parent] is not None:
                continue
            size = sizes[at]
            if size is not None and size <= here.size:
                self._set_sum(parent, Sum(here.size - size, _weaker(here.certain, settled[at].size_is), here.image))
                look[parent] = 1
                self.sized += 1  # other layers stand on that one too
        lowered = list(self._summed)
        self._look_above(look)
        self._summed = lowered
        for at in compress(numbers, look):
            if sizes[at] is None:
                below, here = sums[up[at]], sums[at]
                if below and here and here.size >= below.size:
                    why = Words("the engine's size of ", here.image, ", less the layers below")
                    self.set_size(at, here.size - below.size, _weaker(here.certain, below.certain), why)
        self._fill()

    def _look_above(self, look: bytearray) -> None:
        """Mark the layers with a sum that was found out, and those that stand on them."""
        for at in self._summed:
            look[at] = 1
            for child in self.above[at]:
                look[child] = 1
        self._summed = []

    def _fill(self) -> None:
        """A sum that the known layers already fill leaves nothing for the others.

        Where no size of an image's layers and not their sum was found out since, that is as it was.
        """
        unlike, self._unlike = self._unlike, bytearray(len(self.up) + 1)
        for at, parent in enumerate(self.up):
            if unlike[parent]:
                unlike[at] = 1
        size_of, sums = self.sizes.__getitem__, self.sums
        done: set[int] = set()
        for stack in compress(self.unfilled, map(unlike.__getitem__, self._tops)):
            here = sums[stack.path[-1]]
            sizes = list(map(size_of, stack.path))
            missing = None in sizes
            if missing and here is not None and here.size == sum(filter(None, sizes)):
                guessed = any(self.settled[number].size_is == "inferred" for number in stack.path)
                why = Words("the engine's size of ", here.image, ", which leaves nothing for it")
                for number in stack.path:
                    self.set_size(number, 0, "inferred" if guessed else here.certain, why)
                todo = list(compress(stack.path, map(self._unlike.__getitem__, stack.path)))
                while todo:
                    at = todo.pop()
                    if not unlike[at]:
                        unlike[at] = 1
                        todo += self.above[at]
            elif missing:
                continue
            done.add(stack.order)
        if done:
            self.unfilled = [stack for stack in self.unfilled if stack.order not in done]
            self._tops = [stack.path[-1] for stack in self.unfilled]

    def sizes_below(self) -> list[int | None]:
        """Return for each layer what the settled sizes up to it sum up to; None where one is not settled."""
        found: list[int | None] = [None] * len(self.names) + [0]
        for number, parent in enumerate(self.up):
            below, size = found[parent], self.sizes[number]
            found[number] = None if below is None or size is None else below + size
        return found

    # -- what the sums determine -----------------------------------------------------------

    def heights(self, near: Mapping[int, Bounds], total: tuple[int, Sequence[int]] | None) -> Heights:
        """Return the heights that follow from what is exact; see :func:`layerscope.core.sizes.sums.heights`."""
        told = [here.size if here is not None and here.certain == "exact" else None for here in self.sums]
        return heights(self.up, self.sure, told, near, total)

    def learn(self, found: Heights) -> None:
        """Take the sums and the sizes that heights determine."""
        for number, parent in enumerate(self.up):
            here, below = found.of[number], found.of[parent]
            known = self.sums[number]
            if not here.unknown and (known is None or known.certain != "exact"):
                self._set_sum(number, Sum(here.rest, "exact", known.image if known else None))
                self.facts += 1
                self.sized += 1
            if here.unknown == below.unknown and self.sizes[number] is None and here.rest >= below.rest:
                why = Words("the engine's sums over the images that have it")
                self.set_size(number, here.rest - below.rest, "exact", why)


def _weaker(one: Certainty, other: Certainty) -> Certainty:
    return "exact" if one == other == "exact" else "inferred"


def _from_the_bottom(parents: Mapping[str, str | None]) -> list[str]:
    """Return the layers in an order that does not depend on that of ``parents``: by depth, then by name."""
    depth: dict[str | None, int] = {None: -1}
    floors: list[list[str]] = []
    for chain, parent in parents.items():
        at = depth[chain] = depth[parent] + 1
        if at == len(floors):
            floors.append([])
        floors[at].append(chain)
    return [chain for floor in floors for chain in sorted(floor)]
