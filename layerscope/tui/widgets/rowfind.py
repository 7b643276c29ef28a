"""RowFind: finding among the rows of a list."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layerscope.tui.widgets.findable import Findable

if TYPE_CHECKING:
    from layerscope.views.find import Search, Spot

FEW = 4
"""Of so many rows one fits at most, where it is quicker to ask for each that does than for each row."""


class RowFind(Findable):
    """Mixin of a list: what fits what is looked for, by the keys of its rows."""

    rows: Sequence[Any]
    key_of: Callable[[Any], Hashable]
    unfold: Callable[[bool], None] | None = None
    """Called when a find begins (True), to show rows that are folded away, and when it ends."""
    spots: Mapping[Hashable, Spot] = {}
    """What was found, by the keys of rows: for the cells to show."""
    _looker: Search | None = None
    _numbers: tuple[Sequence[Hashable], dict[Hashable, int]] | None = None
    """Keys, and the number of the row of each."""

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
        self._hits = self._places(spots) if spots else []
        self.say_hits()

    def _places(self, spots: Mapping[Hashable, Spot]) -> list[int]:
        """Return the numbers of the rows with some keys, rising."""
        keys = self.keys
        if len(spots) <= len(keys) // FEW:
            if self._numbers is None or self._numbers[0] is not keys:
                self._numbers = keys, {key: index for index, key in enumerate(keys)}
            numbers = self._numbers[1]
            if len(numbers) == len(keys):
                return sorted(numbers[key] for key in spots if key in numbers)
        fit = spots.keys()
        return [index for index, key in enumerate(keys) if key in fit]

    @property
    def spot(self) -> Spot | None:
        """Where the row under the cursor fits."""
        return self.spots.get(self.key_of(self.row)) if self.spots and self.row is not None else None

    def best_hit(self, origin: int) -> int | None:
        """Return the row that fits best, the first of several from ``origin`` on; None for no hit."""
        keys, spots = self.keys, self.spots
        equals = self._hits
        for level in getattr(spots, "levels", (spots,)):
            hits = [index for index in self._hits if keys[index] in level] if level else []
            if hits:
                scores = [level[keys[index]].score for index in hits]
                best = max(scores)
                equals = [index for index, score in zip(hits, scores, strict=True) if score == best]
                break
        return equals[bisect_left(equals, origin) % len(equals)] if equals else None
