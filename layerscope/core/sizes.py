"""The size of every stored layer, from the histories of all images together.

One history often leaves a doubt that another image's settles, since the same
chain ID has the same size everywhere. So each image's alignment constrains
the others, and the engine's own totals constrain them all, until nothing
more follows.

This is done twice. First only with what is certain: a history is read by its
sizes and its builders' rules, and may leave layers out. What follows is *exact*.
What is still in doubt then is guessed, each guess named, and is *inferred*; no
guess can make anything exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from layerscope.core.align import NO_GATES, Alignment, align
from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.core.labels import Label, labels
from layerscope.core.stores import StoreRules
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


@dataclass(slots=True)
class Stack:
    """One image's layers as the resolver sees them."""

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


def settle(stacks: Sequence[Stack], parents: Mapping[str, str | None], rules: StoreRules) -> dict[str, Settled]:
    """Return what is known of each chain ID in ``stacks``.

    ``parents`` maps each chain ID to its parent's, parents first. Sizes are bytes in
    the store's unit. A size is *exact* when every way of reading the histories gives
    it, or the engine's own totals do; *inferred* when a guess had to be made, or
    where images contradict each other; else *unknown*. The order of ``stacks`` does not matter.
    """
    return _Resolver(stacks, parents, rules).run()


@dataclass(frozen=True, slots=True)
class _Guess:
    """A way to read a history that is likely, not certain."""

    labels: Sequence[Label]
    short: bool
    gates: Mapping[int, int] | None
    """None: those of the image's ancestors."""
    why: str


