"""Preview: what made the layer under the cursor, in full, where the screen is wide enough for it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from layerscope.core.graph import Layer
from layerscope.text import wrapped
from layerscope.tui.widgets.framed import Framed
from layerscope.views.names import layer_text


class Preview(Framed, Static):
    """A frame with one instruction in it; what does not fit is cut at the end."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", id=id)
        self._layer: Layer | None = None
        self.own_title = Content("Instruction")
        self.border_title = self.own_title

    def tell(self, layer: Layer | None) -> None:
        """Show the instruction of a layer; None: there is no layer."""
        self._layer = layer
        self._fill()

    def on_resize(self) -> None:
        """Break lines again."""
        self._fill()

    def _fill(self) -> None:
        width, height = self.content_size.width, self.content_size.height
        if not width or not height:  # not on view
            return
        lines = wrapped(layer_text(self._layer), width) if self._layer is not None else []
        if len(lines) > height:
            lines = [*lines[: height - 1], "… (i shows all of it)"]
        self.update(Content("\n".join(lines)))
