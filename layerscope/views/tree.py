"""The tree of chain IDs as rows: runs of layers that branch, and images as the leaves.

A run of layers without a branch is one row. An image that alone ends a run that
nothing else stands on is one row with it: the leaf. Where several images end, or
something stands on them, each is a row of its own under the run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from msgspec import Struct, field

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.units import count
from layerscope.views.forest import Forest, Run, forest_of
from layerscope.views.names import image_label, image_labels, layer_label

Kind = Literal["run", "layer", "image"]

ROOMY = 400
"""Up to this many rows everything is unfolded at first; beyond, only what stands at the bottom."""


class TreeRow(Struct, eq=False):
    """One visible row. What is shown of it is worked out when asked for, which is for rows on screen only."""

    kind: Kind
    depth: int
    parent: TreeRow | None
    run: Run | None
    """What it stands for, or is part of; None for an image without layers."""
    image: ImageNode | None = None
    """The image of a leaf."""
    layer: Layer | None = None
    """The layer of a row of kind ``layer``: one of a run that was taken apart."""
    last: bool = False
    """No sibling comes after it."""
    open: bool = False
    """What stands on it is visible."""
    apart: bool = False
    """Its layers are rows of their own."""

    @property
    def key(self) -> tuple[str, str]:
        """What names the row from one scan to the next."""
        if self.layer is not None:
            return "layer", self.layer.chain_id
        return ("image", self.image.id) if self.image is not None else ("run", self.run.key if self.run else "")

    @property
    def leaf(self) -> bool:
        """True for an image that is one row with the layers that only it has."""
        return self.image is not None and self.run is not None and not _has_rows_of_its_own(self.run)

    @property
    def foldable(self) -> bool:
        """True when something stands on it."""
        return self.kind == "run"

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that the row stands for, oldest first; none for an image under its run."""
        if self.layer is not None:
            return (self.layer,)
        return self.run.layers if self.run is not None and (self.kind == "run" or self.leaf) else ()

    @property
    def own(self) -> int | None:
        """Bytes of the row's own layers; a lower bound when :attr:`own_unknown`; None for an image under its run."""
        if self.layer is not None:
            return self.layer.known_size
        return self.run.own if self.run is not None and self.layers else None

    @property
    def own_unknown(self) -> int:
        """How many of its layers keep that from being exact."""
        if self.layer is not None:
            return int(self.layer.size is None)
        return self.run.unknown if self.run is not None and self.layers else 0

    @property
    def total(self) -> int | None:
        """Bytes of the row's layers and of all that stands on them, each once; None where there is no such sum."""
        return self.run.total if self.run is not None and self.layers and self.layer is None else None

    @property
    def total_unknown(self) -> int:
        """How many layers in that sum have no known size."""
        return self.run.total_unknown if self.run is not None and self.total is not None else 0

    @property
    def images(self) -> int:
        """How many images need the row's layers."""
        return self.run.count if self.run is not None and self.layers else 1

    @property
    def guides(self) -> str:
        """The lines that lead to it: ``│  ├─ ``."""
        if self.parent is None:
            return ""
        drawn = ["└─ " if self.last else "├─ "]
        above = self.parent
        while above.parent is not None:
            drawn.append("   " if above.last else "│  ")
            above = above.parent
        return "".join(reversed(drawn))

    @property
    def marker(self) -> str:
        """``▾`` unfolded, ``▸`` folded; a space where there is nothing to unfold."""
        return " " if not self.foldable else "▾" if self.open else "▸"

    @property
    def label(self) -> str:
        """What it is: the name of an image, or the instruction that made the (heaviest) layer."""
        if self.layer is not None:
            return layer_label(self.layer)
        if self.image is not None:
            return image_label(self.image)
        return layer_label(self.run.biggest) if self.run is not None else ""

    @property
    def detail(self) -> str:
        """A few words more, to be shown dimmed: how many layers, and when folded who needs them."""
        if self.layer is not None:
            return ""
        if self.image is not None and not self.layers:
            if self.run is not None:
                return ""
            return "no layers" if self.image.known else "layers not known"
        if self.image is not None or self.run is None:
            return f"+{count(len(self.layers), 'layer')}"
        stack = count(len(self.layers), "layer") if len(self.layers) > 1 else ""
        who = "" if self.open else image_labels(self.run.members, 2)
        return f"{stack} · {who}" if stack and who else stack or who


def _has_rows_of_its_own(run: Run) -> bool:
    """Do the images that end a run have rows under it?"""
    return bool(run.children) or len(run.images) != 1


class Folding(Struct):
    """What the user folded and unfolded, by chain ID: kept while graphs come and go."""

    open: dict[str, bool] = field(default_factory=dict)
    below: int | None = None
    """Runs of a smaller depth are open unless ``open`` says otherwise; None: as there is room for."""
    apart: set[str] = field(default_factory=set)