class _Resolver:
    def __init__(self, stacks: Sequence[Stack], parents: Mapping[str, str | None], rules: StoreRules) -> None:
        self.rules = rules
        # Parents before what was built on them; and the same order whatever the engine's.
        self.stacks = sorted(stacks, key=lambda stack: (len(stack.image.history or ()), stack.image.id))
        self.parents = _from_the_bottom(parents)
        self.settled = {chain: Settled() for chain in self.parents}
        self.by_id = {stack.image.id: stack for stack in stacks}
        self.totals: dict[str, tuple[int, Certainty, str]] = {}
        """What a layer and all below it weigh."""
        self.made = {stack.image.id: 1 for stack in stacks if not stack.chain}
        """How many layers an image's history made, as a bit mask: see :attr:`Alignment.made`."""
        self.odd: set[str] = set()
        """Images whose answers contradict each other, or a builder's rule, or other images."""
        self.proved: set[str] = set()
        """Layers whose sizes are told by sizes alone, without any text."""
        self.memo: dict[int, Label] = {}
        self.facts = 0

    def run(self) -> dict[str, Settled]:
        if self.rules.empty_diff_is_zero:
            self._empty_tars()
        self._engine_totals()
        pending = [stack for stack in self.stacks if stack.chain and stack.image.history is not None]
        pending = self._repeat(self._read, self._read_by_size(pending))
        self._contradictions(pending)
        self._likely_totals()
        self._repeat(self._guess, pending)
        self._sums()
        return self.settled

    def _repeat(self, read: Callable[[Stack], bool], pending: list[Stack]) -> list[Stack]:
        """Read until nothing more follows; return the images in which something is still in doubt."""
        before = added_up = -1
        while self.facts != before:
            before = self.facts
            pending = [stack for stack in pending if not read(stack)]
            if self.facts != added_up and any(found.size is None for found in self.settled.values()):
                added_up = self.facts
                self._totals_through_the_forest()
                self._remainders()
        return pending

    # -- what is certain -------------------------------------------------------------------

    def _empty_tars(self) -> None:
        for stack in self.stacks:
            for diff, chain in zip(stack.diff_ids, stack.chain, strict=True):
                if diff == EMPTY_DIFF_ID:
                    self._set(chain, 0, "exact", "the layer is an empty archive")

    def _read_by_size(self, pending: list[Stack]) -> list[Stack]:
        """Read the histories that need no text: those that weigh something are the layers, whatever is written."""
        told = [stack for stack in pending if stack.told_by_size and stack.image.id not in self.odd]
        done = {stack.image.id for stack in told if self._read(stack)}
        for stack in told:
            if stack.image.id not in done and self._fit(stack, self._labels(stack), sure=True) is None:
                self.odd.add(stack.image.id)
                self._demote(stack, stack.chain)
        self.proved = {chain for chain, found in self.settled.items() if found.size_is == "exact"}
        return [stack for stack in pending if stack.image.id not in done]

    def _read(self, stack: Stack) -> bool:
        """Take what follows from the image's history for certain; True when nothing is left in doubt."""
        if stack.image.id in self.odd:
            return False
        fit = self._fit(stack, self._labels(stack), sure=True)
        return fit is not None and self._take(stack, fit, "exact", "")

    def _labels(self, stack: Stack) -> Sequence[Label]:
        history = stack.image.history or ()
        if stack.told_by_size:
            return [Label.LAYER if size > 0 else Label.EMPTY for size in stack.sizes]
        found = labels(history, self.memo)
        if self.rules.zero_size_means_no_layer and self._own_total(stack) is None:
            # Mostly they made none, whatever they say; but an empty layer weighs 0 on some file systems (xfs).
            for i, entry in enumerate(history):
                if entry.size <= 0 and found[i] is Label.LAYER:
                    found[i] = Label.MAYBE
        return found

    def _fit(
        self,
        stack: Stack,
        found: Sequence[Label],
        *,
        sure: bool = False,
        alone: bool = False,
        short: bool = True,
        gates: Mapping[int, int] | None = None,
    ) -> Alignment | None:
        """Lay the image's history beside its layers; ``sure``: on exact sizes only, ``alone``: on none."""
        settled = [_NOTHING if alone else self.settled[chain] for chain in stack.chain]
        if gates is None:
            gates = self._gates(stack) if Label.MAYBE in found else NO_GATES
        return align(
            found,
            stack.sizes,
            [layer.size if not sure or layer.size_is == "exact" else None for layer in settled],
            anchor=self.rules.history_anchor,
            total=self._own_total(stack),
            short=short,
            gates=gates,
        )

    def _gates(self, stack: Stack) -> dict[int, int]:
        """Return what ancestors by ParentId say of how many layers this history's first entries made.

        Their histories are the beginnings of this one. The classic builder and ``docker commit``
        add one entry to the parent's, which made a layer when there is one more (moby
        ``internal/image/image.go``, NewChildImage).
        """
        gates: dict[int, int] = {}
        history = stack.image.history or ()
        parent = self.by_id.get(stack.image.parent_id)
        seen = {stack.image.id}
        while parent is not None and parent.image.id not in seen and self.rules.history_anchor == "bottom":
            seen.add(parent.image.id)
            before, made = parent.image.history, self.made.get(parent.image.id)
            if made is not None and before is not None and _begins(stack, parent):
                gates[len(before)] = made
                added = len(stack.chain) - len(parent.chain)
                if len(before) + 1 == len(history) and added in {0, 1} and parent.image.id == stack.image.parent_id:
                    gates[len(history)] = made << added
            parent = self.by_id.get(parent.image.parent_id)
        return gates

    def _take(self, stack: Stack, fit: Alignment, certain: Certainty, why: str) -> bool:
        before = self.made.get(stack.image.id)
        made = fit.made if before is None else before & fit.made  # it only narrows, or this might never end
        if made and made != before:
            self.made[stack.image.id] = made
            self.facts += 1
        history = stack.image.history or ()
        done = True
        for chain, candidates, maybe_none in zip(stack.chain, fit.candidates, fit.maybe_none, strict=True):
            found = self.settled[chain]
            if found.size is None:
                sizes = {history[i].size for i in candidates}
                if maybe_none:
                    sizes.add(-1 if fit.left is None or fit.left else 0)
                if len(sizes) == 1 and -1 not in sizes:
                    nothing = f"the engine's size of {_name(stack.image)}, which leaves nothing for it"
                    self._set(chain, sizes.pop(), certain, why or ("" if candidates else nothing))
            if found.entry is None and len(candidates) == 1 and not maybe_none:
                found.entry, found.entry_is = history[candidates[0]], certain
                self.facts += 1
            done = done and found.size is not None and (found.entry is not None or not candidates)
        return done

    def _set(self, chain: str, size: int, certain: Certainty, why: str) -> None:
        found = self.settled[chain]
        if found.size is None:
            found.size, found.size_is, found.size_from = size, certain, why
            self.facts += 1

    # -- the engine's own totals -----------------------------------------------------------

    def _own_total(self, stack: Stack) -> int | None:
        """Return the engine's sum of the image's layers where it is that, to the byte.

        A containerd store adds snapshots that are no layers (the start of a container that
        was committed), and says 0 when the top layer is not unpacked. There the sum is
        certain only when the history shows all of it, so that no layer can weigh anything more.
        """
        total = stack.image.layers_size
        if stack.image.id in self.odd or total is None:
            return None
        if self.rules.image_size_is_layers:
            return total
        return total if total and total == stack.shown and min(stack.sizes) >= 0 else None

    def _engine_totals(self) -> None:
        told: dict[str, set[int]] = {}
        for stack in self.stacks:
            total = self._own_total(stack)
            if stack.chain and total is not None:
                told.setdefault(stack.chain[-1], set()).add(total)
        for stack in self.stacks:
            totals = told.get(stack.chain[-1], set()) if stack.chain else set()
            if len(totals) > 1 or (totals and stack.shown > min(totals)):
                self.odd.add(stack.image.id)
            elif totals:
                self.totals.setdefault(stack.chain[-1], (min(totals), "exact", _name(stack.image)))

    def _likely_totals(self) -> None:
        for stack in self.stacks:
            if stack.chain and stack.image.layers_size and stack.image.id not in self.odd:
                self.totals.setdefault(stack.chain[-1], (stack.image.layers_size, "inferred", _name(stack.image)))

    def _totals_through_the_forest(self) -> None:
        """Prefix sums both ways: child = parent + layer, and parent = child − layer."""
        for chain, parent in self.parents.items():
            found = self.settled[chain]
            above = self._total(parent)
            if chain not in self.totals and above is not None and found.size is not None:
                self.totals[chain] = (above[0] + found.size, _weaker(above[1], found.size_is), above[2])
        for chain in reversed(self.parents):
            parent, found = self.parents[chain], self.settled[chain]
            here = self.totals.get(chain)
            if parent is not None and parent not in self.totals and here is not None and found.size is not None:
                rest = here[0] - found.size
                if rest >= 0:
                    self.totals[parent] = (rest, _weaker(here[1], found.size_is), here[2])
        for chain, parent in self.parents.items():
            above, here = self._total(parent), self.totals.get(chain)
            if self.settled[chain].size is None and above is not None and here is not None and here[0] >= above[0]:
                why = f"the engine's size of {here[2]}, less the layers below"
                self._set(chain, here[0] - above[0], _weaker(here[1], above[1]), why)

    def _total(self, chain: str | None) -> tuple[int, Certainty, str] | None:
        return (0, "exact", "") if chain is None else self.totals.get(chain)

    def _remainders(self) -> None:
        """A total that the known layers already fill leaves nothing for the others."""
        for stack in self.stacks:
            if not stack.chain or stack.chain[-1] not in self.totals:
                continue
            layers = [self.settled[chain] for chain in stack.chain]
            total, certain, name = self.totals[stack.chain[-1]]
            if any(found.size is None for found in layers) and total == sum(found.size or 0 for found in layers):
                if any(found.size_is == "inferred" for found in layers):
                    certain = "inferred"
                for chain in stack.chain:
                    self._set(chain, 0, certain, f"the engine's size of {name}, which leaves nothing for it")

    def _sums(self) -> None:
        """Find inferred sizes that do not matter: where no image tells layers apart, their sum may still be exact."""
        for found in self.settled.values():
            found.sum_exact = found.size_is == "exact"
        if all(found.size_is != "inferred" for found in self.settled.values()):
            return
        tops = {stack.chain[-1] for stack in self.stacks if stack.chain}
        children = Counter(self.parents.values())
        runs: dict[str, list[str]] = {}
        for chain, parent in self.parents.items():
            run = runs[parent] if parent is not None and parent not in tops and children[parent] == 1 else []
            runs[chain] = run
            run.append(chain)
        for run in runs.values():
            below, here = self._total(self.parents[run[0]]), self._total(run[-1])
            if below is None or here is None or below[1] != "exact" or here[1] != "exact":
                continue
            layers = [self.settled[chain] for chain in run]
            if sum(-1 if found.size is None else found.size for found in layers) == here[0] - below[0]:
                for found in layers:
                    found.sum_exact = found.size is not None

    # -- what is likely --------------------------------------------------------------------

    def _contradictions(self, pending: Sequence[Stack]) -> None:
        """What images disagree about is not exact; but a single text that cannot be right is only its own fault."""
        for stack in pending:
            if stack.image.id in self.odd or self._fit(stack, self._labels(stack), sure=True) is not None:
                continue
            self.odd.add(stack.image.id)
            alone = self._fit(stack, self._labels(stack), alone=True)
            if alone is not None:
                self._demote(stack, self._disputed(stack, alone))
        sums: dict[str | None, int | None] = {None: 0}
        for chain, parent in self.parents.items():
            below, size = sums[parent], self.settled[chain].size
            sums[chain] = None if below is None or size is None else below + size
        for stack in self.stacks:
            total = self._own_total(stack)
            if total is not None and stack.chain and sums[stack.chain[-1]] not in {None, total}:
                self._demote(stack, stack.chain)

    def _disputed(self, stack: Stack, alone: Alignment) -> list[str]:
        """Return the layers to which this image, asked alone, gives other sizes than the images before it."""
        history = stack.image.history or ()
        found = []
        for chain, candidates, maybe_none in zip(stack.chain, alone.candidates, alone.maybe_none, strict=True):
            size = self.settled[chain].size
            if size is not None and not maybe_none and size not in {history[i].size for i in candidates}:
                found.append(chain)
        return [] if self.proved.intersection(found) else found or list(stack.chain)

    def _demote(self, stack: Stack, disputed: Sequence[str]) -> None:
        for chain in disputed:
            found = self.settled[chain]
            if found.size_is == "exact" and chain not in self.proved:
                found.size_is = "inferred"
                found.size_from = f"what the engine says of {_name(stack.image)} does not add up"
        if disputed:
            for chain in stack.chain:
                self.totals.pop(chain, None)

    def _guess(self, stack: Stack) -> bool:
        for guess in self._guesses(stack):
            fit = self._fit(stack, guess.labels, sure=False, short=guess.short, gates=guess.gates)
            if fit is not None:
                return self._take(stack, fit, "inferred", guess.why)
        return False

    def _guesses(self, stack: Stack) -> Iterator[_Guess]:
        history = stack.image.history or ()
        name = _name(stack.image)
        if stack.weighty and self.rules.zero_size_means_no_layer and self._own_total(stack) is None:
            yield _Guess(
                _by_size(stack, Label.EMPTY),
                True,
                NO_GATES,
                f"the history of {name}, where an entry of size 0 made no layer",
            )
        if stack.image.id not in self.odd:
            why = f"the history of {name}, if each layer has an entry in it"
            yield _Guess(self._labels(stack), False, None, why)
            return
        why = f"the history of {name}, read against its text"
        loose = [
            Label.MAYBE if found is Label.LAYER and entry.size <= 0 else found
            for found, entry in zip(labels(history), history, strict=True)
        ]
        blind = _by_size(stack, Label.MAYBE)
        for believed in (loose, blind):
            yield _Guess(believed, False, NO_GATES, why)
            yield _Guess(believed, True, NO_GATES, why)


