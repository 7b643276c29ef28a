"""The engine view: our figures beside what the engine says of itself, and a sentence for each difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.text import clean, fit, wrapped
from layerscope.tui.keys import ENGINE, MOVE
from layerscope.tui.messages import UsageNotWanted, UsageWanted
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.bars import stacked
from layerscope.tui.widgets.framed import Framed
from layerscope.units import count, format_number, format_size, part_of
from layerscope.views.changes import time_of_day
from layerscope.views.engine import Figure, Reconciliation, reconcile
from layerscope.views.rest import answered_ago, rest_of
from layerscope.views.why import why

VERDICTS = {
    "not asked": ("…", "dim"),
    "same": ("=", "good"),
    "explained": ("≠", "explained"),
    "differs": ("!", "bad"),
    "ours": ("·", "dim"),
}
"""A sign and a style for each verdict: never colour alone."""
NAME = 18
NUMBERS = (("OURS", 9), ("ENGINE'S", 10), ("DIFFERENCE", 12))
TABLE = 2 + NAME + sum(width for _, width in NUMBERS)
"""Cells of the figures: signs, names and numbers."""
SHARES = {
    "Images": ("█", "good"),
    "Build cache": ("▓", "explained"),
    "Containers": ("▒", "title"),
    "Volumes": ("░", "dim"),
}
"""A sign and a style for each thing on the disk: never colour alone."""
PROSE = 100
"""Cells of a line of prose at most: longer ones are hard to read."""
BESIDE = 80
"""Cells that prose needs to stand beside the figures."""
NEWS = 6
"""How many of the latest news are listed."""


class EnginePane(Framed, VerticalScroll, can_focus=True):
    """Asks the engine for its disk usage when it is first shown: that can be slow, so it is asked for only here."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"engine--{name}" for name in ("good", "explained", "bad", "dim", "name", "head", "title")
    }
    has_rows = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, group=MOVE),
        Binding("down,j", "scroll_down", "Down", show=False, group=MOVE),
        Binding("pageup,ctrl+b", "page_up", "Page up", show=False, group=MOVE),
        Binding("pagedown,ctrl+f", "page_down", "Page down", show=False, group=MOVE),
        Binding("ctrl+u", "half_page(-1)", "Half a page up", show=False, group=MOVE),
        Binding("ctrl+d", "half_page(1)", "Half a page down", show=False, group=MOVE),
        Binding("home,g", "scroll_home", "First", show=False, group=MOVE),
        Binding("end,G", "scroll_end", "Last", show=False, group=MOVE),
        Binding("a", "ask", "Ask the engine again", group=ENGINE),
        Binding("w", "ask_whole", "Ask for all of its disk: containers, volumes", group=ENGINE),
        Binding("escape", "give_up", "Stop waiting for the engine", show=False, group=ENGINE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.scene: Scene | None = None
        self.asking = False
        self.refused = ""
        """Why the engine gave no disk usage, when it was asked."""
        self._found: Reconciliation | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="figures")

    def show_scene(self, scene: Scene) -> None:
        """Show the figures of a scene; ask the engine for its own unless it has been."""
        self.scene = scene
        if scene.graph.inventory.usage is None and not self.asking and not self.refused:
            self.action_ask()
        self._draw()

    def action_ask(self) -> None:
        """Ask for the engine's disk usage, in the background."""
        if self.scene is not None and not self.scene.graph.inventory.from_file:
            self.asking, self.refused = True, ""
            self.post_message(UsageWanted())
            self._draw()

    def action_ask_whole(self) -> None:
        """Ask for what containers and volumes take too, in the background: the engine walks over all of their files."""
        if self.scene is not None and not self.scene.graph.inventory.from_file:
            self.asking, self.refused = True, ""
            self.post_message(UsageWanted(whole=True))
            self._draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is for others unless the engine is being asked, and a saved scan cannot be."""
        if action in {"ask", "ask_whole"}:
            return self.scene is not None and not self.scene.graph.inventory.from_file
        return self.asking if action == "give_up" else super().check_action(action, parameters)

    def action_half_page(self, way: int) -> None:
        """Scroll by half of what is on view."""
        self.scroll_relative(y=way * max(1, self.size.height // 2), animate=False)

    def action_give_up(self) -> None:
        """Wait no longer; an answer that still comes is dropped."""
        self.post_message(UsageNotWanted())
        self.answered("nobody waited for it")

    def answered(self, refused: str = "") -> None:
        """The engine answered, or refused for a reason, or was no longer waited for."""
        self.asking, self.refused = False, refused
        self._draw()

    # what every view has: here there is nothing under a cursor

    @property
    def image_here(self) -> ImageNode | None:
        """No image is pointed at here."""
        return None

    @property
    def layer_here(self) -> Layer | None:
        """No layer is pointed at here."""
        return None

    def marks_changed(self) -> None:
        """Marks are not shown here."""

    def targets(self) -> Iterable[ImageNode]:
        """There is nothing to mark here."""
        return []

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """There is nothing to point at here."""

    def follow(self) -> None:
        """There is no cursor."""

    def take_focus(self) -> None:
        self.focus()

    @property
    def sentence(self) -> str:
        """What the comparison comes to, in a line."""
        if self.asking:
            return "asking the engine for its own figures …"
        found = self._found
        if found is None or not found.asked:
            return "figures of ours; the engine's own are not known" if found is not None else ""
        verdicts = [figure.verdict for figure in found.figures]
        same, explained, wrong = (verdicts.count(verdict) for verdict in ("same", "explained", "differs"))
        if not explained and not wrong:
            return f"{count(same, 'figure')} of ours and the engine's, all the same"
        parts = [f"{part_of(same, same + explained + wrong, 'figure')} are the same"]
        parts += [f"{format_number(explained)} {'differs' if explained == 1 else 'differ'}; reasons below"]
        parts += [f"{format_number(wrong)} should be the same and {'is' if wrong == 1 else 'are'} not"] if wrong else []
        return " · ".join(parts)

    # -- drawing --------------------------------------------------------------------------

    def _style(self, name: str) -> Style:
        full = self.get_component_rich_style(f"engine--{name}")
        return Style(color=full.color, bold=full.bold, dim=full.dim, italic=full.italic)

    def on_mount(self) -> None:
        """Another theme means other colours in the page."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def on_resize(self) -> None:
        """Lay the page out again."""
        self._draw()

    def _draw(self) -> None:
        if self.scene is None or not self.is_mounted:
            return
        self.entitle(Content("Engine · our figures beside its own"), Content(self._state(self.scene.graph)))
        self.refresh()
        self._found = found = reconcile(self.scene.graph, self.scene.units)
        width = self.outer_size.width - 5  # frame, padding, scrollbar
        beside = width - TABLE - 3 >= BESIDE
        lines = [*self._why(width), Text()]
        if beside:
            lines += self._figures(found.figures, min(PROSE, width - TABLE - 3))
        else:
            lines += self._figures(found.figures, 0)
        lines += self._rest(width)
        lines += self._news(width)
        if not beside:
            for figure in found.figures:
                sign, style = VERDICTS[figure.verdict]
                lines += self._paragraph(sign, style, f"{figure.name}  ", figure.sentence, width)
            lines.append(Text())
        for note in found.notes:
            lines += self._paragraph("·", "dim", "", note, width)
        self.query_one("#figures", Static).update(Text("\n", no_wrap=True, end="").join(lines))

    def _why(self, width: int) -> Iterator[Text]:
        """Why so much is listed and so little is on disk."""
        assert self.scene is not None
        said = why(self.scene.graph, self.scene.units)
        yield Text(fit(said.question, width), self._style("title"))
        longest = max((cell_len(term.size) for term in said.terms), default=0)
        for term in said.terms:
            words = fit(term.words, width - longest - 6)
            line = Text(f" {term.sign or ' '} ", self._style("dim"))
            yield line.append(term.size.rjust(longest), self._style("name")).append(f"  {words}", self._style("dim"))
        if said.most:
            yield Text(" " * (longest + 5) + fit(said.most, min(PROSE, width) - longest - 5), self._style("dim"))

    def _figures(self, figures: Sequence[Figure], prose: int) -> Iterator[Text]:
        """The figures in columns, numbers directly beside their names; sentences beside them if there is room."""
        heads = "".join(title.rjust(width) for title, width in NUMBERS)
        yield Text(f"  {'FIGURE':<{NAME}}{heads}", self._style("head"))
        for figure in figures:
            row = self._row(figure)
            parts = wrapped(figure.sentence, prose) if prose else [""]
            for number, part in enumerate(parts):
                line = row if not number else Text(" " * TABLE)
                yield line.append(f"   {part}" if part else "", self._style("dim"))
            if prose:
                yield Text()
        if not prose:
            yield Text()

    def _row(self, figure: Figure) -> Text:
        assert self.scene is not None
        units = self.scene.units
        sign, style = VERDICTS[figure.verdict]
        ours = "–" if figure.ours is None else f"{figure.ours_is}{format_size(figure.ours, units)}"
        waiting = "…" if self.asking else "–"
        theirs = waiting if figure.theirs is None else format_size(figure.theirs, units)
        apart = figure.difference
        difference = "" if apart is None else "0 B" if apart == 0 else format_size(apart, units, signed=True)
        (_, first), (_, second), (_, third) = NUMBERS
        line = Text().append(f"{sign} ", self._style(style)).append(figure.name.ljust(NAME), self._style("name"))
        return line.append(ours.rjust(first) + theirs.rjust(second)).append(difference.rjust(third), self._style(style))

    def _paragraph(self, sign: str, style: str, head: str, words: str, width: int) -> Iterator[Text]:
        """A sign, a head and prose over the whole width, all lines but the sign's indented."""
        for number, part in enumerate(wrapped(head + words, min(PROSE, width) - 2)):
            if number:
                yield Text("  ").append(part, self._style("dim"))
            else:
                line = Text().append(f"{sign} ", self._style(style)).append(head, self._style("name"))
                yield line.append(part[len(head) :], self._style("dim"))

    def _rest(self, width: int) -> Iterator[Text]:
        """What else fills the disk: one bar of all, and a line for each part."""
        assert self.scene is not None
        graph, units = self.scene.graph, self.scene.units
        parts = rest_of(graph, units)
        if not parts:
            return
        ago = answered_ago(graph, self.scene.now)
        yield Text(f"What else is on this disk{f' · {ago}' if ago else ''}", self._style("title"))
        shares = [("Images", graph.totals.footprint), *((part.name, part.size or 0) for part in parts)]
        bar = Text("  ")
        for (name, _), cells in zip(shares, stacked([size for _, size in shares], width - 4), strict=True):
            sign, style = SHARES[name]
            bar.append(sign * cells, self._style(style))
        yield bar
        for name, size in shares:
            sign, style = SHARES[name]
            part = next((part for part in parts if part.name == name), None)
            figure = "?" if part is not None and part.size is None else format_size(size, units)
            line = Text().append(f"{sign} ", self._style(style)).append(f"{name:<12}", self._style("name"))
            line.append(f"{figure:>9}  ")
            said = "" if part is None else part.sentence
            yield line.append(fit(said, width - line.cell_len), self._style("dim"))
        if any(part.size is None for part in parts) and not graph.inventory.from_file:
            yield Text("  w asks for containers and volumes: the engine walks over their files", self._style("head"))
        yield Text()

    def _news(self, width: int) -> Iterator[Text]:
        """What was told lately, the latest first."""
        assert self.scene is not None
        news = list(self.scene.log)[:NEWS]
        if not news:
            return
        yield Text("Changes lately", self._style("title"))
        for one in news:
            when = time_of_day(one.at)
            line = Text().append(f"  {when}  ", self._style("head"))
            parts = wrapped(one.wordings[0], min(PROSE, width) - len(when) - 4)
            yield line.append(parts[0])
            yield from (Text(" " * (len(when) + 4) + part) for part in parts[1:])
        yield Text()

    def _state(self, graph: LayerGraph) -> str:
        if self.asking:
            return "asking the engine … Esc stops waiting"
        if self.refused:
            return f"not answered: {clean(self.refused, 80)} · a asks again"
        if graph.inventory.usage is None and graph.inventory.from_file:
            return "a saved scan without the engine's own figures"
        if graph.inventory.usage is None:
            return "the engine was not asked for its disk usage"
        return "= the same  ≠ explained  ! should be the same  · ours alone"
