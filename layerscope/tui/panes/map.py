"""The map: the footprint drawn to scale, base at the left, what stands on it at the right."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from layerscope.core.graph import ImageNode, Layer
from layerscope.text import fit
from layerscope.tui.host import Host
from layerscope.tui.keys import MAP
from layerscope.tui.messages import Pivoted, Pointed
from layerscope.tui.widgets.kept import Kept
from layerscope.tui.widgets.room import Stack
from layerscope.units import Units
from layerscope.views.forest import Forest, forest_of
from layerscope.views.map import Block, Direction, Map, Span, lay_out

DIRECTIONS: dict[str, Direction] = {"left": "left", "right": "right", "up": "up", "down": "down"}


class MapCanvas(Kept, Widget, can_focus=True):
    """Draws a map and moves a cursor over its blocks."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"map--cursor", "map--marked"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go('left')", "Left: what it stands on", show=False, group=MAP),
        Binding("right,l", "go('right')", "Right: what stands on it", show=False, group=MAP),
        Binding("up,k", "go('up')", "Block above", show=False, group=MAP),
        Binding("down,j", "go('down')", "Block below", show=False, group=MAP),
        Binding("enter,plus,equals_sign", "zoom_in", "Zoom in; on an image: its layers", show=False, group=MAP),
        Binding("backspace,minus", "zoom_out", "Zoom out", show=False, group=MAP),
        Binding("home,g", "edge(0)", "Biggest base", show=False, group=MAP),
    ]

    class Moved(Message):
        """The cursor is on another block, or the map was laid out anew."""

    class Chosen(Message):
        """Enter on a block that cannot be zoomed into any further."""

    def __init__(self) -> None:
        super().__init__(id="map")
        self.forest: Forest | None = None
        self.units = Units.SI
        self.root = ""
        self.map: Map | None = None
        self.cursor = 0
        self.marked: frozenset[str] = frozenset()
        self._lines: list[list[Span]] = []
        self._colours: dict[int, Style] = {}

    # -- data down ------------------------------------------------------------------------

    def show(self, forest: Forest, units: Units, marked: frozenset[str]) -> None:
        """Show a forest; the cursor stays on the same run where that is still there."""
        here = self.block
        run_key = here.run.key if here is not None and here.run is not None else ""
        self.forest, self.units, self.marked = forest, units, marked
        self._lay_out()
        if self.map is not None and run_key:
            self.cursor = next((b.index for b in self.map.blocks if b.run and b.run.key == run_key), 0)

    def remark(self, marked: frozenset[str]) -> None:
        """Draw the marks again."""
        self.marked = marked
        self.refresh()

    @property
    def block(self) -> Block | None:
        """The block under the cursor."""
        if self.map is None or not 0 <= self.cursor < len(self.map.blocks):
            return None
        return self.map.blocks[self.cursor]

    def put_cursor(self, index: int | None) -> None:
        """Move the cursor to a block."""
        if index is not None and index != self.cursor:
            self.cursor = index
            self.refresh()
            self.post_message(self.Moved())

    def _lay_out(self) -> None:
        if self.forest is None or not self.size.area:
            return
        self.map = lay_out(self.forest, self.size.width, self.size.height, self.root)
        self.root = self.map.root
        self._lines = self.map.paint(self.units)
        self._colours.clear()
        self.cursor = min(self.cursor, max(0, len(self.map.blocks) - 1))
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Lay it out for the new room, with the cursor on the same run."""
        if self.forest is not None:
            self.show(self.forest, self.units, self.marked)

    def notify_style_update(self) -> None:
        """Another theme: other colours."""
        super().notify_style_update()
        self._colours.clear()

    # -- keys and mouse -------------------------------------------------------------------

    def action_go(self, direction: str) -> None:
        """Go to the block beside this one."""
        if self.map is not None and self.block is not None:
            self.put_cursor(self.map.neighbour(self.cursor, DIRECTIONS[direction]))

    def action_edge(self, _: int) -> None:
        """Go to the first block."""
        self.put_cursor(0)

    def action_zoom_in(self) -> None:
        """Fill the map with the block under the cursor and what stands on it."""
        block = self.block
        if block is None:
            return
        if block.run is not None and not block.run.children:
            self.post_message(self.Chosen())
        elif block.zoom != self.root:
            self.root, self.cursor = block.zoom, 0
            self._lay_out()
        else:
            self.post_message(self.Chosen())

    def action_zoom_out(self) -> None:
        """Show what is around this map; the cursor stays on what filled it."""
        if self.map is None or not self.map.path:
            return
        here = self.block
        self.root = self.map.path[-1][0]
        self._lay_out()
        if here is not None and here.run is not None and self.map is not None:
            self.put_cursor(self.map.index_of(here.run))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one zooms in."""
        if self.map is None:
            return
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if event.chain == 2:
            self.action_zoom_in()
        else:
            self.put_cursor(self.map.at(offset.x, offset.y))

    # -- drawing --------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line of the map."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width, self.rich_style)
        segments = []
        for span in self._lines[y]:
            if span.block is None:
                segments.append(Segment(span.text, self.rich_style))
            else:
                segments.append(Segment(span.text, self._style(span)))
        return Strip(segments, self.size.width)

    def _style(self, span: Span) -> Style:
        assert self.map is not None
        assert span.block is not None
        block = self.map.blocks[span.block]
        here = span.block == self.cursor
        if self.app.native_ansi_color:
            text = Style(bold=span.role == "name", dim=span.role == "note", reverse=here)
            return Style(reverse=False, dim=not here) if span.role == "foot" else text
        fill = self._fill(block, here)
        if span.role == "foot":
            return self.rich_style + Style(color=fill.bgcolor)
        extra = Style(bold=span.role == "name" or here, dim=False)
        if span.role in {"note", "size"} and fill.color is not None and not here:
            return fill + extra
        return fill + extra

    def _fill(self, block: Block, here: bool) -> Style:
        key = block.index * 2 + here
        found = self._colours.get(key)
        if found is None:
            found = self._colours[key] = self._make_fill(block, here)
        return found

    def _make_fill(self, block: Block, here: bool) -> Style:
        theme = self.app.theme_variables
        background = Color.parse(theme["background"])
        marked = bool(self.marked) and all(node.id in self.marked for node in block.members)
        if here:
            colour = Color.parse(theme["accent"])
        elif marked:
            colour = Color.parse(theme["error"]).blend(background, 0.35)
        elif block.run is None:
            colour = Color.parse(theme["panel"])
        else:
            # Once round the wheel from the theme's own hue, at one strength: neighbours differ, nothing shouts.
            start = Color.parse(theme["primary"]).hsl.h
            light = 0.34 if self.app.current_theme.dark else 0.78
            colour = Color.from_hsl((start - 0.3 + block.hue * 0.8) % 1.0, 0.3, light)
            if block.odd:
                colour = colour.blend(background, 0.16)
        return Style(color=colour.get_contrast_text(0.95).rich_color, bgcolor=colour.rich_color)


