"""FindBar: what is typed in it is looked for in one list, or on the map."""

from __future__ import annotations

from layerscope.text import fit
from layerscope.tui.widgets.columns import Piece
from layerscope.tui.widgets.findable import Findable
from layerscope.tui.widgets.hits import excerpt
from layerscope.tui.widgets.prompt import Prompt, Reply

KEYS = (("enter", "keep"), ("escape", "back"), ("down", "next"))


class FindBar(Prompt):
    """Moves the cursor of a list to what fits best, and remembers what was looked for last."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.table: Findable | None = None
        """In what is looked for something, or was last."""
        self._origin = (0, 0)
        self._start = 0
        self._last = ""

    def open(self, table: Findable) -> None:
        """Let one type what to look for in a list."""
        self.table, self._origin = table, table.place
        table.begin_find()
        self._start = table.cursor  # other than before where rows were unfolded
        self.take_keyboard("/", "", KEYS)
        table.light(True)
        last: list[Piece] = [("letters of a name, a tag, an ID or an instruction", "quiet")]
        if self._last:
            last = [("Enter alone: ", "quiet"), (fit(self._last, 40), "text"), (" again", "quiet")]
        self.say("", Reply(last))

    def changed(self) -> None:
        """Look for what is typed now: by now there may be more than when it was posted."""
        self._look(self.text)

    def keep(self, *, back: bool = True) -> None:
        """Keep the hits; of nothing typed, those of what was looked for last."""
        table, text = self.table, self.text
        if table is None:
            return
        if table.find_text.strip() != text.strip():
            self._look(text)  # typed so fast that it was not looked for yet
        if not text.strip() and self._last:
            self._look(self._last)
            text = self._last
        self._last = text if text.strip() else self._last
        if not table.find_text:
            table.end_find()
        self._close(back=back)

    def drop(self) -> None:
        """Put the cursor back where it was."""
        table = self.table
        if table is not None:
            table.move_to(self._start)
            table.end_find()
            table.put_back(*self._origin)
        self._close()

    def step(self, by: int) -> None:
        """Go to the next hit, or to the one before."""
        table = self.table
        if table is not None:
            index = table.next_hit(by)
            if index is not None:
                table.move_to(index)
            self._report()

    def complete(self, by: int) -> None:
        """There is nothing to complete: to the next hit."""
        self.step(by)

    def hit(self, table: Findable | None, by: int) -> None:
        """Without the bar: go to the next hit in a list, of what was looked for last where nothing is."""
        if table is None or not (table.find_text or self._last):
            self.notify("nothing to find yet: press /")
            return
        if not table.find_text:
            table.find(self._last)
        self.table = table
        self.step(by)

    def _close(self, *, back: bool = True) -> None:
        if self.table is not None:
            self.table.light(False)
        self.leave(back=back)

    def _look(self, text: str) -> None:
        table = self.table
        if table is None:
            return
        table.find(text)
        best = table.best_hit(self._start)
        table.move_to(self._start if best is None else best)
        self._report()

    def _report(self) -> None:
        if self.table is not None and self.is_open:
            self.say(self.table.hits_said, Reply(_where(self.table)))


def _where(table: Findable) -> list[Piece]:
    """Return in what the row under the cursor fits, when it is not its name."""
    spot = table.spot
    if spot is None or spot.what in {"name", "instruction"}:
        return []
    what = f"layer {spot.layer.depth + 1}" if spot.layer is not None else spot.what
    return [(f"in {what}  ", "quiet"), *excerpt(spot.text, spot.positions, 60)]
