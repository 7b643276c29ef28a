"""The engine view: our figures beside what the engine says of itself, and a sentence for each difference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.text import clean
from layerscope.tui.host import Host
from layerscope.tui.keys import ENGINE, MOVE
from layerscope.tui.messages import UsageNotWanted, UsageWanted
from layerscope.tui.widgets.framed import Framed
from layerscope.units import Units, format_size
from layerscope.views.engine import Figure, reconcile

VERDICTS = {
    "not asked": ("…", "dim"),
    "same": ("=", "good"),
    "explained": ("≠", "explained"),
    "differs": ("!", "bad"),
    "ours": ("·", "dim"),
}
"""A sign and a style for each verdict: never colour alone."""


class EnginePane(Framed, VerticalScroll, can_focus=True):
    """Asks the engine for its disk usage when it is first shown: that can be slow, so it is asked for only here."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"engine--{name}" for name in ("good", "explained", "bad", "dim", "name", "head")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False, group=MOVE),
        Binding("k", "scroll_up", "Up", show=False, group=MOVE),
        Binding("a", "ask", "Ask the engine again", group=ENGINE),
        Binding("escape", "give_up", "Stop waiting for the engine", show=False, group=ENGINE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.host: Host | None = None
        self.asking = False
        self.refused = ""
        """Why the engine gave no disk usage, when it was asked."""

    def compose(self) -> ComposeResult:
        """One page."""
        yield Static(id="figures")

    def show_host(self, host: Host) -> None:
        """Show the figures of a host; ask the engine for its own unless it has been."""
        self.host = host
        if host.graph.inventory.usage is None and not self.asking and not self.refused:
            self.action_ask()
        self._draw()

    def action_ask(self) -> None:
        """Ask for the engine's disk usage, in the background."""
        if self.host is not None and not self.host.graph.inventory.from_file:
            self.asking, self.refused = True, ""
            self.post_message(UsageWanted())
            self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is for others unless the engine is being asked."""
        return self.asking if action == "give_up" else super().check_action(action, parameters)

    def action_give_up(self) -> None:
        """Wait no longer; an answer that still comes is dropped."""
        self.post_message(UsageNotWanted())
        self.answered("nobody waited for it")

    def answered(self, refused: str = "") -> None:
        """The engine answered, or refused for a reason, or was no longer waited for."""
        self.asking, self.refused = False, refused
        self._draw()

    # what every view has: here there is nothing under a cursor

    @property
    def image_here(self) -> ImageNode | None:
        """No image is pointed at here."""
        return None

    @property
    def layer_here(self) -> Layer | None:
        """No layer is pointed at here."""
        return None

    def marks_changed(self) -> None:
        """Marks are not shown here."""

    def targets(self) -> Iterable[ImageNode]:
        """There is nothing to mark here."""
        return []

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """There is nothing to point at here."""

    def take_focus(self) -> None:
        """To the page."""
        self.focus()

    # -- drawing --------------------------------------------------------------------------

    def _style(self, name: str) -> Style:
        full = self.get_component_rich_style(f"engine--{name}")
        return Style(color=full.color, bold=full.bold, dim=full.dim, italic=full.italic)

    def on_mount(self) -> None:
        """Another theme means other colours in the page."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def _draw(self) -> None:
        if self.host is None or not self.is_mounted:
            return
        graph, units = self.host.graph, self.host.units
        self.border_title = Content("Engine · our figures beside its own")
        self.border_subtitle = Content(self._state(graph))
        found = reconcile(graph, units)
        table = Table(box=None, padding=(0, 1), expand=True, show_edge=False, header_style=self._style("head"))
        table.add_column("", width=1)
        table.add_column("FIGURE", ratio=1, min_width=16)
        for title in ("OURS", "ENGINE'S", "DIFFERENCE"):
            table.add_column(title, justify="right", width=11, no_wrap=True)
        for figure in found.figures:
            self._add(table, figure, units)
        for note in found.notes:
            table.add_row(Text("·", self._style("dim")), Text(note, self._style("dim")))
            table.add_row("", "")
        self.query_one("#figures", Static).update(table)

    def _add(self, table: Table, figure: Figure, units: Units) -> None:
        sign, style = VERDICTS[figure.verdict]
        name = Text().append(figure.name, self._style("name")).append(f"\n{figure.sentence}", self._style("dim"))
        ours = "–" if figure.ours is None else f"{figure.ours_is}{format_size(figure.ours, units)}"
        waiting = "…" if self.asking else "–"
        theirs = waiting if figure.theirs is None else format_size(figure.theirs, units)
        apart = figure.difference
        difference = "" if apart is None else "0 B" if apart == 0 else format_size(apart, units, signed=True)
        table.add_row(Text(sign, self._style(style)), name, ours, theirs, Text(difference, self._style(style)))
        table.add_row("", "")

    def _state(self, graph: LayerGraph) -> str:
        if self.asking:
            return "asking the engine … Esc stops waiting"
        if self.refused:
            return f"not answered: {clean(self.refused, 80)} · a asks again"
        if graph.inventory.usage is None:
            return "the engine was not asked for its disk usage"
        return "= the same  ≠ explained  ! should be the same  · ours alone"
