"""The header: which engine, and two bars on one scale, the sum of sizes over what is on disk."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.timer import Timer
from textual.widget import Widget

from layerscope.core.graph import LayerGraph
from layerscope.core.totals import Totals
from layerscope.inventory import Engine, Inventory
from layerscope.text import clean, fit, fit_first
from layerscope.tui.live import Live
from layerscope.tui.messages import ScanProgressed
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.bars import plain_bar, split_bar
from layerscope.tui.widgets.cached import CachedLines
from layerscope.units import Units, count, format_size, part_of
from layerscope.views.bars import CONTENT, UNPACKED, Bar, open_words, saved_words, two_bars
from layerscope.views.forest import parts_of

LABEL = 14
FIGURE = 9
PAST = 5
"""Cells of the line of small bars between label and bar."""
LEAST = 24
"""Cells of the bars that are worth more than the numbers of their parts."""
NEWS = 34
"""Cells that news need to say something."""


class Summary(CachedLines, Widget):
    """Three lines that are always on screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"summary--{name}"
        for name in ("name", "engine", "live", "busy", "stale", "listed", "disk", "saved", "label", "figure", "rest")
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.engine: Engine | None = None
        self.totals: Totals | None = None
        self.shown: Totals | None = None
        self.units = Units.SI
        self.state: tuple[str, tuple[str, ...]] = ("busy", ("connecting",))
        self.progress: ScanProgressed | None = None
        self.past = ""
        """Bytes on disk at earlier scans, as a line of small bars; at most :data:`PAST` cells."""
        self._graph: LayerGraph | None = None
        self._live: Live | None = None
        self._inventory: Inventory | None = None
        self._ticking: Timer | None = None

    def tell(self, scene: Scene | None, live: Live, units: Units) -> None:
        """Show a scene, or that there is none yet; follow the clock while what is said of it will change by that."""
        inventory = scene.graph.inventory if scene is not None else None
        self._live, self._inventory = live, inventory
        state = live.state_of(inventory)
        if scene is None or inventory is None:
            self.show(None, None, state, units, None, live.progress)
            return
        shown = parts_of(scene.graph).totals_of(scene.graph, scene.shown_images()) if scene.filtered else None
        self._graph = scene.graph
        self.show(inventory.engine, scene.graph.totals, state, units, shown, live.progress)
        if self._ticking is None:
            self._ticking = self.set_interval(1.0, self._tick, pause=True)
        self._tick_while_moving()

    def _tick(self) -> None:
        """A second went by: news grow old, and so does what is stale."""
        if self._live is not None and (state := self._live.state_of(self._inventory)) != self.state:
            self.state = state
            self.refresh()
        self._tick_while_moving()

    def _tick_while_moving(self) -> None:
        if self._ticking is not None and self._live is not None:
            if self._live.moving:
                self._ticking.resume()
            else:
                self._ticking.pause()

    def show(
        self,
        engine: Engine | None,
        totals: Totals | None,
        state: tuple[str, tuple[str, ...]],
        units: Units,
        shown: Totals | None,
        progress: ScanProgressed | None = None,
    ) -> None:
        """Show the host's totals; ``shown`` are those of the rows that pass the filter, None without one.

        ``state`` is its kind, and what to say of it, longest wording first.

        ``progress`` is that of the scan under way; it has a bar of its own while there are no totals.
        """
        self.engine, self.totals, self.state, self.units, self.shown = engine, totals, state, units, shown
        self.progress = progress
        self.refresh()

    def style_of(self, name: str) -> Style:
        """The style of a component class."""
        return self.get_component_rich_style(f"summary--{name}", partial=True)

    def render(self) -> Text:
        """Three lines, each exactly as wide as the screen."""
        width = self.size.width
        lines = [self._title(width), *self._bars(width)]
        return Text("\n", no_wrap=True, end="").join(lines)

    def _title(self, width: int) -> Text:
        kind, wordings = self.state
        dot = {"live": "●", "busy": "◌", "stale": "○", "file": "◆"}.get(kind, "●")
        left = Text().append("layerscope", self.style_of("name"))
        room = width - left.cell_len - 6
        said, engine = self._beside(room, wordings, kind == "news")
        least = min(cell_len(wordings[0]), NEWS if kind == "news" else width // 2)
        words = fit_first(wordings, max(least, room - cell_len(said) - cell_len(engine)))
        state = Text(f"{dot} {words}", self.style_of("live" if kind in {"file", "news"} else kind))
        left.append("  " + fit(engine, max(0, room - cell_len(said) - cell_len(words))), self.style_of("engine"))
        right = Text().append(said, self.style_of("label")) + state
        left.append(" " * max(1, width - left.cell_len - right.cell_len))
        line = left + right
        line.truncate(width)
        return line

    def _beside(self, room: int, wordings: tuple[str, ...], news: bool) -> tuple[str, str]:
        """Return the counts and the engine, in as many words as leave room in ``room`` for the state.

        What is always there gives way as it has to: the engine in full, in brief, without the counts beside it.
        News come and go: they take what is left of the line before they take the counts, and the host's address last.
        """
        counts, engines = [""], [""]
        if self.totals is not None:
            least = "≥" if self._inventory is not None and self._inventory.only_first else ""
            counts = [f"{least}{count(self.totals.images, 'image')} · {count(self.totals.layers, 'layer')} · ", ""]
        if self.engine is not None:
            e = self.engine
            brief = clean(f"{e.kind.capitalize()} {e.version.split('+')[0]} · {e.store}", 100)
            engines = [clean(f"{e.kind.capitalize()} {e.version} · {e.store} · {e.host}", 400), brief]
        needed = cell_len(wordings[0])
        if news:
            needed = min(needed, NEWS)
            tries = [(said, engine) for engine in engines for said in counts]
        else:
            tries = [(said, engine) for said in counts for engine in engines]
        fits = (pair for pair in tries if cell_len(pair[0]) + cell_len(pair[1]) + needed <= room)
        return next(fits, ("", engines[-1]))

    def _bars(self, width: int) -> list[Text]:
        if self.totals is None or self._graph is None:
            return [self._progress(width), Text("")]
        first, second = two_bars(self._graph, self.shown, self.units)
        room = max(4, width - LABEL - FIGURE - 1)
        numbers = 0
        for at, wording in enumerate(first.said):
            wide = max(cell_len(wording), cell_len(second.said[at]))
            if room - wide - 2 >= LEAST or at == len(first.said) - 1:
                numbers = wide + 2 if room - wide - 2 >= LEAST else 0
                break
        said = [next((text for text in bar.said if cell_len(text) + 2 <= numbers), "") for bar in (first, second)]
        scale = max(first.total, second.total, 1)
        notes = self._notes(self.totals)
        return [
            self._line(first, scale, room - numbers, "listed", [], said[0].rjust(numbers)),
            self._line(second, scale, room - numbers, "disk", notes, said[1].rjust(numbers)),
        ]

    def _notes(self, totals: Totals) -> list[Text]:
        """What is said beside the second bar, in more and in fewer words."""
        assert self._graph is not None
        label = self.style_of("label")
        if self.shown is not None:
            of = part_of(self.shown.images, totals.images)
            part = format_size(self.shown.disk, self.units)
            notes = [
                Text().append(words, label)
                for words in (
                    f"filter shows {of} images · {part} of it",
                    f"filter: {of} images · {part}",
                    f"{of} · {part}",
                )
            ]
        elif totals.disk_saved > 0:
            size, times = saved_words(totals, self.units)
            saved, ratio = (size, self.style_of("saved")), f" · {times}" if times else ""
            # With images that are not read, their sizes are in one figure of the two only.
            said = ("sharing saves " if totals.keeps_content else "shared layers save ", "saved ")
            notes = [Text().append(words, label).append(*saved).append(ratio, label) for words in said]
        else:
            notes = [Text()]
        words = open_words(self._graph, self.units)
        unknown = Text().append(words, self.style_of("stale"))
        if words:
            both = [note + (Text(" · ") if note.plain else Text()) + unknown for note in notes]
            notes = [*both, *(notes if self.shown is not None else ()), unknown]  # a bound stands at the sum anyway
        return notes

    def _progress(self, width: int) -> Text:
        """How far the scan is, as a bar, while there is nothing else to show."""
        progress = self.progress
        if progress is None or not progress.total:
            return Text("")
        figure = part_of(progress.done, progress.total)
        room = max(4, width - LABEL - len(figure) - 1)
        line = Text().append("Scanning".ljust(LABEL), self.style_of("label"))
        bar = "".join(text for text, _ in plain_bar(progress.done, max(progress.total, progress.done), room, ""))
        line.append(bar, self.style_of("busy")).append("·" * (room - len(bar)), self.style_of("rest"))
        return line.append(f" {figure}", self.style_of("figure"))

    def _line(self, bar: Bar, scale: int, room: int, style: str, notes: list[Text], numbers: str) -> Text:
        """A bar, the longest note that fits behind it, the numbers of its parts, and the figure."""
        past = self.past if style == "disk" else ""
        line = Text().append(bar.label.ljust(LABEL - len(past) - bool(past)), self.style_of("label"))
        if past:
            line.append(past, self.style_of("disk")).append(" ")
        drawn = Text()
        for text in self._pieces(bar, scale, room):
            drawn.append(text, self.style_of(style))
        left = room - drawn.cell_len - 1
        note = next((note for note in notes if note.plain and note.cell_len <= left), Text())
        drawn.append(" " * (room - drawn.cell_len - note.cell_len)).append(note)
        drawn.truncate(room)
        drawn.append(numbers, self.style_of("label"))
        return line + drawn + Text(bar.figure.rjust(FIGURE + 1), self.style_of("figure"))

    @staticmethod
    def _pieces(bar: Bar, scale: int, room: int) -> list[str]:
        if bar.filled is not None:
            return [text for text, _ in split_bar(bar.filled, bar.total, scale, room)]
        whole = [text for text, _ in plain_bar(bar.total, scale, room, "")]
        if not bar.content or not whole:
            return whole
        cells = cell_len(whole[0])
        second = max(1, cells * bar.content // bar.total)
        return [UNPACKED * (cells - second), CONTENT * second]
