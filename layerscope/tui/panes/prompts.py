"""Prompts: the bars that one types in, at the bottom of the main screen. Each is made when it is first opened."""

# ruff: noqa: PLC0415

from __future__ import annotations

from asyncio import Lock
from typing import TYPE_CHECKING, TypeVar

from textual.widget import Widget

from layerscope.tui.styles import load_styles

if TYPE_CHECKING:
    from layerscope.tui.widgets.filterbar import FilterBar
    from layerscope.tui.widgets.findbar import FindBar
    from layerscope.tui.widgets.prompt import Prompt

Bar = TypeVar("Bar", bound="Prompt")


class Prompts:
    """The two bars. An open one stands in place of the line of the marked and the keys."""

    def __init__(self, *lines: Widget) -> None:
        """Take what gives way to a bar; bars come after the last of them."""
        self.find: FindBar | None = None
        self.filter: FilterBar | None = None
        self._lines = lines
        self._making = Lock()

    async def to_find(self) -> FindBar:
        """Return the bar that finds in one list."""
        async with self._making:
            if self.find is None:
                from layerscope.tui.widgets.findbar import FindBar

                self.find = await self._made(FindBar(id="find"))
            return self.find

    async def to_filter(self) -> FilterBar:
        """Return the bar that chooses the images that are shown."""
        async with self._making:
            if self.filter is None:
                from layerscope.tui.widgets.filterbar import FilterBar

                self.filter = await self._made(FilterBar(id="filter"))
            return self.filter

    async def _made(self, bar: Bar) -> Bar:
        load_styles(self._lines[-1], "panes/prompts.tcss")
        await self._lines[-1].screen.mount(bar, after=self._lines[-1])
        return bar

    @property
    def open(self) -> Prompt | None:
        """The one that is open."""
        return next((bar for bar in self._there if bar.is_open), None)

    @property
    def _there(self) -> list[Prompt]:
        return [bar for bar in (self.find, self.filter) if bar is not None]

    def show(self, bar: Prompt | None) -> None:
        """Show a bar in place of the lines, or (None) those again."""
        # Not by a class of the screen: that would match the styles of everything on it again.
        for other in self._there:
            other.display = other is bar
        for line in self._lines:
            line.display = bar is None
