"""Some images beside each other: their layers aligned, and the matrix of what each pair shares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from layerscope.core.compare import Comparison
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.text import fit, fit_name
from layerscope.tui.keys import COMPARE
from layerscope.tui.messages import Pivoted
from layerscope.tui.panes.pairs import FRAME, Pairs
from layerscope.tui.panes.view import Pointing
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import Cell, ListColumn, Piece
from layerscope.tui.widgets.hits import lit
from layerscope.tui.widgets.room import TopToBottom
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import count, format_number
from layerscope.views.aligned import Aligned, LayerRow, StretchFolding, presence
from layerscope.views.compare import Chosen, Lanes, choose, lanes, letter, sums
from layerscope.views.find import NameSearch
from layerscope.views.names import bounded

ROOMY = 70
"""Cells of a heading from which on it also names its image."""


class ComparePane(Pointing, TopToBottom):
    """Aligned layers over the matrix; what is compared is chosen when somebody comes here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Unfold, or to the first layer", show=False, group=COMPARE),
        Binding("left,h,backspace", "fold", "Fold, or to the heading", show=False, group=COMPARE),
        Binding("z", "fold_all", "Fold or unfold all layers", show=False, group=COMPARE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.chosen = Chosen((), "no images")
        self.comparison: Comparison | None = None
        self.aligned: Aligned | None = None
        self.folding = StretchFolding()
        self._here = ""
        """ID of the image that the cursor was on when somebody came here: it is compared when no set is marked."""
        self._place: dict[str, int] = {}
        self._lanes = Lanes(0, 1, 0)
        self._compared: tuple[LayerGraph, tuple[str, ...]] | None = None
        self._marks: frozenset[str] = frozenset()
        """What was marked when it was chosen what to compare."""
        self._set_for = Size(0, 0)
        self._leader: RowTable | None = None
        self.stacks = RowTable(self._layer_columns(), key=lambda row: row.key, empty="no images", id="aligned")
        self.pairs = Pairs(id="pairs")
        self.stacks.is_marked = self._row_marked
        self.stacks.search = lambda: NameSearch((row.key, row.text, "") for row in self.stacks.rows)
        self.stacks.unfold = self._unfold_all

    def compose(self) -> ComposeResult:
        """Two panes, one over the other: both need the width."""
        yield self.stacks
        yield self.pairs

    # -- data down ------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Compare what is chosen in a scene now."""
        self.scene = scene
        self.stacks.longer = scene.longer
        self._compared = None
        self._choose()

    def _choose(self) -> None:
        """Choose again what is compared, and show that unless it is on view."""
        scene = self.scene
        if scene is None:
            return
        shown = scene.shown_images()
        here = scene.graph.image_by_id.get(self._here)
        if here is None or (scene.filtered and here not in shown):
            here = shown[0] if shown else None
        among = frozenset(node.id for node in shown) if scene.filtered else None
        self._marks = frozenset(scene.marks.ids)
        self.chosen = choose(scene.graph, self._marks, here, among)
        ids = tuple(node.id for node in self.chosen.images)
        if self._compared is None or self._compared[0] is not scene.graph or self._compared[1] != ids:
            self._compared = scene.graph, ids
            self.comparison = Comparison(scene.graph, self.chosen.images)
            self._place = {node.id: at for at, node in enumerate(self.comparison.images)}
            self.pairs.styles.height = len(ids) + FRAME
            self._set()
        self._titles()

    def on_resize(self) -> None:
        """Choose what there is room for."""
        if self._room != self._set_for:
            self._set()
            self._titles()

    @property
    def _room(self) -> Size:
        """The size that it has when it is on view, known before it is."""
        return self.parent.size if isinstance(self.parent, Widget) else self.size

    def _set(self) -> None:
        """Give the columns their room, and show the rows."""
        comparison, scene, self._set_for = self.comparison, self.scene, self._room
        width = self._set_for.width
        if comparison is None or scene is None:
            return
        self._lanes = lanes(len(comparison.images), (width - 4) * 2 // 5)
        self.stacks.set_columns(self._layer_columns())
        self._align()
        self.pairs.compare(comparison, self._place, scene, width)

    def _align(self) -> None:
        """Make the rows of the layers: as they are folded, or all of them while something is looked for."""
        if self.comparison is None:
            return
        height = self._room.height
        room = height - min(len(self.comparison.images) + FRAME, height * 45 // 100) - FRAME
        if self.stacks.finding:
            self.aligned = Aligned(self.comparison)
        else:
            self.aligned = Aligned(self.comparison, self.folding, room)
        self.stacks.show(self.aligned.rows)

    def _unfold_all(self, finding: bool) -> None:
        """A find begins or ends: what is folded is shown meanwhile, and the cursor stays where it led."""
        layer, image = self.layer_here, self.row.image if self.row is not None else None
        self._align()
        if not finding and self.aligned is not None and layer is not None and image is None:
            self._go_to(self.aligned.index_of_layer(layer))

    def _titles(self) -> None:
        scene, comparison = self.scene, self.comparison
        if scene is None or comparison is None:
            return
        marked = sum(1 for node in comparison.images if node.id in scene.marks.ids)
        room = max(20, self._room.width - 6)
        words = self.chosen.title(room - len("Compare · "))
        if self._marks != scene.marks.ids:  # marks were put or taken here: the rows stay until somebody asks again
            words = f"{count(len(comparison.images), 'image')}, {format_number(marked)} marked"
            words += " · 5 compares what is marked now"
        self.stacks.entitle(Content(fit(f"Compare · {words}", room)))
        hidden = f"{count(self._lanes.more, 'more image')} · " if self._lanes.more else ""
        self.stacks.subtitle = fit(hidden + sums(comparison, scene.units), room)

    def marks_changed(self) -> None:
        """Draw the marks again; other images are compared only where that does not take away what is looked at."""
        scene, comparison = self.scene, self.comparison
        if scene is None or comparison is None:
            return
        inside = all(image_id in self._place for image_id in scene.marks.ids)
        if not inside or (len(scene.marks) > 1 and not self.chosen.by_marks):
            self._choose()
        else:
            self._titles()
        self.stacks.repaint()
        self.pairs.repaint()

    # -- what the cursor is on --------------------------------------------------------------

    @property
    def _in_pairs(self) -> bool:
        """Is the matrix the list that one is in? While something is typed, that in which the cursor moved last."""
        return self.pairs.has_focus or (self._leader is self.pairs and not self.stacks.has_focus)

    @property
    def row(self) -> LayerRow | None:
        """The row under the cursor of the layers."""
        return self.stacks.row

    @property
    def image_here(self) -> ImageNode | None:
        """The image under the cursor of the matrix, or the first that has the row under that of the layers."""
        node: ImageNode | None = self.pairs.row
        row, comparison = self.row, self.comparison
        if self._in_pairs or row is None or comparison is None or not row.images:
            return node
        if node is not None and self._place[node.id] in row.images:
            return node
        return comparison.images[row.images[0]]

    @property
    def layer_here(self) -> Layer | None:
        """The layer under the cursor; of a heading that which matters most."""
        row = self.row
        if row is None:
            return None
        return row.layer if row.stretch is None or row.layer is not None else row.stretch.layers[-1]

    def targets(self) -> Iterable[ImageNode]:
        """An image; of a heading the images that it names; of a layer all that must go for it to go."""
        row, comparison = self.row, self.comparison
        if self._in_pairs:
            return [self.pairs.row] if self.pairs.row is not None else []
        if row is None or comparison is None:
            return []
        if row.kind == "layer" and row.layer is not None:
            return list(row.layer.images)
        return [comparison.images[at] for at in row.images]

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Compare an image that another view had the cursor on, unless a set is marked; go to its layer."""
        if image is not None:
            self._here = image.id
        self._choose()
        if self.aligned is None:
            return
        at = self._place.get(image.id) if image is not None else None
        if image is not None and at is not None:
            self.pairs.move_to(self.pairs.index_of(image.id) or 0, tell=False)
        index = self.aligned.index_of_layer(layer) if layer is not None else None
        if index is None and at is not None:
            index = self.aligned.index_of_image(at)
        self._go_to(index)

    def take_focus(self) -> None:
        """To the layers; the marks may be others than when it was last looked at."""
        self._choose()
        self.stacks.focus()

    def _go_to(self, index: int | None) -> None:
        if index is not None:
            self.stacks.move_to(index, tell=False)

    # -- linking --------------------------------------------------------------------------

    @on(RowTable.Highlighted, "#aligned")
    @on(RowTable.Highlighted, "#pairs")
    def _moved(self, message: RowTable.Highlighted) -> None:
        self._leader = message.table
        self.soon()

    def follow(self) -> None:
        """Let the other list follow: to where the image leaves, or to the image that the row is about."""
        node, row = self.pairs.row, self.row
        if self._in_pairs:
            if node is not None and self.aligned is not None:
                self._go_to(self.aligned.index_of_image(self._place[node.id]))
                self.stacks.repaint()  # its column is another one now
        elif node is not None and row is not None and row.images and self._place[node.id] not in row.images:
            here = self.image_here
            self.pairs.move_to(self.pairs.index_of(here.id) or 0 if here is not None else 0, tell=False)
            self.stacks.repaint()

    @on(RowTable.Activated, "#aligned")
    def _into(self, message: RowTable.Activated) -> None:
        """Into a layer, or the image that the row is about; a heading opens or folds."""
        row: LayerRow = message.row
        if row.foldable:
            if self.aligned is not None and self.aligned.toggle(message.index):
                self.stacks.show(self.aligned.rows)
        elif self.image_here is not None and row.images:
            self.post_message(Pivoted(self.image_here, row.layer))

    @on(RowTable.Activated, "#pairs")
    def _to_image(self, message: RowTable.Activated) -> None:
        self.post_message(Pivoted(message.row))

    @on(RowTable.Sorted, "#pairs")
    def _sorted(self) -> None:
        self.pairs.in_its_order()

    # -- keys -----------------------------------------------------------------------------

    def action_unfold(self) -> None:
        """Open the heading, or go to its first layer."""
        row = self.row
        if self.aligned is None or row is None or not self.stacks.has_focus:
            return
        if self.aligned.set_open(self.stacks.cursor, True):
            self.stacks.show(self.aligned.rows)
        elif row.open:
            self.stacks.action_cursor(1)

    def action_fold(self) -> None:
        """Fold the heading, or go to the heading of the layer; out of the matrix, to the layers."""
        if self.aligned is None or self.row is None:
            return
        if not self.stacks.has_focus:
            self.stacks.focus()
        elif self.aligned.set_open(self.stacks.cursor, False):
            self.stacks.show(self.aligned.rows)
        else:
            self.stacks.move_to(self.aligned.heading(self.stacks.cursor))

    def action_fold_all(self) -> None:
        """Open everything, or fold it."""
        if self.aligned is not None:
            self.aligned.fold_all(any(row.foldable and not row.open for row in self.aligned.rows))
            self.stacks.show(self.aligned.rows)

    # -- columns --------------------------------------------------------------------------

    def _row_marked(self, row: LayerRow) -> bool | None:
        """Is all marked that a mark here would mark? None: some of it."""
        scene, comparison = self.scene, self.comparison
        if scene is None or comparison is None or not scene.marks.ids:
            return False
        if row.kind == "layer" and row.layer is not None:
            return all(node.id in scene.marks.ids for node in row.layer.images)
        marked = sum(comparison.images[at].id in scene.marks.ids for at in row.images)
        return True if marked == len(row.images) > 0 else None if marked else False

    def _layer_columns(self) -> list[ListColumn]:
        drawn = self._lanes
        return [
            ListColumn("size", "SIZE", self._layer_size, 8, align="right", sizes=True),
            ListColumn("images", drawn.heading, self._presence, drawn.width),
            ListColumn("instruction", "INSTRUCTION", self._instruction, 20, flex=1),
        ]

    def _layer_size(self, row: LayerRow, width: int) -> Cell:
        amount = row.amount
        if amount is None or self.scene is None:
            return ""
        text = bounded(amount.size, amount.bound, self.scene.units)
        if text == "?":
            return [(text, "warn")]
        return [(text, "dim" if not amount.size else "group" if row.foldable else "")]

    def _presence(self, row: LayerRow, width: int) -> Cell:
        if self.comparison is None:
            return ""
        here = self._place.get(self.pairs.row.id) if self.pairs.row is not None else None
        return presence(row, self.comparison, self._lanes, here)

    def _instruction(self, row: LayerRow, width: int) -> Cell:
        spot = self.stacks.spots.get(row.key)
        start = "  " * min(row.depth, width // 12) + f"{row.marker} "
        pieces: list[Piece] = [(start, "dim")]
        room = width - len(start)
        about = [row.says] if row.says else []
        if row.image is not None and (room >= ROOMY or row.kind != "stretch" or not letter(row.images[0])):
            about.append(fit_name(row.name, max(12, room // 2)))
        if row.layers:
            about.append(row.layers)
        for place, words in enumerate(about):
            pieces.append((" · " * bool(place), "dim"))
            pieces.append((words, "dim" if place else "warn" if row.kind == "note" else "group"))
        if row.by:
            used = sum(len(text) for text, _ in pieces) - len(start)
            gap = " · " if about else ""
            shown = fit(row.by, max(1, room - used - len(gap)))
            pieces += [(gap, "dim"), *lit(row.by, shown, spot.positions if spot is not None else (), "")]
        return pieces
