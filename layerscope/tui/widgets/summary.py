"""The header: which engine, and two bars on one scale, the sum of sizes over what is on disk."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from layerscope.core.graph import Totals
from layerscope.inventory import Engine
from layerscope.text import clean, fit
from layerscope.tui.widgets.bars import plain_bar
from layerscope.units import Units, format_ratio, format_size

LABEL = 14
FIGURE = 9


class Summary(Widget):
    """Three lines that are always on screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"summary--{name}"
        for name in ("name", "engine", "live", "busy", "stale", "listed", "disk", "saved", "label", "figure")
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.engine: Engine | None = None
        self.totals: Totals | None = None
        self.shown: Totals | None = None
        self.units = Units.SI
        self.state = ("busy", "connecting")

    def show(
        self, engine: Engine | None, totals: Totals | None, state: tuple[str, str], units: Units, shown: Totals | None
    ) -> None:
        """Show the host's totals; ``shown`` are those of the rows that pass the filter, None without one."""
        self.engine, self.totals, self.state, self.units, self.shown = engine, totals, state, units, shown
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
        kind, words = self.state
        dot = {"live": "●", "busy": "◌", "stale": "○", "file": "◆"}.get(kind, "●")
        right = Text()
        if self.totals is not None:
            right.append(f"{self.totals.images:,} images · {self.totals.layers:,} layers · ", self.style_of("label"))
        right.append(f"{dot} {clean(words, 60)}", self.style_of("live" if kind == "file" else kind))
        left = Text().append("layerscope", self.style_of("name"))
        room = width - 3 - right.cell_len - left.cell_len
        if self.engine is not None and room > 6:
            e = self.engine
            full = f"{e.kind.capitalize()} {e.version} · {e.store} · {e.host}"
            brief = f"{e.kind.capitalize()} {e.version.split('+')[0]} · {e.store}"
            text = clean(full) if len(full) <= room else fit(clean(brief), room)
            left.append("  " + text, self.style_of("engine"))
        left.append(" " * max(1, width - left.cell_len - right.cell_len))
        line = left + right
        line.truncate(width)
        return line

    def _bars(self, width: int) -> list[Text]:
        totals = self.totals
        if totals is None:
            return [Text(""), Text("")]
        room = max(4, width - LABEL - FIGURE - 1)
        scale = max(totals.listed, totals.footprint, 1)
        at_least = "" if totals.exact else "≥"
        first = self._line("Sum of sizes", totals.listed, scale, room, "listed", at_least, Text())
        note = Text()
        if self.shown is not None:
            s = self.shown
            note.append(
                f"filter shows {s.images:,} of {totals.images:,} images · {format_size(s.footprint, self.units)} of it",
                self.style_of("label"),
            )
        elif totals.saved > 0:
            note.append("shared layers save ", self.style_of("label"))
            note.append(format_size(totals.saved, self.units), self.style_of("saved"))
            note.append(f" · {format_ratio(totals.listed, totals.footprint)}", self.style_of("label"))
        if totals.unknown_layers or totals.unknown_images:
            parts = []
            if totals.unknown_images:
                parts.append(f"{totals.unknown_images:,} images not read")
            if totals.unknown_layers:
                parts.append(f"{totals.unknown_layers:,} layer sizes unknown")
            note.append((" · " if note.plain else "") + ", ".join(parts), self.style_of("stale"))
        return [first, self._line("On disk", totals.footprint, scale, room, "disk", at_least, note)]

    def _line(self, label: str, value: int, scale: int, room: int, style: str, prefix: str, note: Text) -> Text:
        line = Text().append(label.ljust(LABEL), self.style_of("label"))
        bar = Text()
        for text, _ in plain_bar(value, scale, room, style):
            bar.append(text, self.style_of(style))
        if note.plain:
            left = room - bar.cell_len - 1
            if left >= note.cell_len:
                bar.append(" " * (left - note.cell_len + 1 if left > note.cell_len else 1)).append(note)
        bar.append(" " * max(0, room - bar.cell_len))
        bar.truncate(room)
        figure = (prefix + format_size(value, self.units)).rjust(FIGURE + 1)
        return line + bar + Text(figure, self.style_of("figure"))
