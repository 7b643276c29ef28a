"""The tree of chain IDs: what stands on what, runs without a branch folded into one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from layerscope.core.graph import ImageNode, Layer
from layerscope.text import fit, fit_name
from layerscope.tui.keys import TREE
from layerscope.tui.messages import Pivoted
from layerscope.tui.panes.view import Pointing
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.bars import split_bar
from layerscope.tui.widgets.columns import Cell, ListColumn
from layerscope.tui.widgets.hits import lit
from layerscope.tui.widgets.room import TopToBottom
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import format_number
from layerscope.views.find import tree_search
from layerscope.views.names import amount
from layerscope.views.tree import Folding, Tree, TreeRow


class _Rows(RowTable):
    """The list: it opens with the cursor in the middle, for what is around it is what one came for."""

    _centred = True
    """Has it been, since it was last asked for?"""

    def centre(self) -> None:
        """Put the cursor in the middle; as soon as the list has its size, where it has none yet."""
        self._centred = bool(self.size.height)
        if self._centred:
            self.scroll_rows(self.cursor - self.room // 2)

    def on_resize(self) -> None:
        """Do what could not be done before."""
        if not self._centred:
            self.centre()


class TreePane(Pointing, TopToBottom):
    """One list; its rows come from :class:`~layerscope.views.tree.Tree`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Unfold, or to the first below", show=False, group=TREE),
        Binding("left,h,backspace", "fold", "Fold, or to the one above", show=False, group=TREE),
        Binding("z", "fold_all", "Fold or unfold everything", show=False, group=TREE),
        Binding("x", "apart", "Take a run of layers apart", show=False, group=TREE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.tree_rows: Tree | None = None
        self.folding = Folding()
        self._all_open = True
        self.list = _Rows(self._columns(), key=lambda row: row.key, empty="no layers", id="tree")
        self.list.search = lambda: tree_search(self.list.rows)
        self.list.unfold = self._unfold_all
        self.list.is_marked = lambda row: self.tree_rows is not None and self.tree_rows.marked(row) == row.images

    def compose(self) -> ComposeResult:
        yield self.list

    # -- data down ------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Show the tree of the images that pass the filter."""
        self.scene = scene
        self.list.longer = scene.longer
        self._grow(scene)
        self.list.entitle(Content("Tree · what stands on what"))
        self.list.subtitle = "←→ fold · x take apart · z all"

    def _grow(self, scene: Scene) -> None:
        """Make the rows: as they are folded, or all of them while something is looked for."""
        finding = self.list.finding
        images = scene.shown_images() if scene.filtered else None
        self.tree_rows = Tree(scene.graph, Folding() if finding else self.folding, images)
        if finding:
            self.tree_rows.fold_all(True)
        self.tree_rows.mark(scene.marks.ids)
        self.list.show(self.tree_rows.rows)

    def _unfold_all(self, finding: bool) -> None:
        """A find begins or ends: what is folded is shown meanwhile, and the cursor stays where it led."""
        if self.scene is not None:
            image, layer = self.row.image if self.row else None, self.layer_here
            self._grow(self.scene)
            if not finding:
                self.reveal(image, None if image is not None else layer)

    def marks_changed(self) -> None:
        """Draw the marks again."""
        if self.tree_rows is not None and self.scene is not None:
            self.tree_rows.mark(self.scene.marks.ids)
        self.list.repaint()

    @property
    def row(self) -> TreeRow | None:
        """The row under the cursor."""
        return self.list.row

    @property
    def image_here(self) -> ImageNode | None:
        """The image of the row; of a run, the biggest image on it."""
        row = self.row
        if row is None:
            return None
        return row.image or (row.run.members[0] if row.run and row.run.members else None)

    @property
    def layer_here(self) -> Layer | None:
        """The layer of the row; of a run, the heaviest."""
        row = self.row
        return None if row is None else row.layer or (row.run.biggest if row.run else None)

    def targets(self) -> Iterable[ImageNode]:
        """The image of the row, or every image that stands on the run."""
        row = self.row
        if row is None:
            return []
        return [row.image] if row.image else list(row.run.members) if row.run else []

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Unfold what hides an image, and go there."""
        if self.tree_rows is None:
            return
        index = self.tree_rows.reveal_image(image) if image is not None else None
        if index is None and layer is not None:
            index = self.tree_rows.reveal_layer(layer)
        self.list.show(self.tree_rows.rows, cursor=index)
        self.list.centre()

    def take_focus(self) -> None:
        self.list.focus()

    # -- keys -----------------------------------------------------------------------------

    def action_unfold(self) -> None:
        """Unfold the row, or go to the first below it."""
        tree = self.tree_rows
        if tree is None or self.row is None:
            return
        if tree.set_open(self.list.cursor, True):
            self._redraw()
        elif tree.end(self.list.cursor) > self.list.cursor + 1:
            self.list.action_cursor(1)

    def action_fold(self) -> None:
        """Fold the row, or go to the one above it."""
        tree = self.tree_rows
        if tree is None or self.row is None:
            return
        if not tree.set_open(self.list.cursor, False):
            self.list.move_to(tree.parent(self.list.cursor))
        else:
            self._redraw()

    def action_fold_all(self) -> None:
        """Fold or unfold everything."""
        if self.tree_rows is not None:
            self._all_open = not self._all_open
            self.tree_rows.fold_all(self._all_open)
            self._redraw()

    def action_apart(self) -> None:
        """Show each layer of a run, or put them together again."""
        if self.tree_rows is not None and self.row is not None and self.tree_rows.toggle_apart(self.list.cursor):
            self._redraw()

    def _redraw(self) -> None:
        if self.tree_rows is not None:
            self.list.show(self.tree_rows.rows)

    @on(RowTable.Activated, "#tree")
    def _chosen(self, message: RowTable.Activated) -> None:
        row: TreeRow = message.row
        if row.image is not None:
            self.post_message(Pivoted(row.image))
        elif self.tree_rows is not None and self.tree_rows.toggle(message.index):
            self._redraw()

    @on(RowTable.Highlighted, "#tree")
    def _moved(self, message: Message) -> None:
        message.stop()
        self.soon()

    def follow(self) -> None:
        """There is one list: nothing beside it depends on the cursor."""

    # -- columns --------------------------------------------------------------------------

    def _columns(self) -> list[ListColumn]:
        return [
            ListColumn("label", "LAYERS AND IMAGES", self._label, 30, flex=5),
            ListColumn("images", "IMAGES", self._images, 6, align="right", drop=3),
            ListColumn("own", "OWN", self._own, 8, align="right", drop=1, sizes=True),
            ListColumn("total", "WITH ALL ON IT", self._total, 8, align="right", short=("WITH ALL",), sizes=True),
            ListColumn(
                "bar", "own █  on it ░", self._bar, 10, flex=2, most=36, drop=2, short=("own█ on it░", "█own ░")
            ),
        ]

    def _label(self, row: TreeRow, width: int) -> Cell:
        guides = row.guides
        room = max(4, width - len(guides) - 2)
        cut = fit_name if row.image is not None and not row.image.dangling else fit
        label = cut(row.label, room)
        spot = self.list.spots.get(row.key)
        pieces = lit(row.label, label, spot.positions if spot else (), "" if row.image is None else "accent")
        detail = fit(row.detail, room - len(label) - 2) if room - len(label) > 8 else ""
        return [(guides, "dim"), (f"{row.marker} ", "dim"), *pieces, (f"  {detail}" if detail else "", "dim")]

    def _images(self, row: TreeRow, width: int) -> Cell:
        return "" if row.image is not None else format_number(row.images)

    def _own(self, row: TreeRow, width: int) -> Cell:
        text = amount(row.own, row.own_unknown, self.scene.units) if self.scene else ""
        if row.layer is not None and row.layer.size_is == "inferred":
            text = f"~{text}"
        return [(text, "dim" if not row.own else "unique" if row.images == 1 else "")]

    def _total(self, row: TreeRow, width: int) -> Cell:
        return amount(row.total, row.total_unknown, self.scene.units) if self.scene else ""

    def _bar(self, row: TreeRow, width: int) -> Cell:
        if self.tree_rows is None:
            return ""
        own = row.own or 0
        return split_bar(own, own if row.total is None else row.total, self.tree_rows.scale, width)
