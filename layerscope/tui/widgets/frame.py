"""Frame: what Textual draws around the content of a widget, asked for once and put around every line since.

Textual works border, padding and title out again for each line that it draws (``_styles_cache.py``,
``render_line``), which costs more than most lines themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct, field
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.content import Content
from textual.filter import LineFilter
from textual.geometry import Size
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from layerscope.tui.textual_hacks import lines_with_frame

PROBE = "x"
MOST_LOOKS = 1000


class Edge(NamedTuple):
    """The upper or lower edge of a border, in which a label may stand."""

    first: Segment
    bar: str
    style: RichStyle | None
    last: Segment
    label: RichStyle | None
    at_the_end: bool
    """Does the label stand at the right?"""

    @classmethod
    def of(cls, line: Strip) -> Edge | None:
        """Return the edge of which Textual drew ``line``, with :data:`PROBE` in it; None: it is none that we draw."""
        segments = list(line)
        at = next((at for at, segment in enumerate(segments) if segment.text == f" {PROBE} "), 0)
        if len(segments) != 5 or at not in {1, 2, 3} or segments[1].style != segments[3].style:
            return None
        first, one, label, other, last = segments
        at_the_end = len(other.text) == 1
        return cls(first, (other if at_the_end else one).text, one.style, last, label.style, at_the_end)

    def line(self, label: Content | None, width: int) -> Strip | None:
        """Return the edge with a label; None for one that is not plain, or too long."""
        if label is None or not label.plain:
            return Strip([self.first, Segment(self.bar * (width - 2), self.style), self.last], width)
        bars = width - 4 - label.cell_length  # beside corners and blanks; Textual keeps one at each end, and cuts
        if label.spans or bars < 2:
            return None
        words = Segment(f" {label.plain} ", self.label)
        one, others = Segment(self.bar, self.style), Segment(self.bar * (bars - 1), self.style)
        inside = (others, words, one) if self.at_the_end else (one, words, others)
        return Strip([self.first, *inside, self.last], width)


class Frame(Struct, frozen=True):
    """What is around the lines of a widget, and what is done to them; nothing of it depends on what they say."""

    size: Size
    """Cells of the widget, the frame included."""
    left: list[Segment]
    right: list[Segment]
    room: int
    """Cells of a line between them."""
    empty: RichStyle
    """The style of what a line leaves of that room."""
    filters: Sequence[LineFilter]
    background: Color
    upper: Edge | None
    lower: Edge | None
    looks: dict[int, tuple[RichStyle | None, RichStyle | None]] = field(default_factory=dict)
    """By the identity of a style: that style, and what the filters make of it."""

    @classmethod
    def of(cls, widget: Widget) -> Frame:
        """Return the frame of a widget as Textual draws it now; the widget has no outline, tint, hatch or opacity."""
        gutter, size = widget.gutter, widget.region.size
        below, background = widget.background_colors
        empty, filters = Style(background=below + background).rich_style, widget.get_line_filters()
        room = max(0, size.width - gutter.width)
        wanted = [y for y in (0, gutter.top, size.height - 1) if 0 <= y < size.height]
        lines = lines_with_frame(widget, Content(PROBE), lambda y: Strip.blank(room, empty), wanted)
        line = lines[1] if len(lines) == 3 else Strip.blank(size.width, empty)
        return cls(
            size=size,
            left=list(line.crop(0, gutter.left)) if gutter.left else [],
            right=list(line.crop(size.width - gutter.right, size.width)) if gutter.right else [],
            room=room,
            empty=empty,
            filters=filters,
            background=background,
            upper=Edge.of(lines[0]) if lines and gutter.top == 1 else None,
            lower=Edge.of(lines[-1]) if lines and gutter.bottom == 1 else None,
        )

    def looks_as(self, other: Frame) -> bool:
        """Is around lines what is around those of the other, and is the same done to them?"""
        mine, theirs = ([getattr(one, name) for name in _LOOK] for one in (self, other))
        return mine == theirs

    def around(self, line: Strip) -> Strip:
        """Return a line of content between the sides."""
        inside = self.filtered(list(line.adjust_cell_length(self.room, self.empty)))
        return Strip([*self.left, *inside, *self.right], self.size.width)

    def filtered(self, segments: list[Segment]) -> list[Segment]:
        """Return a part of a line in the colours that the terminal gets."""
        return [Segment(text, self._seen_as(style), control) for text, style, control in segments]

    def _seen_as(self, style: RichStyle | None) -> RichStyle | None:
        """Return a style as the filters leave it; they look at nothing else of a segment (``filter.py``)."""
        known = self.looks.get(id(style))
        if known is None:
            if len(self.looks) > MOST_LOOKS:
                self.looks.clear()
            segments = [Segment(PROBE, style)]
            for filter in self.filters:
                segments = filter.apply(segments, self.background)
            known = self.looks[id(style)] = style, segments[0].style
        return known[1]


_LOOK = tuple(name for name in Frame.__struct_fields__ if name != "looks")
