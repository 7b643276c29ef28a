"""RowFind: finding among the rows of a list."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layerscope.tui.widgets.findable import Findable

if TYPE_CHECKING:
    from layerscope.views.find import Search, Spot


class RowFind(Findable):
    """Mixin of a list: what fits what is looked for, by the keys of its rows."""

    rows: Sequence[Any]
    key_of: Callable[[Any], Hashable]
    unfold: Callable[[bool], None] | None = None
    """Called when a find begins (True), to show rows that are folded away, and when it ends."""
    spots: Mapping[Hashable, Spot] = {}
    """What was found, by the keys of rows: for the cells to show."""
    _looker: Search | None = None

    @property
    def keys(self) -> Sequence[Hashable]:
        """The keys of the rows, in their order."""
        raise NotImplementedError

    @property
    def row(self) -> Any | None:
        """The row under the cursor; None when there are no rows."""
        raise NotImplementedError

    def repaint(self, index: int | None = None) -> None:
        """Draw one row again, or all of them."""
        raise NotImplementedError

    def repaint_those(self, keys: Mapping[Hashable, Spot], others: Mapping[Hashable, Spot]) -> None:
        """Draw the rows with some keys again."""
        raise NotImplementedError

    def found(self) -> None:
        """Something else is looked for, or nothing any more."""
        raise NotImplementedError

    def say_hits(self) -> None:
        """Say how many rows fit, and which of them the cursor is on."""
        raise NotImplementedError

    def find(self, text: str) -> None:
        """Look for what was typed and show where it is; for a blank nothing is found, but the find goes on."""
        self.find_text = text if text.strip() else ""
        self.begin_find()
        before = self.spots
        self.look()
        self.repaint_those(self.spots, before)
        self.found()

    def begin_find(self) -> None:
        """Make ready to look for something."""
        if not self.finding:
            self.finding = True
            if self.unfold is not None:
                self.unfold(True)
            self._searcher()

    def end_find(self) -> None:
        """Look for nothing any more."""
        if self.finding:
            self.finding, self.find_text = False, ""
            self.look()
            if self.unfold is not None:
                self.unfold(False)
            self.repaint()
            self.found()

    def _searcher(self) -> Search | None:
        """What looks through these rows, made once for them."""
        if self._looker is None and self.search is not None and self.rows:
            self._looker = self.search()
        return self._looker

    def forget_searcher(self) -> None:
        """There are other rows now."""
        self._looker = None

    def look(self) -> None:
        """Look for the text among the rows as they are now."""
        searcher = self._searcher() if self.find_text else None
        self.spots = spots = searcher.find(self.find_text) if searcher is not None else {}
        fit = spots.keys()
        self._hits = [index for index, key in enumerate(self.keys) if key in fit] if spots else []
        self.say_hits()

    @property
    def spot(self) -> Spot | None:
        """Where the row under the cursor fits."""
        return self.spots.get(self.key_of(self.row)) if self.spots and self.row is not None else None

    def best_hit(self, origin: int) -> int | None:
        """Return the row that fits best, the first of several from ``origin`` on; None for no hit."""
        keys, spots = self.keys, self.spots
        best = getattr(spots, "best", spots)
        hits = [index for index in self._hits if keys[index] in best]
        if hits:
            scores = [best[keys[index]].score for index in hits]
            most = max(scores)
            hits = [index for index, score in zip(hits, scores, strict=True) if score == most]
        equals = hits or self._hits
        return equals[bisect_left(equals, origin) % len(equals)] if equals else None
