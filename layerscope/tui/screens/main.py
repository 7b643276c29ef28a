"""The main screen: header, views, marks, keys; it wires messages up and data down."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from layerscope.core.graph import ImageNode, Layer
from layerscope.core.removal.marks import Marks
from layerscope.tui.host import Host
from layerscope.tui.keys import APP, VIEWS
from layerscope.tui.live import Live
from layerscope.tui.messages import (
    EngineFollowed,
    GraphArrived,
    HostChanged,
    Pivoted,
    ScanFailed,
    ScanProgressed,
    UsageAnswered,
    UsageNotWanted,
    UsageWanted,
)
from layerscope.tui.panes.compare import ComparePane
from layerscope.tui.panes.engine import EnginePane
from layerscope.tui.panes.images import ImagesPane
from layerscope.tui.panes.layers import LayersPane
from layerscope.tui.panes.map import MapPane
from layerscope.tui.panes.tree import TreePane
from layerscope.tui.panes.view import View
from layerscope.tui.screens.marking import MarkingScreen
from layerscope.tui.widgets.framed import Framed
from layerscope.tui.widgets.hints import Hints
from layerscope.tui.widgets.prompt import Prompt
from layerscope.tui.widgets.room import Switcher
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.tui.widgets.status import Status
from layerscope.tui.widgets.summary import Summary, scanning_words
from layerscope.units import Units
from layerscope.views.changes import describe

ON_MARKS = frozenset({"copy", "keeper", "remove"})
"""Actions on what is under the cursor, or on what is marked."""
ON_ROWS = ON_MARKS | {"mark", "mark_all", "invert", "only_marked", "pin", "info", "find", "hit", "filter", "columns"}
"""Actions that need rows on view."""


class MainScreen(MarkingScreen):
    """Everything about one host."""

    BLANK: ClassVar[bool] = True  # covered by what is on it; see layerscope.tui.widgets.room
    CSS_PATH = "main.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "view('images')", "Images, layers, used by", group=VIEWS),
        Binding("2", "view('layers')", "All layers", group=VIEWS),
        Binding("3", "view('tree')", "Tree", group=VIEWS),
        Binding("4", "view('map')", "Map", group=VIEWS),
        Binding("5,c", "view('compare')", "Compare images", group=VIEWS),
        Binding("6", "view('engine')", "Engine's own figures", group=VIEWS),
        Binding("r", "rescan", "Rescan", group=APP),
        Binding("q", "quit", "Quit", group=APP),
    ]

    def __init__(self, units: Units, clock: Callable[[], float]) -> None:
        super().__init__()
        self.units = units
        self.clock = clock
        self.host: Host | None = None
        self.progress: ScanProgressed | None = ScanProgressed(0, 0, "connecting")
        self.live = Live(clock)
        self._seen: dict[str, int] = {}
        """For each view the ``Host.changes`` that it shows."""
        self._pointed_at: tuple[ImageNode | None, Layer | None] = (None, None)
        """The image and the layer that were under the cursor of a view last."""
        self._ticking: Timer | None = None

    def compose(self) -> ComposeResult:
        """Header, views, status, keys."""
        yield Summary(id="summary")
        with Switcher(initial="view-images", id="views"):
            yield ImagesPane(id="view-images")
            yield LayersPane(id="view-layers")
            yield TreePane(id="view-tree")
            yield MapPane(id="view-map")
            yield ComparePane(id="view-compare")
            yield EnginePane(id="view-engine")
        yield Status(id="status")
        yield Hints(id="hints")
        yield Prompt(id="prompt")

    def on_mount(self) -> None:
        """Say what is going on before there is anything to show."""
        self._ticking = self.set_interval(1.0, self._tick, pause=True)
        self._summary()
        self.query_one("#images").focus()

    @property
    def view(self) -> View:
        """The view that is shown."""
        view = self.query_one("#views", Switcher).visible_content
        return cast("View", view)

    @property
    def images_pane(self) -> ImagesPane:
        """The three linked panes."""
        return self.query_one(ImagesPane)

    # -- what comes from the loader -------------------------------------------------------

    @on(ScanProgressed)
    def _progressed(self, message: ScanProgressed) -> None:
        self.progress = message
        self._summary()
        if self.host is None:
            self._status()

    @on(GraphArrived)
    def _arrived(self, message: GraphArrived) -> None:
        graph = message.graph
        if graph.inventory.complete:
            self.progress = None
            self.live.reached()
        if self.host is None:
            self.host = Host(graph, Marks(graph), self.units, image_sort=self.kept_order(), clock=self.clock)
            self.host.log = self.live.log
            self.host.pins = self.layerscope.pins
        else:
            self.host_changed(graph)
        self._show()

    @on(HostChanged)
    def _changed(self, message: HostChanged) -> None:
        if self.host is None or self.progress is not None:
            return
        for table in self.query(RowTable):
            table.stay()
        self.live.reached()
        self.live.tell(describe(self.host.graph, message.graph, self.units))
        self.host_changed(message.graph)
        self._show()

    @on(EngineFollowed)
    def _followed(self, message: EngineFollowed) -> None:
        self.live.follow(message.why)
        self._freshness()

    @on(UsageWanted)
    def _usage_wanted(self) -> None:
        self.layerscope.ask_usage()
        self._status()

    @on(UsageNotWanted)
    def _usage_not_wanted(self) -> None:
        self.app.workers.cancel_group(self.app, "usage")
        self._status()

    @on(UsageAnswered)
    def _usage_answered(self, message: UsageAnswered) -> None:
        if message.graph is not None and self.host is not None:
            self.host_changed(message.graph)
            self._show()
        self.query_one(EnginePane).answered(message.refused)
        self._status()

    @on(ScanFailed)
    def _failed(self, message: ScanFailed) -> None:
        self.progress = None
        if self.host is None:
            from layerscope.tui.dialogs.error import ErrorScreen  # noqa: PLC0415 - only when needed

            self.app.push_screen(ErrorScreen(message.cause, message.hint, demo=self.layerscope.demo is not None))
        else:
            self.live.follow(message.cause)  # what is shown may be stale; the next scan or event says otherwise
            self.notify("; ".join(filter(None, (message.cause, message.hint))), severity="error", markup=False)
        self._freshness()

    # -- data down ------------------------------------------------------------------------

    def _show(self) -> None:
        """Something about the host, or what is shown of it, is different."""
        if self.host is not None:
            self.host.changes += 1
            self._bring_up_to_date()
        self._freshness()

    def _bring_up_to_date(self) -> None:
        """Show the host in the current view; one that was not looked at meanwhile pays for it when it is."""
        if self.host is None:
            return
        view, name = self.view, self.query_one("#views", Switcher).current or ""
        if self._seen.get(name) == self.host.changes:
            view.marks_changed()
        else:
            self._seen[name] = self.host.changes
            view.show_host(self.host)

    def _summary(self) -> None:
        summary, state = self.query_one(Summary), self._state()
        if self.host is None:
            summary.show(None, None, state, self.units, None, self.progress)
            return
        graph = self.host.graph
        shown = graph.totals_of(self.host.shown_images()) if self.host.filtered else None
        summary.show(graph.inventory.engine, graph.totals, state, self.units, shown, self.progress)
        self._tick_while_moving()

    def _state(self) -> tuple[str, tuple[str, ...]]:
        """What the header says of the scan: a kind, and the words, longest first."""
        if scanning := self._scanning():
            return "busy", (scanning,)
        if self.host is None:
            return "stale", ("no engine",)
        if self.host.graph.inventory.from_file:
            return "file", ("saved scan",)
        if not self.live.lost and not self.host.graph.inventory.complete:
            return "stale", ("scan stopped",)
        return self.live.state

    def _freshness(self) -> None:
        """The engine was lost, or is there again: the header, the frames and the status line say so."""
        stale = bool(self.live.lost)
        views = self.query_one("#views")
        if views.has_class("-stale") is not stale:
            views.set_class(stale, "-stale")
            for framed in views.query(Widget):
                if isinstance(framed, Framed):
                    framed.show_stale(stale)
            if self.host is not None:
                self.host.changes += 1  # the engine view tells of it
                self._bring_up_to_date()
        self._summary()
        self._status()

    def _tick_while_moving(self) -> None:
        if self._ticking is not None:
            if self.live.moving:
                self._ticking.resume()
            else:
                self._ticking.pause()

    def _tick(self) -> None:
        """A second went by: news grow old, and so does what is stale."""
        if self._state() != self.query_one(Summary).state:
            self._summary()
        self._tick_while_moving()

    def _scanning(self) -> str:
        return scanning_words(self.progress) if self.progress is not None else ""

    @property
    def waiting(self) -> bool:
        """Is a scan under way?"""
        return self.progress is not None

    @property
    def lost_words(self) -> tuple[str, ...]:
        """A sentence on a lost engine."""
        return self.live.lost_words

    def go_to_image(self, node: ImageNode) -> None:
        """Show an image in the main view, leaving a filter that hides it."""
        if self.host is not None and node not in self.host.shown_images():
            self.host.query = self.host.only = None
            self.redraw()
        self._pivoted(Pivoted(node))

    # -- actions --------------------------------------------------------------------------

    def action_view(self, name: str) -> None:
        """Show another view, with the cursor on the same image and layer: those that had one last."""
        before = self.view
        if before.image_here is not None or before.layer_here is not None:
            self._pointed_at = before.image_here, before.layer_here
        self.query_one("#views", Switcher).current = f"view-{name}"
        view = self.view
        if self.host is not None and view is not before:
            self._bring_up_to_date()
            view.reveal(*self._now_of(self._pointed_at))
            self._status()
        view.take_focus()
        self.refresh_bindings()

    def _now_of(self, pair: tuple[ImageNode | None, Layer | None]) -> tuple[ImageNode | None, Layer | None]:
        """An image and a layer of an older graph, as they are in the present one."""
        assert self.host is not None
        graph, (image, layer) = self.host.graph, pair
        return (
            graph.image_by_id.get(image.id) if image is not None else None,
            graph.layer_by_chain.get(layer.chain_id) if layer is not None else None,
        )

    @property
    def page(self) -> str:
        """What a view without rows says of itself."""
        view = self.view
        return view.sentence if isinstance(view, EnginePane) else ""

    def to_rows(self) -> None:
        """Leave a view that has no rows."""
        if isinstance(self.view, EnginePane):
            self.action_view("images")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """On a page of prose there is nothing to point at, and keys that would are not offered."""
        if action in ON_ROWS and self.is_mounted and isinstance(self.view, EnginePane):
            return action in ON_MARKS and self.host is not None and len(self.host.marks) > 0
        return super().check_action(action, parameters)

    @on(Pivoted)
    def _pivoted(self, message: Pivoted) -> None:
        """From a row of another view to the image itself, with its layers."""
        self.action_view("images")
        self.images_pane.reveal(message.image, message.layer)

    def redraw(self) -> None:
        """Show the host again, as after any change of how it is shown."""
        self._show()

    def action_rescan(self) -> None:
        """Scan the engine again."""
        self.layerscope.load()

    def action_quit(self) -> None:
        """Leave."""
        self.app.exit(0)
