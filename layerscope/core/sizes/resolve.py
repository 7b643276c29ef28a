"""The size of every stored layer, from the histories of all images together.

One history often leaves a doubt that another image's settles, since the same
chain ID has the same size everywhere. So each image's assignment constrains
the others, and the engine's own totals constrain them all, until nothing
more follows.

This is done twice. First only with arithmetic: a history is read by its sizes
alone, and may leave layers out; with it go the engine's own sums. What follows is *exact*. Then the texts
of histories, which anybody can write, choose among the ways that are left; what follows from them is
*inferred*, and no text and no guess can make anything exact.

It has a little more than 400 lines because both passes are one: the same steps over the same ledger, until nothing
more follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress

from msgspec import Struct

from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.core.sizes.ancestry import Ancestry
from layerscope.core.sizes.assign import NO_GATES, Assignment, any_in_place, assign, bits
from layerscope.core.sizes.begun import BOTTOM, Begun, Start
from layerscope.core.sizes.evidence import near_heights, needed_by_rows, shared_heights
from layerscope.core.sizes.labels import EMPTY, LAYER, MAYBE, Label, Memo, labels
from layerscope.core.sizes.ledger import Certainty, Ledger, Settled, Stack, Sum, Words
from layerscope.core.sizes.sums import Bounds, Heights, Unknowns
from layerscope.core.sizes.unpacked import near_unpacked
from layerscope.core.sizes.vouch import vouch
from layerscope.core.stores import StoreRules
from layerscope.inventory import DiskUsage

NONE_TOLD: frozenset[int] = frozenset()
EMPTY_ARCHIVE = Words("the layer is an empty archive")
THE_SIZE_OF, WHICH_LEAVES_NOTHING = "the engine's size of ", ", which leaves nothing for it"


class Settlement(Struct, frozen=True):
    """What is known of all layers of a store, and of sums over them."""

    layers: Mapping[str, Settled]
    """By chain ID."""
    unknowns: Unknowns
    """Those of the layers' heights."""


def settle(
    stacks: Sequence[Stack],
    parents: Mapping[str, str | None],
    rules: StoreRules,
    usage: DiskUsage | None = None,
    most_unpacked: Mapping[str, int] | None = None,
) -> Settlement:
    """Return what is known of each chain ID in ``stacks``, and of the sums over them.

    ``parents`` maps each chain ID to its parent's, parents first. Sizes are bytes in
    the store's unit. A size is *exact* when the sizes in the histories and the engine's own sums leave no
    other; *inferred* when texts or a guess chose it, or
    where images contradict each other; else *unknown*. The order of ``stacks`` does not matter.
    ``usage``: the engine's account of its disk, of the very images of ``stacks``; None where there is none.
    ``most_unpacked``: see :func:`layerscope.core.sizes.unpacked.near_unpacked`; None where there may be
    layers that nobody told of.
    """
    return _Resolver(stacks, parents, rules, usage, most_unpacked).run()


class _Guess(Struct, frozen=True):
    """A way to read a history that is likely, not certain."""

    labels: Sequence[Label]
    short: bool
    gates: Mapping[int, int] | None
    """None: those of the image's ancestors."""
    why: Words


def _by_number(stacks: Sequence[Stack], found: Mapping[str, Bounds]) -> dict[int, Bounds]:
    """Return what was found of top layers by their numbers in the ledger."""
    return {stack.path[-1]: found[stack.chain[-1]] for stack in stacks if stack.chain and stack.chain[-1] in found}


