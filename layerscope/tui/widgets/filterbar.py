"""FilterBar: what is typed in it chooses the images that are shown."""

from __future__ import annotations

from msgspec import Struct, field
from textual.timer import Timer

from layerscope.search.complete import Completion, complete, example
from layerscope.search.query import Query, parse
from layerscope.search.terms import FLAGS
from layerscope.tui.messages import FilterChosen
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import Piece
from layerscope.tui.widgets.prompt import Prompt, Reply
from layerscope.units import format_number, part_of
from layerscope.views.forest import parts_of

PAUSE = 0.05
"""Seconds without a letter after which a filter that is typed is applied."""
KEYS = (("enter", "keep"), ("escape", "undo"), ("tab", "complete"), ("up", "earlier"))
EXAMPLES = "unused  dangling  >500MB  unique>100MB  older:30d  repo:api  -shared  layer:8c1d"


class FiltersBefore(Struct):
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


class Cycle(Struct):
    """Choices that Tab goes through."""

    completion: Completion
    head: str
    tail: str
    at: int = -1


class FilterBar(Prompt):
    """Reads a filter as it is typed, says what it means, and remembers those of before."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self._filters = FiltersBefore()
        self._undo: Query | None = None
        """The filter that was there when the bar was opened."""
        self._chosen: Query | None = None
        """The filter that was posted last: what is shown, or is about to be."""
        self._typed_query: Query | None = None
        self._refused = False
        self._typing: Timer | None = None
        self._cycle: Cycle | None = None
        self._choices: Reply | None = None

    def open(self, scene: Scene) -> None:
        """Let one type a filter for a scene, beginning with the one that it has."""
        self.scene = scene
        self._undo = self._chosen = scene.query
        self._cycle = self._choices = None
        self._filters.begin()
        text = self._undo.text if self._undo is not None else ""
        self.take_keyboard("&", text, KEYS)
        self.call_after_refresh(parts_of, scene.graph)  # what each letter then reads sums from
        self._read(scene, text)

    def changed(self) -> None:
        """Filter as is typed now."""
        self._cycle = self._choices = None
        self._refused = False
        if self.scene is not None:
            self._read(self.scene, self.text)

    def keep(self, *, back: bool = True) -> None:
        """Keep the filter, unless it is wrong: then the bar stays open, or is left with the filter of before."""
        if self.scene is None:
            return
        query = self._read(self.scene, self.text, at_once=True)
        wrong = any(not problem.hint for problem in query.problems)
        if wrong and back:
            self._refused = True  # a filter that means less than it says would show, and mark, too much
            self.explain()
            self.app.bell()
            return
        if wrong:
            self._choose(self._undo)
        elif query:
            self._filters.keep(self.text)
        self._close(back=back)

    def drop(self) -> None:
        """Put the filter back that was there before."""
        self._choose(self._undo)
        self._close()

    def step(self, by: int) -> None:
        """Recall an earlier filter, or a later one."""
        self._cycle = self._choices = None
        self._put(self._filters.step(by, self.text))

    def complete(self, by: int) -> None:
        """Complete a term, in one way after the other."""
        cycle, text = self._cycle, self.text
        if cycle is None:
            found = complete(text, self.line.cursor_position)
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
        self._choices = Reply(pieces)
        self._put(cycle.head + chosen + cycle.tail.removeprefix(" " * chosen.endswith(" ")), len(cycle.head + chosen))
        self._cycle = cycle if len(choices) > 1 else None

    def explain(self) -> None:
        """Say what is typed comes to, or what is wrong with it, and how many images are shown."""
        scene, query = self.scene, self._typed_query
        if scene is None or query is None:
            return
        caret = self.line.cursor_position
        shown, total = len(scene.shown_images()), len(scene.graph.images)
        problems = query.problems or (() if shown else query.doubts)
        here = [p for p in problems if p.start <= caret <= p.end] or list(problems)
        wrong = [(problem.start, problem.end, problem.hint) for problem in problems]
        if self._choices is not None:
            answer = self._choices
        elif here:
            problem = here[0]
            more = f" · and {format_number(len(problems) - 1)} more" if len(problems) > 1 else ""
            style = "warn" if problem.hint else "bad"
            refused = "not kept yet: " if self._refused else ""
            answer = Reply([(refused + problem.message + more, style)], problem.start, problem.end)
        elif query:
            answer = Reply([(query.explain, "quiet")])
        else:
            answer = Reply([(EXAMPLES, "quiet")])
        self.say(part_of(shown, total), answer, wrong)

    def _put(self, text: str, caret: int | None = None) -> None:
        self.write(text, caret)
        if self.scene is not None:
            self._read(self.scene, text)

    def _read(self, scene: Scene, text: str, *, at_once: bool = False) -> Query:
        """Say what a typed filter means, and tell of it: now, or as soon as the keys rest."""
        self._typed_query = query = parse(text, scene.now)
        self.explain()
        if self._typing is not None:
            self._typing.stop()
        if at_once:
            self._apply(query)
        else:
            self._typing = self.set_timer(PAUSE, lambda: self._apply(query))
        return query

    def _apply(self, query: Query) -> None:
        self._typing = None
        if (self._chosen.text if self._chosen else "") != (query.text if query else ""):
            self._choose(query if query else None)

    def _choose(self, query: Query | None) -> None:
        if query is not self._chosen:
            self._chosen = query
            self.screen.post_message(FilterChosen(query))

    def _close(self, *, back: bool = True) -> None:
        if self._typing is not None:
            self._typing.stop()
            self._typing = None
        self.leave(back=back)
