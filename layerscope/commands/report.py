"""``layerscope report``: the facts as text, JSON or CSV."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Literal

from layerscope.commands.common import take_inventory, write_out
from layerscope.commands.history import history_of_user, remember
from layerscope.core.build import build_graph
from layerscope.output.report import report_csv, report_json
from layerscope.output.report_text import MIN_WIDTH, report_text
from layerscope.sources.open import Source
from layerscope.units import Units

Form = Literal["text", "json", "csv"]


def run(source: Source, form: Form, units: Units, *, history: bool = False) -> None:
    """Print the report on ``source``; ``history``: keep a record of the scan of a live engine."""
    inventory = take_inventory(source)
    graph = build_graph(inventory)
    if source.live:
        remember(history_of_user(history), graph)
    if form == "json":
        write_out(report_json(graph))
    elif form == "csv":
        write_out(report_csv(graph))
    else:
        width = shutil.get_terminal_size((MIN_WIDTH, 24)).columns if sys.stdout and sys.stdout.isatty() else MIN_WIDTH
        now = int(time.time()) if source.live else None
        write_out(report_text(graph, units=units, width=width, now=now))
