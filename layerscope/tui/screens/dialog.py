"""What the dialogs share: a box with a list, sentences under it, and the answer No unless somebody says yes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from layerscope.text import fit
from layerscope.tui.widgets.columns import Cell, Column
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.views.removal import Row, Said

Answer = TypeVar("Answer")
WIDEST = 112
STYLES = {"quiet": "$text-quiet", "warn": "$hue-warn", "bad": "$hue-bad", "good": "$hue-good", "strong": "bold"}


class ImageRows(RowTable):
    """Images of a dialog, one a line, with a word on each."""

    def __init__(self, *, id: str) -> None:
        super().__init__(
            [
                Column("name", "NAME", lambda row, width: [(f"{row.sign} ", row.style), (fit(row.name, width - 2), "")],
                       24, flex=2, most=44),
                Column("size", "SIZE", lambda row, width: row.size, 8, align="right"),
                Column("note", "", self._note, 10, flex=3),
            ],
            key=lambda row: row.id,
            empty="",
            id=id,
        )  # fmt: skip

    def _note(self, row: Row, width: int) -> Cell:
        return [(fit(row.note, width), row.style or "dim")]


class Dialog(ModalScreen[Answer]):
    """A box over the main screen."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "refuse", "close")]
    KEYS_OF_BOX = ""
    title_of_box = ""
    AUTO_FOCUS = "ImageRows"

    def __init__(self) -> None:
        super().__init__()
        self.rows = ImageRows(id="rows")
        self.said = Static("", id="said")

    def compose(self) -> ComposeResult:
        """The list over the sentences."""
        with Vertical(id="dialog", classes="box") as box:
            box.border_title = Content(self.title_of_box)
            yield from self.parts()

    def parts(self) -> ComposeResult:
        """What is in the box."""
        yield self.rows
        yield self.said

    def on_mount(self) -> None:
        """Show what there is."""
        self.host_changed()

    def on_resize(self, event: events.Resize) -> None:
        """Give the box its size."""
        self._fit()

    def host_changed(self) -> None:
        """Show the host as it is now."""

    def put(self, rows: Sequence[Row], said: Sequence[Said]) -> None:
        """Show rows and sentences; the box is as high as they need."""
        self.rows.show(rows)
        self.say(said)

    def say(self, said: Sequence[Said]) -> None:
        """Show other sentences."""
        content = Content("\n").join(Content.styled(one.text, STYLES.get(one.style, "")) for one in said)
        self.said.update(content)
        self._fit()

    def retitle(self, title: str, keys: str) -> None:
        """Say what the box is, and which keys there are."""
        box = self.query_one("#dialog")
        box.border_title, box.border_subtitle = Content(f" {title} "), Content(f" {keys} ")

    def _fit(self) -> None:
        box = self.query_one("#dialog")
        box.styles.width = min(WIDEST, self.size.width - 2)
        box.styles.max_height = self.size.height - 2
        self.rows.styles.height = max(2, min(len(self.rows.rows) + 1, self.size.height - self._below() - 6))

    def _below(self) -> int:
        """How many lines there are besides the list."""
        width = max(20, min(WIDEST, self.size.width - 2) - 6)
        return sum(-(-len(line) // width) for line in str(self.said.render()).split("\n")) + 1

    def action_refuse(self) -> None:
        """No, and nothing happens."""
        self.dismiss(None)
