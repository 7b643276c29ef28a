"""``layerscope report``: the facts as text, JSON, CSV, Markdown or metrics."""

from __future__ import annotations

import sys
import time
from typing import Literal, get_args

from layerscope.commands.common import take_inventory, write_out
from layerscope.sources.open import Source
from layerscope.units import Units

Form = Literal["text", "json", "csv", "markdown", "prometheus"]
_REMEMBERING = "layerscope.commands.remembering"
_OUTPUT = {"text": "report_text", "json": "report", "csv": "report", "markdown": "report_markdown"}
_NEEDS = {
    form: ("layerscope.core.build", f"layerscope.output.{_OUTPUT.get(form, f'report_{form}')}", _REMEMBERING)
    for form in get_args(Form)
}
"""By form, the modules that make a report of an inventory: loaded while the engine works on its answers."""


def run(source: Source, form: Form, units: Units, *, history: bool = False, total: bool = True) -> None:
    """Print the report on ``source``; ``history``: keep a record of the scan of a live engine.

    ``total``: ask the engine for its own total. On some engines the footprint is exact only with it.
    """
    inventory = take_inventory(source, load=_NEEDS[form], usage=total)
    from layerscope.core.build import build_graph  # noqa: PLC0415 (loaded while the engine was asked)

    graph = build_graph(inventory)
    if source.live and history:
        from layerscope.commands.remembering import history_of_user, remember  # noqa: PLC0415

        remember(history_of_user(), graph)
    if form == "json":
        from layerscope.output.report import report_json  # noqa: PLC0415

        write_out(report_json(graph))
    elif form == "csv":
        from layerscope.output.report import report_csv  # noqa: PLC0415

        write_out(report_csv(graph))
    elif form == "markdown":
        from layerscope.output.report_markdown import report_markdown  # noqa: PLC0415

        write_out(report_markdown(graph, units))
    elif form == "prometheus":
        from layerscope.output.report_prometheus import report_prometheus  # noqa: PLC0415

        write_out(report_prometheus(graph))
    else:
        import shutil  # noqa: PLC0415 (not for the JSON: it loads what packs files)

        from layerscope.output.report_text import MIN_WIDTH, report_text  # noqa: PLC0415

        width = shutil.get_terminal_size((MIN_WIDTH, 24)).columns if sys.stdout and sys.stdout.isatty() else MIN_WIDTH
        now = int(time.time()) if source.live else None
        write_out(report_text(graph, units=units, width=width, now=now))
