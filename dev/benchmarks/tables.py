"""Measurements as a table in Markdown, and as a plot in SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from dev.benchmarks.measuring import Series, exponent

FROM, TO = 500, 20_000
"""Sizes between which an exponent is told."""
RATIOS = {
    "--version": "python -c 'import click'",
    "--help": "python -c 'import click'",
    "plugin metadata": "python -c 'import click'",
    "report --json, cold": "all questions",
    "report --json --no-cache": "all questions",
    "report --json, warm": "all questions",
    "report --json --no-total, warm": "lists only",
}
"""What a series is held against: the one whose name is this, or ends so."""
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
WIDTH, HEIGHT, LEFT, BOTTOM = 820, 480, 70, 50
NAMES, LINE = 240, 15
"""Room for the names on the right, and between two of them."""


def table(title: str, found: Sequence[Series]) -> str:
    """Return a table of medians; of what was measured at several sizes a row each, with its exponent."""
    sizes = sorted({series.size for series in found})
    if len(sizes) > 1 or (sizes[:1] not in ([], [0]) and len({s.name for s in found}) < len(found)):
        return _by_size(title, found, sizes)
    lines = [
        f"**{title}**{_of(sizes)}",
        "",
        "| | wall ms | CPU ms | memory MB | ratio of wall | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for series in found:
        beside = _beside(series, found)
        ratio = "" if beside is None else f"{series.median('wall') / beside.median('wall'):.2f}"
        told = "" if beside is None else f"× {beside.name}"
        lines.append(
            f"| {series.name} | {_ms(series.median('wall'))} | {_ms(series.median('cpu'))} "
            f"| {series.median('memory') / 1e6:.0f} | {ratio} | {told} |"
        )
    return "\n".join(lines) + "\n"


def _of(sizes: Sequence[int]) -> str:
    return f", {sizes[0]:,} images" if sizes and sizes[0] else ""


def _by_size(title: str, found: Sequence[Series], sizes: Sequence[int]) -> str:
    head = " | ".join(f"{size:,}" for size in sizes)
    lines = [
        f"**{title}**, CPU in ms by images; n^x: how it grows from {FROM:,} images on, to {TO:,} at the most",
        "",
        f"| | {head} | n^x | most memory, MB | n^x |",
        "|---|" + "--:|" * (len(sizes) + 3),
    ]
    for name in dict.fromkeys(series.name for series in found):
        rows = {series.size: series for series in found if series.name == name}
        cells = " | ".join(_ms(rows[size].median("cpu")) if size in rows else "" for size in sizes)
        top = max(series.median("memory") for series in rows.values())
        lines.append(f"| {name} | {cells} | {_power(rows, 'cpu')} | {top / 1e6:.0f} | {_power(rows, 'memory')} |")
    return "\n".join(lines) + "\n"


def _power(rows: dict[int, Series], what: str) -> str:
    found = exponent([(size, series.median(what)) for size, series in rows.items() if FROM <= size <= TO])
    return "" if found is None else f"{found:.2f}"


def _beside(series: Series, found: Sequence[Series]) -> Series | None:
    against = RATIOS.get(series.name)
    return None if against is None else next((one for one in found if one.name.endswith(against)), None)


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f}" if seconds < 0.1 else f"{seconds * 1e3:,.0f}"


def plot(found: Sequence[Series], words: str) -> str:
    """Return CPU time by images, on two scales of powers of ten, of what was measured at several sizes."""
    names = [
        name for name in dict.fromkeys(s.name for s in found) if len({s.size for s in found if s.name == name}) > 1
    ]
    points = [(s.size, s.median("cpu")) for s in found if s.name in names]
    if not points:
        return ""
    low_x, high_x = (math.log10(edge(x for x, _ in points)) for edge in (min, max))
    low_y, high_y = (
        _power_of_ten(edge, up) for edge, up in ((min(y for _, y in points), 0), (max(y for _, y in points), 1))
    )

    def at(x: float, y: float) -> str:
        across = (math.log10(x) - low_x) / (high_x - low_x) * (WIDTH - LEFT - NAMES)
        up = (math.log10(y) - low_y) / (high_y - low_y) * (HEIGHT - BOTTOM - 40)
        return f"{LEFT + across:.1f},{HEIGHT - BOTTOM - up:.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20">CPU seconds by images · {escape(words)}</text>',
    ]
    sizes = sorted({x for x, _ in points})
    apart = [size for below, size in zip([0, *sizes], sizes, strict=False) if size > 1.3 * below]
    for size in apart:
        lines += _line(at(size, 10**low_y), at(size, 10**high_y), f"{size:,}", "x")
    first, last = min(x for x, _ in points), max(x for x, _ in points)
    for power in range(low_y, high_y + 1):
        lines += _line(at(first, 10**power), at(last, 10**power), f"{10.0**power:g} s", "y")
    curves = {name: sorted((s.size, s.median("cpu")) for s in found if s.name == name) for name in names}
    lowest = 0.0
    for number, name in enumerate(sorted(names, key=lambda name: -curves[name][-1][1])):
        colour = COLOURS[number % len(COLOURS)]
        dashes = ' stroke-dasharray="6 3"' if number // len(COLOURS) % 2 else ""
        places = [at(*one) for one in curves[name]]
        lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="{" ".join(places)}"/>')
        for place in places:
            x, y = place.split(",")
            lines.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')
        lowest = max(float(y), lowest + LINE)  # names beside the ends of their lines, none over another
        aside = WIDTH - NAMES + 40
        lines.append(f'<path d="M{x} {y} L{aside - 4} {lowest:.1f}" stroke="{colour}" opacity="0.4" fill="none"/>')
        lines.append(f'<text x="{aside}" y="{lowest + 4:.1f}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _power_of_ten(value: float, up: int) -> int:
    return math.floor(math.log10(value)) + up


def _line(start: str, end: str, words: str, axis: str) -> list[str]:
    (x1, y1), (x2, y2) = start.split(","), end.split(",")
    place = (
        f'x="{x1}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle"'
        if axis == "x"
        else f'x="{LEFT - 8}" y="{y1}" text-anchor="end"'
    )
    return [
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#ddd"/>',
        f"<text {place}>{words}</text>",
    ]
