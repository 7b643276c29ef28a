"""Views: those on the number keys, of which one is shown."""

from __future__ import annotations

from typing import cast

from textual.app import ComposeResult
from textual.widget import Widget

from layerscope.core.graph import ImageNode, Layer
from layerscope.tui.panes.compare import ComparePane
from layerscope.tui.panes.engine import EnginePane
from layerscope.tui.panes.images import ImagesPane
from layerscope.tui.panes.layers import LayersPane
from layerscope.tui.panes.map import MapPane
from layerscope.tui.panes.tree import TreePane
from layerscope.tui.panes.view import View
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.findable import Findable
from layerscope.tui.widgets.framed import Framed
from layerscope.tui.widgets.room import Switcher
from layerscope.tui.widgets.rowtable import RowTable


class Views(Switcher):
    """Brings a view up to date when it is looked at, with the cursor on what another one had it on last."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(initial="view-images", id=id)
        self.images = ImagesPane(id="view-images")
        self.engine = EnginePane(id="view-engine")
        self._seen: dict[str, int] = {}
        """For each view the ``Scene.changes`` that it shows."""
        self._pointed_at: tuple[ImageNode | None, Layer | None] = (None, None)
        """The image and the layer that were under the cursor of a view last."""

    def compose(self) -> ComposeResult:
        """All of them; one is on view."""
        yield self.images
        yield LayersPane(id="view-layers")
        yield TreePane(id="view-tree")
        yield MapPane(id="view-map")
        yield ComparePane(id="view-compare")
        yield self.engine

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
        if self._seen.get(name) == scene.changes:
            self.view.marks_changed()
        else:
            self._seen[name] = scene.changes
            self.view.show_scene(scene)

    def go_to(self, name: str, scene: Scene | None) -> bool:
        """Show another view, with the cursor on the same image and layer: those that had one last. False: the same."""
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
        for framed in self.query(Widget):
            if isinstance(framed, Framed):
                framed.show_stale(stale)
        return True
