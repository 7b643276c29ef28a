"""The status line: what the marked set comes to, or what a mark would; a click on the keeper goes there."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from layerscope.tui.widgets.kept import Kept
from layerscope.views.marks import GAP, Part, fit_parts


class Status(Kept, Widget):
    """One line of parts; those that there is no room for are left out, the least important first."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"status--{name}" for name in ("text", "mark", "frees", "keeps", "blocked", "cache", "freed", "lost")
    }

    class KeeperChosen(Message):
        """A click on who keeps most of the marked layers."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._parts: list[Part] = []
        self._keeper: tuple[int, int] | None = None

    def show(self, parts: list[Part]) -> None:
        """Say something else."""
        self._parts = parts
        self.refresh()

    def say(self, line: str) -> None:
        """Say a plain sentence."""
        self.show([Part("text", (line,), 0)])

    @property
    def line(self) -> str:
        """What is on screen."""
        return GAP.join(text for _, text in fit_parts(self._parts, self.size.width))

    def render(self) -> Text:
        """One line."""
        text = Text(no_wrap=True, end="")
        self._keeper = None
        for key, words in fit_parts(self._parts, self.size.width):
            if text:
                text.append(GAP, self._style("text"))
            start = text.cell_len
            text.append(words, self._style(key))
            if key == "keeps":
                self._keeper = (start, text.cell_len)
        return text

    def _style(self, key: str) -> Style:
        name = key if f"status--{key}" in self.COMPONENT_CLASSES else "text"
        return self.get_component_rich_style(f"status--{name}", partial=True)

    def on_click(self, event: events.Click) -> None:
        """A click on the keeper goes there."""
        offset = event.get_content_offset(self)
        if offset is not None and self._keeper is not None and self._keeper[0] <= offset.x < self._keeper[1]:
            self.post_message(self.KeeperChosen())
