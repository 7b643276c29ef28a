"""The main view: Images → Layers → Used by, linked, with a trail back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Container
from layerscope.text import fit, fit_first, fit_name
from layerscope.tui.keys import FIND, MOVE
from layerscope.tui.panes.cells import instruction_cell, origin_cell, unique_cell, user_cell, users_cell
from layerscope.tui.panes.image_list import ImageList
from layerscope.tui.panes.searches import in_layers, in_users
from layerscope.tui.panes.view import Pointing
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import LUXURY, Cell, ListColumn
from layerscope.tui.widgets.preview import Preview
from layerscope.tui.widgets.room import SideBySide, TopToBottom
from layerscope.tui.widgets.rowtable import AS_IT_COMES, RowTable
from layerscope.units import count
from layerscope.views.images import Group
from layerscope.views.names import amount, image_label, short_id
from layerscope.views.orders import LAYER_ORDERS, USER_ORDERS
from layerscope.views.states import state_sentence

STACK_ORDERS = {
    AS_IT_COMES: ("newest first", "oldest first"),
    "size": ("biggest first", "smallest first"),
    "users": ("most used first", "least used first"),
    "saves": ("what saves most first", "what saves least first"),
    "instruction": ("by instruction", "by instruction, Z to A"),
}
"""The order of an image's layers in words, and the other way round."""


def biggest(layers: Sequence[Layer]) -> int:
    """Return where the layer of most bytes is, the first of equals; 0 for none at all."""
    return max(range(len(layers)), key=[layer.size or 0 for layer in layers].__getitem__, default=0)


class Visit(NamedTuple):
    """One step of the trail: the image and the layer that were left."""

    image_id: str
    chain_id: str | None


