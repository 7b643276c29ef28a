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

from layerscope.text import wrapped
from layerscope.tui.keys import ORDER, bindings_of, keys_of
from layerscope.tui.leaves import LeavesOnce

SIGNS = (
    ("█  ░", "of this image alone; of others too"),
    ("✓  ~", "marked; a part of it is"),
    ("⊥", "pinned: never proposed for removal"),
    ("▀", "when comparing: an image ends here"),
    ("+2", "two more tags than the one shown"),
    ("●  ○", "containers: running, stopped"),
    ("PULL", "can it be pulled again; no: only here"),
    ("▾  ▴", "sorted: falling, rising"),
    ("▾  ▸", "unfolded, folded"),
    ("≥  ≤", "at least, at most: parts are not known"),
    ("~5 MB", "inferred from other images"),
    ("?  –", "not known; none"),
    ("4.7×", "listed that many times over"),
    ("…", "cut: there is more"),
    ("␛  \\u202e", "what would not show, shown"),
    ("●  ◌  ○", "above: live, scanning, stale"),
    ("◆", "above: a saved scan, or the sample host"),
    ("=  ≠", "engine's figure: the same, explained"),
    ("!  ·", "should be the same; no such figure"),
)
NARROW, WIDEST = 36, 54
"""Cells of one column of the page: at least (else there are fewer columns), at most."""
GAP = 3
KEYS = 21
"""Cells for the keys of one line, at most; a list of keys that is longer stands in a line of its own."""


class HelpScreen(LeavesOnce, ModalScreen[None]):
    """Keys by task, in as many columns as fit."""

    CSS_PATH = "help.tcss"
    COMPONENT_CLASSES: ClassVar[set[str]] = {"help--heading", "help--key", "help--text"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss", "Close"),
        Binding("down,j", "page_by(1)", "Down", show=False),
        Binding("up,k", "page_by(-1)", "Up", show=False),
        Binding("pagedown,space,ctrl+d", "turn(1)", "Further down", show=False),
        Binding("pageup,ctrl+u", "turn(-1)", "Further up", show=False),
        Binding("home,g", "page_by(-1000)", "Top", show=False),
        Binding("end,G", "page_by(1000)", "Bottom", show=False),
    ]

    def __init__(self, of: Screen[Any]) -> None:
        super().__init__()
        self.of = of

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help", classes="box") as page:
            page.border_title = "Keys"
            page.border_subtitle = "↑↓ scroll · Esc close"
            page.can_focus = False
            page.visible = False  # until there is something in it
            yield Static(id="keys")

    def on_resize(self) -> None:
        """Lay the page out again."""
        self._fill()

    def on_mount(self) -> None:
        """Lay the page out again in the colours of another theme."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._fill())

    def _fill(self) -> None:
        """Set the page in as few columns as show all of it, or else in those that make it the lowest."""
        room, height = self.app.size.width - 8, int(self.app.size.height * 0.96) - 4
        most = max(1, (room + GAP) // (NARROW + GAP))
        pages = [self._page(columns, min(WIDEST, (room + GAP) // columns - GAP)) for columns in range(1, most + 1)]
        fits = (page for page in pages if page[1] <= height)
        text, _, width = next(fits, min(pages, key=lambda page: page[1]))
        self.query_one("#help").styles.width = width + 7
        self.query_one("#keys", Static).update(text)
        self.query_one("#help").visible = True

    def _page(self, columns: int, width: int) -> tuple[Text, int, int]:
        """Return the page in columns of ``width`` cells, and how high and how wide it is."""
        lines = _set(self._blocks(width), columns, width)
        return Text("\n", no_wrap=True, end="").join(lines), len(lines), columns * (width + GAP) - GAP

    def action_page_by(self, lines: int) -> None:
        self.query_one("#help").scroll_relative(y=lines, animate=False)

    def action_turn(self, pages: int) -> None:
        """Scroll by what is on view, less a line to go on from."""
        self.action_page_by(pages * max(1, self.query_one("#help").size.height - 1))

    def groups(self) -> dict[str, dict[str, list[str]]]:
        """Return the keys: heading -> what it does -> names of the keys that do it."""
        groups: dict[str, dict[str, list[str]]] = {group.description: {} for group in ORDER}
        for one in bindings_of(self.of):
            if one.group:
                shown = groups.setdefault(one.group, {}).setdefault(one.title, [])
                shown.extend(key for key in keys_of(one.binding) if key not in shown)
        return {heading: rows for heading, rows in groups.items() if rows}

    def _blocks(self, width: int) -> list[list[Text]]:
        heading, key, words = (self._style(name) for name in ("heading", "key", "text"))
        blocks = []
        for title, rows in [*self.groups().items(), ("Signs", {text: [sign] for sign, text in SIGNS})]:
            told = told_once(rows)
            beside = max((length for length in (cell_len(keys) for keys in told) if length <= KEYS), default=0) + 2
            lines = [Text(title, heading)]
            for keys, text in told.items():
                lines += _lines(keys, text, key, words, beside, width)
            blocks.append(lines)
        return blocks

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"help--{name}", partial=True)


def told_once(rows: dict[str, list[str]]) -> dict[str, str]:
    """Return keys -> what they do. What an inner widget does with the same keys comes first, and what else then."""
    told: dict[str, str] = {}
    for words, names in rows.items():
        keys = "  ".join(names)
        told[keys] = f"{told[keys]}; else: {words[:1].lower()}{words[1:]}" if keys in told else words
    return told


def _lines(keys: str, words: str, key: Style, text: Style, beside: int, width: int) -> list[Text]:
    """Set keys and what they do side by side; words that are too long go on below."""
    lines = []
    if cell_len(keys) > beside - 2:
        lines.append(Text(f"  {keys}", key))
        keys = ""
    for part in wrapped(words, width - beside - 2):
        line = Text("  ").append(keys + " " * (beside - cell_len(keys)), key).append(part, text)
        lines.append(line)
        keys = ""
    return lines


def _set(blocks: list[list[Text]], columns: int, width: int) -> list[Text]:
    """Set blocks in columns from left to right, none broken, as low as they get."""
    height = max(len(block) for block in blocks)
    while len(shelves := _shelved(blocks, height)) > columns:
        height += 1
    lines: list[Text] = []
    for row in range(max(len(shelf) for shelf in shelves)):
        line = Text()
        for place, shelf in enumerate(shelves):
            line.pad_right(max(0, place * (width + GAP) - line.cell_len))
            if row < len(shelf):
                cell = shelf[row].copy()
                cell.truncate(width, overflow="ellipsis")
                line.append_text(cell)
        lines.append(line)
    return lines


def _shelved(blocks: list[list[Text]], height: int) -> list[list[Text]]:
    shelves: list[list[Text]] = [[]]
    for block in blocks:
        here = shelves[-1]
        if here and len(here) + 1 + len(block) > height:
            shelves.append(list(block))
        else:
            here.extend([Text(), *block] if here else block)
    return shelves
