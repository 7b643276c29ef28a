"""Views: those on the number keys, of which one is shown. Each but the first is made when it is looked at."""

# ruff: noqa: PLC0415

from __future__ import annotations

from asyncio import Lock
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.widget import Widget

from layerscope.core.graph import ImageNode, Layer
from layerscope.tui.panes.images import ImagesPane
from layerscope.tui.panes.view import View
from layerscope.tui.scene import Scene
from layerscope.tui.styles import load_styles
from layerscope.tui.widgets.findable import Findable
from layerscope.tui.widgets.framed import Framed
from layerscope.tui.widgets.room import Switcher
from layerscope.tui.widgets.rowtable import RowTable

if TYPE_CHECKING:
    from layerscope.tui.panes.engine import EnginePane


def _layers() -> Widget:
    from layerscope.tui.panes.layers import LayersPane

    return LayersPane(id="view-layers")


def _tree() -> Widget:
    from layerscope.tui.panes.tree import TreePane

    return TreePane(id="view-tree")


def _map() -> Widget:
    from layerscope.tui.panes.map import MapPane

    return MapPane(id="view-map")


def _compare() -> Widget:
    from layerscope.tui.panes.compare import ComparePane

    return ComparePane(id="view-compare")


def _engine() -> Widget:
    from layerscope.tui.panes.engine import EnginePane

    return EnginePane(id="view-engine")


LATER: dict[str, Callable[[], Widget]] = {
    "layers": _layers,
    "tree": _tree,
    "map": _map,
    "compare": _compare,
    "engine": _engine,
}
"""What makes each view that is not on the first screen, by its name; in the order in which help tells of them."""


class Views(Switcher):
    """Brings a view up to date when it is looked at, with the cursor on what another one had it on last."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(initial="view-images", id=id)
        self.images = ImagesPane(id="view-images")
        self._made: dict[str, Widget] = {}
        """Those of :data:`LATER` that are there, or will be when the lock is free."""
        self._making = Lock()
        self._refused = ""
        self._seen: dict[str, tuple[int, tuple[int, int]]] = {}
        """For each view the ``Scene.changes`` that it shows, and ``Scene.looks``."""
        self._pointed_at: tuple[ImageNode | None, Layer | None] = (None, None)
        """The image and the layer that were under the cursor of a view last."""

    def compose(self) -> ComposeResult:
        """The first."""
        yield self.images

    async def make(self, name: str) -> None:
        """Make a view, unless it is there: hidden, with nothing in it yet, and as the others are."""
        async with self._making:
            if name not in LATER or name in self._made:
                return
            load_styles(self, "panes/views.tcss")
            self._made[name] = pane = LATER[name]()
            pane.display = False
            order = [one for one in LATER if one in self._made]
            place = order.index(name)
            await self.mount(pane, after=self._made[order[place - 1]] if place else self.images)
            if name == "engine":
                self._engine_pane.refused = self._refused
            self._frames_say(pane, self.has_class("-stale"))

    async def make_all(self) -> None:
        """Make every view that is not there yet."""
        for name in LATER:
            await self.make(name)

    @property
    def _engine_pane(self) -> EnginePane:
        return cast("EnginePane", self._made["engine"])

    def answered(self, refused: str) -> None:
        """The engine gave its disk usage, or refused it for a reason."""
        self._refused = refused
        if "engine" in self._made:
            self._engine_pane.answered(refused)

    @property
    def view(self) -> View:
        """The view that is shown."""
        return cast("View", self.visible_content)

    @property
    def findables(self) -> list[Findable]:
        """The lists of all views, and the map."""
        return [widget for widget in self.query("*") if isinstance(widget, Findable)]

    def find_in(self, focused: Widget | None) -> Findable | None:
        """Return what to find in: what has the focus, else the first list on view."""
        if isinstance(focused, Findable) and focused.search is not None:
            return focused
        return next((table for table in self.findables if table.search is not None and table.on_view), None)

    def end_find(self) -> bool:
        """Look for nothing any more, in any list; False when nothing was looked for."""
        finding = [table for table in self.findables if table.finding]
        for table in finding:
            table.end_find()
        return bool(finding)

    def stay(self) -> None:
        """Keep the cursors on their rows from now on, though nobody moved them there."""
        for table in self.query(RowTable):
            table.stay()

    def hold(self, on: bool) -> None:
        """Give each cursor back to its row of now, whenever that is shown, for as long as one types."""
        for table in self.query(RowTable):
            if on:
                table.hold()
            else:
                table.release()

    def show(self, scene: Scene) -> None:
        """Show a scene in the current view; one that was not looked at meanwhile pays for it when it is."""
        name = self.current or ""
        seen, looks = self._seen.get(name, (-1, (-1, -1)))
        if seen != scene.changes:
            self.view.show_scene(scene)
        elif looks != scene.looks or name == "view-compare":  # which may choose others to compare
            self.view.marks_changed()
        self._seen[name] = scene.changes, scene.looks

    def go_to(self, name: str, scene: Scene | None) -> bool:
        """Show another view, with the cursor on the same image and layer: those that had one last. False: the same.

        It must be there: :meth:`make`.
        """
        before = self.view
        if before.image_here is not None or before.layer_here is not None:
            self._pointed_at = before.image_here, before.layer_here
        self.current = f"view-{name}"
        view = self.view
        if view is before:
            return False
        if scene is not None:
            self.show(scene)
            view.reveal(*scene.now_of(*self._pointed_at))
        return True

    def show_stale(self, stale: bool) -> bool:
        """Say in the frames that what is in them is stale, or no longer; False when they say so already."""
        if self.has_class("-stale") is stale:
            return False
        self.set_class(stale, "-stale")
        self._frames_say(self, stale)
        return True

    @staticmethod
    def _frames_say(inside: Widget, stale: bool) -> None:
        for framed in (inside, *inside.query(Widget)):
            if isinstance(framed, Framed):
                framed.show_stale(stale)
