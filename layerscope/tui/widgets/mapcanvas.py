"""MapCanvas: draws a map, line by line, with a cursor over its blocks, marks, and what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.text import fit
from layerscope.tui.keys import MAP
from layerscope.tui.themes import SIGN, contrast
from layerscope.tui.widgets.cached import CachedLines
from layerscope.tui.widgets.findable import Findable
from layerscope.units import Units
from layerscope.views.blocks import Block
from layerscope.views.find import Spot
from layerscope.views.forest import Forest, Run
from layerscope.views.map import Direction, Map, lay_out
from layerscope.views.mapfind import spots_on
from layerscope.views.paint import Picture, Span

EMPTY = Style(dim=True, italic=True)
DIRECTIONS: dict[str, Direction] = {"left": "left", "right": "right", "up": "up", "down": "down"}


class MapCanvas(CachedLines, Findable, Widget, can_focus=True):
    """Draws a map and moves a cursor over its blocks."""

    ALLOW_SELECT = False  # a double click goes in
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
        """The cursor is on another block, the map was laid out again, or something else is looked for."""

    class Chosen(Message):
        """Enter on a block that is one image."""

    def __init__(self) -> None:
        super().__init__(id="map")
        self.graph: LayerGraph | None = None
        self.forest: Forest | None = None
        self.units = Units.SI
        self.root = ""
        self.map: Map | None = None
        self.cursor = 0
        self.marked: tuple[ImageNode, ...] = ()
        self.spots: Mapping[int, Spot] = {}
        """What was found, by the indices of blocks."""
        self._hits: list[int] = []
        self.empty = ""
        """What is said where there is nothing to draw."""
        self._picture: Picture | None = None
        self._wanted: Run | None = None
        """Where the cursor is to go as soon as there is a map."""
        self._was: Block | None = None
        """Where the cursor was when it was hidden and the host changed."""
        self._styles: dict[tuple[int, str, bool, bool], Style] = {}

    # -- data down ------------------------------------------------------------------------

    def show(self, graph: LayerGraph, forest: Forest, units: Units, marked: Iterable[ImageNode]) -> None:
        """Show a forest; the cursor stays on the same block, or on the one that its run is in now."""
        here = self.block or self._was
        self.graph, self.forest, self.units, self.marked = graph, forest, units, tuple(marked)
        if not self.size.area:  # hidden: what is laid out is of another graph from now on
            self._was, self.map, self._picture = here, None, None
            return
        self._was = None
        self._lay_out()
        if self.map is not None and here is not None and self._wanted is None:
            same = next((block.index for block in self.map.blocks if block.zoom == here.zoom), None)
            if same is None:
                key = (here.run or here.rest[0]).key
                run = next((run for run in forest.run_of.values() if run.key == key), None)
                same = self.map.index_of(run) if run is not None else None
            self.cursor = same or 0
        self._wanted = None if self.map is not None else self._wanted

    def remark(self, marked: Iterable[ImageNode]) -> None:
        """Draw the marks again."""
        self.marked = tuple(marked)
        self._sign()
        self._restyle()

    def reveal(self, run: Run) -> None:
        """Put the cursor on the block that a run is in, now or as soon as there is a map; zoom out for it."""
        if self.map is not None and self.map.index_of(run) is None:
            self.root = ""
        if self.map is None or not self.size.area:  # not laid out for the room that it will have
            self._wanted = run
            return
        if self.root != self.map.root:
            self._lay_out()
        index = self.map.index_of(run)
        if index is not None:
            self.move_to(index)

    @property
    def waiting(self) -> bool:
        """Is the cursor still to go where it was sent?"""
        return self._wanted is not None

    @property
    def block(self) -> Block | None:
        """The block under the cursor."""
        if self.map is None or not 0 <= self.cursor < len(self.map.blocks):
            return None
        return self.map.blocks[self.cursor]

    def move_to(self, index: int) -> None:
        """Put the cursor on a block and say so."""
        if index != self.cursor and self.map is not None and self.map.blocks:
            before, self.cursor = self.cursor, max(0, min(index, len(self.map.blocks) - 1))
            for place in (before, self.cursor):
                if place < len(self.map.blocks):
                    block = self.map.blocks[place]
                    self.refresh(Region(0, block.y, self.size.width, block.height))
            self.post_message(self.Moved())

    def _lay_out(self) -> None:
        if self.forest is None or not self.size.area:
            return
        self.map = lay_out(self.forest, self.size.width, self.size.height, self.root)
        self.root = self.map.root
        self._picture = None
        index = self.map.index_of(self._wanted) if self._wanted is not None else None
        self.cursor = min(self.cursor, max(0, len(self.map.blocks) - 1)) if index is None else index
        self._look()
        self._restyle()
        self.post_message(self.Moved())

    def _sign(self) -> None:
        """Work out which blocks are marked: as a whole ``✓``, or in part ``~``."""
        if self._picture is None or self.map is None or self.forest is None:
            return
        counts = self.forest.counts(self.marked) if self.marked else {}
        signs: dict[int, str] = {}
        if counts:
            for block in self.map.blocks:
                if marked := block.counted(counts):
                    signs[block.index] = "✓" if marked == block.images else "~"
        self._picture.signs = signs

    def on_resize(self) -> None:
        """Lay it out for the new room, with the cursor on the same run."""
        if self.forest is not None and self.graph is not None:
            self.show(self.graph, self.forest, self.units, self.marked)

    def _restyle(self) -> None:
        self._styles.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme: other colours, or none."""
        super().notify_style_update()
        self._picture = None
        self._styles.clear()

    # -- keys and mouse -------------------------------------------------------------------

    def action_go(self, direction: str) -> None:
        """Go to the block beside this one."""
        if self.map is not None and self.block is not None:
            beside = self.map.neighbour(self.cursor, DIRECTIONS[direction])
            if beside is not None:
                self.move_to(beside)

    def action_edge(self, _: int) -> None:
        """Go to the first block."""
        self.move_to(0)

    def action_zoom_in(self) -> None:
        """Fill the map with the block under the cursor and what stands on it; one image alone is gone into."""
        block = self.block
        if block is not None and block.leaf is not None:
            self.post_message(self.Chosen())
        elif block is not None and block.zoom != self.root:
            self.root, self.cursor = block.zoom, 0
            self._lay_out()

    def action_zoom_out(self) -> None:
        """Show what is around this map; the cursor stays on what filled it."""
        if self.map is None or len(self.map.path) < 2 or not self.map.blocks:
            return
        first, inner = self.map.blocks[0], self.root
        self.root = self.map.path[-2][0]
        self._lay_out()
        same = next((block.index for block in self.map.blocks if block.zoom == inner), None)
        index = self.map.index_of(first.run or first.rest[0]) if same is None else same
        if index is not None:
            self.move_to(index)

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one zooms in."""
        offset = event.get_content_offset(self)
        if self.map is None or offset is None:
            return
        index = self.map.at(offset.x, offset.y)
        if event.chain == 2:
            self.action_zoom_in()
        elif index is not None:
            self.move_to(index)

    # -- find -----------------------------------------------------------------------------

    def find(self, text: str) -> None:
        """Look for what was typed; blocks without it are dimmed."""
        self.finding, self.find_text = True, text if text.strip() else ""
        self._look()
        self._restyle()
        self.post_message(self.Moved())

    def begin_find(self) -> None:
        """Make ready to look for something."""
        self.finding = True
        if self.search is not None:
            self.search()

    def end_find(self) -> None:
        """Look for nothing any more."""
        if self.finding:
            self.find("")
            self.finding = False

    def _look(self) -> None:
        self.spots = {}
        if self.find_text and self.search is not None and self.map and self.graph and self.forest:
            self.spots = spots_on(self.map, self.graph, self.forest, self.search().find(self.find_text))
        self._hits = sorted(self.spots)

    @property
    def spot(self) -> Spot | None:
        """The best of what the block under the cursor holds."""
        return self.spots.get(self.cursor)

    @property
    def hits_said(self) -> str:
        """``3 of 12`` blocks, or what there is to say instead."""
        return "not in this part" if self.find_text and not self._hits and self.root else super().hits_said

    def best_hit(self, origin: int) -> int | None:
        """Return the block that holds what fits best, the first of several from ``origin`` on; None for no hit."""
        best = max((spot.score for spot in self.spots.values()), default=None)
        equals = [index for index in self._hits if self.spots[index].score == best]
        return min(equals, key=lambda index: (index < origin, index), default=None)

    @property
    def place(self) -> tuple[int, int]:
        """Where the cursor is."""
        return self.cursor, 0

    def put_back(self, cursor: int, top: int) -> None:
        """Put the cursor back."""
        self.move_to(cursor)

    def light(self, on: bool) -> None:
        """Draw the frame as if it had the focus, while a prompt has it."""
        self.set_class(on, "-lit")

    # -- drawing --------------------------------------------------------------------------

    @property
    def plain(self) -> bool:
        """Are there no colours of our own?"""
        return self.app.native_ansi_color

    def render_line(self, y: int) -> Strip:
        """Draw one line of the map."""
        if not y and self.map is not None and not self.map.blocks:
            said = Strip([Segment(f" {fit(self.empty, max(0, self.size.width - 1))}", self.rich_style + EMPTY)])
            return said.adjust_cell_length(self.size.width, self.rich_style)
        if self.map is None or y >= self.map.height:
            return Strip.blank(self.size.width, self.rich_style)
        if self._picture is None:
            self._picture = Picture(self.map, self.units, outlined=self.plain)
            self._sign()
        line = self._picture.line(y, self.cursor)
        return Strip([Segment(span.text, self._style(span)) for span in line], self.size.width)

    def _style(self, span: Span) -> Style:
        if span.block is None or self.map is None:
            return self.rich_style
        here = span.block == self.cursor
        key = span.block, span.role, span.under, here
        found = self._styles.get(key)
        if found is None:
            faded = bool(self.spots) and span.block not in self.spots
            make = self._shape if self.plain else self._colour
            found = self._styles[key] = make(self.map.blocks[span.block], span, here, faded)
        return found

    def _shape(self, block: Block, span: Span, here: bool, faded: bool) -> Style:
        """Return the style without colours: the terminal's own two, and bold, dim and reverse."""
        if span.role == "line":
            return Style(dim=True)
        small = block.height == 1 or block.width <= 2
        return Style(
            bold=span.role in {"name", "edge"} and not faded,
            dim=(span.role == "note" or faded) and not here,
            underline=span.under,
            reverse=here and (small or span.role == "name"),
        )

    def _colour(self, block: Block, span: Span, here: bool, faded: bool) -> Style:
        """Return the style on colours: a hue for what stands on one base, strong for what is one image's own."""
        theme = self.app.theme_variables
        ground = Color.parse(theme["background"])
        dark = self.app.current_theme.dark
        if block.hue is None:
            fill = Color.parse(theme["panel"])
        else:
            # Once round the wheel from the theme's own hue: neighbours differ, nothing shouts.
            hue = (Color.parse(theme["primary"]).hsl.h - 0.3 + block.hue * 0.8) % 1.0
            strength = (
                ((0.26, 0.24) if block.shared else (0.36, 0.34))
                if dark
                else ((0.3, 0.86) if block.shared else (0.5, 0.76))
            )
            fill = Color.from_hsl(hue, *strength)
        if block.odd:
            fill = fill.blend(ground, 0.14)
        if self._picture is not None and self._picture.signs.get(block.index) == "✓":
            fill = fill.blend(Color.parse(theme["error"]), 0.4)
        if faded:
            fill = fill.blend(ground, 0.7)
        if here:
            fill = fill.blend(ground, 0.3)  # away from its frame
        ink = fill.get_contrast_text(1.0)
        if faded and not here:
            ink = fill.blend(ink, 0.45)
        if span.role == "foot":
            ink = ground
        elif span.role == "edge":
            ink = _seen(Color.parse(theme["accent"]), fill, ink)
        return Style(color=ink.rich_color, bgcolor=fill.rich_color, bold=span.role in {"name", "edge"} and not faded)


def _seen(color: Color, fill: Color, ink: Color) -> Color:
    """Return ``color``, moved towards ``ink`` as far as it takes to be seen on ``fill``."""
    shown = (color.blend(ink, step / 10, alpha=1) for step in range(11))
    return next((one for one in shown if contrast(one, fill) >= SIGN), ink)
