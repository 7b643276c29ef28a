"""The bottom line: as many keys as fit, the most useful first, all of them live; help and quit are always there."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.widget import Widget

from layerscope.tui.keys import key_name
from layerscope.tui.widgets.cached import CachedLines

USEFUL = (
    "ask",
    "go",
    "leave",
    "mark",
    "remove",
    "free",
    "find",
    "filter",
    "info",
    "presets",
    "sort",
    "copy",
    "export",
    "rescan",
)
"""Actions in the order in which they are worth the room; others that are for show come after them."""
ALWAYS = ("help", "quit")


class Hint(NamedTuple):
    """A key (or several for one action) and what it does."""

    keys: str
    words: str
    press: str

    @property
    def width(self) -> int:
        """Cells it takes, with the space after it."""
        return cell_len(self.keys) + cell_len(self.words) + 4


class Hints(CachedLines, Widget):
    """Keys of the screen that are marked for show."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"hints--key", "hints--text"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._hits: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the focus: other panes have other keys."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def render(self) -> Text:
        key_style, text_style = self._style("key"), self._style("text")
        line, self._hits = Text(no_wrap=True, end=""), []
        for hint in self._chosen(self.size.width):
            start = line.cell_len
            line.append(f" {hint.keys}", key_style).append(f" {hint.words}  ", text_style)
            self._hits.append((start, line.cell_len, hint.press))
        return line

    def _chosen(self, room: int) -> list[Hint]:
        """Return the hints that fit, in the order of their use; those that are always shown are last."""
        found: dict[str, list[Binding]] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled:
                found.setdefault(active.binding.action.split("(")[0].rpartition(".")[2], []).append(active.binding)
        ends = [_hint(found.pop(action)) for action in ALWAYS if action in found]
        ranks = {action: rank for rank, action in enumerate(USEFUL)}
        room -= sum(hint.width for hint in ends)
        chosen: list[Hint] = []
        for action in sorted(found, key=lambda action: ranks.get(action, len(ranks))):
            hint = _hint(found[action])
            if hint.width <= room:
                room -= hint.width
                chosen.append(hint)
        return chosen + ends

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"hints--{name}", partial=True)

    def on_click(self, event: events.Click) -> None:
        """A click on a key presses it."""
        for start, end, key in self._hits:
            if start <= event.x < end:
                self.app.simulate_key(key)
                return


def _hint(bindings: list[Binding]) -> Hint:
    """Make one hint of the bindings of an action."""
    first = bindings[0]
    return Hint(first.key_display or key_name(first.key), first.description.lower(), first.key)
