"""Scrolled: lines under a heading, scrolled by whole lines; how far is drawn at the right edge of the frame.

Nothing is laid out again when it scrolls, and none of its columns moves when there are suddenly more rows
than lines: there is no scrollbar that comes and goes.
"""

from __future__ import annotations

from msgspec.structs import replace
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from layerscope.tui.widgets.cached import CachedLines
from layerscope.tui.widgets.frame import Frame

HEADING = 1
"""Lines that stay at the top."""
NOTCH = 3
"""Rows that a notch of the mouse wheel scrolls."""
THUMB = "▐"


def thumb(rows: int, lines: int, top: int) -> tuple[int, int]:
    """Return the first of ``lines`` that stands for what is seen of ``rows``, and the one after the last.

    It touches an end only where there is nothing more beyond it. (0, 0) where all rows are seen.
    """
    if rows <= lines or lines < 1:
        return 0, 0
    length = max(1, lines * lines // rows)
    last, hidden = lines - length, rows - lines
    if last < 2:
        at = 0 if top == 0 else last
    else:
        at = 0 if top <= 0 else last if top >= hidden else max(1, min(last - 1, round(last * top / hidden)))
    return at, at + length


class Scrolled(CachedLines, Widget):
    """Rows of which one sees :attr:`room`, from :attr:`top` on, under one line that stays."""

    top = 0
    """The first row that is seen."""
    _thumb: tuple[int, int] = (0, 0)
    """Lines, of those of the rows, that show where one is."""
    _beside_thumb: tuple[Frame, Frame] | None = None
    """The frame of other lines, and for it that of a line with the thumb."""
    _held_at: int | None = None
    """While the mouse holds the thumb: how many lines below its first one."""

    @property
    def length(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def thumb_style(self) -> Style:
        """The look of the thumb; its background is that of the frame."""
        raise NotImplementedError

    @property
    def room(self) -> int:
        """How many rows are seen at once."""
        return max(1, self.size.height - HEADING)

    def scroll_rows(self, top: int) -> bool:
        """Show the rows from one on, or as near as there are rows; True when that moved them.

        The thumb is brought up to date though they stay: there may be more or fewer of them.
        """
        before, self.top = self.top, max(0, min(top, self.length - self.room))
        if self.top != before:
            self.refresh()
        self._place_thumb()
        return self.top != before

    def _place_thumb(self) -> None:
        now = thumb(self.length, self.size.height - HEADING, self.top)
        if now != self._thumb:
            before, self._thumb = self._thumb, now
            ends = [*(before if before[1] else ()), *(now if now[1] else ())]
            self.refresh(Region(0, min(ends) + HEADING, self.size.width, max(ends) - min(ends)))

    def frame_at(self, y: int) -> Frame:
        """What is around a line of content: the thumb beside some."""
        plain = self.frame
        if not self._thumb[0] <= y - HEADING < self._thumb[1] or not plain.right:
            return plain
        if self._beside_thumb is None or self._beside_thumb[0] is not plain:
            *right, edge = plain.right
            drawn = plain.filtered([Segment(THUMB, (edge.style or Style()) + self.thumb_style())])
            self._beside_thumb = plain, replace(plain, right=[*right, *drawn])
        return self._beside_thumb[1]

    def line_at(self, y: int) -> Strip:
        """Return a line of content as the compositor wants it, from edge to edge."""
        return self.frame_at(y).around(self.render_line(y))

    # -- mouse ----------------------------------------------------------------------------

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(self.top + NOTCH)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(self.top - NOTCH)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold of the thumb; beside it, it comes to the mouse."""
        first, after = self._thumb
        at = event.y - self.gutter.top - HEADING
        if event.x != self.region.width - 1 or not after or not 0 <= at < self.size.height - HEADING:
            return
        event.stop()
        self.capture_mouse()
        self._held_at = at - first if first <= at < after else (after - first) // 2
        self._pull(at)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._held_at is not None:
            event.stop()
            self._pull(event.y - self.gutter.top - HEADING)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Let go of it."""
        if self._held_at is not None:
            event.stop()
            self._held_at = None
            self.release_mouse()

    def on_mouse_release(self) -> None:
        """It was let go of somewhere else: over a box, say."""
        self._held_at = None

    def on_hide(self) -> None:
        """Another view is shown: what is not seen holds no mouse."""
        if self._held_at is not None:
            self._held_at = None
            self.release_mouse()

    def _pull(self, at: int) -> None:
        """Scroll to where the thumb, held as it is, would be with the mouse on one of its lines."""
        first, after = self._thumb
        free = self.size.height - HEADING - (after - first)
        if free > 0:
            self.scroll_rows(round((at - (self._held_at or 0)) * (self.length - self.room) / free))
