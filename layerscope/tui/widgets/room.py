"""Containers that are covered by what they hold.

Textual draws every line of every container again, from what it keeps, in each frame, and then
covers it with what is inside; a blank one costs next to nothing. They have no border and no padding.
"""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import ContentSwitcher

from layerscope.tui.keys import MOVE

NEXT = "Next pane; after the last, the line of the marked"
PREVIOUS = "Previous pane; before the first, that line"


class Columns(Horizontal):
    """Side by side."""

    BLANK: ClassVar[bool] = True


class Stack(Vertical):
    """One above the other."""

    BLANK: ClassVar[bool] = True


class Switcher(ContentSwitcher):
    """One at a time."""

    BLANK: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = [  # Textual's own, which no help would list
        Binding("tab", "app.focus_next", "Next pane", show=False, group=MOVE, tooltip=NEXT),
        Binding("shift+tab", "app.focus_previous", "Previous pane", show=False, group=MOVE, tooltip=PREVIOUS),
    ]
