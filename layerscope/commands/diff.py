"""``layerscope diff``: what came and went between two scans."""

from __future__ import annotations

import shutil
import sys
from typing import Literal

from layerscope.commands.common import load_scan, take_inventory, write_out
from layerscope.core.before_after import difference
from layerscope.core.build import build_graph
from layerscope.errors import WrongInputError
from layerscope.output.before_after import diff_json, diff_markdown
from layerscope.output.before_after_text import MIN_WIDTH, diff_text
from layerscope.sources.open import Source
from layerscope.units import Units

Form = Literal["text", "json", "markdown"]


def run(source: Source, old: str, new: str | None, *, form: Form, units: Units) -> None:
    """Print what changed from the scan ``old`` to ``new``, or to what ``source`` is now.

    Raises ScanFileError, BackendError, and NotComparableError for scans of different stores.
    """
    if old == "-" and (new == "-" or (new is None and source.path == "-")):
        raise WrongInputError("both scans cannot come from standard input; name a file for one of them")
    before = load_scan(old)  # a slip is told before a scan
    after = take_inventory(source) if new is None else load_scan(new)
    found = difference(build_graph(before), build_graph(after))
    if form == "json":
        write_out(diff_json(found))
    elif form == "markdown":
        write_out(diff_markdown(found, units))
    else:
        width = shutil.get_terminal_size((MIN_WIDTH, 24)).columns if sys.stdout and sys.stdout.isatty() else MIN_WIDTH
        write_out(diff_text(found, units=units, width=width))
