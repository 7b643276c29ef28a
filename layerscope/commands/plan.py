"""``layerscope plan`` and ``layerscope free``: what a removal would free, and what to remove for a size."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from typing import Literal

from layerscope.commands.common import take_inventory, write_out
from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.core.removal.proposal import propose
from layerscope.output.plan_json import free_json, plan_json
from layerscope.output.plan_text import MIN_WIDTH, free_text, plan_text
from layerscope.search.query import Query, parse
from layerscope.search.select import SelectionError, select
from layerscope.sources.open import Source
from layerscope.state.pins import Pins
from layerscope.units import Units, count, format_size
from layerscope.views.rmi import references

Form = Literal["text", "json", "names"]
"""As tables for a person, as a document, or as names for ``docker rmi``."""

NO = 1
"""Exit status: the answer is no."""


def run_plan(source: Source, patterns: Sequence[str], filters: Sequence[str], *, form: Form, units: Units) -> int:
    """Print what removing the images would do that ``patterns`` name and all of ``filters`` select.

    Returns 1 when nothing would go, though something was meant to. Raises SelectionError for what means no image.
    """
    queries = [_query(text, int(time.time())) for text in filters]  # a slip is reported before a scan
    graph = build_graph(take_inventory(source))
    found = plan(graph, [node.id for node in _meant(graph, patterns, queries)])
    if form == "names":
        return _write_names(found)
    if form == "json":
        write_out(plan_json(found))
    else:
        write_out(plan_text(found, now=_now(graph, source), units=units, width=_width()))
    return 0 if found.removed else NO


def run_free(
    source: Source,
    target: int,
    pinned: Sequence[str],
    *,
    include_used: bool,
    spare_local: bool,
    form: Form,
    units: Units,
) -> int:
    """Print what to remove for ``target`` bytes. Returns 1 when so much cannot be had.

    ``pinned`` names images that must stay, beside the user's own pins. ``spare_local``: miss most what cannot be
    pulled again.
    """
    pins = Pins.of_user()
    pins.load()
    graph = build_graph(take_inventory(source))
    kept = pins.ids(graph) | {node.id for node in select(graph, pinned)}
    found = propose(graph, target, pins=kept, include_used=include_used, spare_local=spare_local)
    if form == "names":
        if not found.reached:
            return _no(f"{format_size(target, units)} cannot be freed: at most {format_size(found.most, units)}")
        return _write_names(found.plan)
    if form == "json":
        write_out(free_json(found, kept))
    else:
        write_out(free_text(found, pinned=len(kept), now=_now(graph, source), units=units, width=_width()))
    return 0 if found.reached else NO


def _write_names(found: RemovalPlan) -> int:
    """Print what ``docker rmi`` takes, one name a line: all of the plan or nothing."""
    names, left_out = references([*found.removed, *(one.image for one in found.untagged)])
    if left_out:
        return _no(f"{count(left_out, 'image')} of the plan has no name that docker takes, so nothing is printed")
    if not names:
        return _no("nothing would go, so there is nothing to name; leave out -q to see why")
    if stay := len(found.blocked_images):
        said = count(stay, "image stays", "images stay")
        print(f"layerscope: {said}, as the engine would refuse; leave out -q to see why", file=sys.stderr)
    write_out("".join(f"{name}\n" for name in names))
    return 0


def _no(why: str) -> int:
    print(f"layerscope: {why}", file=sys.stderr)
    return NO


def _query(text: str, now: int) -> Query:
    query = parse(text, now)
    wrong = [problem for problem in query.problems if not problem.hint]
    if wrong or not query:
        why = wrong[0].message if wrong else "it selects nothing in particular"
        raise SelectionError(f"--filter {text!r}: {why}")
    return query


def _meant(graph: LayerGraph, patterns: Sequence[str], queries: Sequence[Query]) -> list[ImageNode]:
    nodes = select(graph, patterns) if patterns else list(graph.images)
    return [node for node in nodes if all(query.matches(node, graph) for query in queries)]


def _now(graph: LayerGraph, source: Source) -> int:
    if source.live or not graph.inventory.taken_at:
        return int(time.time()) + graph.inventory.clock_ahead
    return graph.inventory.taken_at


def _width() -> int:
    if sys.stdout is None or not sys.stdout.isatty():
        return MIN_WIDTH
    return shutil.get_terminal_size((MIN_WIDTH, 24)).columns
