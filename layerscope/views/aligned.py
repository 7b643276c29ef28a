"""The layers of some images aligned, as rows: those that the very same images have are one stretch.

A stretch is a heading, and its layers under it while it is open. The heading is the row at
which its images leave the others; the trunk, which all have, comes first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, field

from layerscope.core.compare import Amount, Comparison, Stretch
from layerscope.core.graph import ImageNode, Layer
from layerscope.units import UNKNOWN, count, format_number
from layerscope.views.compare import Lanes, Piece, called
from layerscope.views.names import image_label, layer_label

Kind = Literal["stretch", "layer", "end", "alone", "note"]
FEW = 4
"""Images of which the same is to be said: up to this many in a row each, more in one."""


class LayerRow(Struct, eq=False):
    """One visible row of the aligned layers."""

    kind: Kind
    says: str
    """What it is, in words: ``common to all 4``, ``A leaves here``; nothing for a layer."""
    images: tuple[int, ...] = ()
    """Those that have its layers, or of which something is said."""
    stretch: Stretch | None = None
    layer: Layer | None = None
    """Of a heading the layer that matters most: that by which its images leave, of the trunk the heaviest."""
    image: ImageNode | None = None
    """The image of which something is said."""
    depth: int = 0
    """Stretches that it stands on, the trunk not counted."""
    open: bool = False
    last: bool = False
    """The last layer of its stretch."""

    @property
    def key(self) -> tuple[str, str]:
        """What names the row from one comparison to the next."""
        if self.kind == "stretch" and self.stretch is not None:
            return "stretch", self.stretch.layers[0].chain_id
        if self.layer is not None:
            return self.kind, self.layer.chain_id
        if self.image is not None:
            return self.kind, self.image.id
        return self.kind, self.says if self.stretch is None else self.stretch.layers[0].chain_id

    @property
    def foldable(self) -> bool:
        """True for a heading with more than one layer under it."""
        return self.kind == "stretch" and self.stretch is not None and len(self.stretch.layers) > 1

    @property
    def marker(self) -> str:
        """``▾`` open, ``▸`` folded, ``│`` beside the layers of a stretch."""
        if self.foldable:
            return "▾" if self.open else "▸"
        return ("└" if self.last else "│") if self.kind == "layer" else " "

    @property
    def amount(self) -> Amount | None:
        """Bytes of its layers; None where it stands for none."""
        if self.kind == "stretch" and self.stretch is not None:
            return self.stretch.own
        if self.kind != "layer" or self.layer is None:
            return None
        if self.layer.size is None:
            return Amount(0, "?")
        return Amount(self.layer.size, "~" if self.layer.size_is == "inferred" else "")

    @property
    def layers(self) -> str:
        """How many layers a heading stands for; nothing for one."""
        return count(len(self.stretch.layers), "layer") if self.foldable and self.stretch is not None else ""

    @property
    def by(self) -> str:
        """The instruction to show: the layer's own, or of a folded heading that of the layer that matters most."""
        return layer_label(self.layer) if self.layer is not None and not (self.foldable and self.open) else ""

    @property
    def name(self) -> str:
        """The name of the image of which something is said."""
        return image_label(self.image) if self.image is not None else ""

    @property
    def text(self) -> str:
        """What is looked through for a find; it begins with what is shown, so that places in it can be lit there."""
        return " ".join(filter(None, (self.by, self.name, self.says)))


class StretchFolding(Struct):
    """What the user opened and folded, by the chain ID of the first layer: kept while comparisons come and go."""

    open: dict[str, bool] = field(default_factory=dict)
    everything: bool | None = None
    """Open (True) or folded (False) unless ``open`` says otherwise; None: as there is room for."""


