"""Find and filter: what the prompt at the bottom does to the lists of a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget

from layerscope.search.complete import Completion, complete, example
from layerscope.search.query import Query, parse
from layerscope.search.terms import FLAGS
from layerscope.text import fit
from layerscope.tui.keys import FIND
from layerscope.tui.screens.host import HostScreen
from layerscope.tui.widgets.columns import Piece
from layerscope.tui.widgets.findable import Findable
from layerscope.tui.widgets.hits import excerpt
from layerscope.tui.widgets.prompt import Answer, Prompt
from layerscope.tui.widgets.rowtable import RowTable

PAUSE = 0.05
"""Seconds without a letter after which a filter that is typed is applied."""
FIND_KEYS = (("enter", "keep"), ("escape", "back"), ("down", "next"))
FILTER_KEYS = (("enter", "keep"), ("escape", "undo"), ("tab", "complete"), ("up", "earlier"))
EXAMPLES = "unused  dangling  >500MB  unique>100MB  older:30d  repo:api  -shared  layer:8c1d"


@dataclass(slots=True)
class History:
    """What was typed before, in this session."""

    lines: list[str] = field(default_factory=list)
    at: int = 0
    draft: str = ""

    def keep(self, line: str) -> None:
        """Remember a line as the latest."""
        if line.strip():
            self.lines = [*(old for old in self.lines if old != line), line][-100:]

    def begin(self) -> None:
        """Start from the newest."""
        self.at, self.draft = len(self.lines), ""

    def step(self, by: int, typed: str) -> str:
        """Return an earlier (-1) or later line; after the latest comes what was being typed."""
        if self.at == len(self.lines):
            self.draft = typed
        self.at = max(0, min(len(self.lines), self.at + by))
        return self.lines[self.at] if self.at < len(self.lines) else self.draft


@dataclass(slots=True)
class Cycle:
    """Choices that Tab goes through."""

    completion: Completion
    head: str
    tail: str
    at: int = -1


class FindingScreen(HostScreen):
    """The base of a screen with lists to find in and a host to filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "Find", group=FIND, key_display="/", tooltip="Find in this list"),
        Binding("n", "hit(1)", "Next hit", show=False, group=FIND),
        Binding("N", "hit(-1)", "Previous hit", show=False, group=FIND),
        Binding(
            "ampersand,backslash",
            "filter",
            "Filter",
            group=FIND,
            key_display="&",
            tooltip="Filter: show only some images",
        ),
        Binding("escape", "clear", "Clear", show=False, group=FIND, tooltip="Clear the find, then the filter"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._prompted = ""
        self._table: Findable | None = None
        self._from: Widget | None = None
        self._origin = (0, 0)
        self._start = 0
        self._refused = False
        self._last = ""
        self._filters = History()
        self._before: Query | None = None
        self._typing: Timer | None = None
        self._cycle: Cycle | None = None
        self._choices: Answer | None = None

    @property
    def prompt(self) -> Prompt:
        """The two lines at the bottom."""
        return self.query_one(Prompt)

    # -- open and close -------------------------------------------------------------------

    def _open(self, kind: str, sign: str, text: str, keys: Sequence[tuple[str, str]]) -> None:
        self._prompted = kind
        self._from = self.focused
        self._cycle = self._choices = None
        self._prompting(True)
        self.prompt.open(self, sign, text, keys)

    def _close(self, *, back: bool = True) -> None:
        self._prompted = ""
        self._prompting(False)
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        for table in self.query(RowTable):
            table.release()
        if self._table is not None:
            self._table.light(False)
        if back and self._from is not None:
            self.set_focus(self._from)

    def _prompting(self, on: bool) -> None:
        # Not by a class of the screen: that would match the styles of everything on it anew.
        self.prompt.display = on
        for below in self.query("#status, #hints"):
            below.display = not on

    @on(events.DescendantFocus)
    def _focus_went(self, event: events.DescendantFocus) -> None:
        """A click elsewhere closes the prompt, and keeps what is typed."""
        if self._prompted and self.prompt not in event.widget.ancestors_with_self:
            self._keep(self.prompt.text, back=False)

    def prompt_changed(self) -> None:
        """Look, or filter, as is typed now."""
        self._cycle = self._choices = None
        self._refused = False
        if self._prompted == "find":
            self._look(self.prompt.text)  # by now there may be more than when it was posted
        elif self._prompted == "filter":
            self._read(self.prompt.text)

    def prompt_kept(self) -> None:
        """Keep the hits, or the filter."""
        self._keep(self.prompt.text)

    def _keep(self, text: str, *, back: bool = True) -> None:
        if self._prompted == "find":
            if self._table is not None and self._table.find_text.strip() != text.strip():
                self._look(text)  # typed so fast that it was not looked for yet
            if not text.strip() and self._table is not None and self._last:
                self._look(self._last)
                text = self._last
            self._last = text if text.strip() else self._last
            if self._table is not None and not self._table.find_text:
                self._table.end_find()
            self._close(back=back)
        elif self._prompted == "filter":
            query = self._read(text, at_once=True)
            wrong = query is not None and any(not problem.hint for problem in query.problems)
            if query is not None and wrong and back:
                self._refused = True  # a filter that means less than it says would show, and mark, too much
                self._explain(query)
                self.app.bell()
                return
            if wrong and self.host is not None:
                self.host.query = self._before
                self.redraw()
            elif query:
                self._filters.keep(text)
            self._close(back=back)

    def prompt_dropped(self) -> None:
        """Put the cursor back, or the filter that was there before."""
        table = self._table
        if self._prompted == "find" and table is not None:
            table.move_to(self._start)
            table.end_find()
            table.put_back(*self._origin)
        elif self._prompted == "filter" and self.host is not None and self.host.query is not self._before:
            self.host.query = self._before
            self.redraw()
        self._close()

    def prompt_stepped(self, by: int) -> None:
        """Go to the next hit, or recall an earlier filter."""
        if self._prompted == "find":
            self._go(by)
        else:
            self._cycle = self._choices = None
            self._put(self._filters.step(by, self.prompt.text))

    def _put(self, text: str, caret: int | None = None) -> None:
        self.prompt.write(text, caret)
        self._read(text)

    def action_clear(self) -> None:
        """Close what is topmost: the find, then the filter."""
        finding = [table for table in self.findables if table.finding]
        if finding:
            for table in finding:
                table.end_find()
        elif self.host is not None and self.host.query is not None:
            self.host.query = None
            self.redraw()

    # -- find -----------------------------------------------------------------------------

    @property
    def findables(self) -> list[Findable]:
        """The lists of the screen, and the map."""
        return [widget for widget in self.query("*") if isinstance(widget, Findable)]

    def _findable(self) -> Findable | None:
        if isinstance(self.focused, Findable) and self.focused.search is not None:
            return self.focused
        return next((table for table in self.findables if table.search is not None and table.on_view), None)

    def action_find(self) -> None:
        """Find in the list that has the focus."""
        table = self._findable()
        if table is None:
            self.notify("there is no list here to find in", severity="warning")
            return
        for other in self.findables:
            other.end_find()
        self._table, self._origin = table, table.place
        table.begin_find()
        self._start = table.cursor  # other than before where rows were unfolded
        self._open("find", "/", "", FIND_KEYS)
        table.light(True)
        last: list[Piece] = [("letters of a name, a tag, an ID or an instruction", "quiet")]
        if self._last:
            last = [("Enter alone: ", "quiet"), (fit(self._last, 40), "text"), (" again", "quiet")]
        self.prompt.say("", Answer(last))

    def _look(self, text: str) -> None:
        table = self._table
        if table is None:
            return
        table.find(text)
        best = table.best_hit(self._start)
        if best is None:
            table.move_to(self._start)
        else:
            table.move_to(best)
        self._report()

    def _report(self) -> None:
        table = self._table
        if table is not None and self._prompted == "find":
            self.prompt.say(table.hits_said, Answer(self._where(table)))

    @staticmethod
    def _where(table: Findable) -> list[Piece]:
        """In what the row under the cursor fits, when it is not its name."""
        spot = table.spot
        if spot is None or spot.what in {"name", "instruction"}:
            return []
        what = spot.what
        if spot.layer is not None:
            what = f"layer {spot.layer.depth + 1}"
        return [(f"in {what}  ", "quiet"), *excerpt(spot.text, spot.positions, 60)]

    def action_hit(self, by: int) -> None:
        """Go to the next or the previous hit."""
        table = self.focused if isinstance(self.focused, Findable) else self._table
        if table is None or table.search is None:
            table = self._findable()
        if table is None or not (table.find_text or self._last):
            self.notify("nothing to find yet: press /")
            return
        if not table.find_text:
            table.find(self._last)
        self._table = table
        self._go(by)

    def _go(self, by: int) -> None:
        table = self._table
        if table is not None:
            index = table.next_hit(by)
            if index is not None:
                table.move_to(index)
            self._report()

    # -- filter ---------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Show only the images that pass a filter."""
        if self.host is None:
            return
        self._before = self.host.query
        self._filters.begin()
        for table in self.query(RowTable):
            table.hold()
        text = self._before.text if self._before is not None else ""
        self._open("filter", "&", text, FILTER_KEYS)
        self._read(text)

    def _read(self, text: str, *, at_once: bool = False) -> Query | None:
        """Say what a typed filter means, and apply it: now, or as soon as the keys rest."""
        if self.host is None:
            return None
        query = parse(text, self.host.now)
        self._explain(query)
        if self._typing is not None:
            self._typing.stop()
        if at_once:
            self._apply(query)
        else:
            self._typing = self.set_timer(PAUSE, lambda: self._apply(query))
        return query

    def _apply(self, query: Query) -> None:
        self._typing = None
        host = self.host
        if host is None or (host.query.text if host.query else "") == (query.text if query else ""):
            return
        host.query = query if query else None
        self.redraw()
        self._explain(query)

    def _explain(self, query: Query) -> None:
        host = self.host
        if host is None:
            return
        caret = self.prompt.line.cursor_position
        shown, total = len(host.shown_images()), len(host.graph.images)
        problems = query.problems or (() if shown else query.doubts)
        here = [p for p in problems if p.start <= caret <= p.end] or list(problems)
        wrong = [(problem.start, problem.end, problem.hint) for problem in problems]
        if self._choices is not None:
            answer = self._choices
        elif here:
            problem = here[0]
            more = f" · and {len(problems) - 1} more" if len(problems) > 1 else ""
            style = "warn" if problem.hint else "bad"
            refused = "not kept yet: " if self._refused else ""
            answer = Answer([(refused + problem.message + more, style)], problem.start, problem.end)
        elif query:
            answer = Answer([(query.explain, "quiet")])
        else:
            answer = Answer([(EXAMPLES, "quiet")])
        self.prompt.say(f"{shown:,} of {total:,}", answer, wrong)

    def prompt_completed(self, by: int) -> None:
        """Complete a term, in one way after the other."""
        if self._prompted == "find":
            self._go(by)
            return
        cycle, text = self._cycle, self.prompt.text
        if cycle is None:
            found = complete(text, self.prompt.line.cursor_position)
            if not found.choices:
                return
            cycle = Cycle(found, text[: found.start], text[found.end :])
        choices = cycle.completion.choices
        cycle.at = (cycle.at + by) % len(choices) if cycle.at >= 0 or by > 0 else len(choices) - 1
        chosen = choices[cycle.at]
        pieces: list[Piece] = []
        for index, choice in enumerate(choices):
            pieces += [(choice.rstrip(), "chosen" if index == cycle.at else "quiet"), ("  ", "quiet")]
        name = chosen.rstrip()
        pieces.append((FLAGS[name][0] if name in FLAGS else f"like {example(chosen)}", "text"))
        self._choices = Answer(pieces)
        self._put(cycle.head + chosen + cycle.tail.removeprefix(" " * chosen.endswith(" ")), len(cycle.head + chosen))
        self._cycle = cycle if len(choices) > 1 else None
