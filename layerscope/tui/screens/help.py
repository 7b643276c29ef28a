"""Help: every key of the session, grouped by task and read from the bindings themselves, and what the signs mean."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from layerscope.tui.keys import ORDER, bindings_of, keys_of
from layerscope.tui.wrap import wrapped

SIGNS = (
    ("█", "bytes that only this image needs"),
    ("░", "bytes that other images need too"),
    ("✓", "marked"),
    ("+2", "tags besides the one shown"),
    ("▀", "when comparing: an image ends here"),
    ("●  ○", "containers: running, stopped"),
    ("≥  ≤", "at least, at most: something is not known"),
    ("~", "inferred from other images"),
    ("?", "not known"),
)
KEYS = 18
"""Cells for the keys of one line."""
COLUMN = 52
"""Cells of one column of the page."""
GAP = 3


class HelpScreen(ModalScreen[None]):
    """Keys by task, in as many columns as fit."""

    CSS_PATH = "help.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--heading", "help--key", "help--text"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close"),
        Binding("down,j", "page_by(1)", "Down", show=False),
        Binding("up,k", "page_by(-1)", "Up", show=False),
        Binding("pagedown,space,ctrl+d", "page_by(10)", "Further down", show=False),
        Binding("pageup,ctrl+u", "page_by(-10)", "Further up", show=False),
        Binding("home,g", "page_by(-1000)", "Top", show=False),
        Binding("end,G", "page_by(1000)", "Bottom", show=False),
    ]

    def __init__(self, of: Screen[Any]) -> None:
        super().__init__()
        self.of = of

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with VerticalScroll(id="help", classes="box") as page:
            page.border_title = "Keys"
            page.border_subtitle = "↑↓ scroll · Esc close"
            page.can_focus = False
            yield Static(id="keys")

    def on_resize(self) -> None:
        """Set the page anew."""
        self._fill()

    def on_mount(self) -> None:
        """Set the page anew when another theme has other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._fill())

    def _fill(self) -> None:
        """Set the page in as many columns as there is room for."""
        room = self.app.size.width
        columns = max(1, min(3, (room - 8 + GAP) // (COLUMN + GAP)))
        page = self.query_one("#help")
        page.styles.width = min(room - 2, columns * COLUMN + (columns - 1) * GAP + 7)
        self.query_one("#keys", Static).update(_set(self._blocks(), columns))

    def action_page_by(self, lines: int) -> None:
        """Scroll."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)

    def groups(self) -> dict[str, dict[str, list[str]]]:
        """Return the keys: heading -> what it does -> names of the keys that do it."""
        groups: dict[str, dict[str, list[str]]] = {group.description: {} for group in ORDER}
        for one in bindings_of(self.of):
            if one.group:
                shown = groups.setdefault(one.group, {}).setdefault(one.title, [])
                shown.extend(key for key in keys_of(one.binding) if key not in shown)
        return {heading: rows for heading, rows in groups.items() if rows}

    def _blocks(self) -> list[list[Text]]:
        heading, key, words = (self._style(name) for name in ("heading", "key", "text"))
        blocks = []
        for title, rows in self.groups().items():
            lines = [Text(title, heading)]
            for text, keys in rows.items():
                lines += _lines("  ".join(keys), text, key, words)
            blocks.append(lines)
        lines = [Text("Signs", heading)]
        for sign, text in SIGNS:
            lines += _lines(sign, text, key, words)
        return [*blocks, lines]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"help--{name}", partial=True)


def _lines(keys: str, words: str, key: Style, text: Style) -> list[Text]:
    """Set keys and what they do side by side; words that are too long go on below."""
    lines = []
    for part in wrapped(words, COLUMN - KEYS - 2):
        line = Text("  ").append(keys + " " * max(1, KEYS - cell_len(keys)), key).append(part, text)
        lines.append(line)
        keys = ""
    return lines


def _set(blocks: list[list[Text]], columns: int) -> Text:
    """Set blocks in columns from left to right, none broken, as low as they get."""
    height = max(len(block) for block in blocks)
    while len(shelves := _shelved(blocks, height)) > columns:
        height += 1
    lines: list[Text] = []
    for row in range(max(len(shelf) for shelf in shelves)):
        line = Text()
        for place, shelf in enumerate(shelves):
            line.pad_right(max(0, place * (COLUMN + GAP) - line.cell_len))
            if row < len(shelf):
                cell = shelf[row].copy()
                cell.truncate(COLUMN, overflow="ellipsis")
                line.append_text(cell)
        lines.append(line)
    return Text("\n", no_wrap=True, end="").join(lines)


def _shelved(blocks: list[list[Text]], height: int) -> list[list[Text]]:
    shelves: list[list[Text]] = [[]]
    for block in blocks:
        here = shelves[-1]
        if here and len(here) + 1 + len(block) > height:
            shelves.append(list(block))
        else:
            here.extend([Text(), *block] if here else block)
    return shelves
