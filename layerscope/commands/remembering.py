"""What commands keep in the history of scans, and ask of it."""

from __future__ import annotations

import sys
from contextlib import suppress

from layerscope.core.graph import LayerGraph
from layerscope.state.history import HistoryError, ScanHistory
from layerscope.state.settings import SettingsFile, default_path


def history_of_user(wanted: bool = True) -> ScanHistory:
    """Return the history of whoever runs the program; one that keeps nothing where they chose so.

    ``wanted`` False: they said ``--no-history``. The settings say ``"history": false`` for good.
    """
    return ScanHistory.of_user() if wanted and SettingsFile(default_path()).load()[0].history else ScanHistory(None)


def remember(history: ScanHistory, graph: LayerGraph) -> None:
    """Keep the scan of a live engine, and give the graph what was seen before; a failure is only warned of."""
    if graph.inventory.from_file:
        return
    try:
        history.keep(graph)
    except HistoryError as error:
        _warn(error)


def recall(history: ScanHistory, graph: LayerGraph) -> None:
    """Give a graph what earlier scans of its engine saw; a failure is only warned of. A saved scan has its engine's."""
    try:
        graph.seen = history.seen(graph.inventory.engine)
    except HistoryError as error:
        _warn(error)


def _warn(error: HistoryError) -> None:
    with suppress(OSError, AttributeError, ValueError):
        sys.stderr.write(f"layerscope: warning: {error}\n")
