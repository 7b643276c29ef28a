"""One question, answered No unless somebody presses y."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from layerscope.tui.dialogs.dialog import Dialog
from layerscope.views.removal import Said


class ConfirmScreen(Dialog[bool]):
    """Asks; answers True for yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "yes"),
        Binding("n,q", "refuse", "no"),
        Binding("enter", "enter", "no"),
    ]
    AUTO_FOCUS = ""

    def __init__(self, title: str, question: Sequence[Said]) -> None:
        super().__init__()
        self.title_of_question = title
        self.asked = question

    def parts(self) -> ComposeResult:
        yield self.said

    def on_mount(self) -> None:
        self.retitle(self.title_of_question, "y yes · n, Enter, Esc: no")
        self.say(self.asked)

    def action_agree(self) -> None:
        self.dismiss(True)
