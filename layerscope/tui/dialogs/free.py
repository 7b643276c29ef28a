"""Free so much: a size is typed, a set of images is proposed, Enter marks it. Nothing is removed here."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from layerscope.core.removal.proposal import Proposal, propose
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.units import parse_size
from layerscope.views.decide import COLUMNS
from layerscope.views.free import most_said, proposal_rows, proposal_said
from layerscope.views.removal import Said

PAUSE = 0.15
"""Seconds without a letter after which a set is looked for."""
HELP = "Type a size: 500M, 5G, 1.5GiB. What is missed least is proposed; nothing is removed yet."
EVERYTHING = 2**62
"""More bytes than there are: what is proposed for it is the most that can be had."""


class FreeScreen(Dialog[tuple[str, ...]]):
    """Answers the IDs of the images that were proposed and accepted."""

    AUTO_FOCUS = "#typed"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "spare", "spare what exists only here, or not", priority=True)
    ]

    class Proposed(Message):
        """A set was found for what was typed."""

        def __init__(self, text: str, proposal: Proposal) -> None:
            super().__init__()
            self.text = text
            self.proposal = proposal

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.proposal: Proposal | None = None
        self.line = Input(id="typed", select_on_focus=False)
        self.line.cursor_blink = False
        self._soon: Timer | None = None
        self._enter = False
        self.spare_local = True
        """Is what cannot be pulled again missed most?"""
        self.rows.more = COLUMNS

    def parts(self) -> ComposeResult:
        """The line, the proposal under it."""
        with Horizontal(id="asked"):
            yield Static("Free this much:", id="label")
            yield self.line
        yield from super().parts()

    def _below(self) -> int:
        return super()._below() + 1

    def scene_changed(self) -> None:
        """Look for a set again."""
        self.proposal = None
        spared = "count local-only like others" if self.spare_local else "spare local-only"
        self.retitle("Free so much", f"Ctrl-o {spared} · Enter mark these · Esc close")
        self._look()

    def action_spare(self) -> None:
        """Miss most what exists only here, or no longer."""
        self.spare_local = not self.spare_local
        self.scene_changed()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.proposal, self._enter = None, False
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(PAUSE, self._look)

    @property
    def _text(self) -> str:
        return self.line.value.strip()

    def _look(self) -> None:
        if self._soon is not None:
            self._soon.stop()
            self._soon = None
        try:
            target = parse_size(self._text) if self._text else EVERYTHING
        except ValueError as error:
            self.put([], [Said(f"{error}.", "warn")])
            return
        self.say([Said("working it out …", "quiet")])
        self._work_out(self._text, target)

    @work(thread=True, exclusive=True, group="free", exit_on_error=False)
    def _work_out(self, text: str, target: int) -> None:
        graph, worker = self.scene.graph, get_current_worker()
        proposal = propose(graph, target, pins=self.scene.pins.ids(graph), spare_local=self.spare_local)
        if not worker.is_cancelled:
            self.post_message(self.Proposed(text, proposal))

    @on(Proposed)
    def _proposed(self, message: Proposed) -> None:
        if message.text != self._text or message.proposal.plan.graph is not self.scene.graph:
            return
        self.proposal = message.proposal
        rows = proposal_rows(message.proposal, self.scene.now, self.scene.units)
        if self._text:
            self.put(rows, proposal_said(message.proposal, self.scene.units))
        else:
            self.put(rows, [*most_said(message.proposal, self.scene.units), Said(HELP, "quiet")])
        if self._enter:
            self._entered()

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Take the proposal, or wait for it if it is still being worked out."""
        if not self._text:
            return
        if self.proposal is None:
            self._enter = True
            if self._soon is not None:
                self._look()
        elif self.proposal.plan.images:
            self.dismiss(tuple(node.id for node in self.proposal.plan.images))
