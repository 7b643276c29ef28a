"""Kept: a widget that is asked for its lines in every frame, and draws only those that changed."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip

from layerscope.tui.widgets.framed import Framed


class Kept(Framed):
    """Mixin of a widget: keeps its lines as they were sent last.

    Textual's compositor takes all lines of every widget whose surroundings changed, whatever is
    to be seen of them, and passes each through its styles and filters again (``_compositor.py``,
    ``_get_renders``). On a screen full of lists that is most of what a key costs.
    """

    _kept: list[Strip] | None = None
    _kept_for: Region | None = None
    _stale: tuple[int, int] | None = None
    """The first line that is to be drawn again, and the one after the last; None: none of them."""

    def _set_dirty(self, *regions: Region) -> None:
        """Note which lines are to be drawn again; without regions all of them."""
        super()._set_dirty(*regions)
        if not regions:
            self._kept = None
            return
        down = self.content_offset.y
        stale = [self._stale] if self._stale is not None else []
        stale += [(region.y + down, region.bottom + down) for region in regions]
        self._stale = min(top for top, _ in stale), max(bottom for _, bottom in stale)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the lines in ``crop``, a region of the widget."""
        lines = self._kept
        if lines is None or crop != self._kept_for:
            lines, self._kept_for = super().render_lines(crop), crop
        elif self._stale is not None:
            top, bottom = max(self._stale[0], crop.y), min(self._stale[1], crop.bottom)
            if top < bottom:
                some = Region(crop.x, top, crop.width, bottom - top)
                lines[top - crop.y : bottom - crop.y] = super().render_lines(some)
        self._kept, self._stale = lines, None
        return lines
