"""The map: the footprint drawn to scale, base at the left, what stands on it at the right."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.content import Content

from layerscope.core.graph import ImageNode, Layer
from layerscope.text import clean, fit, fit_first
from layerscope.tui.messages import Pivoted
from layerscope.tui.panes.view import Pointing
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.mapcanvas import MapCanvas
from layerscope.tui.widgets.room import TopToBottom
from layerscope.units import count
from layerscope.views.find import image_search
from layerscope.views.forest import Forest, forest_of
from layerscope.views.names import layer_label

LEGENDS = (
    "strong: one image's own · faint: shared · like hues: one base · on the right: what stands on it",
    "strong: one image's own · faint: shared · like hues: one base",
    "strong: own · faint: shared · hue: base",
    "",
)
PLAIN_LEGENDS = ("area is bytes · on the right: what stands on it", "area is bytes", "")
"""Without colours."""


class MapPane(Pointing, TopToBottom):
    """The map with its frame."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.canvas = MapCanvas()
        self._came: ImageNode | None = None
        """The image that the cursor was on in the view before: for the way back."""

    def compose(self) -> ComposeResult:
        yield self.canvas

    def show_scene(self, scene: Scene) -> None:
        """Show the map of the images that pass the filter."""
        self.scene = scene
        graph = scene.graph
        if self._came is not None:
            self._came = graph.image_by_id.get(self._came.id)
        forest = Forest(graph, scene.shown_images()) if scene.filtered else forest_of(graph)
        self.canvas.search = lambda: image_search(graph)
        self.canvas.empty = (
            "no image passes the filter"
            if scene.filtered and not scene.shown_images()
            else "no images here yet"
            if not graph.images
            else "nothing here has bytes that are known"
        )
        self.canvas.show(graph, forest, scene.units, scene.marks.images)
        self._titles()

    def marks_changed(self) -> None:
        """Draw the marks again."""
        if self.scene is not None:
            self.canvas.remark(self.scene.marks.images)

    @property
    def image_here(self) -> ImageNode | None:
        """The image that one came from while it is in the block, else the one that was found, or names the block."""
        canvas, came = self.canvas, self._came
        block = canvas.block
        if canvas.waiting:
            return came
        if block is None or canvas.forest is None:
            return None
        if canvas.spot is not None and canvas.spot.node is not None:
            return canvas.spot.node
        return came if came is not None and block.holds(canvas.forest.end_of(came)) else block.image

    @property
    def layer_here(self) -> Layer | None:
        """The heaviest layer of the block."""
        block = self.canvas.block
        return block.run.biggest if block is not None and block.run is not None else None

    def targets(self) -> Iterable[ImageNode]:
        """Every image that must go for the block to go."""
        return self.canvas.block.members if self.canvas.block is not None else []

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Put the cursor on a layer's block, else on the block where an image ends."""
        canvas = self.canvas
        self._came = image
        if canvas.forest is None:
            return
        run = canvas.forest.run_of.get(layer.index) if layer is not None else None
        if run is None and image is not None:
            run = canvas.forest.end_of(image)
        if run is not None:
            canvas.reveal(run)
        self._titles()

    def take_focus(self) -> None:
        self.canvas.focus()

    def on_map_canvas_moved(self) -> None:
        """Say what the cursor is on."""
        self._titles()
        self.pointed()

    def follow(self) -> None:
        """There is nothing beside the map that depends on the cursor."""

    def on_map_canvas_chosen(self) -> None:
        """Into the image that the block is."""
        block = self.canvas.block
        if block is not None and block.leaf is not None:
            self.post_message(Pivoted(block.leaf))

    def _titles(self) -> None:
        canvas, scene = self.canvas, self.scene
        map_, block = canvas.map, canvas.block
        if map_ is None or scene is None:
            return
        room = self.size.width - 8
        unknown = f" · {count(map_.unknown, 'layer')} of unknown size not drawn" if map_.unknown else ""
        tail = f" · {scene.size(map_.size)}{unknown}"
        title = f"Map · {map_.where(max(20, room - 6 - cell_len(tail)))}{tail}"
        legend = fit_first(PLAIN_LEGENDS if canvas.plain else LEGENDS, room - cell_len(title) - 4)
        below = ""
        if block is not None:
            whole = "of what is shown" if scene.filtered else "of the host"
            name = block.label if " and " in block.more else block.name
            below = f"{name} · {scene.size(block.size)} · {block.percent} {whole} · needed by {block.note}"
            if (layer := self.layer_here) is not None:
                below += f" · {layer_label(layer)}"
        if canvas.find_text:
            below = f"/{fit(clean(canvas.find_text), 24)} · {canvas.hits_said} · {below}"
        canvas.entitle(
            Content(fit(title, max(10, room)))
            + Content.styled(f" ({legend})" if legend else "", "not bold $text-quiet"),
            Content(fit(below, max(10, room))),
        )