class _Resolver:
    def __init__(
        self,
        stacks: Sequence[Stack],
        parents: Mapping[str, str | None],
        rules: StoreRules,
        usage: DiskUsage | None,
        most_unpacked: Mapping[str, int] | None = None,
    ) -> None:
        self.rules = rules
        self.usage = usage
        # Parents before what was built on them; and the same order whatever the engine's.
        self.stacks = sorted(stacks, key=lambda stack: (len(stack.sizes), stack.image.id))
        for order, stack in enumerate(self.stacks):
            stack.order = order
        self.ledger = Ledger(self.stacks, parents)
        self.settled = self.ledger.settled
        self.ancestry = Ancestry(stacks)
        self.odd: set[str] = set()
        """Images of which the engine says things that contradict each other."""
        self.misread: set[str] = set()
        """Images whose history cannot be as its text has it, or does not fit the other images'."""
        self.proved: set[int] = set()
        """Layers of images whose history has as many entries that weigh something as there are layers."""
        self.memo = Memo()
        self.near = _by_number(stacks, near_heights(stacks, rules))
        unpacked = {} if most_unpacked is None else near_unpacked(stacks, rules, most_unpacked)
        self.unpacked = _by_number(stacks, unpacked)
        """Sums that are certain, while of single layers they prove nothing."""
        self.found: tuple[tuple[int, int, Mapping[int, Bounds]], Heights] | None = None
        """The heights that were worked out last, and of what."""
        self.by_size = Begun(len(self.ledger.names))
        self.by_text = Begun(len(self.ledger.names))
        """From where on to read an image, by sizes alone and by what is believed."""
        self.fits: dict[str, bool] = {}
        """By image ID: did the history fit the layers when it was read last, by what is certain?"""
        self.seen: dict[str, list[int]] = {}
        """For each way to read, and each image by its order: how many facts there were when it was read last."""

    def run(self) -> Settlement:
        if self.rules.empty_diff_is_zero:
            for stack in self.stacks:
                if EMPTY_DIFF_ID in stack.diff_ids:
                    for diff, number in zip(stack.diff_ids, stack.path, strict=True):
                        if diff == EMPTY_DIFF_ID:
                            self.ledger.set_size(number, 0, "exact", EMPTY_ARCHIVE)
        self._certain_totals()
        pending = [stack for stack in self.stacks if stack.chain and stack.image.history is not None]
        pending = self._repeat(self._read, self._read_by_size(pending))
        pending = self._deepen(pending)
        self._contradictions(pending)
        proved = self._heights(self.near | self.unpacked)
        self._likely_totals()
        traced = {stack.image.id for stack in pending if stack.image.parent_id and stack.image.id not in self.odd}
        left = self._repeat(self._trace, [stack for stack in pending if stack.image.id in traced])
        traced -= {stack.image.id for stack in left}
        pending = [stack for stack in pending if stack.image.id not in traced]
        pending = self._repeat(self._believe, pending)
        self._repeat(self._guess, pending)
        vouch(self.ledger, proved)
        return Settlement(dict(zip(self.ledger.names, self.settled, strict=True)), proved.unknowns)

    def _heights(self, near: Mapping[int, Bounds]) -> Heights:
        total = None if self.usage is None else self.usage.layers_size
        state = self.ledger.facts, self.ledger.demoted, near
        if self.found is None or self.found[0] != state:
            rows = None if total is None else (total, needed_by_rows(self.stacks, self.ledger.up))
            self.found = state, self.ledger.heights(near, rows)
        return self.found[1]

    def _deepen(self, pending: list[Stack]) -> list[Stack]:
        """Take what the sums over several images determine, until nothing more follows; as :meth:`_repeat`."""
        if None not in self.ledger.sure:
            return pending
        if self.usage is not None:
            told = shared_heights(self.stacks, self.ledger.up, self.usage, self.ledger.heights({}, None))
            for number, (size, name) in told.items():
                self.ledger.tell(number, Sum(size, "exact", name))
        before = -1
        while self.ledger.facts != before:
            self.ledger.learn(self._heights(self.near))
            before = self.ledger.facts
            pending = self._repeat(self._read, pending)
        return pending

    def _repeat(self, read: Callable[[Stack], bool], pending: list[Stack]) -> list[Stack]:
        """Read until nothing more follows; return the images in which something is still in doubt."""
        before = -1
        last = self.seen.setdefault(read.__name__, [-1] * len(self.stacks))
        alone = read.__name__ == "_read"
        while self.ledger.facts != before:
            before = self.ledger.facts
            # All of them were read before, or none was. Most rounds change few layers.
            newest = self.ledger.newest() if pending and last[pending[0].order] >= 0 else None
            due = pending
            if newest is not None and alone:
                due = [stack for stack in pending if newest[stack.path[-1]] > last[stack.order]]
            done: set[int] = set()
            for stack in due:
                seen = last[stack.order]  # what an image's ancestors made may be known by now
                if newest and not alone and newest[stack.path[-1]] <= seen and self.ancestry.since(stack) <= seen:
                    continue
                if read(stack):
                    done.add(stack.order)
                else:
                    last[stack.order] = self.ledger.facts
            if done:
                pending = [stack for stack in pending if stack.order not in done]
            self.ledger.add_up()
        return pending

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
        return total if total and total == stack.shown and stack.known else None

    def _certain_totals(self) -> None:
        told: dict[int, set[int]] = {}
        totals = [self._own_total(stack) if stack.path else None for stack in self.stacks]
        for stack, total in zip(self.stacks, totals, strict=True):
            if total is not None:
                told.setdefault(stack.path[-1], set()).add(total)
        for stack in self.stacks:
            here = told.get(stack.path[-1], NONE_TOLD) if stack.path else NONE_TOLD
            if len(here) > 1 or (here and stack.shown > min(here)):
                self.odd.add(stack.image.id)
            elif here:
                self.ledger.tell(stack.path[-1], Sum(min(here), "exact", stack.naming))

    def _likely_totals(self) -> None:
        for stack in self.stacks:
            if stack.path and stack.image.layers_size and stack.image.id not in self.odd:
                self.ledger.tell(stack.path[-1], Sum(stack.image.layers_size, "inferred", stack.naming))

    # -- reading a history -----------------------------------------------------------------

    @staticmethod
    def _certain(stack: Stack, start: Start = BOTTOM) -> Sequence[Label]:
        """Return what the sizes alone say of each entry: what weighs something made a layer."""
        return _by_size(stack.sizes[start.entries :], EMPTY if stack.told_by_size else MAYBE)

    def _labels(self, stack: Stack) -> Sequence[Label]:
        """Return what may be believed of each entry, its text being true."""
        if stack.told_by_size:
            return _by_size(stack.sizes, EMPTY)
        history = stack.image.history or ()
        found = labels(history, self.memo)
        if self.rules.zero_size_means_no_layer and self._own_total(stack) is None:
            # Mostly they made none, whatever they say; but an empty layer weighs 0 on some file systems (xfs).
            return _without_proof(stack, found)
        return found

    def _fit(
        self,
        stack: Stack,
        believed: Sequence[Label],
        *,
        start: Start = BOTTOM,
        sure: bool = False,
        alone: bool = False,
        short: bool = True,
        gates: Mapping[int, int] = NO_GATES,
        all_ways: bool = True,
    ) -> Assignment | None:
        """Lay the image's history beside its layers, from ``start`` on, where ``believed`` begins too.

        ``sure``: on exact sizes only, ``alone``: on none.
        """
        known = self.ledger.sure if sure else self.ledger.sizes
        path, sizes, total = stack.path, stack.sizes, self._own_total(stack)
        entries, layers = start
        if entries:
            path, total = path[layers:], None if total is None or not stack.known else total - sum(sizes[:entries])
            sizes = sizes[entries:]
            if gates:
                gates = {upto - entries: made >> layers for upto, made in gates.items() if upto > entries}
        return assign(
            believed,
            sizes,
            [None] * len(path) if alone else list(map(known.__getitem__, path)),
            anchor=self.rules.history_anchor,
            total=total,
            short=short,
            gates=gates,
            all_ways=all_ways,
        )

    def _by_sizes(self, stack: Stack) -> Assignment | None:
        """Lay the image's history beside its layers by what is certain alone."""
        return self._fit(stack, self._certain(stack), sure=True)

    def _gates(self, stack: Stack) -> tuple[Mapping[int, int], Start]:
        """See :meth:`Ancestry.gates`; they are of the beginning of a history, and so for an anchor at the bottom."""
        return (NO_GATES, BOTTOM) if self.rules.history_anchor == "top" else self.ancestry.gates(stack)

    def _take(
        self,
        stack: Stack,
        fit: Assignment,
        certain: Certainty,
        why: Words | None = None,
        *,
        sized: bool = True,
        start: Start = BOTTOM,
    ) -> bool:
        """Settle what is the same in every way; True when that leaves no doubt in this image.

        ``sized``: sizes too, not only which entry made which layer; ``start``: where ``fit`` begins.
        """
        ledger = self.ledger
        if self.ancestry.narrow(stack, fit.made << start.layers, ledger.facts + 1):
            ledger.facts += 1
        settled, still, sizes = self.settled, ledger.open, ledger.sizes
        path, told = stack.path, stack.sizes
        done = True
        if start.entries:
            done = True not in map(still.__getitem__, path[: start.layers])
            path, told = path[start.layers :], told[start.entries :]
        in_doubt = compress(range(len(path)), map(still.__getitem__, path))
        if fit.only is not None:
            history = stack.image.history or ()
            for j in in_doubt:
                number, i = path[j], fit.only[j]
                if sized and told[i] >= 0:
                    ledger.set_size(number, told[i], certain, why)
                ledger.set_entry(number, history[start.entries + i], certain)
                done = done and sizes[number] is not None
            return done
        no_size = no_entry = 0
        for j in in_doubt:
            number = path[j]
            if sizes[number] is None:
                no_size |= 1 << j
            if settled[number].entry is None:
                no_entry |= 1 << j
        if not no_size | no_entry:
            return done
        once = twice = 0
        for mask in fit.may:
            twice |= once & mask
            once |= mask
        if no_size and sized:
            for size, mask in fit.one_size(told, no_size):
                for j in bits(mask):
                    nothing_left = None if once >> j & 1 else Words(THE_SIZE_OF, stack.naming, WHICH_LEAVES_NOTHING)
                    ledger.set_size(path[j], size, certain, why or nothing_left)
                no_size &= ~mask
        one_entry = once & ~twice & ~fit.none & no_entry
        if one_entry:
            history = stack.image.history or ()
            for i, mask in enumerate(fit.may, start.entries):
                for j in bits(mask & one_entry):
                    ledger.set_entry(path[j], history[i], certain)
        return done and not no_size and not no_entry & once & ~one_entry

    # -- what is certain -------------------------------------------------------------------

    def _read_by_size(self, pending: list[Stack]) -> list[Stack]:
        """Read the histories that need no text: those that weigh something are the layers, whatever is written."""
        told = [stack for stack in pending if stack.told_by_size and stack.image.id not in self.odd]
        done = {stack.image.id for stack in told if self._read(stack)}
        for stack in told:
            if stack.image.id not in done and self._by_sizes(stack) is None:
                self.odd.add(stack.image.id)
                self.ledger.demote(stack, stack.path)
                self.by_size.clear()
        self.proved = self.ledger.exact()
        return [stack for stack in pending if stack.image.id not in done]

    def _read(self, stack: Stack) -> bool:
        """Take what follows from the image's history for certain; True when nothing is left in doubt."""
        if stack.image.id in self.odd:
            return False
        start = self._start(self.by_size, stack)
        if self._tells_nothing(stack, start):
            self.fits[stack.image.id] = True
            if self.ancestry.narrow(stack, (2 << len(stack.path)) - (1 << stack.weighty), self.ledger.facts + 1):
                self.ledger.facts += 1
            return False
        fit = self._fit(stack, self._certain(stack, start), start=start, sure=True, all_ways=False)
        self.fits[stack.image.id] = fit is not None
        if fit is None:
            return False
        if not stack.told_by_size:  # that tells how many layers there are: of others nothing follows from it
            self.by_size.keep(stack, None, start, fit.cuts)
        return self._take(stack, fit, "exact", start=start)

    def _tells_nothing(self, stack: Stack, start: Start) -> bool:
        """Is all in doubt from ``start`` on, and the rest known? May say False where it is so.

        So it is with most images as long as nothing but sizes counts. Then the history fits in more than one way, is
        not cut anywhere, and no size and no entry is the same in each: it need not be laid beside the layers.
        """
        rest = stack.sizes[start.entries :]
        if not rest or rest[0] or not stack.known or self.rules.history_anchor == "top":
            return False
        sizes = list(map(self.ledger.sizes.__getitem__, stack.path[start.layers :]))
        return (
            sizes.count(None) == len(sizes) and any_in_place(rest, len(sizes)) and self._own_total(stack) == stack.shown
        )

    def _start(self, begun: Begun, stack: Stack, labels: Sequence[Label] | None = None) -> Start:
        return BOTTOM if self.rules.history_anchor == "top" else begun.start(stack, labels, self.misread)

    def _contradictions(self, pending: Sequence[Stack]) -> None:
        """What images disagree about is not exact."""
        doubtful = [stack for stack in pending if stack.image.id not in self.odd]
        if all(self.fits.get(stack.image.id) for stack in doubtful):
            doubtful = []  # else also where one was read on from, that may be what does not fit
        for stack in doubtful:
            if self._by_sizes(stack) is not None:
                continue
            self.misread.add(stack.image.id)
            alone = self._fit(stack, self._certain(stack), alone=True)
            disputed = [] if alone is None else self._disputed(stack, alone)
            if disputed and not self.proved.intersection(disputed):
                self.ledger.demote(stack, disputed)
        below = self.ledger.sizes_below()
        for stack in self.stacks:
            total = self._own_total(stack)
            if total is not None and stack.path and below[stack.path[-1]] not in {None, total}:
                self.ledger.demote(stack, (number for number in stack.path if number not in self.proved))

    def _disputed(self, stack: Stack, alone: Assignment) -> Sequence[int]:
        """Return the layers to which this image, asked alone, gives other sizes than the images before it."""
        found = []
        for number, candidates, maybe_none in zip(stack.path, alone.candidates, alone.maybe_none, strict=True):
            size = self.ledger.sizes[number]
            if size is not None and not maybe_none and size not in {stack.sizes[i] for i in candidates}:
                found.append(number)
        return found or [number for number in stack.path if number not in self.proved]

    # -- what is likely --------------------------------------------------------------------

    def _trace(self, stack: Stack) -> bool:
        """Take which entries made which layers by what the engine itself keeps of builds: ``ParentId``."""
        gates, start = self._gates(stack)
        fit = self._fit(stack, self._certain(stack, start), start=start, sure=True, gates=gates) if gates else None
        return fit is not None and self._take(stack, fit, "exact", sized=False, start=start)

    def _believe(self, stack: Stack) -> bool:
        """Take what follows from the image's history if its texts are true."""
        if stack.image.id in self.odd or stack.image.id in self.misread:
            return False
        labels = self._labels(stack)
        gates, after = self._gates(stack) if MAYBE in labels else (NO_GATES, BOTTOM)
        start = max(after, self._start(self.by_text, stack, labels))
        fit = self._fit(stack, labels[start.entries :], start=start, gates=gates)
        if fit is None:
            self.misread.add(stack.image.id)
            return False
        self.by_text.keep(stack, labels, start, fit.cuts)
        why = Words("the history of ", stack.naming, ", as its text has it")
        return self._take(stack, fit, "inferred", why, start=start)

    def _guess(self, stack: Stack) -> bool:
        for guess in self._guesses(stack):
            gates = self._gates(stack)[0] if guess.gates is None and MAYBE in guess.labels else guess.gates or NO_GATES
            fit = self._fit(stack, guess.labels, short=guess.short, gates=gates)
            if fit is not None:
                return self._take(stack, fit, "inferred", guess.why)
        return False

    def _guesses(self, stack: Stack) -> Iterator[_Guess]:
        """Yield likely ways to read a history, the likeliest first."""
        if stack.weighty and self.rules.zero_size_means_no_layer and self._own_total(stack) is None:
            why = Words("the history of ", stack.naming, ", where an entry of size 0 made no layer")
            yield _Guess(_by_size(stack.sizes, EMPTY), True, NO_GATES, why)
        if stack.image.id not in self.odd | self.misread:
            why = Words("the history of ", stack.naming, ", if each layer has an entry in it")
            yield _Guess(self._labels(stack), False, None, why)
            return
        modest = _without_proof(stack, labels(stack.image.history or ()))
        why = Words("the history of ", stack.naming, ", read against its text")
        for believed in (modest, _by_size(stack.sizes, MAYBE)):
            for short in (False, True):
                yield _Guess(believed, short, NO_GATES, why)


def _by_size(sizes: Iterable[int], weightless: Label) -> list[Label]:
    return [LAYER if size > 0 else MAYBE if size < 0 else weightless for size in sizes]


def _without_proof(stack: Stack, found: Sequence[Label]) -> list[Label]:
    """Let a text that says "layer" be one that may have made none, unless its size proves it."""
    return [MAYBE if label is LAYER and size <= 0 else label for label, size in zip(found, stack.sizes, strict=True)]
