"""``layerscope history``, and what the commands keep and ask of it."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing, suppress

from layerscope.commands.common import ANSWER, OutputError, patience, take_inventory, write_out
from layerscope.core.graph import LayerGraph
from layerscope.output.history_text import MIN_WIDTH, history_text
from layerscope.sources.open import Source
from layerscope.state.history import HistoryError, ScanHistory
from layerscope.state.settings import SettingsFile, default_path
from layerscope.text import clean
from layerscope.units import Units


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


def run(source: Source, history: ScanHistory, units: Units) -> None:
    """Print what was kept of the engine of ``source``. Raises BackendError, ScanFileError, OutputError."""
    if source.live:
        with patience(ANSWER), closing(source.connect()) as connection:
            engine = connection.engine
    else:
        engine = take_inventory(source).engine
    try:
        records, seen = history.records(engine), history.seen(engine)
    except HistoryError as error:
        raise OutputError(str(error)) from None
    width = shutil.get_terminal_size((MIN_WIDTH, 24)).columns if sys.stdout and sys.stdout.isatty() else MIN_WIDTH
    write_out(history_text(engine, records, seen, now=int(time.time()), units=units, width=width))


def run_clear() -> None:
    """Forget everything that was kept. Raises OutputError."""
    history = ScanHistory.of_user()
    try:
        history.clear()
    except HistoryError as error:
        raise OutputError(str(error)) from None
    if sys.stderr is not None and sys.stderr.isatty():
        sys.stderr.write(f"{clean(str(history.path), 200)}: deleted\n")
