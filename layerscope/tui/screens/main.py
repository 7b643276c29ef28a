"""The main screen: header, views, marks, keys; it wires messages up and data down.

A few lines more than other modules, because each message and each key of the screen is answered here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from layerscope.collector import collect_from_now_on
from layerscope.core.graph import ImageNode
from layerscope.tui.live import Live, unfinished_words
from layerscope.tui.messages import (
    EngineChanged,
    EngineFollowed,
    FilterChosen,
    GraphArrived,
    HistoryRead,
    Pivoted,
    Pointed,
    PromptClosed,
    Refreshed,
    ScanFailed,
    ScanProgressed,
    ScanUnreadable,
    UsageAnswered,
    UsageNotWanted,
    UsageWanted,
)
from layerscope.tui.panes.images import ImagesPane
from layerscope.tui.panes.prompts import Prompts
from layerscope.tui.panes.view import View
from layerscope.tui.panes.views import Views
from layerscope.tui.scene import Scene
from layerscope.tui.screens import asking
from layerscope.tui.screens.keys import KEYS, ON_MARKS, ON_ROWS
from layerscope.tui.session import Session
from layerscope.tui.widgets.findable import Findable
from layerscope.tui.widgets.hints import Hints
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.tui.widgets.summary import Summary
from layerscope.tui.widgets.viewline import ViewLine
from layerscope.views.rest import besides


class MainScreen(Screen[None]):
    """Everything about one host, in one of several views."""

    BLANK: ClassVar[bool] = True  # covered by what is on it; see layerscope.tui.widgets.room
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-vast")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(self, session: Session) -> None:
        super().__init__(id="main")
        self.session = session
        self.scene: Scene | None = None
        self.live = Live(session.clock)
        self.summary = Summary(id="summary")
        self.view_line = ViewLine(id="view-names")
        self.views = Views(id="views")
        self.mark_line = MarkLine(id="marks")
        self.hints = Hints(id="hints")
        self.prompts = Prompts(self.mark_line, self.hints)

    def compose(self) -> ComposeResult:
        """Header, the views by name, the one on view, the line of the marked, keys."""
        yield from (self.summary, self.view_line, self.views, self.mark_line, self.hints)

    def on_mount(self) -> None:
        """Show what there is, or else say what is going on, and ask for it."""
        self._draw_summary()
        self.images_pane.images.hide(self.session.settings.hidden)
        self.images_pane.take_focus()
        self.session.attach(self)
        first = self.session.first()
        if first is not None:
            self._arrived(GraphArrived(first))
        else:
            self.session.load()
        self.call_after_refresh(collect_from_now_on)

    @property
    def view(self) -> View:
        """The view that is shown."""
        return self.views.view

    @property
    def images_pane(self) -> ImagesPane:
        """The three linked panes."""
        return self.views.images

    # -- what comes from the session ------------------------------------------------------

    @on(ScanProgressed)
    def _progressed(self, message: ScanProgressed) -> None:
        self.live.progress = message
        self._draw_summary()
        if self.scene is None or not self.scene.graph.inventory.complete:
            self._draw_line()

    @on(GraphArrived)
    def _arrived(self, message: GraphArrived) -> None:
        graph, session = message.graph, self.session
        if graph.inventory.complete:
            self.live.progress = None
            self.live.reached()
        if self.scene is None:
            self.scene = session.scene_of(graph, self.live.log)
        else:
            asking.go_on(self, self.scene, graph, session, self.live)
        self.redraw()
        asking.begin_with(self, graph, session, self.go_to_image)

    @on(EngineChanged)
    def _changed(self, message: EngineChanged) -> None:
        if self.scene is None or self.live.progress is not None or not self.scene.is_before(message.graph):
            return
        self.views.stay()
        self.live.reached()
        asking.go_on(self, self.scene, message.graph, self.session, self.live, news=True)
        self.redraw()

    @on(Refreshed)
    def _refreshed(self, message: Refreshed) -> None:
        """Take what changed into the graph that is shown, where that is a matter of milliseconds.

        Not while anything lies over this screen: a dialog, or the removal it began, holds a plan with images of that
        graph, and must go on seeing them as they were to tell what is otherwise.
        """
        graph = None
        if self.scene is not None and self.live.progress is None and self.app.screen is self:
            graph = self.session.updated(self.scene.graph, message.inventory)
        message.taken.set_result(graph is not None)
        if graph is not None:
            self._changed(EngineChanged(graph))

    @on(EngineFollowed)
    def _followed(self, message: EngineFollowed) -> None:
        self.live.follow(message.why)
        self._freshness()

    @on(UsageWanted)
    def _usage_wanted(self, message: UsageWanted) -> None:
        if self.scene is not None:
            self.session.ask_usage(whole=message.whole)
        self._draw_line()

    @on(UsageNotWanted)
    def _usage_not_wanted(self) -> None:
        self.session.forget_usage()
        self._draw_line()

    @on(UsageAnswered)
    def _usage_answered(self, message: UsageAnswered) -> None:
        if message.graph is not None and self.scene is not None and self.scene.is_before(message.graph):
            asking.rebase(self, self.scene, message.graph)
            self.redraw()
        self.views.answered(message.refused)
        self._draw_line()

    @on(ScanFailed)
    def _failed(self, message: ScanFailed) -> None:
        self.live.progress = None
        if self.scene is None:
            asking.show_error(self, message, self.session)
        else:
            self.live.follow(message.cause)  # what is shown may be stale; the next scan or event says otherwise
            self.notify("; ".join(filter(None, (message.cause, message.hint))), severity="error", markup=False)
        self._freshness()

    @on(ScanUnreadable)
    def _unreadable(self) -> None:
        self.app.exit(return_code=2)

    @on(HistoryRead)
    def _history_read(self, message: HistoryRead) -> None:
        """What earlier scans saw: a line beside the bar, and what is otherwise since the last look."""
        self.summary.past = message.past
        self.live.tell(message.since)
        if self.scene is not None:
            self.scene.graph.seen = message.seen
            self.redraw()

    # -- data down ------------------------------------------------------------------------

    def redraw(self) -> None:
        """Show the scene again: it, or how it is shown, is different."""
        if self.scene is not None:
            self.scene.changes += 1
            self.views.show(self.scene)
        self._freshness()

    def _freshness(self) -> None:
        """The engine was lost, or is there again: the header, the frames and the line of the marked say so."""
        if self.views.show_stale(bool(self.live.lost)) and self.scene is not None:
            self.scene.changes += 1  # the engine view tells of it
            self.views.show(self.scene)
        self._draw_summary()
        self._draw_line()

    def _draw_summary(self) -> None:
        self.summary.tell(self.scene, self.live, self.session.units)
        self.view_line.say(besides(self.scene.graph, self.session.units) if self.scene is not None else "")

    def _draw_line(self) -> None:
        scene, view = self.scene, self.view
        if scene is None:
            self.mark_line.say("images show up as they are read" if self.live.progress is not None else "")
        elif self.live.progress is not None and not scene.graph.inventory.complete and not len(scene.marks):
            self.mark_line.say(unfinished_words(self.live.progress))
        else:
            targets = [] if len(scene.marks) else list(view.targets())
            self.mark_line.tell(scene, targets, view.sentence, self.live.lost_words)

    @on(Pointed)
    def _pointed(self, message: Pointed) -> None:
        message.stop()
        self.view.follow()
        if self.scene is not None and not len(self.scene.marks):
            self._draw_line()

    # -- views ----------------------------------------------------------------------------

    async def action_view(self, name: str) -> None:
        """Show another view, with the cursor on the same image and layer."""
        await self.views.make(name)
        self._go_to_view(name)

    def _go_to_view(self, name: str) -> None:
        if self.views.go_to(name, self.scene) and self.scene is not None:
            self._draw_line()
        self.view_line.tell(name)
        self.view.take_focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """On a page of prose there is nothing to point at, and keys that would are not offered."""
        if action in ON_ROWS and self.is_mounted and not self.view.has_rows:
            return action in ON_MARKS and self.scene is not None and len(self.scene.marks) > 0
        return super().check_action(action, parameters)

    @on(Pivoted)
    def _pivoted(self, message: Pivoted) -> None:
        """From a row of another view to the image itself, with its layers."""
        self._go_to_view("images")
        self.images_pane.reveal(message.image, message.layer)

    def go_to_image(self, node: ImageNode) -> None:
        """Show an image in the main view, leaving a filter that hides it."""
        if self.scene is not None and node not in self.scene.shown_images():
            self.scene.query = self.scene.only = None
            self.redraw()
        self._pivoted(Pivoted(node))

    # -- find and filter ------------------------------------------------------------------

    @on(PromptClosed)
    def _typed(self) -> None:
        self.views.hold(False)
        self.prompts.show(self.prompts.open)

    async def action_find(self) -> None:
        """Find in the list that has the focus."""
        bar = await self.prompts.to_find()
        table = self.views.find_in(self.focused)
        if table is None:
            self.notify("there is no list here to find in", severity="warning")
            return
        self.views.end_find()
        self.prompts.show(bar)
        bar.open(table)

    async def action_hit(self, by: int) -> None:
        """Go to the next or the previous hit."""
        bar = await self.prompts.to_find()
        here = self.focused if isinstance(self.focused, Findable) else bar.table
        bar.hit(self.views.find_in(here), by)

    async def action_filter(self) -> None:
        """Show only the images that pass a filter."""
        if self.scene is not None:
            bar = await self.prompts.to_filter()
            self.views.hold(True)
            self.prompts.show(bar)
            bar.open(self.scene)

    @on(FilterChosen)
    def _filtered(self, message: FilterChosen) -> None:
        if self.scene is not None:
            self.scene.query = message.query
            self.redraw()
            if self.prompts.filter is not None and self.prompts.filter.is_open:
                self.prompts.filter.explain()

    def action_clear(self) -> None:
        """Close what is topmost: the find, the filter, then the marked alone."""
        if not self.views.end_find() and self.scene is not None and self.scene.widen():
            self.redraw()

    # -- marks ----------------------------------------------------------------------------

    @on(events.DescendantBlur)
    def _had_keyboard(self, event: events.DescendantBlur) -> None:
        if event.widget is not self.mark_line:
            self.mark_line.came_from = event.widget

    @on(MarkLine.Left)
    def _line_left(self) -> None:
        self.view.take_focus()

    def _mark(self, change: Callable[[Scene], object]) -> None:
        if self.scene is not None:
            change(self.scene)
            self.scene.marked += 1
            self.view.marks_changed()
            self._draw_line()
            if not self.view.has_rows:
                self.refresh_bindings()  # what can be done with marks there

    def action_mark(self) -> None:
        """Mark or unmark what is under the cursor: of a layer, every image that must go for it to go."""
        self._mark(lambda scene: scene.marks.toggle(self.view.targets()))

    def action_mark_all(self) -> None:
        """Mark every image that is shown."""
        self._mark(Scene.mark_all)

    def action_unmark_all(self) -> None:
        """Take all marks away; then "only the marked" has nothing to show, and all are shown again."""
        self._mark(lambda scene: scene.marks.clear())
        if self.scene is not None and self.scene.only is not None:
            self.scene.only = None
            self.redraw()

    def action_invert(self) -> None:
        """Mark what is shown and not marked; unmark what is."""
        self._mark(Scene.invert_marks)

    def action_only_marked(self) -> None:
        """Show only what is marked now; what is unmarked then stays in sight until the key is pressed again."""
        if self.scene is not None and asking.toggle_only_marked(self, self.scene):
            self.redraw()

    @on(MarkLine.KeeperChosen)
    def action_keeper(self) -> None:
        """Go to the image that keeps most of what is marked (unmarked: of what the cursor is on)."""
        if self.scene is not None and (keeper := asking.keeper_of(self, self.scene, self.view.targets())):
            self.go_to_image(keeper)

    def action_pin(self) -> None:
        """Pin what is under the cursor, so that it is never proposed for removal; or unpin it."""
        if self.scene is not None:
            asking.toggle_pins(self, list(self.view.targets()), self.session)
            self.scene.marked += 1
            self.view.marks_changed()

    # -- what has a dialog ----------------------------------------------------------------

    def action_free(self) -> None:
        """Ask how much is to be freed, and propose what to remove for it."""
        if self.scene is not None:
            asking.ask_free(self, self.scene, self._proposed)

    def action_keep(self) -> None:
        """Ask for keep rules, mark what goes by them, and show what removing that would do."""
        if self.scene is not None:
            asking.ask_keep(self, self.scene, self._by_rules)

    def _by_rules(self, ids: tuple[str, ...] | None) -> None:
        self._proposed(ids)
        if ids:
            self.action_remove()

    def action_diff(self) -> None:
        """Ask for an earlier scan, and show what came and went since."""
        if self.scene is not None:
            asking.ask_diff(self, self.scene)

    def action_presets(self) -> None:
        """Offer ready-made sets of images, to mark one of them."""
        if self.scene is not None:
            asking.ask_preset(self, self.scene, self._proposed)

    def _proposed(self, ids: tuple[str, ...] | None) -> None:
        """Mark what was proposed, in place of what was marked, and show it for editing."""
        if self.scene is not None and ids is not None:
            self.scene.mark_only(ids)
            if not self.view.has_rows:
                self._go_to_view("images")
            self.redraw()

    def action_remove(self) -> None:
        """Show what removing the marked would do, unmarked: what the cursor is on; and remove it if that is wanted."""
        if self.scene is not None:
            here, changed = self.view.targets(), lambda: self._mark(lambda _: None)
            asking.ask_removal(self, self.scene, here, self.session, changed, self._show_holders)

    def _show_holders(self, node: ImageNode) -> None:
        self.go_to_image(node)
        self.images_pane.into_holders()

    def action_info(self) -> None:
        """Everything about the thing under the cursor."""
        from layerscope.tui.subject import subject_of  # noqa: PLC0415 - when it is asked for

        subject = subject_of(self.focused, self.view)
        if self.scene is not None and subject is not None:
            asking.show_info(self, self.scene, subject)

    def action_export(self) -> None:
        """Ask where to save the scan."""
        if self.scene is not None:
            asking.ask_where_to_save(self, self.scene)

    def action_columns(self) -> None:
        """Choose the columns of the images."""
        asking.ask_columns(self, self.images_pane.images, self.session)

    def action_pull(self) -> None:
        """Ask what pulling something, or a newer one of what the cursor is on, would cost."""
        asking.ask_pull(self, self.scene, self.session, self.view.image_here)

    async def action_help(self) -> None:
        """Show all keys, those of views and bars that were not looked at yet among them."""
        await self.views.make_all()
        await self.prompts.to_find()
        asking.show_help(self)

    # -- the rest -------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the line that removes the marked images; without marks, the ID of the thing under the cursor."""
        from layerscope.tui.subject import copy_here, subject_of  # noqa: PLC0415 - when it is asked for

        if self.scene is not None:
            copy_here(self, self.scene, subject_of(self.focused, self.view))

    def action_units(self) -> None:
        """Switch between powers of 1000 and of 1024."""
        units = self.session.switch_units()
        if self.scene is not None:
            self.scene.units = units
        self.redraw()

    @on(RowTable.Sorted, "#images")
    def _order_chosen(self, message: RowTable.Sorted) -> None:
        """Keep the order of the images for the next session."""
        self.session.keep(sort=message.table.sort.key, reverse=message.table.sort.reverse)

    def action_rescan(self) -> None:
        """Scan the engine again."""
        self.session.load()

    def action_quit(self) -> None:
        self.app.exit(0)
