"""No engine: what happened, what to do next, and the sample host on one key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from layerscope.errors import Elsewhere
from layerscope.text import clean
from layerscope.tui.keys import APP, keys_of
from layerscope.tui.leaves import LeavesOnce

WhatNow = str
"""What the user chose to do about it: ``demo``, ``retry``, or the address of an engine to turn to."""


class ErrorScreen(LeavesOnce, ModalScreen[WhatNow]):
    """Names the cause and the next step; answers what is to be done."""

    CSS_PATH = "error.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"error--key"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "turn(0)", "", show=False, group=APP),
        Binding("2", "turn(1)", "", show=False, group=APP),
        Binding("3", "turn(2)", "", show=False, group=APP),
        Binding("d,enter", "demo", "look around in the bundled sample host meanwhile", group=APP),
        Binding("r", "retry", "try the engine again", group=APP),
        Binding("q,escape", "quit", "quit", group=APP),
    ]

    def __init__(
        self, cause: str, hint: str, elsewhere: Sequence[Elsewhere] = (), *, demo: bool, status: int = 3
    ) -> None:
        """``elsewhere``: engines that do answer; ``status``: the exit status of a session that is left here."""
        super().__init__()
        self.status = status
        self.cause = cause
        self.hint = hint
        self.elsewhere = elsewhere
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
        for number, engine in enumerate(self.elsewhere, 1):
            text.append("\n" if text else "").append(f" {number} ", style)
            text.append(clean(f" turn to {engine.name}, which answers at {engine.host}", 200))
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and binding.description and self.check_action(binding.action, ()):
                text.append("\n" if text else "").append(f" {keys_of(binding)[0]} ", style)
                text.append(f" {binding.description}")
        return text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the sample host only where there is one."""
        return action != "demo" or self.demo

    def action_turn(self, number: int) -> None:
        """Turn to one of the engines that do answer."""
        if number < len(self.elsewhere):
            self.dismiss(self.elsewhere[number].host)

    def action_demo(self) -> None:
        """Show the bundled sample host."""
        self.dismiss("demo")

    def action_retry(self) -> None:
        """Ask the engine again."""
        self.dismiss("retry")

    def action_quit(self) -> None:
        """Leave; the exit status says that there was no engine, or that it was named wrongly."""
        self.app.exit(return_code=self.status)
