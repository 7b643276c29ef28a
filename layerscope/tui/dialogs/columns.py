"""Choosing the columns of the images: a short list in which each is switched on and off, seen at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from layerscope.tui.leaves import LeavesOnce
from layerscope.tui.widgets.columns import ListColumn
from layerscope.tui.widgets.rowtable import RowTable


class ColumnsScreen(LeavesOnce, ModalScreen[None]):
    """A box over the list whose columns they are."""

    CSS_PATH = "columns.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,C", "dismiss", "close"),
        Binding("space", "switch", "show or hide"),
    ]

    def __init__(
        self, columns: Sequence[ListColumn], hidden: frozenset[str], changed: Callable[[frozenset[str]], None]
    ) -> None:
        """Take the columns to choose from, the keys of those that are hidden, and what to tell after each change."""
        super().__init__()
        self.hidden = hidden
        self.changed = changed
        title = ListColumn("title", "COLUMN", lambda column, width: column.title, 10, flex=1)
        self.table = RowTable([title], key=lambda column: column.key, id="columns")
        self.table.is_marked = lambda column: column.key not in self.hidden
        self.table.show(columns)

    def compose(self) -> ComposeResult:
        """One list in a box."""
        with Vertical(id="chooser", classes="box") as box:
            box.border_title = "Columns, where there is room"
            box.border_subtitle = "Space show or hide · Esc close"
            yield self.table

    def on_mount(self) -> None:
        """As high as the list."""
        self.query_one("#chooser").styles.height = len(self.table.rows) + 3
        self.table.focus()

    @on(RowTable.Activated)
    def action_switch(self) -> None:
        """Show or hide the column under the cursor."""
        column = self.table.row
        if isinstance(column, ListColumn):
            self.hidden ^= {column.key}
            self.table.repaint()
            self.changed(self.hidden)
