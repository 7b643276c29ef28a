"""What the dialogs share: a box with a list, sentences under it, and the answer No unless somebody says yes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeVar

from msgspec import Struct
from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from layerscope.text import pad, wrapped
from layerscope.tui.background import fault
from layerscope.tui.leaves import LeavesOnce
from layerscope.tui.widgets.columns import Cell, ListColumn
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.views.removal import Row, Said

Result = TypeVar("Result")
WIDEST = 112
STYLES = {"quiet": "$text-quiet", "warn": "$hue-warn", "bad": "$hue-bad", "good": "$hue-good", "strong": "bold"}


SIZE = 8
INDENT = 4


class ImageLine(Struct, frozen=True):
    """One line of the list: an image with its note, or, where that is long, a part of the note under it."""

    row: Row
    number: int
    """0 for the image's own line."""
    text: str


class ImageRows(RowTable):
    """Images of a dialog with a word on each; what does not fit beside an image stands under it, in full."""

    def __init__(self, *, id: str) -> None:
        super().__init__(self._columns(), key=lambda line: (line.row.id, line.number), empty="", id=id)
        self.images: Sequence[Row] = ()
        self.heads = ("NAME", "SIZE")
        self.more: Sequence[tuple[str, int]] = ()
        """Titles and cells of the columns beside the size, for :attr:`layerscope.views.removal.Row.more`."""
        self._name_width = 24

    @property
    def _beside(self) -> int:
        """Cells of what stands beside the name."""
        return SIZE + sum(cells + 1 for _, cells in self.more)

    def show_images(self, images: Sequence[Row], width: int) -> None:
        """Show images in lines of ``width`` cells."""
        self.images = images
        longest = max((cell_len(row.name) for row in images), default=0) + 2
        self._name_width = max(12, min(longest, 44, width - self._beside - (1 if self.more else 24)))
        self.set_columns(self._columns())
        self.show([line for row in images for line in self._lines_of(row, width)])

    def go_to(self, image_id: str) -> None:
        """Put the cursor on an image."""
        index = self.index_of((image_id, 0))
        if index is not None:
            self.move_to(index)

    def _columns(self) -> list[ListColumn]:
        title = ""
        if getattr(self, "images", ()):
            title = " ".join(
                [
                    f"{self.heads[0]:<{self._name_width}}",
                    f"{self.heads[1]:>{SIZE}}",
                    *(f"{name:>{cells}}" for name, cells in self.more),
                ]
            )
        return [ListColumn("line", title, self._line_cell, 10, flex=1)]

    def _lines_of(self, row: Row, width: int) -> Iterator[ImageLine]:
        if not row.note or cell_len(row.note) <= width - self._name_width - self._beside - 3:
            yield ImageLine(row, 0, row.note)
            return
        yield ImageLine(row, 0, "")
        for number, part in enumerate(wrapped(row.note, width - INDENT), 1):
            yield ImageLine(row, number, part)

    def _line_cell(self, line: ImageLine, width: int) -> Cell:
        row, style = line.row, line.row.style
        noted = "dim" if style in {"", "mark"} else style
        if line.number:
            return [(" " * INDENT, ""), (line.text, noted)]
        name = pad(row.name, self._name_width - 2)
        more = "".join(f" {text:>{cells}}" for text, (_, cells) in zip(row.more, self.more, strict=False))
        return [(f"{row.sign} ", style), (name, ""), (f" {row.size:>{SIZE}}{more}  ", ""), (line.text, noted)]


class Dialog(LeavesOnce, ModalScreen[Result]):
    """A box over the main screen."""

    CSS_PATH = "dialog.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "refuse", "close"),
        Binding("down", "scroll(1)", "down", show=False, priority=True),
        Binding("up", "scroll(-1)", "up", show=False, priority=True),
        Binding("pagedown", "scroll(10)", "down", show=False, priority=True),
        Binding("pageup", "scroll(-10)", "up", show=False, priority=True),
    ]
    AUTO_FOCUS = "ImageRows"

    def __init__(self) -> None:
        super().__init__()
        self.rows = ImageRows(id="rows")
        self.said = Static("", id="said")
        self.drawn = False
        """Is there anything in the box yet? Before that, there is nothing to tell of a newer scene."""

    def compose(self) -> ComposeResult:
        """The list over the sentences."""
        with Vertical(id="dialog", classes="box"):
            yield from self.parts()

    def parts(self) -> ComposeResult:
        """What is in the box."""
        yield self.rows
        yield self.said

    def on_mount(self) -> None:
        """Show what there is."""
        self.drawn = True
        self.scene_changed()

    def on_resize(self, event: events.Resize) -> None:
        """Give the box its size, and break lines again."""
        self.rows.show_images(self.rows.images, self._width - 3)
        self._fit()

    def scene_changed(self) -> None:
        """Show the scene as it is now."""

    def put(self, rows: Sequence[Row], said: Sequence[Said]) -> None:
        """Show rows and sentences; the box is as high as they need."""
        self.rows.show_images(rows, self._width - 3)
        self.say(said)

    def say(self, said: Sequence[Said]) -> None:
        content = Content("\n").join(Content.styled(one.text, STYLES.get(one.style, "")) for one in said)
        self._write(self.said, content)
        self._fit()

    @staticmethod
    def _write(line: Static, content: Content) -> None:
        """Change a line that is as high as it needs.

        Textual keeps the height of the first of two changes when it lays out between them, before either was drawn:
        the end of what a dialog says would be hidden. So the height is asked for once more afterwards.
        """
        line.update(content)
        line.clear_cached_dimensions()
        line.call_after_refresh(line.refresh, layout=True)

    def retitle(self, title: str, keys: str) -> None:
        """Say what the box is, and which keys there are."""
        box = self.query_one("#dialog")
        box.border_title, box.border_subtitle = Content(title), Content(keys)

    @property
    def _width(self) -> int:
        """Cells in a line of the box."""
        return min(WIDEST, self.size.width - 2) - 4

    def _fit(self) -> None:
        box = self.query_one("#dialog")
        box.styles.width = self._width + 4
        box.styles.max_height = self.size.height - 2
        self.rows.display = bool(self.rows.images)
        self.rows.styles.height = max(2, min(len(self.rows.rows) + 1, self.size.height - self._below() - 5))

    def _below(self) -> int:
        """How many lines there are besides the list."""
        lines = str(self.said.render()).split("\n")
        return sum(len(wrapped(line, self._width - 2)) for line in lines) + 1

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show that work for this dialog failed, whatever it was: it can be left then as at any time."""
        if event.state is WorkerState.ERROR:
            self.failed(fault(event.worker.error))

    def failed(self, line: str) -> None:
        """Say in a line that work failed."""
        self.say([Said(f"{line}.", "bad")])

    def action_scroll(self, by: int) -> None:
        """Move through the list, also while a line has the keys."""
        self.rows.action_cursor(by)

    @on(RowTable.Activated)
    def _activated(self) -> None:
        """Enter, which the list would keep."""
        self.action_enter()

    def action_enter(self) -> None:
        """Enter is no."""
        self.action_refuse()

    def action_refuse(self) -> None:
        """No, and nothing happens."""
        self.dismiss(None)
