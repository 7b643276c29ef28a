"""What keep rules come to, for programs (``layerscope.keep/1``) and for people.

The first is a contract that scripts rely on: fields are added, never renamed, retyped or taken away. Sizes are whole
bytes in the store's unit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from layerscope.core.keep.plan import KeepPlan
from layerscope.output.plan_json import plan_dict
from layerscope.output.plan_text import MIN_WIDTH, plan_text
from layerscope.output.report import rfc3339
from layerscope.output.tables import Column, table
from layerscope.text import fit, wrapped
from layerscope.units import Units, format_number, format_size
from layerscope.views.keep import adds, total_words
from layerscope.views.names import bounded

SCHEMA = "layerscope.keep/1"


def keep_json(found: KeepPlan, warnings: Sequence[str]) -> str:
    """Return what rules come to as JSON with a newline at its end; see :func:`keep_dict`."""
    return json.dumps(keep_dict(found, warnings), indent=1) + "\n"


def keep_dict(found: KeepPlan, warnings: Sequence[str]) -> dict[str, Any]:
    """Return what rules come to as plain data, ready for JSON. ``plan`` is a ``layerscope.plan/1``.

    ``adds_bytes`` is counted on top of the rules of its kind before it. ``sum_alone_bytes`` is what the drop rules
    promise one by one, and is more than the plan frees wherever several need the same layers.
    """
    seen = found.plan.graph.seen
    return {
        "schema": SCHEMA,
        "rules": [
            {
                "rule": one.rule.kind,
                "says": one.rule.says,
                "line": one.rule.line,
                "images": [node.id for node in one.images],
                "decides": [node.id for node in one.decides],
                "listed_bytes": one.listed,
                "alone_bytes": one.alone,
                "alone_exact": not one.alone_bound,
                "adds_bytes": one.adds,
            }
            for one in found.rules
        ],
        "frees_bytes": found.frees,
        "frees_exact": found.plan.exact,
        "sum_alone_bytes": found.summed,
        "pinned": [node.id for node in found.pinned],
        "undecided_images": found.undecided,
        "seen": {"scans": seen.scans, "since": rfc3339(seen.since)},
        "warnings": list(warnings),
        "plan": plan_dict(found.plan),
    }


def keep_text(
    found: KeepPlan, warnings: Sequence[str], *, now: int, units: Units = Units.SI, width: int = MIN_WIDTH
) -> str:
    """Return what rules come to as text of at most ``width`` columns, a newline at its end."""
    width = max(width, MIN_WIDTH)
    parts = [rules_table(found, units, width), _wrapped(total_words(found, units), width)]
    parts.append(_wrapped([f"Warning: {one}." for one in warnings], width))
    text = "\n".join("\n".join(lines) + "\n" for lines in parts if lines)
    return f"{text}\n{plan_text(found.plan, now=now, units=units, width=width)}"


def rules_table(found: KeepPlan, units: Units, width: int) -> list[str]:
    """Return a line for each rule under a heading."""
    rows = found.rules
    if not rows:
        return ["No rules."]
    return table(
        width,
        Column("RULE", [one.rule.kind for one in rows], right=False),
        Column("IMAGES", [format_number(len(one.decides)) for one in rows]),
        Column("LISTED", [format_size(one.listed, units) for one in rows]),
        Column("ALONE", [bounded(one.alone, one.alone_bound, units) for one in rows]),
        Column("ADDS", [adds(one, units) for one in rows]),
        Column("", [one.rule.says for one in rows], right=False, cut=fit),
    )


def _wrapped(lines: Sequence[str], width: int) -> list[str]:
    return [part for line in lines for part in map(str.rstrip, wrapped(line, width))]
