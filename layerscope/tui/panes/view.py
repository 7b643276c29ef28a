"""What the main screen expects of every view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from layerscope.core.graph import ImageNode, Layer
from layerscope.tui.host import Host


@runtime_checkable
class View(Protocol):
    """One of the views on the number keys. All look at the same host, cursor and marks."""

    @property
    def image_here(self) -> ImageNode | None:
        """The image under the cursor."""
        ...

    @property
    def layer_here(self) -> Layer | None:
        """The layer under the cursor."""
        ...

    def show_host(self, host: Host) -> None:
        """Show a host: another one, or the same after something changed. Keeps the cursor where it can."""
        ...

    def marks_changed(self) -> None:
        """Draw the marks again."""
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
