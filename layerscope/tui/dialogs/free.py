"""Free so much: a size is typed, a set of images is proposed, Enter marks it. Nothing is removed here."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from layerscope.core.removal.proposal import Proposal, propose
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.units import parse_size
from layerscope.views.free import proposal_rows, proposal_said
from layerscope.views.removal import Said

PAUSE = 0.15
"""Seconds without a letter after which a set is looked for."""
HELP = "Type a size: 500M, 5G, 1.5GiB. What is missed least is proposed; nothing is removed yet."


class FreeScreen(Dialog[tuple[str, ...]]):
    """Answers the IDs of the images that were proposed and accepted."""

    AUTO_FOCUS = "#typed"

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
        self.retitle("Free so much", "Enter mark these · Esc close")
        self._look()

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
        if not self._text:
            self.put([], [Said(HELP, "quiet")])
            return
        try:
            target = parse_size(self._text)
        except ValueError as error:
            self.put([], [Said(f"{error}.", "warn")])
            return
        self.say([Said("working it out …", "quiet")])
        self._work_out(self._text, target)

    @work(thread=True, exclusive=True, group="free", exit_on_error=False)
    def _work_out(self, text: str, target: int) -> None:
        graph, worker = self.scene.graph, get_current_worker()
        proposal = propose(graph, target, pins=self.scene.pins.ids(graph))
        if not worker.is_cancelled:
            self.post_message(self.Proposed(text, proposal))

    @on(Proposed)
    def _proposed(self, message: Proposed) -> None:
        if message.text != self._text or message.proposal.plan.graph is not self.scene.graph:
            return
        self.proposal = message.proposal
        self.put(
            proposal_rows(message.proposal, self.scene.now, self.scene.units),
            proposal_said(message.proposal, self.scene.units),
        )
        if self._enter:
            self._entered()

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Take the proposal, or wait for it if it is still being worked out."""
        if self.proposal is None:
            self._enter = bool(self._text)
            if self._soon is not None:
                self._look()
        elif self.proposal.plan.images:
            self.dismiss(tuple(node.id for node in self.proposal.plan.images))
