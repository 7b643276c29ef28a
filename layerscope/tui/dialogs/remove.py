"""Removal, the question: what goes, what stays and why, what comes back; the answer is No until somebody says yes."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from layerscope.core.removal.plan import RemovalPlan
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.units import format_number
from layerscope.views.removal import Said, needs_typing, plan_rows, plan_said, what_is_asked

WORD = "remove"


def _asked(plan: RemovalPlan) -> tuple[set[str], set[str]]:
    """What a yes would do: IDs of the images that would go, and of those that would lose their names."""
    return {node.id for node in plan.removed}, {one.image.id for one in plan.untagged}


class RemoveScreen(Dialog[bool]):
    """Asks; answers True for yes. Follows the host while it is open: what it shows is what would happen."""

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
            self.notify("the marked images are gone")
            self.dismiss(None)
            return
        self.typing = needs_typing(plan) and bool(self._number)
        said = plan_said(plan, self.scene.units)
        if _asked(plan) != _asked(before) or plan.frees != before.frees:
            said.insert(0, Said("The engine has changed: this is what it comes to now.", "warn"))
            self.line.value = ""
        self._ask()
        self.put(plan_rows(plan, self.scene.units), said)

    def _ask(self) -> None:
        what = what_is_asked(self.plan)
        self.line.display = self.typing
        if not what:
            question, keys = "There is nothing to do.", "Esc close"
        elif self.typing:
            question = f"That is a lot. To {what}, type {self._number} and Enter."
            keys = "Enter with nothing typed, Esc: no"
        else:
            question, keys = f"{what.capitalize()}?", "y yes · n, Enter, Esc: no"
        self.question.update(Content(question))
        self.retitle("Remove images", keys)
        self.set_focus(self.line if self.typing else self.rows)  # at once: the next key may be here already

    @property
    def _number(self) -> int:
        """How many images a yes would change."""
        return len(self.plan.removed) + len(self.plan.untagged)

    def _below(self) -> int:
        return super()._below() + 2 + self.typing

    def action_agree(self) -> None:
        """Yes: where a key is enough."""
        if self._number and not self.typing:
            self.dismiss(True)

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        """Yes, if the number of images was typed, or the word; No, if nothing was."""
        typed = message.value.strip().lower()
        number = self._number
        if not typed:
            self.action_refuse()
        elif typed in {str(number), f"{format_number(number)}", WORD}:
            self.dismiss(True)
        else:
            self.question.update(Content(f"“{typed[:20]}” is not {number}: nothing is removed. Type {number}, or Esc."))

    @on(events.DescendantBlur)
    def _keep_the_line(self) -> None:
        """Keys are for the line while there is one."""
        if self.typing and self.is_current:
            self.line.focus()