class Tree:
    """The visible rows of a tree. Folding costs time in proportion to the rows that come or go."""

    def __init__(
        self, graph: LayerGraph, folding: Folding | None = None, images: Sequence[ImageNode] | None = None
    ) -> None:
        """Take a graph, what is folded (a fresh one by default), and the images to show (None: all of them)."""
        self.forest = forest_of(graph) if images is None else Forest(graph, images)
        self.folding = folding if folding is not None else Folding()
        everything = len(self.forest.run_of) + len(self.forest.images)
        self._roomy = 10**9 if everything <= ROOMY else 1
        self.rows: list[TreeRow] = []
        """What is visible, from the top."""
        self._marked: dict[int, int] = {}
        self._marked_ids: frozenset[str] = frozenset()
        self._fill()

    @property
    def scale(self) -> int:
        """Bytes that a full bar means: all layers shown, each once."""
        return self.forest.total

    # -- folding ---------------------------------------------------------------------------

    def is_open(self, run: Run) -> bool:
        """Return whether what stands on a run is visible (if the run is)."""
        return self.folding.open.get(
            run.key, run.depth < (self._roomy if self.folding.below is None else self.folding.below)
        )

    def toggle(self, index: int) -> bool:
        """Fold or unfold a row; True when that changed something."""
        row = self.rows[index]
        return self.set_open(index, not row.open)

    def set_open(self, index: int, open_: bool) -> bool:
        """Fold or unfold a row; True when that changed something."""
        row = self.rows[index]
        if not row.foldable or row.open is open_ or row.run is None:
            return False
        self.folding.open[row.run.key] = open_
        self._replace(index)
        return True

    def toggle_apart(self, index: int) -> bool:
        """Show the layers of a run as rows, or put them together again; True when that changed something."""
        run = self.rows[index].run
        if run is None or len(run.layers) < 2 or self.rows[index].kind == "layer" or not self.rows[index].layers:
            return False
        self.folding.apart ^= {run.key}
        self._replace(index)
        return True

    def fold_all(self, open_: bool = False) -> None:
        """Fold (or unfold) everything."""
        self.folding.open.clear()
        self.folding.below = 10**9 if open_ else 0
        self._fill()

    def _replace(self, index: int) -> None:
        row = self.rows[index]
        self.rows[index + 1 : self.end(index)] = self._under(row)

    def _fill(self) -> None:
        tops: list[TreeRow] = [self._row(run, None) for run in self.forest.roots]
        tops += [TreeRow("image", 0, None, None, node) for node in self.forest.bare]
        self.rows = []
        for row in tops:
            self.rows.append(row)
            if row.run is not None:
                self.rows += self._under(row)

    def _row(self, run: Run, parent: TreeRow | None) -> TreeRow:
        depth = 0 if parent is None else parent.depth + 1
        if _has_rows_of_its_own(run):
            return TreeRow("run", depth, parent, run)
        return TreeRow("image", depth, parent, run, run.images[0])

    def _under(self, top: TreeRow) -> list[TreeRow]:
        """Return the visible rows under one, in order; notes on the rows themselves what is open."""
        found: list[TreeRow] = []
        waiting = [top]
        while waiting:
            row = waiting.pop()
            if row is not top:
                found.append(row)
            run = row.run
            if run is None or row.layer is not None or not (row.kind == "run" or row.leaf):
                continue
            row.apart = run.key in self.folding.apart
            row.open = row.kind == "run" and self.is_open(run)
            below: list[TreeRow] = []
            if row.apart and len(run.layers) > 1:
                below += [TreeRow("layer", row.depth + 1, row, run, layer=layer) for layer in run.layers]
            if row.open:
                below += [TreeRow("image", row.depth + 1, row, run, node) for node in run.images]
                below += [self._row(child, row) for child in run.children]
            if below:
                below[-1].last = True
                below.reverse()
                waiting += below
        return found

    # -- moving about ----------------------------------------------------------------------

    def end(self, index: int) -> int:
        """Return the index after the last visible row under a row."""
        depth, at = self.rows[index].depth, index + 1
        while at < len(self.rows) and self.rows[at].depth > depth:
            at += 1
        return at

    def parent(self, index: int) -> int:
        """Return the index of the row that a row stands under; its own when there is none."""
        depth = self.rows[index].depth
        for at in range(index - 1, -1, -1):
            if self.rows[at].depth < depth:
                return at
        return index

    def index_of(self, key: tuple[str, str]) -> int | None:
        """Return the index of the visible row with a key."""
        return next((index for index, row in enumerate(self.rows) if row.key == key), None)

    def reveal_image(self, node: ImageNode) -> int | None:
        """Unfold what hides an image and return its index; None when it is not in the tree at all."""
        run = self.forest.end_of(node)
        if run is not None:
            self._unfold(run if _has_rows_of_its_own(run) else run.parent)
        return self.index_of(("image", node.id))

    def reveal_layer(self, layer: Layer) -> int | None:
        """Unfold what hides a layer's run and return the index of its row; None when it is not in the tree at all."""
        run = self.forest.run_of.get(layer.index)
        if run is None:
            return None
        self._unfold(run.parent)
        wanted = ("layer", layer.chain_id)
        found = self.index_of(wanted)
        if found is None:
            found = self.index_of(("run", run.key) if _has_rows_of_its_own(run) else ("image", run.images[0].id))
        return found

    def _unfold(self, run: Run | None) -> None:
        hidden = False
        while run is not None:
            hidden = hidden or not self.is_open(run)
            self.folding.open[run.key] = True
            run = run.parent
        if hidden:
            self._fill()

    # -- marks -----------------------------------------------------------------------------

    def mark(self, ids: Collection[str]) -> None:
        """Take the IDs of the marked images, from which :meth:`marked` answers."""
        self._marked, self._marked_ids = {}, frozenset(ids)
        if not ids:
            return
        for node in self.forest.images:
            if node.id in ids:
                run = self.forest.end_of(node)
                while run is not None:
                    self._marked[id(run)] = self._marked.get(id(run), 0) + 1
                    run = run.parent

    def marked(self, row: TreeRow) -> int:
        """Return how many of the images that need the row's layers are marked."""
        if row.image is not None:
            return int(row.image.id in self._marked_ids)
        return self._marked.get(id(row.run), 0)
