"""Containers that are covered by what they hold.

Textual takes every line of every container again in each frame, and then finds that what is inside
covers it (``_compositor.py``, ``_render_chops``). These have no lines: no border, no padding, and where
they hold nothing, one sees the screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import ContentSwitcher

from layerscope.tui.keys import MOVE

if TYPE_CHECKING:
    Base = Widget
else:
    Base = object  # a widget takes its default styles from its first base that is a widget: this must not be it

NEXT = "Next pane; after the last, the line of the marked"
PREVIOUS = "Previous pane; before the first, that line"


class Covered(Base):
    """Mixin of a container of which nothing is seen."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return no line at all."""
        return []


class SideBySide(Covered, Horizontal):
    """Side by side."""


class TopToBottom(Covered, Vertical):
    """One above the other."""


class Switcher(Covered, ContentSwitcher):
    """One at a time."""

    BINDINGS: ClassVar[list[BindingType]] = [  # Textual's own, which no help would list
        Binding("tab", "app.focus_next", "Next pane", show=False, group=MOVE, tooltip=NEXT),
        Binding("shift+tab", "app.focus_previous", "Previous pane", show=False, group=MOVE, tooltip=PREVIOUS),
    ]
