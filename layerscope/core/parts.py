"""The sums of any part of a host's images, in time that does not depend on how many layers they have.

Chains are prefixes of one another, so the layers are a forest and each image is a place in it. When the images are gone
through in the order in which a walk through the forest meets them, what an image adds to the layers of those before it
is all that lies above where it branches off from the last of them. So a number for what is below each image, and one
for what is below where it branches off, give the sum over the distinct layers of any images.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.sizes.sums import Tally
from layerscope.core.totals import Added, Totals


class Parts:
    """The images of a graph as a walk meets them, with what is added up for each."""

    def __init__(self, graph: LayerGraph, walked: Iterable[ImageNode]) -> None:
        """Take all rows that have layers in the order of a walk: what stands on a layer is met before anything else."""
        self._layers = graph.layers
        rows = graph.images
        self._rank = [-1] * len(rows)
        """By the index of a row its place in the walk; -1 where it has no layers."""
        self._shared: list[int] = []
        """By place how many layers it has in common with the place before."""
        tops: list[Layer | None] = []
        branches: list[Layer | None] = []
        before: tuple[Layer, ...] = ()
        for at, node in enumerate(walked):
            self._rank[node.index] = at
            common = _in_common(before, node.layers)
            before = node.layers
            self._shared.append(common)
            tops.append(before[-1])
            branches.append(before[common - 1] if common else None)
        self._ends = [*tops, *branches, None]
        """Layers by numbers: first the top of each image, then where each branches off; last there is none."""
        self._depth = [0 if layer is None else layer.depth + 1 for layer in self._ends]
        self._rest = [0 if layer is None else layer.height.rest for layer in self._ends]
        self._unknown = [0 if layer is None else layer.height.unknown for layer in self._ends]
        self._bare = -1 in self._rank
        self._obscure = {node.index for node in rows if not node.known}
        self._inexact = {node.index for node in rows if not node.exact}
        self._listed = [
            node.layers[-1].height.rest if node.layers and node.known and node.exact else node.size for node in rows
        ]
        self._told = [node.image.engine_size for node in rows]

    def carried_over(self, graph: LayerGraph, touched: Iterable[ImageNode]) -> Parts:
        """Return it for a graph of the very same layers and rows, of which some have other names or containers."""
        return self

    def totals_of(self, graph: LayerGraph, images: Sequence[ImageNode]) -> Totals:
        """Return what :meth:`LayerGraph.totals_of` does for some images of the graph, none of them twice."""
        if graph.elsewhere:  # layers that are counted for some images and not for others
            return graph.totals_of(images)
        rows = [node.index for node in images]
        tops = list(map(self._rank.__getitem__, rows))
        if self._bare:  # without layers, or without any that are known
            tops = [at for at in tops if at >= 0]
        bases = self._bases(tops)

        def distinct(of: Sequence[int]) -> int:
            return sum(map(of.__getitem__, tops)) - sum(map(of.__getitem__, bases))

        told = list(map(self._told.__getitem__, rows))
        added = Added(
            layers=distinct(self._depth),
            weight=lambda: distinct(self._weights),
            unknown_layers=lambda: distinct(self._doubts),
            stored=Tally(distinct(self._rest), self._factors(tops, bases)),
            stacked=Tally(sum(map(self._rest.__getitem__, tops)), self._factors(tops, ())),
            listed=sum(map(self._listed.__getitem__, rows)),
            exact=self._inexact.isdisjoint(rows),
            unknown_images=sum(map(self._obscure.__contains__, rows)) if self._obscure else 0,
            engine_listed=None if None in told else sum(told),  # type: ignore[arg-type]
        )
        return graph.totals_from(images, added)

    def _bases(self, tops: Iterable[int]) -> list[int]:
        """Return where each of some images branches off from those of them before it, as numbers of layers."""
        chosen = bytearray(len(self._shared))
        for at in tops:
            chosen[at] = 1
        bases: list[int] = []
        places, base, shared = len(chosen), len(self._ends) - 1, 0
        for at, common in enumerate(self._shared):
            if common < shared:  # on the way from the last one that was chosen, the least is where they part
                base, shared = places + at, common
            if chosen[at]:
                bases.append(base)
                base, shared = at, self._depth[at]
        return bases

    def _factors(self, tops: Iterable[int], bases: Iterable[int]) -> dict[int, int]:
        found = Counter(map(self._unknown.__getitem__, tops))
        found.subtract(Counter(map(self._unknown.__getitem__, bases)))
        return {unknown: factor for unknown, factor in found.items() if unknown and factor}

    @cached_property
    def _weights(self) -> list[int]:
        """By numbers of layers what all of the chain weigh at least."""
        return self._up([layer.weight for layer in self._layers])

    @cached_property
    def _doubts(self) -> list[int]:
        """By numbers of layers how many of the chain keep sums from being exact."""
        return self._up([0 if layer.sum_exact else 1 for layer in self._layers])

    def _up(self, one: list[int]) -> list[int]:
        """Return the sums of chains, from what is to be added for each layer of the graph."""
        for layer in self._layers:  # parents before children
            if layer.parent is not None:
                one[layer.index] += one[layer.parent.index]
        return [0 if layer is None else one[layer.index] for layer in self._ends]


def _in_common(one: Sequence[Layer], other: Sequence[Layer]) -> int:
    """Return how many layers two chains have in common: those at the bottom."""
    return bisect_left(range(min(len(one), len(other))), True, key=lambda at: one[at] is not other[at])
