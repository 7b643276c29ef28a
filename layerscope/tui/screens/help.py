"""Help: every key of the session, grouped by task, read from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from layerscope.tui.keys import ORDER


def all_bindings(screen: Screen[None]) -> Iterator[Binding]:
    """Every binding of ours that can be reached on a screen: of the app, the screen and each widget on it."""
    nodes: list[DOMNode] = [screen.app, screen, *screen.walk_children()]
    seen: set[type] = set()
    for node in nodes:
        for owner in type(node).__mro__:
            if owner in seen or not owner.__module__.startswith("layerscope"):
                continue
            seen.add(owner)
            for binding in owner.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding):
                    yield binding


class HelpScreen(ModalScreen[None]):
    """Keys by task."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]

    def __init__(self, of: Screen[None]) -> None:
        super().__init__()
        self.of = of

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help") as page:
            page.border_title = "Keys"
            page.border_subtitle = "Esc closes"
            yield Static(self._text())

    def _text(self) -> Text:
        groups: dict[str, dict[str, list[str]]] = {group.description: {} for group in ORDER}
        for binding in all_bindings(self.of):
            if binding.group is None:
                continue
            keys = [
                self.app.get_key_display(Binding(key, "", key_display=binding.key_display))
                for key in binding.key.split(",")
            ]
            shown = groups[binding.group.description].setdefault(binding.tooltip or binding.description, [])
            shown.extend(key for key in keys if key not in shown)
        text = Text()
        for heading, rows in groups.items():
            if not rows:
                continue
            text.append(f"{heading}\n", "bold")
            for description, keys in rows.items():
                text.append(f"  {' '.join(keys):<22} ", "bold").append(f"{description}\n")
            text.append("\n")
        return text
