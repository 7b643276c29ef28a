"""The main view: Images → Layers → Used by, linked, with a trail back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Container
from layerscope.text import clean, fit, fold_instruction
from layerscope.tui.host import Host
from layerscope.tui.keys import MOVE
from layerscope.tui.messages import ImagePointed, LayerPointed
from layerscope.tui.widgets.bars import split_bar
from layerscope.tui.widgets.columns import Cell, Column
from layerscope.tui.widgets.rowtable import AS_IT_COMES, RowTable
from layerscope.units import format_age
from layerscope.views.orders import IMAGE_ORDERS, LAYER_ORDERS, USER_ORDERS

SETTLE = 0.04
"""Seconds without a key after which the panes beside the cursor follow."""

STACK_ORDERS = {
    AS_IT_COMES: ("newest first", "oldest first"),
    "size": ("biggest first", "smallest first"),
    "users": ("most used first", "least used first"),
    "saves": ("what saves most first", "what saves least first"),
    "instruction": ("by instruction", "by instruction, Z to A"),
}
"""The order of an image's layers in words, and the other way round."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the trail: the image and the layer that were left."""

    image_id: str
    chain_id: str | None


class ImagesPane(Horizontal):
    """Three panes that follow each other's cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "side(1)", "Next pane", show=False, group=MOVE),
        Binding("left,h", "side(-1)", "Previous pane", show=False, group=MOVE),
        Binding("backspace", "back", "Back out", show=False, group=MOVE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.host: Host | None = None
        self.trail: list[Step] = []
        self._largest = 1
        self._shown: list[ImageNode] = []
        self._shown_image: ImageNode | None = None
        self._shown_layer: Layer | None = None
        self._settling: Timer | None = None
        self.images = RowTable(self._image_columns(), key=lambda n: n.id, empty="waiting for the engine …", id="images")
        self.images.is_marked = lambda n: self.host is not None and n.id in self.host.marks.ids
        self.stack = RowTable(self._layer_columns(), key=lambda n: n.chain_id, empty="", id="layers")
        self.users = RowTable(self._user_columns(), key=lambda n: n.id, empty="", id="users")

    def compose(self) -> ComposeResult:
        """Images at the left; layers over their users at the right."""
        yield self.images
        with Vertical(id="details"):
            yield self.stack
            yield self.users

    # -- data down ------------------------------------------------------------------------

    def show_host(self, host: Host) -> None:
        """Show a host: another one, or the same after something changed."""
        self.host = host
        self.images.sort = host.image_sort
        self._shown = host.shown_images()
        self._largest = max((node.size for node in host.graph.images), default=1) or 1
        self.images.empty = "no image passes the filter" if host.query else "no images here yet"
        self.images.show(self._shown)
        self._titles()
        self._follow(force=True)

    def marks_changed(self) -> None:
        """Draw the marks again."""
        self.images.repaint()
        self.users.repaint()

    @property
    def image_here(self) -> ImageNode | None:
        """The image under the cursor."""
        return self.images.row

    @property
    def layer_here(self) -> Layer | None:
        """The layer under the cursor."""
        return self.stack.row

    def targets(self) -> Iterable[ImageNode]:
        """What a mark would mark: the image under the cursor of the focused pane, or all that need its layer."""
        if self.stack.has_focus and self.layer_here is not None:
            return list(self.layer_here.images)
        if self.users.has_focus and isinstance(self.users.row, ImageNode):
            return [self.users.row]
        return [self.image_here] if self.image_here is not None else []

    def go_to(self, node: ImageNode) -> bool:
        """Put the cursor on an image; False when the filter hides it."""
        index = next((i for i, row in enumerate(self._shown) if row.id == node.id), None)
        if index is None:
            return False
        self.images.move_to(index)
        self._follow(force=True)
        return True

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Put the cursors on an image and on one of its layers."""
        if image is not None and self.go_to(image) and layer is not None:
            chain = [row.chain_id for row in self.stack.rows]
            if layer.chain_id in chain:
                self.stack.move_to(chain.index(layer.chain_id))
                self._follow()

    def take_focus(self) -> None:
        """To the images."""
        self.images.focus()

    # -- linking --------------------------------------------------------------------------

    @on(RowTable.Highlighted, "#images")
    def _image_moved(self) -> None:
        self._soon()

    @on(RowTable.Highlighted, "#layers")
    def _layer_moved(self) -> None:
        self._soon()

    def _soon(self) -> None:
        """Let the other panes follow once the keys rest: a held key stays as quick as one list."""
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, self._follow)

    def _follow(self, force: bool = False) -> None:
        if self.host is None:
            return
        image = self.image_here
        if force or image is not self._shown_image:
            same = image is not None and self._shown_image is not None and image.id == self._shown_image.id
            self._shown_image = image
            self.stack.empty = self._why_no_layers(image)
            layers = self.stack.in_order(self.host.stack_of(image)) if image else ()
            self.stack.show(layers, keep=same, cursor=None if same else 0)
            self._layers_title()
            self.post_message(ImagePointed(image))
        layer = self.layer_here
        if force or layer is not self._shown_layer:
            same = layer is not None and self._shown_layer is not None and layer.chain_id == self._shown_layer.chain_id
            self._shown_layer = layer
            self.users.empty = "nobody" if layer is not None else ""
            self.users.show(self.users.in_order(self._users_of(layer)), keep=same, cursor=None if same else 0)
            self._users_title()
            self.post_message(LayerPointed(layer))

    @staticmethod
    def _why_no_layers(image: ImageNode | None) -> str:
        if image is None:
            return ""
        if image.image.diff_ids is None:
            return clean(image.image.note, 200) or "not read yet"
        return "an image without layers"

    @staticmethod
    def _users_of(layer: Layer | None) -> list[ImageNode | Container]:
        if layer is None:
            return []
        rows: list[ImageNode | Container] = list(layer.images)
        rows.extend(container for node in layer.images for container in node.containers)
        return rows

    # -- keys -----------------------------------------------------------------------------

    @property
    def _panes(self) -> list[RowTable]:
        return [self.images, self.stack, self.users]

    def action_side(self, by: int) -> None:
        """Go to the pane beside this one."""
        here = next((i for i, pane in enumerate(self._panes) if pane.has_focus), 0)
        self._follow()
        self._panes[max(0, min(len(self._panes) - 1, here + by))].focus()

    @on(RowTable.Activated, "#images")
    def _into_layers(self) -> None:
        """Into an image: its layers, the biggest one first."""
        self._follow()
        rows = self.stack.rows
        if rows:
            biggest = max(range(len(rows)), key=lambda i: rows[i].known_size)
            self.stack.move_to(biggest)
            self._follow()
            self.stack.focus()

    @on(RowTable.Activated, "#layers")
    def _into_users(self) -> None:
        """Into a layer: who uses it."""
        self._follow()
        self.users.focus()

    @on(RowTable.Activated, "#users")
    def _pivot(self, message: RowTable.Activated) -> None:
        """From a user of a layer to that image."""
        if self.host is None:
            return
        row = message.row
        node = row if isinstance(row, ImageNode) else self.host.graph.image_by_id.get(row.image_id)
        if node is None or self.image_here is None:
            return
        step = Step(self.image_here.id, self.layer_here.chain_id if self.layer_here else None)
        if node.id == self.image_here.id:
            self.images.focus()
            return
        if not self.go_to(node):
            self.notify("the filter hides that image; Esc clears the filter", severity="warning")
            return
        self.trail.append(step)
        self._titles()
        self.images.focus()

    def action_back(self) -> None:
        """Back out: to the pane before, then along the trail."""
        if self.users.has_focus:
            self.stack.focus()
        elif self.stack.has_focus:
            self.images.focus()
        elif self.trail and self.host is not None:
            step = self.trail.pop()
            node = self.host.graph.image_by_id.get(step.image_id)
            if node is not None and self.go_to(node):
                chain = [layer.chain_id for layer in self.stack.rows]
                if step.chain_id in chain:
                    self.stack.move_to(chain.index(step.chain_id))
                    self._follow()
            self._titles()

    @on(RowTable.Sorted)
    def _sorted(self, message: RowTable.Sorted) -> None:
        if self.host is not None:
            if message.table is self.images:
                self.host.image_sort = self.images.sort
                self.show_host(self.host)
            else:
                self._follow(force=True)

    # -- titles ---------------------------------------------------------------------------

    def _titles(self) -> None:
        host = self.host
        if host is None:
            return
        total = len(host.graph.images)
        shown = len(self._shown)
        count = f"{shown:,}" if shown == total else f"{shown:,} of {total:,}"
        self.images.border_title = Content(f" Images · {count} ")
        names = [host.graph.image_by_id[s.image_id].name for s in self.trail if s.image_id in host.graph.image_by_id]
        self.images.border_subtitle = (
            Content(fit(" ← " + clean(" ‹ ".join(reversed(names))) + " ", 40)) if names else ""
        )

    def _layers_title(self) -> None:
        image = self.image_here
        if image is None or self.host is None:
            self.stack.border_title = Content(" Layers ")
            return
        room = max(8, self.stack.size.width - 26)
        self.stack.border_title = Content(f" Layers of {fit(clean(image_name(image)), room)} ")
        order = STACK_ORDERS[self.stack.sort.key][self.stack.sort.reverse]
        self.stack.border_subtitle = Content(f" {len(image.layers)} · {self.host.image_size(image)} · {order} ")

    def _users_title(self) -> None:
        layer = self.layer_here
        if layer is None or self.host is None:
            self.users.border_title, self.users.border_subtitle = Content(" Used by "), ""
            return
        count = len(layer.images)
        who = "1 image" if count == 1 else f"{count:,} images"
        self.users.border_title = Content(f" {self.host.size(layer.size)} layer used by {who} ")
        self.users.border_subtitle = Content(f" {layer.chain_id.removeprefix('sha256:')[:12]} ")

    # -- columns --------------------------------------------------------------------------

    def _image_columns(self) -> list[Column]:
        size, by = self._amount, IMAGE_ORDERS
        return [
            Column("name", "NAME", name_cell, 20, flex=3, most=46, by=by["name"]),
            Column("size", "SIZE", lambda n, w: self.host.image_size(n) if self.host else "", 8, align="right",
                   by=by["size"]),
            Column("unique", "UNIQUE", lambda n, w: size(n.unique, n.exact), 8, align="right", drop=1,
                   by=by["unique"]),
            Column("bar", "unique █  shared ░", self._bar, 10, flex=4, most=60, drop=3, short="█ own  ░"),
            Column("shared", "SHARED", lambda n, w: size(n.shared, n.exact), 8, align="right", drop=6,
                   by=by["shared"]),
            Column("containers", "IN USE", in_use_cell, 7, align="right", drop=4, by=by["containers"]),
            Column("created", "AGE", self._age, 9, align="right", drop=5, by=by["created"]),
            Column("layers", "LAYERS", lambda n, w: str(len(n.layers)) if n.known else "?", 7, align="right", drop=7,
                   by=by["layers"]),
        ]  # fmt: skip

    def _layer_columns(self) -> list[Column]:
        by = LAYER_ORDERS
        return [
            Column("size", "SIZE", self._layer_size, 8, align="right", by=by["size"]),
            Column("users", "USED BY", shared_by_cell, 8, align="right", drop=1, by=by["users"]),
            Column("saves", "SAVES", self._saves, 8, align="right", drop=2, by=by["saves"]),
            Column("instruction", "INSTRUCTION", instruction_cell, 20, flex=1, by=by["instruction"]),
        ]

    def _user_columns(self) -> list[Column]:
        by = USER_ORDERS
        return [
            Column("name", "NAME", user_cell, 18, flex=1, by=by["name"]),
            Column("size", "SIZE", self._user_size, 8, align="right", drop=1, by=by["size"]),
            Column("unique", "UNIQUE", self._user_unique, 8, align="right", drop=2, by=by["unique"]),
        ]

    def _amount(self, size: int, exact: bool) -> Cell:
        if self.host is None or (not exact and not size):
            return [("?", "warn")]
        text = self.host.size(size)
        return [(text if exact else f"≥{text}", "dim" if not size else "")]

    def _bar(self, node: ImageNode, width: int) -> Cell:
        return split_bar(node.unique, node.size - node.unique, self._largest, width)

    def _age(self, node: ImageNode, width: int) -> Cell:
        return [(format_age(node.image.created, self.host.now) if self.host else "", "dim")]

    def _layer_size(self, layer: Layer, width: int) -> Cell:
        if self.host is None or layer.size is None:
            return [("?", "warn")]
        text = self.host.size(layer.size)
        if layer.size_is == "inferred":
            text = f"~{text}"
        return [(text, "dim" if layer.shared or not layer.size else "unique")]

    def _saves(self, layer: Layer, width: int) -> Cell:
        return [(self.host.size(layer.saves) if self.host and layer.saves else "–", "good" if layer.saves else "dim")]

    def _user_size(self, row: Any, width: int) -> Cell:
        return self.host.image_size(row) if self.host and isinstance(row, ImageNode) else ""

    def _user_unique(self, row: Any, width: int) -> Cell:
        return self._amount(row.unique, row.exact) if isinstance(row, ImageNode) else ""


