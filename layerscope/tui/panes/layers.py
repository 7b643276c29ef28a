"""All layers of the host in one list: what each costs, what it saves, who needs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message

from layerscope.core.graph import ImageNode, Layer
from layerscope.core.missed import copies_of, missed_sharing
from layerscope.text import fit, fit_first
from layerscope.tui.messages import Pivoted
from layerscope.tui.panes.cells import instruction_cell, name_cell, origin_cell, users_cell
from layerscope.tui.panes.view import Pointing
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.bars import plain_bar
from layerscope.tui.widgets.columns import Cell, ListColumn, Sort
from layerscope.tui.widgets.preview import Preview
from layerscope.tui.widgets.room import SideBySide, TopToBottom
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import count, format_number, part_of
from layerscope.views.before_after import between_words
from layerscope.views.content import packed_of, packed_words
from layerscope.views.find import Search, layer_search, user_search
from layerscope.views.names import amount, short_id
from layerscope.views.orders import LAYER_ORDERS, USER_ORDERS


class LayersPane(Pointing, SideBySide):
    """Layers at the left; who uses the one under the cursor at the right, and what made it."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self._largest = 1
        self._with_content = False
        self._shown_layer: Layer | None = None
        self._again: dict[str, int] = {}
        """By chain ID: bytes of the other copies of the same content, stored on other layers."""
        self.list = RowTable(self._columns(), key=lambda n: n.chain_id, empty="no layers", id="all-layers",
                             sort=Sort("size"))  # fmt: skip
        self.list.is_marked = self._marked
        self.users = RowTable(self._user_columns(), key=lambda n: n.id, empty="nobody", id="all-users")
        self.preview = Preview(id="whole")
        self.list.search = self._search
        self.users.search = lambda: user_search(self.users.rows)
        self.users.is_marked = lambda node: self.scene is not None and node.id in self.scene.marks.ids

    def compose(self) -> ComposeResult:
        yield self.list
        with TopToBottom(id="beside"):
            yield self.users
            yield self.preview

    # -- data down ------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Show the layers of the images that pass the filter."""
        self.scene = scene
        self.list.longer = self.users.longer = scene.longer
        if (scene.graph.content is not None) is not self._with_content:
            self._with_content = scene.graph.content is not None
            self.list.set_columns(self._columns())
        layers: list[Layer] = list(scene.shown_layers())
        self._largest = max((layer.known_size for layer in layers), default=1) or 1
        shown, total = len(layers), len(scene.graph.layers)
        some = format_number(total) if shown == total else part_of(shown, total)
        missed = missed_sharing(scene.graph)
        again = f" · {between_words(missed.size, scene.units)} stored again" if missed.exact else ""
        if bool(missed.exact) is not bool(self._again):
            self._again = copies_of(missed)
            self.list.set_columns(self._columns())
        self._again = copies_of(missed)
        self.list.entitle(Content(f"All layers · {some}{again}"))
        self.list.show(self.list.in_order(layers))
        self._follow(force=True)

    def _search(self) -> Search:
        assert self.scene is not None  # nothing is looked for before there are rows
        return layer_search(self.scene.graph)

    def marks_changed(self) -> None:
        """Draw the marks again."""
        self.list.repaint()
        self.users.repaint()

    @property
    def image_here(self) -> ImageNode | None:
        """The user of the layer under the cursor that the cursor is on."""
        return self.users.row

    @property
    def layer_here(self) -> Layer | None:
        """The layer under the cursor."""
        return self.list.row

    def targets(self) -> Iterable[ImageNode]:
        """The image under the cursor, or every image that must go to free the layer."""
        if self.users.has_focus:
            return [self.users.row] if self.users.row is not None else []
        return list(self.layer_here.images) if self.layer_here is not None else []

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Put the cursor on a layer, and on an image beside it."""
        if layer is not None:
            chain = layer.chain_id
            index = next((i for i, row in enumerate(self.list.rows) if row.chain_id == chain), None)
            if index is not None:
                self.list.move_to(index)
        self._follow(force=True)
        if image is not None:
            index = next((i for i, row in enumerate(self.users.rows) if row.id == image.id), None)
            if index is not None:
                self.users.move_to(index)

    def take_focus(self) -> None:
        self.list.focus()

    # -- linking --------------------------------------------------------------------------

    @on(RowTable.Highlighted, "#all-layers")
    def _moved(self, message: Message) -> None:
        message.stop()
        self.soon()

    @on(RowTable.Highlighted, "#all-users")
    def _user_moved(self, message: Message) -> None:
        message.stop()
        self.pointed()

    def follow(self) -> None:
        """Show who uses the layer under the cursor."""
        self._link(force=False)

    def _follow(self, force: bool = False) -> None:
        """Follow at once, and say where the cursor is."""
        before = self._shown_layer
        self._link(force)
        if force or before is not self._shown_layer:
            self.pointed()

    def _link(self, force: bool) -> None:
        layer = self.layer_here
        if not force and layer is self._shown_layer:
            return
        before, self._shown_layer = self._shown_layer, layer
        self.preview.tell(layer)
        if layer is None or self.scene is None:
            self.users.show(())
            self.users.entitle(Content("Used by"))
            self.users.subtitle = ""
            return
        same = before is not None and before.chain_id == layer.chain_id
        self.users.show(self.users.in_order(layer.images), cursor=None if same else 0, same=not force)
        self.users.entitle(Content(f"Used by {count(len(layer.images), 'image')}"))
        packed = packed_of(layer, self.scene.graph)
        tries = [short_id(layer.chain_id)]
        if packed is not None:
            tries = [f"{packed_words(packed, self.scene.units)} · {tries[0]}", packed_words(packed, self.scene.units)]
        self.users.subtitle = fit_first(tries, max(12, self.users.size.width - 4))

    @on(RowTable.Activated, "#all-layers")
    def _into(self) -> None:
        self._follow()
        self.users.focus()

    @on(RowTable.Activated, "#all-users")
    def _to_image(self, message: RowTable.Activated) -> None:
        self.post_message(Pivoted(message.row))

    @on(RowTable.Sorted)
    def _sorted(self) -> None:
        if self.scene is not None:
            self.show_scene(self.scene)

    # -- columns --------------------------------------------------------------------------

    def _marked(self, layer: Layer) -> bool:
        """A layer is marked when every image that needs it is: it would go."""
        scene = self.scene
        return scene is not None and bool(scene.marks.ids) and all(node.id in scene.marks.ids for node in layer.images)

    def _columns(self) -> list[ListColumn]:
        by = LAYER_ORDERS
        order = (lambda layer: (self._again.get(layer.chain_id, 0), layer.diff_id), True)
        again = ListColumn("again", "AGAIN", self._again_cell, 8, align="right", drop=6, by=order, sizes=True)
        content = ListColumn("content", "CONTENT", self._content, 8, align="right", drop=3, sizes=True)
        return [
            ListColumn("size", "SIZE", self._size_cell, 8, align="right", by=by["size"], sizes=True),
            ListColumn("bar", "ON DISK", self._bar, 8, flex=1, most=24, drop=5),
            ListColumn("users", "USERS", users_cell, 5, align="right", drop=1, by=by["users"]),
            ListColumn("saves", "SAVES", self._saves, 8, align="right", drop=2, by=by["saves"], sizes=True),
            *([again] if getattr(self, "_again", {}) else ()),
            *([content] if self._with_content else ()),
            ListColumn("instruction", "INSTRUCTION", self._instruction, 20, flex=4, by=by["instruction"]),
            ListColumn("from", "FROM", lambda layer, w: origin_cell(layer, w, self.scene), 22, drop=4),
            ListColumn("id", "CHAIN ID", lambda layer, w: [(short_id(layer.chain_id), "dim")], 12, drop=6),
        ]

    def _user_columns(self) -> list[ListColumn]:
        return [
            ListColumn("name", "NAME", self._user, 16, flex=1, by=USER_ORDERS["name"]),
            ListColumn(
                "size",
                "SIZE",
                lambda n, w: self.scene.image_size(n) if self.scene else "",
                8,
                align="right",
                drop=1,
                by=USER_ORDERS["size"],
                sizes=True,
            ),
        ]

    def _instruction(self, layer: Layer, width: int) -> Cell:
        return instruction_cell(layer, width, self.list.spots.get(layer.chain_id))

    def _user(self, node: ImageNode, width: int) -> Cell:
        return name_cell(node, width, self.users.spots.get(node.id))

    def _size_cell(self, layer: Layer, width: int) -> Cell:
        if self.scene is None or layer.size is None:
            return [("?", "warn")]
        text = amount(layer.size, 0, self.scene.units)
        return [(f"~{text}" if layer.size_is == "inferred" else text, "dim" if not layer.size else "")]

    def _bar(self, layer: Layer, width: int) -> Cell:
        return plain_bar(layer.known_size, self._largest, width, "shared" if layer.shared else "unique")

    def _again_cell(self, layer: Layer, width: int) -> Cell:
        """What the same content takes besides, under other layers."""
        size = self._again.get(layer.chain_id)
        if self.scene is None or not size:
            return [("–", "dim")]
        return [(fit(self.scene.size(size), width), "warn")]

    def _content(self, layer: Layer, width: int) -> Cell:
        """The same, compressed; the blob that holds it may be of more images than the layer."""
        packed = packed_of(layer, self.scene.graph) if self.scene is not None else None
        return [("–", "dim")] if packed is None or self.scene is None else self.scene.size(packed.size)

    def _saves(self, layer: Layer, width: int) -> Cell:
        if self.scene is None or not layer.saves:
            return [("–", "dim")]
        return [(fit(amount(layer.saves, layer.size is None, self.scene.units), width), "good")]
