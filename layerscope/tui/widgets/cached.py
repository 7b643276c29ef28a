"""CachedLines: a widget that is asked for its lines in every frame, and draws only those that changed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.geometry import Region
from textual.strip import Strip

from layerscope.tui.textual_hacks import HearsOfDirt
from layerscope.tui.widgets.frame import Frame
from layerscope.tui.widgets.framed import Framed

FRAMES = 2
"""That are kept: with the keyboard and without it."""


class CachedLines(HearsOfDirt, Framed):
    """Mixin of a widget: keeps its lines as they were sent last.

    Textual's compositor takes all lines of every widget whose surroundings changed, whatever is
    to be seen of them, and passes each through its styles and filters again (``_compositor.py``,
    ``_get_renders``). On a screen full of lists that is most of what a key costs.
    """

    _kept: list[Strip] | None = None
    _kept_for: Region | None = None
    _stale: tuple[int, int] | None = None
    """The first line that is to be drawn again, and the one after the last; None: none of them."""
    _frame: Frame | None = None
    _frames: Sequence[Frame] = ()
    """Those of before: what was drawn in one is good in it again."""

    def became_dirty(self, regions: Sequence[Region]) -> Sequence[Region]:
        """Note which lines are to be drawn again; without regions all of them."""
        if not regions:
            self._kept = None
            return regions
        down = self.content_offset.y
        stale = [self._stale] if self._stale is not None else []
        stale += [(region.y + down, region.bottom + down) for region in regions]
        self._stale = min(top for top, _ in stale), max(bottom for _, bottom in stale)
        # Whole lines: of a part Textual cuts what it sends out of them, each time again.
        left, wide = self.gutter.left, self.outer_size.width
        return [Region(-left, region.y, wide, region.height) for region in regions]

    def notify_style_update(self) -> None:
        """Forget the frame in the old styles."""
        super().notify_style_update()
        self._frame = None

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines in ``crop``, a region of the widget."""
        lines = self._kept
        if lines is None or crop != self._kept_for:
            lines, self._kept_for = self._draw(crop), crop
        elif self._stale is not None:
            top, bottom = max(self._stale[0], crop.y), min(self._stale[1], crop.bottom)
            if top < bottom:
                some = Region(crop.x, top, crop.width, bottom - top)
                lines[top - crop.y : bottom - crop.y] = self._draw(some)
        self._kept, self._stale = lines, None
        return lines

    def _draw(self, crop: Region) -> list[Strip]:
        """Return lines as they are now; the region is as wide as the widget, but where it is cut."""
        gutter, size = self.gutter, self.region.size
        top, bottom = gutter.top, size.height - gutter.bottom
        if crop.x or crop.width != size.width or top >= bottom:
            return super().render_lines(crop)
        if self._frame is not None and self._frame.size != size:
            self._frame = None
        lines: list[Strip] = []
        for y in range(crop.y, crop.bottom):
            if top <= y < bottom:
                lines.append(self.line_at(y - top))
            else:
                edge = self._edge_line(y)
                lines += super().render_lines(Region(0, y, crop.width, 1)) if edge is None else [edge]
        return lines

    def _edge_line(self, y: int) -> Strip | None:
        """Return the upper or lower edge of the border; None where only Textual can draw it."""
        frame = self.frame
        edge, label = (frame.lower, self.own_subtitle) if y else (frame.upper, self.shown_title)
        return edge.line(label, frame.size.width) if edge is not None else None

    @property
    def frame(self) -> Frame:
        """What is around every line of content."""
        if self._frame is None:
            new = Frame.of(self)
            self._frame = next((one for one in self._frames if new.looks_as(one)), new)
            self._frames = [self._frame, *(one for one in self._frames if one is not self._frame)][:FRAMES]
        return self._frame

    def line_at(self, y: int) -> Strip:
        """Return a line of content as the compositor wants it, from edge to edge."""
        return self.frame.around(self.render_line(y))
