"""What the main screen expects of every view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.timer import Timer
from textual.widget import Widget

from layerscope.core.graph import ImageNode, Layer
from layerscope.tui.messages import Pointed
from layerscope.tui.scene import Scene

if TYPE_CHECKING:
    Base = Widget
else:
    Base = object  # a widget takes its default styles from its first base that is a widget: this must not be it

SETTLE = 0.04
"""Seconds without a key after which what depends on the cursor follows: a held key stays as quick as one list."""


@runtime_checkable
class View(Protocol):
    """One of the views on the number keys. All look at the same scene, cursor and marks."""

    has_rows: bool
    """Is there anything that a cursor can be on?"""

    @property
    def sentence(self) -> str:
        """What a view without rows says of itself, in a line; empty for one with rows."""
        ...

    @property
    def image_here(self) -> ImageNode | None:
        """The image under the cursor."""
        ...

    @property
    def layer_here(self) -> Layer | None:
        """The layer under the cursor."""
        ...

    def show_scene(self, scene: Scene) -> None:
        """Show a scene: another one, or the same after something changed. Keeps the cursor where it can."""
        ...

    def marks_changed(self) -> None:
        """Draw the marks again."""
        ...

    def follow(self) -> None:
        """Bring up to date what depends on where the cursor is."""
        ...

    def targets(self) -> Iterable[ImageNode]:
        """The images that a mark would mark."""
        ...

    def reveal(self, image: ImageNode | None, layer: Layer | None) -> None:
        """Put the cursor on what another view had it on, as near as this one can."""
        ...

    def take_focus(self) -> None:
        """Give the keyboard to the view's list."""
        ...


class Pointing(Base):
    """Mixin of a view with rows: says when its cursor came to rest."""

    has_rows = True
    sentence = ""
    _settling: Timer | None = None

    def soon(self) -> None:
        """Say so once the keys rest."""
        if self._settling is not None:
            self._settling.stop()
        self._settling = self.set_timer(SETTLE, self.pointed)

    def pointed(self) -> None:
        """Say so now: to the screen, which lets the view and the line of the marked follow in one frame."""
        self.screen.post_message(Pointed())
