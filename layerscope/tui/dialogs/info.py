"""Everything about one image, layer or container: lines that can be read in full and copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Container
from layerscope.text import clean, fit, wrapped
from layerscope.tui.leaves import LeavesOnce
from layerscope.tui.scene import Scene
from layerscope.tui.subject import Subject, copy_text
from layerscope.tui.widgets.columns import Cell, ListColumn
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.views.info import Fact, Section, as_text, container_info, image_info, layer_info
from layerscope.views.names import image_label, short_id

NAME = 16
"""Cells for the name of a fact."""
WIDEST = 112
"""Cells of a box of prose; one with longer digests is as wide as they need."""
AROUND = 7
"""Cells of a line that the box and its list need."""


class FactLine(Struct, eq=False):
    """One line on screen: a heading, or a fact or a part of one that takes several lines."""

    fact: Fact | None
    name: str
    text: str


class InfoScreen(LeavesOnce, ModalScreen[None]):
    """A box with every fact there is; the cursor stands on one of them."""

    CSS_PATH = "info.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,i,q,backspace", "dismiss", "close"),
        Binding("y", "copy", "copy this"),
        Binding("Y", "copy_all", "copy all"),
    ]

    def __init__(self, scene: Scene, subject: Subject) -> None:
        super().__init__()
        self.sections = sections_of(scene, subject)
        self.table = RowTable(
            [ListColumn("line", "", self._cell, 10, flex=1)], key=lambda line: (line.fact, line.text), id="facts"
        )
        self.box = Vertical(self.table, id="info", classes="box")
        self.box.border_title = Content(title_of(subject))
        self.box.border_subtitle = "y Enter copy this · Y copy all · Esc close"

    def compose(self) -> ComposeResult:
        """One list in a box."""
        yield self.box

    def on_mount(self) -> None:
        """Let the keyboard move through the facts."""
        self._lay_out(self.app.size)
        self.table.focus()

    def on_resize(self, event: events.Resize) -> None:
        """Break lines again."""
        if event.size != self._made_for:
            self._lay_out(event.size)

    def _lay_out(self, room: Size) -> None:
        """Break lines, and make the box as high as it needs to be."""
        self._made_for = room
        words = (word for section in self.sections for fact in section.facts for word in fact.value.split(" "))
        unbroken = max(map(cell_len, words), default=0) + NAME + AROUND
        width = max(min(WIDEST, room.width - 4), min(unbroken, room.width - 2))
        self.box.styles.width = width
        lines = list(lines_of(self.sections, width - AROUND))
        self.box.styles.height = min(len(lines) + 4, room.height - 2)
        self.table.show(lines, cursor=None if self.table.rows else 1)  # the first line is a heading

    def _cell(self, line: FactLine, width: int) -> Cell:
        if line.fact is None:
            return [(line.text, "group")]
        name = line.name + " " * max(1, NAME - cell_len(line.name))
        return [(name, "dim"), (line.text, "" if line.fact.copies or line.fact.name else "dim")]

    @on(RowTable.Activated)
    def action_copy(self) -> None:
        """Copy the fact under the cursor, all of it."""
        line = self.table.row
        if isinstance(line, FactLine) and line.fact is not None:
            copy_text(self, line.fact.value, f"copied {fit(line.fact.value, 120)}")

    def action_copy_all(self) -> None:
        """Copy every fact, as text."""
        copy_text(self, as_text(self.sections), "copied everything as text")


def sections_of(scene: Scene, subject: Subject) -> tuple[Section, ...]:
    """Return everything about ``subject``."""
    if isinstance(subject, ImageNode):
        return image_info(subject, scene.graph, scene.now, scene.units)
    if isinstance(subject, Layer):
        return layer_info(subject, scene.graph, scene.now, scene.units)
    return container_info(subject, scene.graph, scene.now)


def title_of(subject: Subject) -> str:
    """Return what to call ``subject``."""
    if isinstance(subject, ImageNode):
        return fit(f"Image {image_label(subject)}", 70)
    if isinstance(subject, Container):
        return fit(f"Container {clean(subject.name, 100) or short_id(subject.id)}", 70)
    return f"Layer {short_id(subject.chain_id)}"


def lines_of(sections: Sequence[Section], width: int) -> Iterator[FactLine]:
    """Give the lines that show ``sections`` in ``width`` cells."""
    for number, section in enumerate(sections):
        if number:
            yield FactLine(None, "", "")
        yield FactLine(None, "", section.heading)
        for fact in section.facts:
            name = fit(fact.name, width // 2)
            beside = cell_len(name) < NAME
            if not beside:  # a long name has a line of its own
                yield FactLine(fact, name, "")
            for index, part in enumerate(wrapped(fact.value, max(10, width - NAME))):
                yield FactLine(fact, name if beside and not index else "", part)
