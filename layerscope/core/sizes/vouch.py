"""What the engine's sums make of each layer in the end: its height and its weight; and which guesses they rule out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from layerscope.core.sizes.ledger import Ledger, Settled
from layerscope.core.sizes.sums import Heights


def vouch(ledger: Ledger, found: Heights) -> None:
    """Give each layer its height and its weight, and take back guesses that the engine's sums rule out."""
    for number, parent in enumerate(ledger.up):
        layer = ledger.settled[number]
        layer.height = found.of[number]
        if layer.size_is == "exact":
            layer.sum_exact, layer.weight = True, layer.size or 0
        elif layer.size is not None:
            between = found.layer(number, parent)
            if layer.size < between.low or (between.high is not None and layer.size > between.high):
                _forget(layer)
    for run in _runs(ledger):
        here, below = found.of[run[-1]], found.of[ledger.up[run[0]]]
        if here.unknown == below.unknown:
            _weigh([ledger.settled[number] for number in run], here.rest - below.rest)


def _runs(ledger: Ledger) -> Iterable[list[int]]:
    """Return the layers that always come and go together: no image ends between them and nothing branches.

    Only where the size of one is not exact. See :mod:`layerscope.core.runs`.
    """
    branches = [0] * (len(ledger.up) + 1)
    for parent in ledger.up:
        branches[parent] += 1
    for stack in ledger.stacks:
        if stack.path:
            branches[stack.path[-1]] = 2  # as if it branched: the next layer begins another run
    branches[-1] = 2
    doubtful: dict[int, list[int]] = {}
    run_of: list[int] = []
    runs: list[list[int]] = []
    sure = ledger.sure
    for number, parent in enumerate(ledger.up):
        if branches[parent] == 1:
            at = run_of[parent]
            runs[at].append(number)
        else:
            at = len(runs)
            runs.append([number])
        run_of.append(at)
        if sure[number] is None:
            doubtful[at] = runs[at]
    return doubtful.values()


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
    layer.size, layer.size_is, layer.words = None, "unknown", None
