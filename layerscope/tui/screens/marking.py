"""Marks and what they lead to: the keys that mark, pin, propose and remove, and the line that says what it comes to."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.widget import Widget

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.state.pins import PinsError
from layerscope.text import clean, fit
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.keys import MARK
from layerscope.tui.messages import Pointed
from layerscope.tui.screens.finding import FindingScreen
from layerscope.tui.widgets.status import SHORTCUT, Status
from layerscope.views.marks import Part, alone_parts, freed_part, marked_parts
from layerscope.views.names import count

MOST_ALONE = 500
"""Images under the cursor for which it is still worked out, at every step of it, what they would free."""


class MarkingScreen(FindingScreen):
    """The base of a screen on which images are marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "Mark", group=MARK, tooltip="Mark or unmark; a layer: all images that need it"),
        Binding("asterisk", "mark_all", "Mark all", show=False, group=MARK, key_display="*", tooltip="Mark all shown"),
        Binding("u", "unmark_all", "Unmark all", show=False, group=MARK),
        Binding("v", "invert", "Invert", show=False, group=MARK, tooltip="Swap marked and unmarked of those shown"),
        Binding("m", "only_marked", "Marked", show=False, group=MARK, tooltip="Show only the marked, or all again"),
        Binding(
            SHORTCUT, "keeper", "Keeper", show=False, group=MARK, tooltip="To the image that keeps most of the marks"
        ),
        Binding("p", "pin", "Pin", show=False, group=MARK, tooltip="Pin: never propose it for removal; or unpin"),
        Binding("f", "free", "Free", group=MARK, tooltip="Propose what to remove to free so much"),
        Binding("d", "remove", "Remove", group=MARK, tooltip="Remove what is marked, after asking"),
    ]

    _before_line: Widget | None = None
    """What had the keyboard before the line got it."""

    # -- the line -------------------------------------------------------------------------

    @on(events.DescendantBlur)
    def _had_keyboard(self, event: events.DescendantBlur) -> None:
        if not isinstance(event.widget, Status):
            self._before_line = event.widget

    @on(Status.Left)
    def _line_left(self) -> None:
        before = self._before_line
        if before is not None and before.focusable and before in self.focus_chain:
            before.focus()
        else:
            self.view.take_focus()

    def _status(self) -> None:
        """Say what the marked set comes to; without marks, what the cursor's image would."""
        status = self.query_one(Status)
        host = self.host
        if host is None:
            status.say("what there is shows up as it comes" if self.waiting else "")
        elif len(host.marks):
            marks = host.marks
            parts = marked_parts(marks.figures, host.units, marks.held_by_cache, host.freed)
            status.show([*parts, *self._lost_part(1)], reachable=marks.figures.keeper is not None)
        elif lost := self._lost_part(0):
            status.show([*lost, *freed_part(host.freed, host.units)])
        else:
            self._status_alone(status)

    def _status_alone(self, status: Status) -> None:
        host = self.host
        assert host is not None
        if page := self.page:
            status.show([Part("text", (page,), 0), *freed_part(host.freed, host.units)])
            return
        nodes = list(self.view.targets())
        if not nodes or len(nodes) > MOST_ALONE:
            parts = freed_part(host.freed, host.units)
            status.show(parts) if parts else status.say("Space: mark · *: mark all · f: free so much · ?: all keys")
            return
        alone = host.alone(nodes)
        figures = alone.figures
        why = ""
        if (figures.blocked or figures.untagged) and len(nodes) == 1:
            would = alone.plan()
            why = clean(would.blocked[0].by if would.blocked else would.untagged[0].by, 200)
        status.show(alone_parts(nodes, figures, why, host.units, host.freed))

    def _lost_part(self, rank: int) -> list[Part]:
        """Why the engine is lost, if it is."""
        words = self.lost_words
        if rank and words:
            words = (*words, "engine lost, trying again")
        return [Part("lost", words, rank)] if words else []

    @property
    def page(self) -> str:
        """What a view without rows says of itself; empty for one with rows."""
        raise NotImplementedError

    def to_rows(self) -> None:
        """Leave a view that has no rows."""
        raise NotImplementedError

    @property
    def lost_words(self) -> tuple[str, ...]:
        """A sentence on a lost engine, longest wording first; nothing while it is there."""
        raise NotImplementedError

    @property
    def waiting(self) -> bool:
        """Is there nothing yet, and something to come?"""
        raise NotImplementedError

    @on(Pointed)
    def _pointed(self, message: Pointed) -> None:
        message.stop()
        self.view.follow()
        if self.host is not None and not len(self.host.marks):
            self._status()

    # -- marks ----------------------------------------------------------------------------

    def _marked(self) -> None:
        self.view.marks_changed()
        self._status()
        if self.page:
            self.refresh_bindings()  # what can be done with marks there

    def action_mark(self) -> None:
        """Mark or unmark what is under the cursor: of a layer, every image that must go for it to go."""
        if self.host is not None:
            self.host.marks.toggle(self.view.targets())
            self._marked()

    def action_mark_all(self) -> None:
        """Mark every image that is shown."""
        if self.host is not None:
            for node in self.host.shown_images():
                self.host.marks.mark(node)
            self._marked()

    def action_unmark_all(self) -> None:
        """Take all marks away."""
        if self.host is not None:
            self.host.marks.clear()
            self._marked()

    def action_invert(self) -> None:
        """Mark what is shown and not marked; unmark what is."""
        if self.host is not None:
            marks = self.host.marks
            for node in self.host.shown_images():
                if node in marks:
                    marks.unmark(node)
                else:
                    marks.mark(node)
            self._marked()

    def action_only_marked(self) -> None:
        """Show only what is marked now; what is unmarked then stays in sight until the key is pressed again."""
        host = self.host
        if host is None:
            return
        if host.only is None and not len(host.marks):
            self.notify("nothing is marked: Space marks what the cursor is on")
            return
        host.only = None if host.only is not None else frozenset(host.marks.ids)
        self.redraw()

    def action_clear(self) -> None:
        """Close what is topmost: the find, the filter, then the marked alone."""
        host = self.host
        topmost = host is not None and host.query is None and not any(table.finding for table in self.findables)
        if host is not None and topmost and host.only is not None:
            host.only = None
            self.redraw()
        else:
            super().action_clear()

    @on(Status.KeeperChosen)
    def action_keeper(self) -> None:
        """Go to the image that keeps most of what is marked (unmarked: of what the cursor is on)."""
        host = self.host
        if host is None:
            return
        figures = host.marks.figures if len(host.marks) else host.alone(list(self.view.targets())).figures
        if figures.keeper is None:
            self.notify("no other image keeps any of it")
            return
        self.go_to_image(figures.keeper)

    def go_to_image(self, node: ImageNode) -> None:
        """Show an image in the main view."""
        raise NotImplementedError

    # -- pins -----------------------------------------------------------------------------

    def action_pin(self) -> None:
        """Pin what is under the cursor, so that it is never proposed for removal; or unpin it."""
        host = self.host
        nodes = list(self.view.targets()) if host is not None else []
        if host is None or not nodes:
            return
        try:
            pinned = host.pins.toggle(nodes)
            words = "pinned: never proposed for removal" if pinned else "no longer pinned"
            what = fit(clean(nodes[0].name, 200), 60) if len(nodes) == 1 else count(len(nodes), "image")
            self.notify(f"{what} {words}", markup=False, timeout=3)
        except PinsError as error:
            self.notify(str(error), severity="warning", markup=False)
        self.view.marks_changed()

    # -- proposals and removal ------------------------------------------------------------

    def action_free(self) -> None:
        """Ask how much is to be freed, and propose what to remove for it."""
        from layerscope.tui.dialogs.free import FreeScreen  # noqa: PLC0415 - only when needed

        if self.host is not None:
            self.app.push_screen(FreeScreen(self.host), self._proposed)

    def _proposed(self, ids: tuple[str, ...] | None) -> None:
        """Mark what was proposed, in place of what was marked, and show it for editing."""
        host = self.host
        if host is None or ids is None:
            return
        host.marks.clear()
        for image_id in ids:
            if image_id in host.graph.image_by_id:
                host.marks.mark(host.graph.image_by_id[image_id])
        host.only = frozenset(host.marks.ids)
        host.query = None
        self.to_rows()
        self.redraw()

    def action_remove(self) -> None:
        """Ask whether to remove what is marked; say why not where nothing can be removed."""
        host, backend = self.host, self.layerscope.backend
        if host is None or backend is None:
            return
        if backend.no_removal:
            self.notify(f"nothing can be removed: {backend.no_removal}", severity="warning", markup=False)
        elif not host.graph.inventory.complete:
            self.notify("nothing is removed before the scan is complete: who shares what is not known yet")
        elif not len(host.marks):
            self.notify("nothing is marked: Space marks what the cursor is on, f proposes a set")
        else:
            from layerscope.tui.dialogs.remove import RemoveScreen  # noqa: PLC0415 - out of reach where it cannot be

            if host.graph.rules.build_cache_holds_layers and host.graph.inventory.usage is None:
                self.layerscope.ask_usage()  # what the build cache holds; the dialog learns of it
            self.app.push_screen(RemoveScreen(host), self._confirmed)

    def _confirmed(self, confirmed: bool | None) -> None:
        from layerscope.tui.dialogs.removing import RemovingScreen  # noqa: PLC0415 - only when needed

        host, backend = self.host, self.layerscope.backend
        remover = backend.remover() if backend is not None and confirmed else None
        if host is not None and backend is not None and remover is not None:
            self.app.push_screen(RemovingScreen(host, host.marks.plan(), backend, remover))

    def host_changed(self, graph: LayerGraph) -> None:
        """Carry marks over to a newer graph, and tell the dialogs that show the old one."""
        if self.host is not None:
            self.host.graph = graph
            self.host.marks.rebase(graph)
        for screen in self.app.screen_stack:
            if isinstance(screen, Dialog):
                screen.host_changed()
