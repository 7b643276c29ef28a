"""The size of every stored layer, from the histories of all images together.

One history often leaves a doubt that another image's settles, since the same
chain ID has the same size everywhere. So each image's alignment constrains
the others, and the engine's own totals constrain them all, until nothing
more follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from layerscope.core.align import Alignment, align
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


@dataclass(slots=True)
class Stack:
    """One image's layers as the resolver sees them."""

    image: Image
    diff_ids: tuple[str, ...]
    chain: tuple[str, ...]


def settle(stacks: Sequence[Stack], parents: Mapping[str, str | None], rules: StoreRules) -> dict[str, Settled]:
    """Return what is known of each chain ID in ``stacks``.

    ``parents`` maps each chain ID to its parent's, parents first. Sizes are bytes in
    the store's unit. A size is *exact* when every way of reading the histories gives
    it, or the engine's own totals do; *inferred* when a builder's text had to be
    disbelieved to get it; else *unknown*.
    """
    return _Resolver(stacks, parents, rules).run()


class _Resolver:
    def __init__(self, stacks: Sequence[Stack], parents: Mapping[str, str | None], rules: StoreRules) -> None:
        self.rules = rules
        self.parents = parents
        self.stacks = stacks
        self.settled = {chain: Settled() for chain in parents}
        self.by_id = {stack.image.id: stack for stack in stacks}
        self.totals: dict[str, tuple[int, Certainty, str]] = {}
        self.refused: set[str] = set()

    def run(self) -> dict[str, Settled]:
        self._engine_totals()
        pending = [stack for stack in self.stacks if stack.chain]
        while True:
            before = len(pending), self._unknown()
            pending = [stack for stack in pending if not self._read(stack)]
            if self._unknown():
                self._totals_through_the_forest()
                self._remainders()
            if not pending or before == (len(pending), self._unknown()):
                return self.settled

    def _unknown(self) -> int:
        return sum(1 for found in self.settled.values() if found.size is None)

    # -- histories -------------------------------------------------------------------------

    def _read(self, stack: Stack) -> bool:
        """Take what the image's history says; True when nothing is left in doubt."""
        history = stack.image.history
        if history is None:
            return True
        known = [self.settled[chain].size for chain in stack.chain]
        total = stack.image.layers_size
        if total == 0 and self.rules.zero_size_means_no_layer and any(entry.size > 0 for entry in history):
            total = None  # the top snapshot is missing; the engine then counts none below it either
        fit = align(history, stack.diff_ids, self.rules, total=total, known=known, cuts=self._cuts(stack))
        if fit is None:
            self.refused.add(stack.image.id)
            return True
        return self._take(stack, history, fit)

    def _take(self, stack: Stack, history: Sequence[HistoryEntry], fit: Alignment) -> bool:
        certain: Certainty = "exact" if fit.by_rule else "inferred"
        done = True
        for j, chain in enumerate(stack.chain):
            found = self.settled[chain]
            candidates = fit.candidates[j]
            if fit.maybe_none[j] or not candidates:
                done = False
                continue
            if found.size is None:
                sizes = {history[i].size for i in candidates}
                if len(sizes) == 1 and min(sizes) >= 0:
                    found.size, found.size_is = sizes.pop(), certain
                    found.size_from = (
                        "" if fit.by_rule else f"the history of {_name(stack.image)}, read against its text"
                    )
                else:
                    done = False
            if len(candidates) == 1 and (found.entry is None or (certain == "exact" and found.entry_is != "exact")):
                found.entry, found.entry_is = history[candidates[0]], certain
            done = done and found.entry is not None
        return done

    def _cuts(self, stack: Stack) -> Iterable[tuple[int, int]]:
        """Where an ancestor by ParentId ends: its history and its layers are prefixes of this image's."""
        cuts = {}
        history = stack.image.history or ()
        parent = self.by_id.get(stack.image.parent_id)
        seen = {stack.image.id}
        while parent is not None and parent.image.id not in seen and parent.image.history is not None:
            seen.add(parent.image.id)
            m, n = len(parent.image.history), len(parent.diff_ids)
            complete = n == 0 or m > 0
            if complete and m <= len(history) and stack.diff_ids[:n] == parent.diff_ids:
                cuts[m] = n
            parent = self.by_id.get(parent.image.parent_id)
        return cuts.items()

    # -- the engine's own totals -----------------------------------------------------------

    def _engine_totals(self) -> None:
        for stack in self.stacks:
            total = stack.image.layers_size
            if total is None or not stack.chain:
                continue
            if total == 0 and self.rules.zero_size_means_no_layer:
                continue  # not unpacked: a zero that says nothing about the layers below
            self.totals.setdefault(stack.chain[-1], (total, "exact", _name(stack.image)))

    def _totals_through_the_forest(self) -> None:
        """Prefix sums both ways: child = parent + layer, and parent = child − layer."""
        for chain, parent in self.parents.items():
            found = self.settled[chain]
            above = self._total(parent)
            if chain not in self.totals and above is not None and found.size is not None:
                self.totals[chain] = (above[0] + found.size, _weaker(above[1], found.size_is), above[2])
        for chain in reversed(list(self.parents)):
            parent, found = self.parents[chain], self.settled[chain]
            here = self.totals.get(chain)
            if parent is not None and parent not in self.totals and here is not None and found.size is not None:
                rest = here[0] - found.size
                if rest >= 0:
                    self.totals[parent] = (rest, _weaker(here[1], found.size_is), here[2])
        for chain, parent in self.parents.items():
            found = self.settled[chain]
            above, here = self._total(parent), self.totals.get(chain)
            if found.size is None and above is not None and here is not None and here[0] >= above[0]:
                found.size, found.size_is = here[0] - above[0], _weaker(here[1], above[1])
                found.size_from = f"the engine's size of {here[2]}, less the layers below"

    def _total(self, chain: str | None) -> tuple[int, Certainty, str] | None:
        return (0, "exact", "") if chain is None else self.totals.get(chain)

    def _remainders(self) -> None:
        """A total that the known layers already fill leaves nothing for the others."""
        for stack in self.stacks:
            if not stack.chain or stack.chain[-1] not in self.totals:
                continue
            layers = [self.settled[chain] for chain in stack.chain]
            unknown = [found for found in layers if found.size is None]
            if not unknown:
                continue
            total, certain, name = self.totals[stack.chain[-1]]
            rest = total - sum(found.size for found in layers if found.size is not None)
            if rest == 0 or (rest > 0 and len(unknown) == 1):
                for found in layers:
                    certain = certain if found.size is None else _weaker(certain, found.size_is)
                for found in unknown:
                    found.size, found.size_is = rest, certain
                    found.size_from = f"what is left of the engine's size of {name}"


def _weaker(one: Certainty, other: Certainty) -> Certainty:
    return "exact" if one == other == "exact" else "inferred"


def _name(image: Image) -> str:
    return image.tags[0] if image.tags else image.id.removeprefix("sha256:")[:12]
