"""``layerscope keep``: what keep rules come to. Removes nothing."""

from __future__ import annotations

import shutil
import sys
import time
from importlib import resources
from typing import Literal

from layerscope.commands.common import awaited_file, patience, take_inventory, write_out
from layerscope.commands.remembering import history_of_user, recall
from layerscope.core.build import build_graph
from layerscope.core.keep.plan import keep_plan
from layerscope.errors import WrongInputError
from layerscope.output.keep import keep_json, keep_text
from layerscope.output.plan_text import MIN_WIDTH
from layerscope.sources.open import Source
from layerscope.state.pins import Pins
from layerscope.state.rules import load_rules
from layerscope.units import Units
from layerscope.views.keep import keep_warnings
from layerscope.views.script import removal_script

Form = Literal["text", "json", "script"]
NO = 1
"""Exit status: nothing goes by the rules."""
EXAMPLE = "keep.toml"


def run(source: Source, path: str, *, form: Form, units: Units, history: bool = True) -> int:
    """Print what the rules in the file ``path`` come to on ``source``; 1 when nothing would go.

    ``history``: what was in use is asked of the scans that were kept.

    Raises RulesError, PinsError, and what taking an inventory raises.
    """
    if path == "-" == source.path:
        raise WrongInputError("rules and scan cannot both come from standard input; name a file for one of them")
    with patience(awaited_file(path, "rules")):
        read = load_rules(path)  # a slip is told before a scan
    pins = Pins.of_user()
    pins.load()
    graph = build_graph(take_inventory(source, whole=True))
    recall(history_of_user(history), graph)
    now = int(time.time()) if source.live or not graph.inventory.taken_at else graph.inventory.taken_at
    rules = read(now)
    found = keep_plan(graph, rules.rules, pins.ids(graph))
    warnings = keep_warnings(found, rules.needs_history, now)
    if form == "json":
        write_out(keep_json(found, warnings))
    elif form == "script":
        for line in warnings:
            print(f"layerscope: warning: {line}", file=sys.stderr)
        write_out(removal_script(found.plan, units))
    else:
        width = shutil.get_terminal_size((MIN_WIDTH, 24)).columns if sys.stdout and sys.stdout.isatty() else MIN_WIDTH
        write_out(keep_text(found, warnings, now=now, units=units, width=width))
    return 0 if found.plan.removed else NO


def run_example() -> None:
    """Print rules to start from."""
    write_out((resources.files("layerscope.sources.samples") / EXAMPLE).read_text(encoding="utf-8"))
