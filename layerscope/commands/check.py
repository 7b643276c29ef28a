"""``layerscope check``: does a host keep to its budget?"""

from __future__ import annotations

import shutil
import sys
import time
from typing import Literal

from layerscope.commands.common import awaited_file, load_scan, patience, take_inventory, write_out
from layerscope.core.budgets import check
from layerscope.core.build import build_graph
from layerscope.errors import WrongInputError
from layerscope.output.check import MIN_WIDTH, check_json, check_junit, check_markdown, check_text, failed
from layerscope.sources.open import Source
from layerscope.state.rules import load_rules
from layerscope.text import clean
from layerscope.units import Units

Form = Literal["text", "json", "markdown", "junit"]
NO = 1
"""Exit status: a budget is not kept, or may not be."""


def run(source: Source, path: str, since: str | None, *, form: Form, units: Units) -> int:
    """Print how ``source`` stands to the budget in the file ``path``; 1 when it is not surely kept.

    ``since``: a saved scan that growth is counted from. Raises RulesError, ScanFileError, NotComparableError, and
    what taking an inventory raises.
    """
    if [path, since, source.path].count("-") > 1:
        raise WrongInputError("only one of rules and scans can come from standard input; name files for the others")
    with patience(awaited_file(path, "rules")):
        budget = load_rules(path)(int(time.time())).budget
    place = clean(path, 200)
    if not budget:
        raise WrongInputError(f"{place}: no [budget] in it, so there is nothing to check; `layerscope keep --example`")
    if budget.growth is not None and since is None:
        raise WrongInputError(f"{place}: growth is counted from a scan; name one with --since")
    before = None if since is None else build_graph(load_scan(since))
    checks = check(build_graph(take_inventory(source)), budget, before)
    if form == "json":
        write_out(check_json(checks))
    elif form == "markdown":
        write_out(check_markdown(checks, units))
    elif form == "junit":
        write_out(check_junit(checks, units))
    else:
        width = shutil.get_terminal_size((MIN_WIDTH, 24)).columns if sys.stdout and sys.stdout.isatty() else MIN_WIDTH
        write_out(check_text(checks, units, width))
    return NO if failed(checks) else 0
