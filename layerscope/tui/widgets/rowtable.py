"""RowTable: a list of any length that renders only the lines one sees.

Built on Textual's line API: a cursor key costs two lines, whatever the number
of rows. It knows nothing of images or bytes; columns turn rows into text.

It has more than 400 lines because the cursor, the order and the lines that are kept are one state: what moves
the cursor knows which lines are to be drawn again, and only that keeps a key cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from layerscope.text import clean, fit
from layerscope.tui.keys import FIND, MOVE
from layerscope.tui.widgets.columns import ListColumn, Placed, Sort, place
from layerscope.tui.widgets.frame import Frame
from layerscope.tui.widgets.rowfind import RowFind
from layerscope.tui.widgets.rowlines import heading_line, row_line, sign_of
from layerscope.tui.widgets.scrolled import Scrolled

if TYPE_CHECKING:
    from layerscope.views.find import Spot

MOST_KEPT = 512
"""Lines that are kept to be shown again."""
AS_IT_COMES = ""
"""The key of a :class:`Sort`: the order in which rows are handed over."""


@dataclass(eq=False)
class OfTable(Message):
    """Something happened in a table."""

    table: RowTable

    @property
    def control(self) -> RowTable:
        """The table, for ``@on`` selectors."""
        return self.table


class RowTable(RowFind, Scrolled, can_focus=True):
    """Rows under a fixed heading, with a cursor and marks."""

    ALLOW_SELECT = False  # a double click goes in
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"row-table--{name}"
        for name in (
            "heading",
            "sorted",
            "cursor",
            "cursor-blurred",
            "text",
            "dim",
            "size",
            "unique",
            "shared",
            "split",
            "mark",
            "hit",
            "good",
            "warn",
            "bad",
            "accent",
            "group",
            "empty",
            "thumb",
        )
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "Up", show=False, group=MOVE),
        Binding("down,j", "cursor(1)", "Down", show=False, group=MOVE),
        Binding("pageup,ctrl+b", "page(-1.0)", "Page up", show=False, group=MOVE),
        Binding("pagedown,ctrl+f", "page(1.0)", "Page down", show=False, group=MOVE),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, group=MOVE),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, group=MOVE),
        Binding("home,g", "edge(0)", "First", show=False, group=MOVE),
        Binding("end,G", "edge(1)", "Last", show=False, group=MOVE),
        Binding("enter", "activate", "Go in", show=False, group=MOVE),
        Binding("s", "sort", "Sort", group=FIND, tooltip="Sort by the next column"),
        Binding("S", "reverse", "Reverse", show=False, group=FIND, tooltip="Sort the other way round"),
    ]

    @dataclass(eq=False)
    class Highlighted(OfTable):
        """The cursor is on another row."""

        index: int
        row: Any

    @dataclass(eq=False)
    class Activated(OfTable):
        """Enter, or a second click, on a row."""

        index: int
        row: Any

    class Found(OfTable):
        """Something else is looked for in it, or nothing any more."""

    class Sorted(OfTable):
        """Another order is wanted: :attr:`RowTable.sort` says which; whoever fills the table shows its rows again."""

    def __init__(
        self,
        columns: Sequence[ListColumn],
        *,
        key: Callable[[Any], Hashable] = id,
        sort: Sort | None = None,
        empty: str = "nothing here",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.columns: tuple[ListColumn, ...] = tuple(columns)
        self.key_of = key
        self.empty = empty
        self.rows: Sequence[Any] = ()
        self._keys: list[Hashable] | None = None
        self.cursor = 0
        self.sort = sort or Sort(AS_IT_COMES)
        """The order that is wanted."""
        self._has_own_order = sort is None
        self.is_marked: Callable[[Any], bool | None] | None = None
        """True: marked; None: a part of what the row stands for is. No function: no room is kept for marks."""
        self._hits = []
        self._lit = False
        self._below = ""
        self._moved = False
        self._held: Hashable | None = None
        self.hidden: frozenset[str] = frozenset()
        self._longer = 0
        self._placed: tuple[Placed, ...] = ()
        self._placed_for = (-1, "")
        self._headed: Sort | None = None
        """The order that the heading shows."""
        self._strips: dict[int, tuple[Any, Strip]] = {}
        """By the identity of a row: the row, and its line without the cursor."""
        self._whole: dict[tuple[int, int], tuple[Frame, Strip, Strip]] = {}
        """By the identity of such a line and of a frame: both, and the line between the sides of the frame."""
        self._styles: dict[str, Style] = {}
        self._on_text: dict[str, Style] = {}
        self._restyled = False
        """May its styles be others than those?"""

    # -- data down ------------------------------------------------------------------------

    @property
    def drawn(self) -> list[Any]:
        """The rows of which lines are kept."""
        return [row for row, _ in self._strips.values()]

    def forget(self, rows: Iterable[Any]) -> None:
        """Some rows look otherwise now, whether they are shown or not; :meth:`show` is next."""
        for row in rows:
            self._strips.pop(id(row), None)

    def show(self, rows: Sequence[Any], *, keep: bool = True, cursor: int | None = None, same: bool = False) -> None:
        """Show other rows. With ``keep`` the cursor stays on the row with the same key, else at the same place.

        Is that row gone, the cursor goes to the nearest one that was beside it and is still there.
        ``same``: a row that was shown before looks as it did then.
        """
        rows = list(rows)  # whoever made them may change theirs before they are shown again
        before, self.rows, self._keys = self.rows, rows, None
        self.forget_searcher()
        at = self.cursor if cursor is None else cursor
        if cursor is None and keep and self._moved:  # else nobody chose where it is: it stays at the top
            at = self._place_of(before, at)
        self.cursor = max(0, min(at, len(rows) - 1))
        if self.find_text:
            self.look()
        if not same or self.find_text:
            self._strips.clear()
        if not self.scroll_to_cursor():  # what is empty below the rows is so already
            lines = max(len(before), len(rows), 1) + 1 - self.top
            top = 1 if self._headed == self.sort else 0
            self.refresh(Region(0, top, self.size.width, min(lines, self.size.height) - top))

    def _place_of(self, before: Sequence[Any], at: int) -> int:
        """Return where the row that was ``before[at]`` is now."""
        rows, key_of = self.rows, self.key_of
        if not 0 <= at < len(before):
            return at
        here = key_of(before[at]) if self._held is None else self._held
        if at < len(rows) and key_of(rows[at]) == here:
            return at
        now = {key: index for index, key in enumerate(self.keys)}
        if here in now:
            return now[here]
        for row in (*before[at:], *reversed(before[:at])):
            if (key := key_of(row)) in now:
                return now[key]
        return at

    def stay(self) -> None:
        """Keep the cursor on its row from now on, though nobody moved it there."""
        self._moved = bool(self.rows)

    def hold(self) -> None:
        """Remember the row under the cursor: it gets the cursor back whenever it is among the rows, until released."""
        self._held = self.key_of(self.row) if self.row is not None and self._moved else None

    def release(self) -> None:
        """Forget the row that is held."""
        self._held = None

    def index_of(self, key: Hashable) -> int | None:
        """Where the row with a key is; None when it is not shown."""
        return self.keys.index(key) if key in self.keys else None

    @property
    def keys(self) -> list[Hashable]:
        """The keys of the rows, in their order."""
        if self._keys is None:
            self._keys = [self.key_of(row) for row in self.rows]
        return self._keys

    def in_order(self, rows: Iterable[Any]) -> list[Any]:
        """Return rows as :attr:`sort` wants them; those that compare equal stay as they come."""
        order = next((column.by for column in self.columns if column.key == self.sort.key), None)
        if order is None:
            return list(rows)[:: -1 if self.sort.reverse else 1]
        by, falls = order
        return sorted(rows, key=by, reverse=falls is not self.sort.reverse)

    def repaint(self, index: int | None = None) -> None:
        """Draw one row again, or all of them (marks, units or hits changed)."""
        if index is None:
            self._strips.clear()
            self.refresh()
        else:
            self._strips.pop(id(self.rows[index]), None)
            self._refresh_row(index)

    def repaint_those(self, keys: Mapping[Hashable, Spot], others: Mapping[Hashable, Spot]) -> None:
        """Draw the rows with some keys again."""
        key_of = self.key_of
        for row, _ in list(self._strips.values()):
            if (key := key_of(row)) in keys or key in others:
                del self._strips[id(row)]
        for index in range(self.top, min(len(self.rows), self.top + self.room)):
            if (key := key_of(self.rows[index])) in keys or key in others:
                self._refresh_row(index)

    def set_columns(self, columns: Sequence[ListColumn]) -> None:
        self.columns = tuple(columns)
        self._arrange()

    def hide(self, keys: Iterable[str]) -> None:
        """Leave the columns with these keys out, now and when other columns are set; the first one always stays."""
        self.hidden = frozenset(keys)
        self._arrange()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The columns that are shown, each with its place."""
        width = self.frame.room
        if (width, self.sort.key) != self._placed_for:  # resized or sorted
            self._strips.clear()
            self._placed = place(self._wanted, max(1, width - self._gutter), self.sort.key, self.longer)
            self._placed_for = width, self.sort.key
        return self._placed

    def shows(self, key: str) -> bool:
        """Is there room for the column with that key?"""
        return any(placed.column.key == key for placed in self.placed)

    @property
    def longer(self) -> int:
        """Cells that sizes need more than their columns are wide."""
        return self._longer

    @longer.setter
    def longer(self, cells: int) -> None:
        if cells != self._longer:
            self._longer = cells
            self._arrange()

    @property
    def _wanted(self) -> list[ListColumn]:
        return [column for place, column in enumerate(self.columns) if not place or column.key not in self.hidden]

    @property
    def length(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def thumb_style(self) -> Style:
        """The look of what shows how far it is scrolled."""
        return self.style("thumb")

    @property
    def row(self) -> Any | None:
        """The row under the cursor; None when there are no rows."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    # -- cursor ---------------------------------------------------------------------------

    def move_to(self, index: int, *, tell: bool = True) -> None:
        """Put the cursor on a row and say so."""
        if not self.rows:
            return
        index = max(0, min(index, len(self.rows) - 1))
        if index == self.cursor:
            self.scroll_to_cursor()  # the mouse may have scrolled it out of sight
            return
        before, self.cursor = self.cursor, index
        self._moved = True
        if not self.scroll_to_cursor():
            self._refresh_row(before)
            self._refresh_row(index)
        if self.find_text:
            self.say_hits()
        if tell:
            self.post_message(self.Highlighted(self, index, self.rows[index]))

    def scroll_to_cursor(self) -> bool:
        """Scroll so that the cursor is seen; True when that moved the rows."""
        if not self.size.height:  # not laid out: nobody sees it, and nothing says how much there is room for
            return False
        return self.scroll_rows(min(max(self.top, self.cursor - self.room + 1), self.cursor))

    def action_cursor(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.move_to(self.cursor + by)

    def action_page(self, pages: float) -> None:
        """Move the cursor by a part of the height."""
        self.move_to(self.cursor + int(pages * self.room) or (1 if pages > 0 else -1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to(len(self.rows) - 1 if end else 0)

    def action_activate(self) -> None:
        """Say that the row under the cursor was chosen."""
        if self.row is not None:
            self.post_message(self.Activated(self, self.cursor, self.row))

    def found(self) -> None:
        """Say that something else is looked for, or nothing any more."""
        self.post_message(self.Found(self))

    # -- titles ---------------------------------------------------------------------------

    @property
    def subtitle(self) -> str:
        """What stands at the bottom of the border, but while something is looked for."""
        return self._below

    @subtitle.setter
    def subtitle(self, text: str) -> None:
        self._below = text
        self.say_hits()

    def say_hits(self) -> None:
        """Say below how many rows fit what is looked for, or what stands there else."""
        finding = f"/{fit(clean(self.find_text), 24)} · {self.hits_said}"
        self.entitle(below=Content(finding if self.find_text else self._below))

    def light(self, on: bool) -> None:
        """Draw the list as if it had the focus, while a prompt has it."""
        self._lit = on
        self.set_class(on, "-lit")
        self._refresh_row(self.cursor)

    @property
    def chosen(self) -> bool:
        """Has anybody moved the cursor? Else it stays at the top whatever is shown."""
        return self._moved

    @property
    def place(self) -> tuple[int, int]:
        """Where the cursor is, and what is scrolled to: for :meth:`put_back`."""
        return self.cursor, self.top

    def put_back(self, cursor: int, top: int) -> None:
        """Show the list as it was at an earlier :attr:`place`."""
        self.scroll_rows(top)
        self.move_to(cursor)

    # -- sort -----------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Sort by the next column."""
        keys = [column.key for column in self.columns if column.by is not None]
        if keys and self._has_own_order:
            keys.append(AS_IT_COMES)
        if keys:
            here = keys.index(self.sort.key) if self.sort.key in keys else -1
            self.sort_by(keys[(here + 1) % len(keys)])

    def action_reverse(self) -> None:
        """Sort the other way round."""
        if self._has_own_order or self.sort.key:
            self.sort_by(self.sort.key)

    def sort_by(self, key: str) -> None:
        """Ask for the order of a column; for the other way round, if that is the order already."""
        self.sort = Sort(key, self.sort.key == key and not self.sort.reverse)
        self.post_message(self.Sorted(self))

    # -- mouse ----------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to a click; a second click goes in; a click on a heading sorts."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            x = offset.x - self._gutter
            for placed in self.placed:
                if placed.x <= x < placed.x + placed.width + 1 and placed.column.by is not None:
                    self.sort_by(placed.column.key)
            return
        index = self.top + offset.y - 1
        if index >= len(self.rows):
            return
        if event.chain == 2:
            self.action_activate()
        else:
            self.move_to(index)

    # -- drawing --------------------------------------------------------------------------

    @property
    def _gutter(self) -> int:
        return 2 if self.is_marked is not None else 0

    def on_resize(self) -> None:
        """Have another frame, which says how wide the columns are; the cursor stays in sight."""
        self._frame = None
        self.refresh()
        self.scroll_to_cursor()

    def notify_style_update(self) -> None:
        """Forget what was drawn in the old styles."""
        super().notify_style_update()
        self._restyled = True

    def _take_styles(self) -> None:
        """After styles changed, as with each focus: forget what was drawn, unless it was drawn in those of now."""
        self._restyled, before = False, self._styles
        self._styles = {}
        if any(self.style(name) != style for name, style in before.items()):
            self._on_text.clear()
            self._strips.clear()
        else:
            self._styles = before

    def _arrange(self) -> None:
        self._strips.clear()
        self._placed_for = (-1, "")
        self.refresh()

    def on_focus(self) -> None:
        """The cursor is drawn stronger with the focus."""
        self._refresh_row(self.cursor)

    def on_blur(self) -> None:
        """The cursor is drawn weaker without the focus."""
        self._refresh_row(self.cursor)

    def _refresh_row(self, index: int) -> None:
        y = index - self.top + 1
        if 1 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def style(self, name: str) -> Style:
        """The style of a component class, by its short name."""
        if self._restyled:
            self._take_styles()
        found = self._styles.get(name)
        if found is None:
            full = self.get_component_rich_style(f"row-table--{name}")  # blends what is translucent
            if name in {"text", "split"} or name.startswith("cursor"):
                found = full
            else:  # the colour of the text alone, so that it can stand on any background
                found = Style(
                    color=full.color, bold=full.bold, italic=full.italic, underline=full.underline, dim=full.dim
                )
            self._styles[name] = found
        return found

    def style_on(self, name: str) -> Style:
        """The style of a component class on that of the text; of none, the text's own."""
        if self._restyled:
            self._take_styles()
        found = self._on_text.get(name)
        if found is None:
            text = self.style("text")
            found = self._on_text[name] = text + self.style(name) if name else text
        return found

    def _cursor_style(self) -> Style:
        full = self.style("cursor" if self.has_focus or self._lit else "cursor-blurred")
        return Style(bgcolor=full.bgcolor, bold=full.bold, reverse=full.reverse, underline=full.underline)

    def render_line(self, y: int) -> Strip:
        """Draw one line: the heading, a row, or nothing."""
        width = self.frame.room
        columns = self.placed
        if self._restyled:
            self._take_styles()
        if y == 0:
            self._headed = self.sort
            return heading_line(columns, self.sort, self._gutter, width, self.style)
        index = self.top + y - 1
        if not self.rows and y == 1:
            style = self.style("text")
            return Strip([Segment(" " + self.empty, style + self.style("empty"))]).adjust_cell_length(width, style)
        if index >= len(self.rows):
            return Strip.blank(width, self.style("text"))
        row = self.rows[index]
        kept = self._strips.get(id(row))
        if kept is not None:
            strip = kept[1]
        else:
            if len(self._strips) > MOST_KEPT:
                self._strips.clear()
            strip = self._line(row, width)
            self._strips[id(row)] = row, strip
        if index == self.cursor:
            cursor = self._cursor_style()
            strip = Strip([Segment(text, style + cursor if style else cursor) for text, style, _ in strip], width)
        return strip

    def line_at(self, y: int) -> Strip:
        """Return a line between its sides: of a row that was shown before, the same one as then."""
        line, frame = self.render_line(y), self.frame_at(y)
        if not y or y - 1 + self.top == self.cursor:
            return frame.around(line)
        kept = self._whole.get((id(line), id(frame)))
        if kept is None:
            if len(self._whole) > MOST_KEPT:
                self._whole.clear()
            kept = self._whole[id(line), id(frame)] = frame, line, frame.around(line)
        return kept[2]

    def _line(self, row: Any, width: int) -> Strip:
        sign = "" if self.is_marked is None else sign_of(self.is_marked(row))
        return row_line(row, self._placed, sign, width, self.style_on)
