"""Removal, the question: what goes, what stays and why, what comes back; the answer is No until somebody says yes."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from layerscope.core.removal.plan import RemovalPlan
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.units import format_number
from layerscope.views.removal import Said, needs_typing, plan_changes, plan_rows, plan_said, what_is_asked

WORD = "remove"
PAUSE = 0.5
"""Seconds without a key after a change, before anything can be confirmed again."""


class RemoveScreen(Dialog[RemovalPlan]):
    """Asks; answers the plan that was on screen for yes. Follows the host: what it shows is what would happen.

    When the plan changes, nothing can be confirmed until that could be seen: a key that was on its way is no answer
    to what is new. Each other key before the answer starts that pause again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "remove them"),
        Binding("n,q", "refuse", "no"),
        Binding("enter", "enter", "no"),
    ]

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.plan = scene.marks.plan()
        self.typing = needs_typing(self.plan)
        self.question = Static("", id="question")
        self.line = Input(id="typed", select_on_focus=False)
        self.line.cursor_blink = False
        self._changes: list[str] = []
        """What a yes would do otherwise than when one could last say it, a sentence each."""
        self._seen = self.plan
        """The plan to which one could last say yes."""
        self._pause: Timer | None = None
        """Runs while nothing can be confirmed."""
        self._dropped = False
        """Was something typed in that pause? Enter behind it is no answer either."""

    def parts(self) -> ComposeResult:
        """The list, what it comes to, the question, and a line to type in when it is much."""
        yield from super().parts()
        yield self.question
        yield self.line

    def scene_changed(self) -> None:
        """Work the plan out again: an image may have gone, or have been taken into use, while one reads."""
        before = self.plan
        self.plan = plan = self.scene.marks.plan()
        if not plan.images:
            if self.app.screen is self:
                self.notify("the marked images are gone")
            self.dismiss(None)
            return
        self.typing = needs_typing(plan) and bool(self._number)
        if plan_changes(before, plan, self.scene.units):
            self._changes = plan_changes(self._seen, plan, self.scene.units) or ["it is as it was again"]
            self.line.value = ""
            self._disarm()
        said = plan_said(plan, self.scene.units)
        if self._changes:
            more = f"; {format_number(len(self._changes) - 3)} more changes" if len(self._changes) > 3 else ""
            said.insert(0, Said(f"The engine has changed: {'; '.join(self._changes[:3])}{more}.", "warn"))
        self._ask()
        self.put(plan_rows(plan, self.scene.units), said)

    def _ask(self) -> None:
        what = what_is_asked(self.plan)
        self.line.display = self.typing
        if not what:
            question, keys = "There is nothing to do.", "Esc close"
        elif self._pause is not None:
            question, keys = f"Look again: {what}? An answer is taken in a moment.", "Esc: no"
        elif self.typing:
            question = f"That is a lot. To {what}, type {self._number} and Enter."
            keys = "Enter with nothing typed, Esc: no"
        else:
            question, keys = f"{what.capitalize()}?", "y yes · n, Enter, Esc: no"
        self.question.update(Content(question))
        self.retitle("Remove images", keys)
        self.set_focus(self.line if self.typing else self.rows)  # at once: the next key may be here already

    def _disarm(self) -> None:
        """Take no answer for a moment."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._arm)

    def _arm(self) -> None:
        self._pause, self._seen, self._dropped = None, self.plan, False
        self._ask()

    def _confirm(self) -> None:
        if self._pause is not None:
            self._disarm()
        elif self._number:
            self.dismiss(self.plan)

    def on_key(self, event: events.Key) -> None:
        """Any key but the answer, after a change: whoever pressed it may not have seen the change."""
        if self._changes and not self.typing and event.key not in {"y", "n", "q", "enter", "escape"}:
            self._disarm()
            self._ask()

    @on(Input.Changed)
    def _typed(self) -> None:
        """Letters that were on their way when the plan changed are no answer to it."""
        if self._pause is not None and self.line.value:
            self.line.value, self._dropped = "", True
            self._disarm()

    @property
    def _number(self) -> int:
        """How many images a yes would change."""
        return len(self.plan.removed) + len(self.plan.untagged)

    def _below(self) -> int:
        return super()._below() + 2 + self.typing

    def action_agree(self) -> None:
        """Yes: where a key is enough."""
        if not self.typing:
            self._confirm()

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        """Yes, if the number of images was typed, or the word; No, if nothing was."""
        typed = message.value.strip().lower()
        number = self._number
        if not typed and self._dropped:
            self._disarm()
        elif not typed:
            self.action_refuse()
        elif typed in {str(number), format_number(number), WORD}:
            self._confirm()
        else:
            self.question.update(Content(f"“{typed[:20]}” is not {number}: nothing is removed. Type {number}, or Esc."))

    @on(events.DescendantBlur)
    def _keep_the_line(self) -> None:
        """Keys are for the line while there is one."""
        if self.typing and self.app.screen is self:
            self.line.focus()