_NOTHING = Settled()


def _by_size(stack: Stack, weightless: Label) -> list[Label]:
    return [Label.LAYER if size > 0 else Label.MAYBE if size < 0 else weightless for size in stack.sizes]


def _from_the_bottom(parents: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return ``parents`` in an order that does not depend on theirs: by depth, then by name."""
    depth: dict[str | None, int] = {None: 0}
    for chain, parent in parents.items():
        depth[chain] = depth[parent] + 1
    return {chain: parents[chain] for chain in sorted(parents, key=lambda chain: (depth[chain], chain))}


def _begins(stack: Stack, parent: Stack) -> bool:
    """Are the parent's layers and history the beginning of this image's?"""
    ours, theirs = stack.image.history or (), parent.image.history or ()
    return (
        len(theirs) <= len(ours)
        and stack.diff_ids[: len(parent.diff_ids)] == parent.diff_ids
        and all(
            one is other
            or (one.created_by, one.comment, one.created) == (other.created_by, other.comment, other.created)
            for one, other in zip(theirs, ours, strict=False)
        )
    )


def _weaker(one: Certainty, other: Certainty) -> Certainty:
    return "exact" if one == other == "exact" else "inferred"


def _name(image: Image) -> str:
    return image.tags[0] if image.tags else image.id.removeprefix("sha256:")[:12]
