"""What finds rows of a list: made, and loaded, when something is looked for."""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerscope.tui.widgets.rowtable import RowTable
    from layerscope.views.find import Search

Searcher = Callable[[], "Search"]


def in_layers(table: RowTable) -> Searcher:
    """Return what looks through the layers that are rows of a list."""

    def search() -> Search:
        from layerscope.views.find import LayerSearch

        return LayerSearch(table.rows)

    return search


def in_users(table: RowTable) -> Searcher:
    """Return what looks through the images and containers that are rows of a list."""

    def search() -> Search:
        from layerscope.views.find import user_search

        return user_search(table.rows)

    return search
