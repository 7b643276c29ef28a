"""Styles that are read when the first widget is made that needs them."""

from __future__ import annotations

from pathlib import Path

from textual.dom import DOMNode


def load_styles(node: DOMNode, name: str) -> None:
    """Read a file of styles beside this package, like ``panes/views.tcss``, unless it was read already."""
    path, sheet = Path(__file__).parent / name, node.app.stylesheet
    if not sheet.has_source(str(path)):
        sheet.read(path)
        sheet.reparse()
