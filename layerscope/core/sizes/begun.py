"""Where a history goes on from one that begins as it does, and was read before.

Images on one base have its layers, and their histories begin with its entries. At a *cut* every way to lay a history
beside its layers has made the same number of layers after the same number of entries, whatever stands on them. So
what is below a cut can be read with one image, and the others need only be read from there on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from layerscope.core.sizes.labels import Label
from layerscope.core.sizes.ledger import Stack


class Start(NamedTuple):
    """What of an image is read with others: its first entries, which made its first layers, and all of these."""

    entries: int
    layers: int


BOTTOM = Start(0, 0)
_TRIES = 8
"""Layers at which other histories that do not begin alike are looked at, before an image is read from the bottom."""


_Cut = tuple[int, Stack, Sequence[Label] | None]
"""After how many entries of which image, and the labels of these."""


class Begun:
    """The cuts of the histories read so far, for one way to read them.

    An image is only ever read on from one that comes before it in the order of reading: so each cut's lower part is
    read with some image, and again when anything of it is found out.
    """

    def __init__(self, layers: int) -> None:
        self._at: list[_Cut | None] = [None] * layers
        """By number of the layer below the cut."""

    def clear(self) -> None:
        """Forget all: something is not known any more."""
        self._at = [None] * len(self._at)

    def start(self, stack: Stack, labels: Sequence[Label] | None, without: Collection[str] = ()) -> Start:
        """Return from where on to read a stack; ``labels`` as in :meth:`keep`, ``without`` some images by ID."""
        tries, sizes, path = 0, stack.sizes, stack.path
        cuts = map(self._at.__getitem__, reversed(path))
        for layers, cut in zip(range(len(path), 0, -1), cuts, strict=True):
            if cut is None:
                continue
            entries, other, said = cut
            if other.order >= stack.order:
                continue
            if (
                sizes[:entries] == other.sizes[:entries]
                and (labels is None or said is None or labels[:entries] == said[:entries])
                and other.image.id not in without
            ):
                return Start(entries, layers)
            tries += 1
            if tries == _TRIES:
                break
        return BOTTOM

    def keep(self, stack: Stack, labels: Sequence[Label] | None, start: Start, cuts: Sequence[tuple[int, int]]) -> None:
        """Keep the cuts of a stack that was read from ``start`` on; they are counted from there.

        ``labels``: of all its entries; None where they follow from the sizes.
        """
        for entries, layers in cuts:
            number = stack.path[start.layers + layers - 1]
            before = self._at[number]
            if before is None or before[1].order > stack.order:
                self._at[number] = start.entries + entries, stack, labels
