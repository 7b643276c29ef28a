"""The bottom line: as many keys as fit, the most useful first, all of them live."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.widget import Widget


class Hints(Widget):
    """Keys of the screen that are marked for show, in the order in which they are bound."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hints--key", "hints--text"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hits: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the focus: other panes have other keys."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Text:
        """One line."""
        key_style = self._style("key")
        text_style = self._style("text")
        line, self._hits = Text(no_wrap=True), []
        seen: set[str] = set()
        width = self.size.width
        items = []
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in seen and active.enabled:
                seen.add(binding.action)
                items.append((self.app.get_key_display(binding), binding.description, binding.key))
        ends = [item for item in items if item[1] in ("Help", "Quit")]
        rest = [item for item in items if item not in ends]
        room = width - sum(len(key) + len(text) + 4 for key, text, _ in ends)
        chosen = []
        for item in rest:
            need = len(item[0]) + len(item[1]) + 4
            if need > room:
                break
            room -= need
            chosen.append(item)
        for key, text, raw in chosen + ends:
            start = line.cell_len
            line.append(f" {key}", key_style).append(f" {text.lower()}  ", text_style)
            self._hits.append((start, line.cell_len, raw))
        return line

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"hints--{name}", partial=True)

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        for start, end, key in self._hits:
            if start <= event.x < end:
                self.app.simulate_key(key)
                return
