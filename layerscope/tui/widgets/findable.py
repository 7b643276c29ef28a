"""Findable: what a widget offers in which one can find, so that the prompt need not know what it shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.widget import Widget

from layerscope.units import count, part_of

if TYPE_CHECKING:
    from layerscope.views.find import Search, Spot

    Base = Widget
else:
    Base = object  # a widget takes its default styles from its first base that is a widget: this must not be it


class Findable(Base):
    """Mixin of a widget with a cursor over things that are numbered."""

    search: Callable[[], Search] | None = None
    """Gives what looks through it; none: there is nothing to find here."""
    finding = False
    find_text = ""
    """What is being looked for; empty: nothing."""
    cursor: int
    _hits: list[int]
    """The numbers of what fits, rising."""

    def find(self, text: str) -> None:
        """Look for what was typed and show where it is; for a blank nothing is found, but the find goes on."""
        raise NotImplementedError

    def begin_find(self) -> None:
        """Make ready to look for something."""
        raise NotImplementedError

    def end_find(self) -> None:
        """Look for nothing any more."""
        raise NotImplementedError

    @property
    def spot(self) -> Spot | None:
        """Where what the cursor is on fits."""
        raise NotImplementedError

    def best_hit(self, origin: int) -> int | None:
        """Return what fits best, the first of several from ``origin`` on; None for no hit."""
        raise NotImplementedError

    def move_to(self, index: int) -> None:
        """Put the cursor there."""
        raise NotImplementedError

    @property
    def place(self) -> tuple[int, int]:
        """Where the cursor is, and what is in sight: for :meth:`put_back`."""
        raise NotImplementedError

    def put_back(self, cursor: int, top: int) -> None:
        """Show it as it was at an earlier :attr:`place`."""
        raise NotImplementedError

    def light(self, on: bool) -> None:
        """Draw it as if it had the focus, while a prompt has it."""
        raise NotImplementedError

    def next_hit(self, by: int) -> int | None:
        """Return the hit after the cursor (or before it); after the last comes the first."""
        if not self._hits:
            return None
        if by > 0:
            return self._hits[bisect_right(self._hits, self.cursor) % len(self._hits)]
        return self._hits[bisect_left(self._hits, self.cursor) - 1]

    @property
    def hits_said(self) -> str:
        """``3 of 12``, or what there is to say instead."""
        if not self.find_text:
            return ""
        if not self._hits:
            return "no match"
        at = bisect_left(self._hits, self.cursor)
        if at < len(self._hits) and self._hits[at] == self.cursor:
            return part_of(at + 1, len(self._hits))
        return count(len(self._hits), "hit")

    @property
    def on_view(self) -> bool:
        """False when it is a part of a view that is not shown."""
        return all(node.display for node in self.ancestors_with_self if isinstance(node, Widget))