class Aligned:
    """The visible rows of a comparison's layers: oldest first, the trunk on top, then each branch."""

    def __init__(self, comparison: Comparison, folding: StretchFolding | None = None, room: int = 10**9) -> None:
        """Take what is folded, and how many rows there is room for: the longest stretches are folded until they fit."""
        self.comparison = comparison
        self.folding = folding if folding is not None else StretchFolding()
        self._stretches = list(comparison.walk())
        self._fixed = self._around()
        self._roomy = self._that_fit(room)
        self.rows: list[LayerRow] = []
        """What is visible, from the top."""
        self._fill()

    def _around(self) -> tuple[list[LayerRow], list[LayerRow]]:
        """Return the rows that are about no layer: in front of all, and after all."""
        comparison = self.comparison
        known = len(comparison.images) - len(comparison.unread)
        front: list[LayerRow] = []
        if comparison.trunk is None and known > 1:
            all_of_them = "both" if known == 2 else f"all {format_number(known)}"
            front.append(LayerRow("note", f"no layer is common to {all_of_them}"))
        after = self._alone(comparison.bare, "no layers")
        return front, after + self._alone(comparison.unread, "layers not known")

    def _alone(self, images: tuple[int, ...], words: str) -> list[LayerRow]:
        """Return rows that say the same of some images: one for each, or one for all where they are many."""
        if len(images) > FEW:
            return [LayerRow("alone", f"{called(images)}: {words}", images)]
        nodes = self.comparison.images
        return [LayerRow("alone", f"{called((at,))}: {words}", (at,), image=nodes[at]) for at in images]

    def _that_fit(self, room: int) -> set[str]:
        """Return the stretches that are open as long as nobody says otherwise."""
        lengths = {s.layers[0].chain_id: len(s.layers) for s in self._stretches if len(s.layers) > 1}
        needed = sum(map(len, self._fixed)) + len(self._stretches) + sum(map(len, map(_endings, self._stretches)))
        total = needed + sum(lengths.values())
        open_ = set(lengths)
        for chain, length in sorted(lengths.items(), key=lambda item: -item[1]):
            if total <= room:
                break
            open_.discard(chain)
            total -= length
        return open_

    def is_open(self, stretch: Stretch) -> bool:
        """Return whether the layers of a stretch are rows of their own."""
        chain = stretch.layers[0].chain_id
        general = self.folding.everything
        return self.folding.open.get(chain, chain in self._roomy if general is None else general)

    def _fill(self) -> None:
        front, after = self._fixed
        self.rows = [*front]
        for stretch in self._stretches:
            self.rows += self._rows_of(stretch)
        self.rows += after

    def _rows_of(self, stretch: Stretch) -> list[LayerRow]:
        comparison, several = self.comparison, len(stretch.layers) > 1
        trunk = comparison.trunk
        depth = stretch.depth - (trunk is not None) if stretch is not trunk else 0
        heading = LayerRow("stretch", self._words(stretch), stretch.images, stretch, stretch.layers[0], depth=depth)
        if stretch is trunk:
            heading.layer = max(reversed(stretch.layers), key=lambda layer: layer.known_size)
        if len(stretch.images) == 1:
            heading.image = comparison.images[stretch.images[0]]
        heading.open = several and self.is_open(stretch)
        rows = [heading]
        if heading.open:
            rows += [LayerRow("layer", "", stretch.images, stretch, layer, depth=depth) for layer in stretch.layers]
            rows[-1].last = True
        for words, ends in _endings(stretch):
            image = comparison.images[ends[0]] if len(ends) == 1 else None
            rows.append(LayerRow("end", words, ends, stretch, image=image, depth=depth))
        return rows

    def _words(self, stretch: Stretch) -> str:
        comparison = self.comparison
        known = len(comparison.images) - len(comparison.unread)
        if stretch is comparison.trunk:
            whole = f"common to all {format_number(known)}" if known > 2 else "common to both"
            return f"{whole} whose layers are known" if comparison.unread else whole
        if len(stretch.images) == known:
            return "all its layers"  # the only one whose layers are known
        if stretch.parent is None:
            return f"{called(stretch.images)} share{'s' * (len(stretch.images) == 1)} no layer with the rest"
        if len(stretch.images) * 2 > len(stretch.parent.images) > 2:  # the others leave it, rather
            return f"{called(stretch.images)} go{'es' * (len(stretch.images) == 1)} on"
        return f"{called(stretch.images)} {'leaves' if len(stretch.images) == 1 else 'leave'} here"

    # -- folding ---------------------------------------------------------------------------

    def set_open(self, index: int, open_: bool) -> bool:
        """Open or fold a heading; True when that changed something."""
        row = self.rows[index]
        if not row.foldable or row.open is open_ or row.stretch is None:
            return False
        self.folding.open[row.stretch.layers[0].chain_id] = open_
        self._fill()
        return True

    def toggle(self, index: int) -> bool:
        """Open or fold a heading; True when that changed something."""
        return self.set_open(index, not self.rows[index].open)

    def fold_all(self, open_: bool) -> None:
        """Open or fold everything."""
        self.folding.open.clear()
        self.folding.everything = open_
        self._fill()

    def heading(self, index: int) -> int:
        """Return the index of the heading over a row; its own when there is none."""
        stretch = self.rows[index].stretch
        return next((at for at, row in enumerate(self.rows[:index]) if row.stretch is stretch is not None), index)

    # -- moving about ----------------------------------------------------------------------

    def index_of_layer(self, layer: Layer) -> int | None:
        """Return the index of a layer's row, or of its stretch's while that is folded; None when nobody has it."""
        found = None
        for index, row in enumerate(self.rows):
            if row.kind == "layer" and row.layer is not None and row.layer.chain_id == layer.chain_id:
                return index
            stretch = row.stretch if row.kind == "stretch" and found is None else None
            if stretch is not None and any(one.chain_id == layer.chain_id for one in stretch.layers):
                found = index
        return found

    def index_of_image(self, image: int) -> int | None:
        """Return the index of the row at which an image leaves the last that were with it, ends, or is alone."""
        way = self.comparison.way(image)
        for index, row in enumerate(self.rows):
            if row.kind in {"end", "alone"} and image in row.images:
                return index
            if row.kind == "stretch" and way and row.stretch is way[-1] and len(row.images) == 1:
                return index
        return None