def image_name(node: ImageNode) -> str:
    """What a row calls an image: its tag, its digest, or its short ID. Not cleaned."""
    if node.image.tags:
        return node.image.tags[0]
    short = node.id.removeprefix("sha256:")[:12]
    if node.image.digests:
        return f"{node.image.digests[0].split('@')[0]}@{short}"
    return f"<none> {short}"


def name_cell(node: ImageNode, width: int) -> Cell:
    """The name, and how many other tags there are; both are always seen."""
    more = len(node.image.tags) - 1
    suffix = f" +{more}" if more > 0 else ""
    text = fit(clean(image_name(node), 400), max(1, width - len(suffix)))
    return [(text, "dim" if node.dangling else ""), (suffix, "accent")]


def in_use_cell(node: ImageNode, width: int) -> Cell:
    """Containers: running ones as ●, others as ○."""
    if not node.containers:
        return [("–", "dim")]
    running = sum(1 for c in node.containers if c.state == "running")
    rest = len(node.containers) - running
    parts: list[tuple[str, str]] = []
    if running:
        parts.append((f"●{running}", "good"))
    if rest:
        parts.append((f"{' ' if running else ''}○{rest}", "dim"))
    return parts


def shared_by_cell(layer: Layer, width: int) -> Cell:
    """How many images need the layer."""
    return str(len(layer.images)) if layer.shared else [("–", "dim")]


def instruction_cell(layer: Layer, width: int) -> Cell:
    """What made the layer; dimmed where others need it too."""
    if layer.instruction is None:
        return [("no history for this layer", "empty")]
    text = fold_instruction(layer.instruction, width * 2) or clean(layer.comment, width * 2) or "(no instruction given)"
    return [(fit(text, width), "dim" if layer.shared else "")]


def user_cell(row: ImageNode | Container, width: int) -> Cell:
    """An image, or a container under it."""
    if isinstance(row, Container):
        return [("● " if row.state == "running" else "○ ", "good" if row.state == "running" else "dim"),
                (fit(clean(f"{row.name} ({row.state})", 200), max(1, width - 2)), "dim")]  # fmt: skip
    return name_cell(row, width)
