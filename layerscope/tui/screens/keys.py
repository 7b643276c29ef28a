"""The keys of the main screen; views and bars have their own besides."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from layerscope.tui.keys import APP, FIND, MARK, SHOW, VIEWS, key_name
from layerscope.tui.widgets.markline import SHORTCUT

KEYS: list[BindingType] = [
    Binding("i", "info", "Info", group=SHOW, tooltip="Everything about what the cursor is on"),
    Binding("y", "copy", "Copy", group=SHOW, tooltip="Copy its ID, or the command to remove what is marked"),
    Binding("E", "export", "Save", group=SHOW, tooltip="Save the scan in a file"),
    Binding("P", "pull", "Pull", show=False, group=SHOW, tooltip="What a pull would cost, or a newer one of this"),
    Binding("D", "diff", "Before", show=False, group=SHOW, tooltip="What came and went since a saved scan"),
    Binding("C", "columns", "Columns", show=False, group=SHOW, tooltip="Choose the columns of the images"),
    Binding("b", "units", "Units", show=False, group=SHOW, tooltip="Sizes in kB or KiB"),
    Binding("question_mark", "help", "Help", group=APP, key_display="?", tooltip="All keys and signs"),
    Binding("slash", "find", "Find", group=FIND, key_display="/", tooltip="Find in this list"),
    Binding("n", "hit(1)", "Next hit", show=False, group=FIND),
    Binding("N", "hit(-1)", "Previous hit", show=False, group=FIND),
    Binding(
        "ampersand,backslash",
        "filter",
        "Filter",
        group=FIND,
        key_display="&",
        tooltip="Filter: show only some images",
    ),
    Binding("escape", "clear", "Clear", show=False, group=FIND, tooltip="Clear the find, then the filter"),
    Binding("space", "mark", "Mark", group=MARK, tooltip="Mark or unmark; a layer: all images that need it"),
    Binding("asterisk", "mark_all", "Mark all", show=False, group=MARK, key_display="*", tooltip="Mark all shown"),
    Binding("u", "unmark_all", "Unmark all", show=False, group=MARK),
    Binding("v", "invert", "Invert", show=False, group=MARK, tooltip="Swap marked and unmarked of those shown"),
    Binding("m", "only_marked", "Marked", show=False, group=MARK, tooltip="Show only the marked, or all again"),
    Binding(SHORTCUT, "keeper", "Keeper", show=False, group=MARK, tooltip="To the image that keeps most of the marks"),
    Binding("p", "pin", "Pin", show=False, group=MARK, tooltip="Pin: never propose it for removal; or unpin"),
    Binding("f", "free", "Free", group=MARK, tooltip="Propose what to remove to free so much"),
    Binding("R", "keep", "Keep rules", show=False, group=MARK, tooltip="What keep rules would remove, and mark it"),
    Binding("F", "presets", "Presets", group=MARK, tooltip="Mark a ready-made set: dangling, unused, old, left over"),
    Binding(
        "d",
        "remove",
        "Remove",
        group=MARK,
        tooltip="Remove the marked, unmarked: this one; asks first",
    ),
    Binding("1", "view('images')", "Images, layers, used by", show=False, group=VIEWS),
    Binding("2", "view('layers')", "All layers", show=False, group=VIEWS),
    Binding("3", "view('tree')", "Tree", show=False, group=VIEWS),
    Binding("4", "view('map')", "Map", show=False, group=VIEWS),
    Binding("5,c", "view('compare')", "Compare images", show=False, group=VIEWS),
    Binding("6", "view('engine')", "Engine's own figures", show=False, group=VIEWS),
    Binding("r", "rescan", "Rescan", group=APP),
    Binding("q", "quit", "Quit", group=APP),
]

ON_MARKS = frozenset({"copy", "keeper", "remove"})
"""Actions on what is under the cursor, or on what is marked."""
ON_ROWS = ON_MARKS | {"mark", "mark_all", "invert", "only_marked", "pin", "info", "find", "hit", "filter", "columns"}
"""Actions that need rows on view."""


def nothing_on(key: str) -> str:
    """Return what to say of a key that did nothing: it has no meaning, or none where there are no rows."""
    ours = any(key in binding.key.split(",") for binding in KEYS if isinstance(binding, Binding))
    why = "needs a row to act on, and this page has none" if ours else "does nothing here"
    return f"{key_name(key)} {why} · 1 to 6: views · ?: all keys"
