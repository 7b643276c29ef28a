"""How a host stands to its budget: for programs (``layerscope.check/1``), people, merge requests and test reports.

The first is a contract that scripts rely on: fields are added, never renamed, retyped or taken away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from layerscope.core.budgets import Check
from layerscope.output.markdown import md_table, plain
from layerscope.output.tables import Column, table
from layerscope.text import clean, fit
from layerscope.units import UNKNOWN, Units, count, format_number, format_size

SCHEMA = "layerscope.check/1"
MIN_WIDTH = 80
_LONGEST = 200
_STATES = {"ok": "ok", "over": "OVER", "unknown": "UNKNOWN"}


def failed(checks: Sequence[Check]) -> bool:
    """Is any budget not surely kept?"""
    return any(one.state != "ok" for one in checks)


def check_json(checks: Sequence[Check]) -> str:
    """Return the checks as JSON with a newline at its end; see :func:`check_dict`."""
    return json.dumps(check_dict(checks), indent=1) + "\n"


def check_dict(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the checks as plain data, ready for JSON.

    ``value`` is null where it is not exact; it lies between ``at_least`` and ``at_most``, null where there is no end.
    """
    return {
        "schema": SCHEMA,
        "ok": not failed(checks),
        "checks": [
            {
                "budget": one.key,
                "what": one.what,
                "unit": "bytes" if one.is_bytes else "count",
                "state": one.state,
                "limit": one.limit,
                "value": one.low if one.low == one.high else None,
                "at_least": one.low,
                "at_most": one.high,
                "because": one.because or None,
                "images": list(one.images),
            }
            for one in checks
        ],
    }


def check_text(checks: Sequence[Check], units: Units = Units.SI, width: int = MIN_WIDTH) -> str:
    """Return the checks as a table; the last line is one that a script can read: ``layerscope-check: over …``."""
    lines = table(
        max(width, MIN_WIDTH),
        Column("", [_STATES[one.state] for one in checks], right=False),
        Column("BUDGET", [clean(one.key, 40) for one in checks], right=False),
        Column("IS", [value(one, units) for one in checks]),
        Column("AT MOST", [limit(one, units) for one in checks]),
        Column("", [told(one) for one in checks], right=False, cut=fit),
    )
    return "\n".join([*lines, "", last_line(checks)]) + "\n"


def last_line(checks: Sequence[Check]) -> str:
    """Return ``layerscope-check: ok budgets=5 over=0 unknown=0``; ``over`` and ``unknown`` in place of ``ok``."""
    numbers = {state: sum(one.state == state for one in checks) for state in ("over", "unknown")}
    result = next((state for state, number in numbers.items() if number), "ok")
    return f"layerscope-check: {result} budgets={len(checks)} over={numbers['over']} unknown={numbers['unknown']}"


def check_markdown(checks: Sequence[Check], units: Units = Units.SI) -> str:
    """Return the checks as a table in Markdown, a newline at its end."""
    bad = sum(one.state != "ok" for one in checks)
    head = (
        f"**{bad} of {count(len(checks), 'budget')} not kept**" if bad else f"**{count(len(checks), 'budget')} kept**"
    )
    rows = [
        (_STATES[one.state], plain(one.key), value(one, units), limit(one, units), plain(told(one))) for one in checks
    ]
    return "\n".join([head, "", *md_table(("", "Budget", "Is", "At most", "What"), rows, (2, 3))]) + "\n"


def check_junit(checks: Sequence[Check], units: Units = Units.SI) -> str:
    """Return the checks as a report of JUnit, a test case for each budget, as CI servers read it."""
    bad = sum(one.state != "ok" for one in checks)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuites name="layerscope" tests="{len(checks)}" failures="{bad}" errors="0">',
        f'  <testsuite name="layerscope.check" tests="{len(checks)}" failures="{bad}" errors="0" skipped="0">',
    ]
    for one in checks:
        name = quoteattr(_xml(clean(one.key, _LONGEST)))
        if one.state == "ok":
            lines.append(f'    <testcase classname="layerscope.check" name={name} time="0"/>')
            continue
        message = _xml(f"{value(one, units)} {told(one)}, at most {limit(one, units)}")
        lines += [
            f'    <testcase classname="layerscope.check" name={name} time="0">',
            f'      <failure type="{one.state}" message={quoteattr(message)}>{escape(message)}</failure>',
            "    </testcase>",
        ]
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has not, however they are written (section 2.2)."""


def _xml(text: str) -> str:
    return _NO_XML.sub("?", text)


def value(one: Check, units: Units) -> str:
    """Return the figure: ``5.0 MB``, ``≥5.0 MB``, ``≤5.0 MB`` or ``?``."""
    if one.low is not None and one.low == one.high:
        return _number(one, one.low, units)
    if one.low:
        return f"≥{_number(one, one.low, units)}"
    return UNKNOWN if one.high is None else f"≤{_number(one, one.high, units)}"


def limit(one: Check, units: Units) -> str:
    """Return what is allowed."""
    return _number(one, one.limit, units)


def told(one: Check) -> str:
    """Return what the figure is, and why it is not exact, in words; cleaned."""
    return clean(f"{one.what}: {one.because}" if one.because else one.what, _LONGEST)


def _number(one: Check, number: int, units: Units) -> str:
    return format_size(number, units) if one.is_bytes else format_number(number)
