"""Make the animation of README.md from the bundled sample host: ``python -m dev.animation [FILE.svg]``.

The interface is driven by the keys below and each screen kept; the SVG shows them in turn for thirty seconds, by CSS
alone, so that it moves wherever an image may. A line that does not change is drawn once.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from html import escape
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from layerscope.sources.backend import SavedBackend
from layerscope.sources.open import load_sample
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.session import Session

SIZE = (112, 32)
STORY: tuple[tuple[tuple[str, ...], float, str], ...] = (
    ((), 2.6, "What the images say they cost, over what is on disk"),
    (("down",), 0.5, "What the images say they cost, over what is on disk"),
    (("down",), 0.5, "What the images say they cost, over what is on disk"),
    (("down",), 2.2, "The layers of the image under the cursor, and who else uses them"),
    (("enter",), 2.2, "Enter goes in: from an image to a layer, from a layer to its images"),
    (("backspace", "2"), 2.2, "2: all layers of the host, by what sharing saves"),
    (("3",), 2.4, "3: the tree of layers, images as its leaves"),
    (("4",), 2.8, "4: the map of the disk, to scale"),
    (("1", "f"), 0.9, "f: what to remove to free so much"),
    (("3",), 0.4, "f: what to remove to free so much"),
    (("G",), 0.4, "f: what to remove to free so much"),
    (("B",), 3.2, "f: a set of images with the least loss, none of them in use"),
    (("enter",), 2.4, "They are marked; nothing is removed yet"),
    (("d",), 4.0, "d: exactly what goes, what stays, and why"),
    (("escape", "u", "6"), 3.3, "6: our figures beside the engine's own, with a reason for each difference"),
)
"""Keys, how many seconds what comes of them is shown, and what is said below it."""

X, Y, FONT = 8.4, 18, 14
"""Pixels of a cell, and of its letters."""

Run = tuple[str, int, Style]
"""Text, the cell it begins in, and its style."""


async def screens() -> list[list[tuple[Run, ...]]]:
    """Return the screen after each step, as lines of runs."""
    app = LayerscopeApp(Session(lambda: SavedBackend(load_sample)), theme="layerscope-dark")
    found = []
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause(0.3)
        for keys, _, _ in STORY:
            for key in keys:
                await pilot.press(key)
                await pilot.pause(0.2)
            await pilot.pause(0.4)
            await app.workers.wait_for_complete()
            await pilot.pause(0.2)
            lines = []
            for strip in app.screen._compositor.render_strips():
                at, runs = 0, []
                for segment in strip:
                    runs.append((segment.text, at, segment.style or Style()))
                    at += cell_len(segment.text)
                lines.append(tuple(runs))
            found.append(lines)
    return found


def animated(frames: list[list[tuple[Run, ...]]]) -> str:
    """Return the SVG."""
    width, height = SIZE[0] * X + 16, (SIZE[1] + 2) * Y + 16
    total = sum(seconds for _, seconds, _ in STORY)
    shown: defaultdict[tuple[int, object], set[int]] = defaultdict(set)
    for number, lines in enumerate(frames):
        for row, line in enumerate(lines):
            shown[row, line].add(number)
        shown[SIZE[1] + 1, STORY[number][2]].add(number)
    groups: defaultdict[frozenset[int], list[str]] = defaultdict(list)
    classes: dict[str, str] = {}
    for (row, what), numbers in shown.items():
        drawn = _caption(what, row) if isinstance(what, str) else _line(what, row, classes)  # type: ignore[arg-type]
        groups[frozenset(numbers)].append(drawn)
    every, moving, body = frozenset(range(len(frames))), [], []
    for number, (numbers, parts) in enumerate(sorted(groups.items(), key=lambda one: sorted(one[0]))):
        if numbers == every:
            body += parts
            continue
        moving.append(_keyframes(f"g{number}", numbers, total))
        body.append(f'<g class="g{number}">{"".join(parts)}</g>')
    looks = "".join(f".{name}{{{css}}}" for css, name in classes.items())
    ground = _hex(frames[0][0][0][2], back=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="layerscope, thirty seconds of it"><style>'
        f"text{{font:{FONT}px 'Fira Code','DejaVu Sans Mono',Menlo,Consolas,monospace;white-space:pre}}"
        f"g{{animation-timing-function:step-end;animation-iteration-count:infinite}}.said{{fill:#e8b04a;font-weight:bold}}"
        f"{looks}{''.join(moving)}</style>"
        f'<rect width="100%" height="100%" rx="8" fill="{ground}"/>'
        f'<g transform="translate(8 8)">{"".join(body)}</g></svg>\n'
    )


def _keyframes(name: str, numbers: frozenset[int], total: float) -> str:
    at, steps, before = 0.0, [], None
    for number, (_, seconds, _) in enumerate(STORY):
        now = number in numbers
        if now != before:
            steps.append(f"{at / total * 100:.2f}%{{opacity:{int(now)}}}")
        before, at = now, at + seconds
    moves = f"animation-name:{name};animation-duration:{total:.1f}s"
    return f"@keyframes {name}{{{''.join(steps)}}}.{name}{{opacity:0;{moves}}}"


def _line(line: tuple[Run, ...], row: int, classes: dict[str, str]) -> str:
    backs: list[tuple[str, int, int]] = []
    texts = []
    for text, at, style in line:
        cells = cell_len(text)
        if not cells:
            continue
        x, y, ground = at * X, row * Y, _hex(style, back=True)
        if backs and backs[-1][0] == ground:
            backs[-1] = ground, backs[-1][1], at + cells
        else:
            backs.append((ground, at, at + cells))
        if not text.strip():
            continue
        css = f"fill:{_hex(style)}"
        css += ";font-weight:bold" if style.bold else ""
        css += ";opacity:.65" if style.dim else ""
        css += ";text-decoration:underline" if style.underline else ""
        name = classes.setdefault(css, f"c{len(classes)}")
        lead = cell_len(text) - cell_len(text.lstrip())
        word = text.strip()
        long = cell_len(word) * X
        texts.append(
            f'<text class="{name}" x="{x + lead * X:.1f}" y="{y + FONT}" textLength="{long:.1f}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(word)}</text>'
        )
    rects = [
        f'<rect x="{start * X:.1f}" y="{row * Y}" width="{(end - start) * X + 0.3:.1f}" height="{Y}" fill="{ground}"/>'
        for ground, start, end in backs
    ]
    return "".join(rects + texts)


def _caption(text: str, row: int) -> str:
    return f'<text class="said" x="{X:.1f}" y="{row * Y + FONT - 6}">{escape(text)}</text>'


def _hex(style: Style, *, back: bool = False) -> str:
    front, ground = style.color or Color.parse("#dddddd"), style.bgcolor or Color.parse("#14181f")
    if style.reverse:
        front, ground = ground, front
    return (ground if back else front).get_truecolor().hex


def main(arguments: list[str]) -> int:
    """Write the file."""
    target = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent / "screenshots/tour.svg"
    target.write_text(animated(asyncio.run(screens())), encoding="utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes, {sum(seconds for _, seconds, _ in STORY):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