class ImagesPane(Pointing, SideBySide):
    """Three panes that follow each other's cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "side(1)", "Next pane", show=False, group=MOVE),
        Binding("left,h", "side(-1)", "Previous pane", show=False, group=MOVE),
        Binding("backspace", "back", "Back out", show=False, group=MOVE),
        Binding("o", "groups", "Repositories", show=False, group=FIND, tooltip="Group images by repository, or not"),
        Binding("z", "fold_all", "Fold or unfold all repositories", show=False, group=FIND),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.trail: list[Visit] = []
        self._shown_row: ImageNode | Group | None = None
        self._shown_layer: Layer | None = None
        self._shown_find = ""
        self.images = ImageList(id="images")
        self.stack = RowTable(self._layer_columns(), key=lambda n: n.chain_id, empty="", id="layers")
        self.users = RowTable(self._user_columns(), key=lambda n: n.id, empty="", id="users")
        self.users.is_marked = lambda row: self.scene is not None and row.id in self.scene.marks.ids
        self.preview = Preview(id="preview")
        self.stack.search = in_layers(self.stack)
        self.users.search = in_users(self.users)
        self._fit_titles()  # there is an engine to wait for, or none

    def compose(self) -> ComposeResult:
        """Images at the left; layers over their users at the right."""
        yield self.images
        with TopToBottom(id="details"):
            yield self.stack
            with SideBySide(id="below"):
                yield self.users
                yield self.preview

    # -- data down ------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Show a scene: another one, or the same after something changed."""
        self.scene = scene
        self.stack.longer = self.users.longer = scene.longer
        self.images.show_scene(scene)
        self._trail_title()
        self._follow(force=True)
        self.call_after_refresh(self._fit_titles)  # the panes may not have had their widths yet

    def marks_changed(self) -> None:
        """Draw the marks again."""
        self.images.repaint()
        self.users.repaint()

    @property
    def image_here(self) -> ImageNode | None:
        """The image under the cursor; of a repository, the first."""
        return self.images.image_here

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
        return self.images.images_here

    def go_to(self, node: ImageNode) -> bool:
        """Put the cursor on an image; False when the filter hides it."""
        found = self.images.go_to(node)
        self._follow(force=True)
        return found

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Put the cursors on an image and on one of its layers."""
        if image is not None and self.go_to(image) and layer is not None:
            chain = [row.chain_id for row in self.stack.rows]
            if layer.chain_id in chain:
                self.stack.move_to(chain.index(layer.chain_id))
                self._follow()

    def take_focus(self) -> None:
        self.images.focus()

    def on_resize(self) -> None:
        """Cut the titles to the new room."""
        self.call_after_refresh(self._fit_titles)

    def _fit_titles(self) -> None:
        self._layers_title()
        self._users_title()

    # -- linking --------------------------------------------------------------------------

    @on(RowTable.Found, "#images")
    @on(RowTable.Highlighted, "#images")
    def _image_moved(self, message: Message) -> None:
        message.stop()
        self.soon()

    @on(RowTable.Highlighted, "#layers")
    def _layer_moved(self, message: Message) -> None:
        message.stop()
        self.soon()

    def follow(self) -> None:
        """Show the layers of the image under the cursor, and who uses the one under theirs."""
        self._link(force=False)

    def _follow(self, force: bool = False) -> None:
        """Follow at once, and say where the cursor is."""
        before = self._shown_row, self._shown_layer
        self._link(force)
        if force or before != (self._shown_row, self._shown_layer):
            self.pointed()

    def _link(self, force: bool) -> None:
        if self.scene is None:
            return
        row = self.images.row
        if force or row is not self._shown_row or self.images.find_text != self._shown_find:
            self._shown_find = self.images.find_text
            same = row is not None and self._shown_row is not None and row.id == self._shown_row.id
            self._shown_row = row
            layers, hits = self.stack.in_order(self.images.stack_here), self.stack.spots
            at = self._found_layer(row, layers)
            if at is None and not same:
                at = biggest(layers)
            here = self.image_here
            self.stack.empty = "" if here is None or self.scene is None else state_sentence(here, self.scene.graph)
            self.stack.show(layers, keep=same, cursor=at, same=not force and hits == self.stack.spots)
            self._layers_title()
        layer = self.layer_here
        if force or layer is not self._shown_layer:
            same = layer is not None and self._shown_layer is not None and layer.chain_id == self._shown_layer.chain_id
            self._shown_layer = layer
            self.users.empty = "nobody" if layer is not None else ""
            rows = self.users.in_order(self._users_of(layer))
            self.users.show(rows, keep=same, cursor=None if same else 0, same=not force)
            self.preview.tell(layer)
            self._users_title()

    def _found_layer(self, row: ImageNode | Group | None, layers: Sequence[Layer]) -> int | None:
        """Where in the stack an image was found by an instruction; shows that there."""
        spot = self.images.spots.get(row.id) if row is not None else None
        if self.stack.find_text:
            return None
        self.stack.spots = {}
        if spot is None or spot.layer is None:
            return None
        self.stack.spots = {layer.chain_id: spot for layer in layers if layer.instruction == spot.layer.instruction}
        return next((index for index, layer in enumerate(layers) if layer is spot.layer), None)

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
        """Into an image: its layers, the cursor on the biggest one."""
        self._follow()
        if self.stack.rows:
            self.stack.focus()

    @on(RowTable.Activated, "#layers")
    def _into_users(self) -> None:
        """Into a layer: who uses it."""
        self._follow()
        self.users.focus()

    def into_holders(self) -> None:
        """From an image to all that holds it: who uses its top layer, its containers among them."""
        image = self.image_here
        if image is not None and image.layers:
            self.reveal(image, image.layers[-1])
            self._into_users()

    @on(RowTable.Activated, "#users")
    def _pivot(self, message: RowTable.Activated) -> None:
        """From a user of a layer to that image."""
        if self.scene is None:
            return
        row = message.row
        node = row if isinstance(row, ImageNode) else self.scene.graph.image_by_id.get(row.image_id)
        if node is None or self.image_here is None:
            return
        step = Visit(self.image_here.id, self.layer_here.chain_id if self.layer_here else None)
        if node.id == self.image_here.id:
            self.images.focus()
            return
        layer = self.layer_here
        if not self.go_to(node):
            self.notify("the filter hides that image; Esc clears the filter", severity="warning")
            return
        self.reveal(node, layer)
        self.trail.append(step)
        self._trail_title()
        self.images.focus()

    def action_back(self) -> None:
        """Back out: to the pane before, then along the trail."""
        if self.users.has_focus:
            self.stack.focus()
        elif self.stack.has_focus:
            self.images.focus()
        elif self.trail and self.scene is not None:
            step = self.trail.pop()
            node = self.scene.graph.image_by_id.get(step.image_id)
            if node is not None and self.go_to(node):
                chain = [layer.chain_id for layer in self.stack.rows]
                if step.chain_id in chain:
                    self.stack.move_to(chain.index(step.chain_id))
                    self._follow()
            self._trail_title()

    def action_groups(self) -> None:
        """Put images under their repositories, or take them out again."""
        self.images.toggle_groups()
        self._follow(force=True)

    def action_fold_all(self) -> None:
        """Unfold all repositories, or fold them."""
        self.images.toggle_all()
        self._follow(force=True)

    @on(RowTable.Sorted)
    def _sorted(self, message: RowTable.Sorted) -> None:
        if self.scene is not None:
            if message.table is self.images:
                self.scene.image_sort = self.images.sort
                self.show_scene(self.scene)
            else:
                self._follow(force=True)

    # -- titles ---------------------------------------------------------------------------

    def _trail_title(self) -> None:
        if self.scene is not None:
            known = self.scene.graph.image_by_id
            names = [image_label(known[step.image_id]) for step in reversed(self.trail) if step.image_id in known]
            self.images.subtitle = fit("← " + " ‹ ".join(names), 38) if names else ""

    def _layers_title(self) -> None:
        row, scene = self.images.row, self.scene
        if row is None or scene is None:
            self.stack.entitle(Content("Layers"))
            self.stack.subtitle = ""
            return
        group = row if isinstance(row, Group) else None
        label = group.name if group is not None else image_label(row)
        self.stack.entitle(Content(f"Layers of {fit_name(label, max(8, self.stack.size.width - 14))}"))
        size = amount(row.footprint if isinstance(row, Group) else row.size, not row.exact, scene.units)
        order = STACK_ORDERS[self.stack.sort.key][self.stack.sort.reverse]
        of = f"{count(len(group.images), 'image')} · " if group is not None else ""
        known = isinstance(row, Group) or row.known
        rest = f"{count(len(self.stack.rows), 'layer') if known else 'layers not known'} · {size}"
        tries = (*([f"{of}{rest} · {order}"] if self.stack.rows else []), f"{of}{rest}", rest)
        self.stack.subtitle = fit_first(tries, self.stack.size.width - 4)

    def _users_title(self) -> None:
        layer = self.layer_here
        if layer is None or self.scene is None:
            self.users.entitle(Content("Used by"))
            self.users.subtitle = ""
            return
        who = count(len(layer.images), "image")
        size = self.scene.size(layer.size)
        tries = (f"{size} layer used by {who}", f"{size}, used by {who}", f"{size}, {who}")
        self.users.entitle(Content(fit_first(tries, self.users.size.width - 4)))
        below = [short_id(layer.chain_id)]
        if layer.saves and not self.stack.shows("saves"):  # there is no room for it in the row
            saves = f"saves {self.scene.size(layer.saves)}"
            below = [f"{saves} · {below[0]}", saves]
        self.users.subtitle = fit_first(below, self.users.size.width - 4)

    # -- columns --------------------------------------------------------------------------

    def _layer_columns(self) -> list[ListColumn]:
        by = LAYER_ORDERS
        return [
            ListColumn("size", "SIZE", self._layer_size, 8, align="right", by=by["size"], sizes=True),
            ListColumn("users", "USERS", users_cell, 5, align="right", drop=1, by=by["users"]),
            ListColumn("saves", "SAVES", self._saves, 8, align="right", drop=2, by=by["saves"], sizes=True),
            ListColumn("instruction", "INSTRUCTION", self._instruction, 13, good=36, flex=6, by=by["instruction"]),
            ListColumn("from", "FROM", self._origin, 16, flex=1, most=28, drop=LUXURY),
        ]

    def _user_columns(self) -> list[ListColumn]:
        by = USER_ORDERS
        return [
            ListColumn("name", "NAME", self._user, 18, flex=1, by=by["name"]),
            ListColumn("size", "SIZE", self._user_size, 8, align="right", drop=1, by=by["size"], sizes=True),
            ListColumn("unique", "UNIQUE", self._user_unique, 8, align="right", drop=2, by=by["unique"], sizes=True),
        ]

    def _instruction(self, layer: Layer, width: int) -> Cell:
        return instruction_cell(layer, width, self.stack.spots.get(layer.chain_id))

    def _origin(self, layer: Layer, width: int) -> Cell:
        return origin_cell(layer, width, self.scene)

    def _user(self, row: Any, width: int) -> Cell:
        return user_cell(row, width, self.users.spots.get(row.id))

    def _layer_size(self, layer: Layer, width: int) -> Cell:
        if self.scene is None or layer.size is None:
            return [("?", "warn")]
        text = self.scene.size(layer.size)
        if layer.size_is == "inferred":
            text = f"~{text}"
        return [(text, "dim" if layer.shared or not layer.size else "unique")]

    def _saves(self, layer: Layer, width: int) -> Cell:
        return [(self.scene.size(layer.saves) if self.scene and layer.saves else "–", "good" if layer.saves else "dim")]

    def _user_size(self, row: Any, width: int) -> Cell:
        return self.scene.image_size(row) if self.scene and isinstance(row, ImageNode) else ""

    def _user_unique(self, row: Any, width: int) -> Cell:
        return unique_cell(row, self.scene) if isinstance(row, ImageNode) and self.scene is not None else ""
