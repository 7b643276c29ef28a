"""A terminal that is too small: says so, and goes away once there is room again."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from layerscope.tui.keys import APP
from layerscope.tui.leaves import LeavesOnce


def too_small(size: Size, least: tuple[int, int]) -> bool:
    """Is there less room than the interface needs, in width or in height?"""
    return size.width < least[0] or size.height < least[1]


class SmallScreen(LeavesOnce, Screen[None]):
    """Covers everything; what is under it keeps its cursor and its focus."""

    CSS_PATH = "small.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", "Quit", group=APP)]

    def __init__(self, least: tuple[int, int]) -> None:
        super().__init__()
        self.least = least

    def compose(self) -> ComposeResult:
        """A few short lines: there is no room for more."""
        yield Static(id="small")

    def on_resize(self, event: events.Resize) -> None:
        """Say how large it is now, or leave."""
        self._look()

    def on_screen_resume(self) -> None:
        """What stood above is gone; there may be room by now."""
        self._look()

    def _look(self) -> None:
        (width, height), now = self.least, self.app.size
        if not too_small(now, self.least):
            self.dismiss()
            return
        self._answer = None  # it is too small again
        text = Text("This terminal is too small\n", justify="center", style="bold")
        text.append(f"{now.width}×{now.height}, and {width}×{height} is needed\n", "not bold")
        text.append("make it larger, or q to quit", "not bold")
        self.query_one("#small", Static).update(text)
