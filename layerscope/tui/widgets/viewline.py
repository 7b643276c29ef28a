"""ViewLine: the views by number and name; the one on view stands in brackets, a click on another goes there."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.widget import Widget

from layerscope.tui.widgets.cached import CachedLines

VIEWS = (
    ("1", "images", "Images"),
    ("2", "layers", "Layers"),
    ("3", "tree", "Tree"),
    ("4", "map", "Map"),
    ("5", "compare", "Compare"),
    ("6", "engine", "Engine"),
)
"""The key of each view, its name in messages, and on screen."""


class ViewLine(CachedLines, Widget):
    """One line, at every size."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"view-line--here", "view-line--key", "view-line--other"}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.here = VIEWS[0][1]
        self._beside = ""
        self._places: list[tuple[int, int, str]] = []

    def tell(self, view: str) -> None:
        """Say which view is shown."""
        if view != self.here:
            self.here = view
            self.refresh()

    def say(self, words: str) -> None:
        """Say something at the end of the line, where there is room for it."""
        if words != self._beside:
            self._beside = words
            self.refresh()

    def render(self) -> Text:
        """``[1 Images] 2 Layers  3 Tree …``: the brackets take the place of spaces, so that nothing moves."""
        line, self._places = Text(no_wrap=True, end=""), []
        here, key, other = (self._style(name) for name in ("here", "key", "other"))
        for number, view, name in VIEWS:
            start = line.cell_len
            if view == self.here:
                line.append(f"[{number} {name}]", here)
            else:
                line.append(f" {number}", key).append(f" {name} ", other)
            self._places.append((start, start + cell_len(f" {number} {name} "), view))
        room = self.size.width - line.cell_len - 1
        if 0 < cell_len(self._beside) <= room:
            line.append(" " * (room - cell_len(self._beside))).append(self._beside, other)
        return line

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"view-line--{name}", partial=True)

    async def on_click(self, event: events.Click) -> None:
        """Go to the view that was clicked."""
        offset = event.get_content_offset(self)
        for start, end, view in self._places:
            if offset is not None and start <= offset.x < end:
                await self.run_action(f"screen.view('{view}')")
                return
