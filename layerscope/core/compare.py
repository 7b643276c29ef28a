"""Some images beside each other: what all of them stand on, where each goes its own way, what each pair shares.

Chain IDs form a forest (OCI image-spec, "Layer ChainID": a layer's name holds all that it stands on),
so images that share a layer share everything below it. What two images share is therefore the
stack up to the last layer that both have, and the layers of some images fall into *stretches*: the runs
(:mod:`layerscope.core.runs`) of these images alone. All sizes are bytes in the store's unit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct, field

from layerscope.core.graph import ImageNode, Layer, LayerGraph, union
from layerscope.core.runs import runs
from layerscope.core.sizes.sums import Bound
from layerscope.core.totals import Totals


class Amount(Struct, frozen=True):
    """Bytes, and what they are to the truth."""

    size: int
    """The sum of the sizes that are known or inferred."""
    bound: Bound = ""
    """``""`` exact; ``~`` with an inferred size in it; ``≥`` with a size that is not known; ``≤`` where an image whose
    layers are not known may share it; ``?`` where nothing can be said."""


NOTHING = Amount(0)


class Stretch(Struct, eq=False):
    """Layers one on the other that the same of the compared images have. Compares by identity."""

    layers: tuple[Layer, ...]
    """Oldest first, never empty."""
    images: tuple[int, ...]
    """Those that have it: their places in :attr:`Comparison.images`, rising."""
    parent: Stretch | None
    """What it stands on: more of the images have that."""
    depth: int
    """Stretches below it."""
    children: list[Stretch] = field(default_factory=list)
    """What stands on it, in the order of the first image of each."""
    ends: tuple[int, ...] = ()
    """The images whose last layer is its last."""
    own: Amount = NOTHING
    """Its layers."""
    total: Amount = NOTHING
    """Its layers and all that they stand on: what any two images share that part on top of it."""


class Departure(Struct, frozen=True):
    """An image goes another way than some that shared its own so far."""

    stretch: Stretch
    """Where it goes on: the first layer of it is the one by which it leaves."""
    left: tuple[int, ...]
    """Those that do not come with it: their places in :attr:`Comparison.images`, rising."""

    @property
    def layer(self) -> Layer:
        """The first layer that those left behind do not have."""
        return self.stretch.layers[0]


class Comparison:
    """Some images of a graph beside each other. Read-only; an image is called by its place in :attr:`images`."""

    def __init__(self, graph: LayerGraph, images: Collection[ImageNode]) -> None:
        """Take the images to compare, in any order. Costs time in proportion to all their layers."""
        self.images: tuple[ImageNode, ...] = tuple(sorted(images, key=lambda node: node.index))
        """In the order of the graph: biggest first."""
        self.totals: Totals = graph.totals_of(self.images)
        """Listed, footprint and saved bytes of these images, as if they were alone."""
        self.unread: tuple[int, ...] = tuple(at for at, node in enumerate(self.images) if not node.known)
        """Images whose layers are not known: nothing is said of what they share."""
        self.bare: tuple[int, ...] = tuple(at for at, node in enumerate(self.images) if node.known and not node.layers)
        """Images without layers: they share nothing."""
        self.roots: list[Stretch] = []
        """The stretches that stand on nothing, in the order of the first image of each."""
        self._end: list[Stretch | None] = [None] * len(self.images)
        self._build()
        known = len(self.images) - len(self.unread)
        first = self.roots[0] if self.roots else None
        self.trunk: Stretch | None = first if first is not None and len(first.images) == known > 1 else None
        """What all of the images have whose layers are known (of two or more); None when that is nothing."""

    def _build(self) -> None:
        having: dict[int, list[int]] = {}
        for at, node in enumerate(self.images):
            for layer in node.layers:
                having.setdefault(layer.index, []).append(at)
        made: dict[int, Stretch] = {}
        order: list[Stretch] = []
        for run in runs(
            {layer: layer.parent for layer in union(self.images)},
            {node.layers[-1] for node in self.images if node.layers},
        ):
            under = run[0].parent
            below = None if under is None else made[under.index]
            stretch = Stretch(tuple(run), tuple(having[run[0].index]), below, 0 if below is None else below.depth + 1)
            made.update((layer.index, stretch) for layer in run)
            order.append(stretch)
            (self.roots if below is None else below.children).append(stretch)
        for stretch in order:
            stretch.own = _sum(stretch.layers)
            stretch.total = stretch.own if stretch.parent is None else _add(stretch.parent.total, stretch.own)
            stretch.children.sort(key=_first_image)
        self.roots.sort(key=_first_image)
        for at, node in enumerate(self.images):
            if node.layers:
                end = self._end[at] = made[node.layers[-1].index]
                end.ends = (*end.ends, at)

    def walk(self) -> Iterator[Stretch]:
        """Yield the stretches, each before what stands on it; of those beside each other, the first image's first."""
        waiting = self.roots[::-1]
        while waiting:
            stretch = waiting.pop()
            yield stretch
            waiting.extend(reversed(stretch.children))

    def way(self, image: int) -> list[Stretch]:
        """Return the stretches of an image, from the bottom; none when it has no layers or they are not known."""
        way: list[Stretch] = []
        stretch = self._end[image]
        while stretch is not None:
            way.append(stretch)
            stretch = stretch.parent
        return way[::-1]

    def departures(self, image: int) -> list[Departure]:
        """Return where an image leaves others that shared its way so far, from the bottom.

        The last one is where it leaves all that were still with it, unless it ends where
        others go on, or has the very layers of another.
        """
        company = tuple(at for at, node in enumerate(self.images) if node.known)
        found: list[Departure] = []
        for stretch in self.way(image):
            left = tuple(sorted(set(company) - set(stretch.images)))
            if left:
                found.append(Departure(stretch, left))
            company = stretch.images
        return found

    def shared(self, one: int, other: int) -> Amount | None:
        """Return the bytes of the layers that both of two images have; None when that is not known.

        Of an image with itself: its own size. Otherwise the stack up to their lowest common
        ancestor in the forest; costs time in proportion to the stretches above that.
        """
        if one == other:
            return self.size(one)
        if not (self.images[one].known and self.images[other].known):
            return None
        a, b = self._end[one], self._end[other]
        while a is not b:
            if a is None or b is None:
                return NOTHING
            if a.depth >= b.depth:
                a = a.parent
            else:
                b = b.parent
        return NOTHING if a is None else a.total

    def size(self, image: int) -> Amount:
        """Return the bytes of an image: all its layers."""
        node, end = self.images[image], self._end[image]
        if node.exact:
            return Amount(node.size)
        # The engine's own sum may be known where the layers are not, and is then no less than they are.
        return Amount(node.size, "~" if end is not None and end.total.bound == "~" else "≥")

    def alone(self, image: int) -> Amount:
        """Return the bytes of the layers of an image that none of the others has."""
        node, end = self.images[image], self._end[image]
        if not node.known:
            return Amount(0, "?")
        own = end.own if end is not None and end.images == (image,) else NOTHING
        if not self.unread or own == NOTHING:
            return own
        return Amount(own.size, "?" if own.bound else "≤")


def relatives(node: ImageNode, most: int, among: Collection[str] | None = None) -> list[ImageNode]:
    """Return at most ``most`` images that share layers with one: those that share most bytes first.

    Of several that share as many, those that share more layers, then the bigger ones. With ``among``
    only images whose IDs are in it. Layers are looked through from the newest, whose users share most, and
    no further than needed.
    """
    found: dict[str, ImageNode] = {}
    for layer in reversed(node.layers):
        for other in layer.images:
            if len(found) == most:
                return list(found.values())
            if other is not node and other.id not in found and (among is None or other.id in among):
                found[other.id] = other
    return list(found.values())


def _first_image(stretch: Stretch) -> int:
    return stretch.images[0]


def _sum(layers: Sequence[Layer]) -> Amount:
    return Amount(sum(layer.weight for layer in layers), "" if all(layer.sum_exact for layer in layers) else "≥")


def _add(one: Amount, other: Amount) -> Amount:
    bounds = {one.bound, other.bound}
    return Amount(one.size + other.size, "~" if "~" in bounds else "≥" if "≥" in bounds else "")