def _endings(stretch: Stretch) -> list[tuple[str, tuple[int, ...]]]:
    """Return what is to be said of the images that end with a stretch, and of which; nothing of one alone."""
    ends = stretch.ends
    if len(stretch.images) == 1:
        return []
    if len(ends) > FEW:
        return [(f"{called(ends)} end here: the same layers", ends)]
    found: list[tuple[str, tuple[int, ...]]] = []
    for at in ends:
        twins = [other for other in ends if other != at]
        more = f"the same layers as {called(twins)}" if twins else "nothing of its own"
        found.append((f"{called((at,))} ends here: {more}", (at,)))
    return found


def presence(row: LayerRow, comparison: Comparison, drawn: Lanes, here: int | None = None) -> list[Piece]:
    """Return ``█`` for each image that has the row's layers, ``·`` for each that has not.

    Where an image ends, ``▀`` for it and ``│`` for those that go on. ``here`` is the chosen image.
    """
    if row.kind == "note":
        return []
    having, unread = set(row.images), set(comparison.unread)
    going_on = set(row.stretch.images) if row.kind == "end" and row.stretch is not None else set()
    full = {"end": "▀", "alone": "–"}.get(row.kind, "█")
    tone = "unique" if len(having) == 1 and row.kind != "end" else "shared"

    def signs() -> Iterator[Piece]:
        for image in range(drawn.images):
            if image in unread:
                yield UNKNOWN, "warn"
            elif image in having:
                yield full, "accent" if image == here and tone == "shared" else tone
            else:
                yield ("│" if image in going_on else "·"), "dim"

    return drawn.joined(signs())
