"""Framed: a widget whose frame says when what is in it may no longer be so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget

if TYPE_CHECKING:
    Base = Widget
else:
    Base = object  # a widget takes its default styles from its first base that is a widget: this must not be it

STALE = "stale"


class Framed(Base):
    """Mixin of a widget with a title in its border, which :meth:`entitle` sets."""

    own_title: Content | None = None
    """The title but for the word that says that what is in the frame is stale."""
    own_subtitle: Content | None = None
    """The text in the lower edge."""
    _is_stale = False
    _edge: int | None = None
    """While only a title changes: the line of content that its edge of the border would be."""

    def entitle(self, title: Content | None = None, below: Content | None = None) -> None:
        """Show another title, or another text in the lower edge of the border, and draw nothing else again for it."""
        if title is not None and str(title) != str(self.own_title or ""):
            self._edge, self.own_title = -1, title
            self.border_title = self.shown_title
        if below is not None and str(below) != str(self.own_subtitle or ""):
            self._edge, self.own_subtitle = self.size.height, below
            self.border_subtitle = below
        self._edge = None

    @property
    def shown_title(self) -> Content | None:
        """The title as it stands in the frame."""
        if not self._is_stale:
            return self.own_title
        return Content(STALE if self.own_title is None else f"{STALE} · {self.own_title.plain}")  # in one look

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw all of it again, or some regions; of a change of titles only the edge."""
        if self._edge is not None:
            regions = (Region(0, self._edge, self.size.width, 1),)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def show_stale(self, stale: bool) -> None:
        """Say in the frame that what is in it is stale, or no longer."""
        if stale is not self._is_stale:
            self._is_stale = stale
            self.border_title = self.shown_title
            self.refresh()
