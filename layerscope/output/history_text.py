"""The history of an engine for people: a line, a table of scans, and what made the biggest steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from layerscope.core.past import Point, Record, biggest_steps, change_between, sparkline
from layerscope.core.seen import Seen
from layerscope.inventory import Engine
from layerscope.output.tables import Column, table
from layerscope.text import clean, fit, wrapped
from layerscope.units import UNKNOWN, Units, count, format_number, format_size
from layerscope.views.before_after import moment
from layerscope.views.names import signed_words

MIN_WIDTH = 80
ROWS = 20
"""Scans in the table: the latest."""
STEPS = 5


def history_text(
    engine: Engine, records: Sequence[Record], seen: Seen, *, now: int, units: Units = Units.SI, width: int = MIN_WIDTH
) -> str:
    """Return the history of an engine as text of at most ``width`` columns, a newline at its end."""
    width = max(width, MIN_WIDTH)
    name = clean(engine.name or engine.host, 60)
    if not records:
        none = f"No scan of {name} was kept yet: each scan of it leaves a record, at most one an hour."
        return "\n".join(map(str.rstrip, wrapped(none, width))) + "\n"
    points = [record.point for record in records]
    span = f"from {moment(points[0].at)} to {moment(points[-1].at)}"
    values = [point.disk for point in points]
    ends = min(points, key=lambda point: point.disk), max(points, key=lambda point: point.disk)
    between = " – ".join(dict.fromkeys(_size(point, units) for point in ends))
    head = [fit(f"{count(len(points), 'scan')} of {name} {span}", width), f"{sparkline(values, width - 24)}  {between}"]
    parts = [head, _notes(records, seen, now), _scans(records, engine, units, width), _steps(records, units, width)]
    return "\n".join("\n".join(part) + "\n" for part in parts if part)


def _notes(records: Sequence[Record], seen: Seen, now: int) -> list[str]:
    notes = []
    if seen.turned_back:
        notes.append(f"The clock was put back {count(seen.turned_back, 'time')} between two scans.")
    if records[-1].point.at > now + 300:
        notes.append("The last scan is dated later than it is now: a clock was wrong.")
    if (earlier := len(records) - ROWS) > 0:
        are = "is" if earlier == 1 else "are"
        notes.append(f"{count(earlier, 'earlier scan')} {are} not in the table.")
    if lost := sum(record.step is None for record in records):
        notes.append(f"Of {count(lost, 'scan')} the list of images is damaged.")
    return notes


def _scans(records: Sequence[Record], engine: Engine, units: Units, width: int) -> list[str]:
    pairs = [(None, records[0]), *pairwise(records)][-ROWS:]
    fixed = engine.store_kind != "containerd"  # there an image may get more layers
    return table(
        width,
        Column("SCAN", [moment(record.point.at) for _, record in pairs], right=False),
        Column("ON DISK", [_size(record.point, units) for _, record in pairs]),
        Column("CHANGE", [_change(before, record, fixed, units) for before, record in pairs]),
        Column("IMAGES", [_images(before, record) for before, record in pairs], right=False),
    )


def _size(point: Point, units: Units) -> str:
    return ("" if point.exact else "≥") + format_size(point.disk, units)


def _change(before: Record | None, record: Record, fixed: bool, units: Units) -> str:
    if before is None:
        return ""
    if fixed and record.step is not None and not record.step.whole and not record.names:
        return "–"
    return signed_words(change_between(before.point, record.point), units).replace("no change", "–")


def _images(before: Record | None, record: Record) -> str:
    if record.step is None:
        return UNKNOWN
    if before is None or record.step.whole:
        return count(len(record.step.came), "image")
    came = len(record.names) - len(record.step.gone)
    numbers = (("+", came), ("−", len(record.step.gone)))
    parts = [f"{sign}{format_number(number)}" for sign, number in numbers if number]
    return " ".join(parts) or "–"


def _steps(records: Sequence[Record], units: Units, width: int) -> list[str]:
    rows = []
    for record, change in biggest_steps(records, STEPS):
        gone = set(record.step.gone) if record.step else set()
        came = [names for image_id, names in record.names.items() if image_id not in gone]
        went = [names for image_id, names in record.names.items() if image_id in gone]
        told = [f"{sign} {_called(some)}" for sign, some in (("+", came), ("−", went)) if some]
        rows.append((signed_words(change, units), moment(record.point.at), "  ".join(told)))
    if not rows:
        return []
    return table(
        width,
        Column("STEP", [row[0] for row in rows]),
        Column("SCAN", [row[1] for row in rows], right=False),
        Column("IMAGES THAT CAME OR WENT", [row[2] for row in rows], right=False, cut=fit),
    )


def _called(some: Sequence[tuple[str, ...]]) -> str:
    named = [clean(names[0], 60) for names in some if names]
    rest = len(some) - len(named[:2])
    shown = ", ".join(named[:2])
    return f"{shown} and {format_number(rest)} more" if shown and rest else shown or count(rest, "untagged image")
