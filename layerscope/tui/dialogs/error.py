"""No engine: what happened, what to do next, and the sample host on one key."""

from __future__ import annotations

from typing import ClassVar, Literal

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from layerscope.text import clean
from layerscope.tui.keys import APP, keys_of
from layerscope.tui.leaves import LeavesOnce

WhatNow = Literal["demo", "retry"]
"""What the user chose to do about it."""


class ErrorScreen(LeavesOnce, ModalScreen[WhatNow]):
    """Names the cause and the next step; answers what is to be done."""

    CSS_PATH = "error.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"error--key"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d,enter", "demo", "look around in the bundled sample host meanwhile", group=APP),
        Binding("r", "retry", "try the engine again", group=APP),
        Binding("q,escape", "quit", "quit", group=APP),
    ]

    def __init__(self, cause: str, hint: str, *, demo: bool, status: int = 3) -> None:
        """``status`` is the exit status of a session that is left here."""
        super().__init__()
        self.status = status
        self.cause = cause
        self.hint = hint
        self.demo = demo

    def compose(self) -> ComposeResult:
        """One box in the middle."""
        with Vertical(id="error", classes="box -bad") as box:
            box.border_title = "No engine"
            yield Static(Text(clean(self.cause, 1000)), id="cause")
            if self.hint:
                yield Static(Text(clean(self.hint, 1000)), id="hint")
            yield Static(self._keys(Style(bold=True)), id="keys")  # at its full height from the first layout on

    def on_mount(self) -> None:
        """Draw the keys again when another theme has other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def on_resize(self) -> None:
        """Draw the keys, now that styles are known."""
        self._draw()

    def _draw(self) -> None:
        style = self.get_component_rich_style("error--key", partial=True)
        self.query_one("#keys", Static).update(self._keys(style))

    def _keys(self, style: Style) -> Text:
        text = Text()
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and self.check_action(binding.action, ()) is not False:
                text.append("\n" if text else "").append(f" {keys_of(binding)[0]} ", style)
                text.append(f" {binding.description}")
        return text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the sample host only where there is one."""
        return action != "demo" or self.demo

    def action_demo(self) -> None:
        """Show the bundled sample host."""
        self.dismiss("demo")

    def action_retry(self) -> None:
        """Ask the engine again."""
        self.dismiss("retry")

    def action_quit(self) -> None:
        """Leave; the exit status says that there was no engine, or that it was named wrongly."""
        self.app.exit(return_code=self.status)