class MapPane(Stack):
    """The map with its frame."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.host: Host | None = None
        self.canvas = MapCanvas()

    def compose(self) -> ComposeResult:
        """One pane."""
        yield self.canvas

    def show_host(self, host: Host) -> None:
        """Show the map of the images that pass the filter."""
        self.host = host
        forest = Forest(host.graph, host.shown_images()) if host.filtered else forest_of(host.graph)
        self.canvas.show(forest, host.units, frozenset(host.marks.ids))
        self._titles()

    def marks_changed(self) -> None:
        """Draw the marks again."""
        if self.host is not None:
            self.canvas.remark(frozenset(self.host.marks.ids))
            self.canvas.notify_style_update()

    @property
    def image_here(self) -> ImageNode | None:
        """The biggest image that needs what the block stands for."""
        block = self.canvas.block
        return block.members[0] if block is not None and block.members else None

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
        if canvas.forest is None or canvas.map is None:
            return
        run = canvas.forest.run_of.get(layer.index) if layer is not None else None
        if run is None and image is not None:
            run = canvas.forest.end_of(image)
        if run is not None:
            canvas.put_cursor(canvas.map.index_of(run))
        self._titles()

    def take_focus(self) -> None:
        """To the map."""
        self.canvas.focus()

    def on_map_canvas_moved(self) -> None:
        """Say what the cursor is on."""
        self._titles()
        self.post_message(Pointed())

    def on_map_canvas_chosen(self) -> None:
        """Into the image that the block ends in."""
        if self.image_here is not None:
            self.post_message(Pivoted(self.image_here))

    def _titles(self) -> None:
        map_, block, host = self.canvas.map, self.canvas.block, self.host
        if map_ is None or host is None:
            return
        path = " › ".join(["everything", *(label for _, label in map_.path[1:])]) if map_.path else "everything"
        unknown = f" · {map_.unknown:,} layers of unknown size are not drawn" if map_.unknown else ""
        self.canvas.border_title = Content(fit(f"Map · {path} · {host.size(map_.size)}{unknown}", 100))
        if block is not None:
            text = f"{block.label} · {host.size(block.size)} · needed by {block.note}"
            self.canvas.border_subtitle = Content(fit(text, max(10, self.size.width - 8)))
