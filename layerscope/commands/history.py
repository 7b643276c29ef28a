"""``layerscope history``."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import closing

from layerscope.commands.common import ANSWER, OutputError, patience, take_inventory, write_out
from layerscope.output.history_text import MIN_WIDTH, history_text
from layerscope.sources.open import Source
from layerscope.state.history import HistoryError, ScanHistory
from layerscope.text import clean
from layerscope.units import Units


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
