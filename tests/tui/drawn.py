"""The whole screen as text that can be read, compared and kept: what is written, then how each piece is drawn.

Nothing that a picture of the screen would show is lost: colours, bold, dim, underline and the rest are in the second
half, as runs of cells. A tenth of the weight of an SVG, and a difference can be read.
"""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.style import Style
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from layerscope.tui.app import LayerscopeApp


class ScreenText(SingleFileSnapshotExtension):
    """Keeps a screen in a file of its own, ``__snapshots__/<module>/<test>.txt``."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"

    def serialize(self, data: Any, **_: Any) -> str:
        return str(data)


def drawn(app: LayerscopeApp) -> str:
    """Return the screen: its lines, then for each line its runs (style, cells), then the styles."""
    names: dict[str, str] = {}
    lines: list[str] = []
    looks: list[str] = []
    for strip in app.screen._compositor.render_strips():
        runs: list[tuple[str, int]] = []
        for segment in strip:
            name = names.setdefault(_style(segment.style), _name(len(names)))
            cells = cell_len(segment.text)
            if runs and runs[-1][0] == name:
                runs[-1] = name, runs[-1][1] + cells
            elif cells:
                runs.append((name, cells))
        lines.append("".join(segment.text for segment in strip).rstrip())
        looks.append(" ".join(f"{name}{cells}" for name, cells in runs))
    kinds = [f"{name} = {style}" for style, name in names.items()]
    width, height = app.size
    return "\n".join([f"{width}x{height}", *lines, "", "-- styles --", *looks, "", *kinds, ""])


def _name(number: int) -> str:
    """``a`` to ``z``, then ``A`` to ``Z``, then two letters."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    first, last = divmod(number, len(letters))
    return (letters[first - 1] if first else "") + letters[last]


def _style(style: Style | None) -> str:
    if style is None:
        return "plain"
    names = ("bold", "dim", "italic", "underline", "underline2", "reverse", "strike", "blink")
    told = [name for name in names if getattr(style, name)]
    colours = [
        "" if colour is None else "default" if colour.is_default else colour.get_truecolor().hex
        for colour in (style.color, style.bgcolor)
    ]
    return " ".join(filter(None, [colours[0], f"on {colours[1]}" if colours[1] else "", *told])) or "plain"
