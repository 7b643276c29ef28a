"""No engine: what happened, what to do next, and the sample host on one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from layerscope.tui.keys import APP

if TYPE_CHECKING:
    from layerscope.tui.app import LayerscopeApp


class ErrorScreen(ModalScreen[None]):
    """Names the cause and the next step."""

    CSS_PATH = "error.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "demo", "Sample host", group=APP),
        Binding("r", "retry", "Try again", group=APP),
        Binding("q,escape", "quit", "Quit", group=APP),
    ]

    def __init__(self, cause: str, hint: str, *, demo: bool) -> None:
        super().__init__()
        self.cause = cause
        self.hint = hint
        self.demo = demo

    def compose(self) -> ComposeResult:
        """One box in the middle."""
        with Vertical(id="error") as box:
            box.border_title = "No engine"
            yield Static(Text(self.cause), id="cause")
            if self.hint:
                yield Static(Text(self.hint), id="hint")
            yield Static(self._keys(), id="keys")

    def _keys(self) -> Text:
        text = Text()
        if self.demo:
            text.append(" d ", "bold reverse").append(" look around in a sample host meanwhile\n")
        text.append(" r ", "bold reverse").append(" try again\n")
        text.append(" q ", "bold reverse").append(" quit")
        return text

    @property
    def layerscope(self) -> LayerscopeApp:
        """The app, by its own type."""
        return cast("LayerscopeApp", self.app)

    def action_demo(self) -> None:
        """Show the bundled sample host."""
        if self.demo:
            app = self.layerscope
            self.dismiss()
            app.open_demo()

    def action_retry(self) -> None:
        """Ask the engine again."""
        app = self.layerscope
        self.dismiss()
        app.load()

    def action_quit(self) -> None:
        """Leave; the exit status says that there was no engine."""
        self.app.exit(3)
