"""Text can be read in every theme that can be chosen, and NO_COLOR means it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time
from collections import Counter

import pytest
from rich.color import Color as RichColor
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.geometry import Region
from textual.theme import BUILTIN_THEMES

from layerscope.tui.app import LayerscopeApp
from layerscope.tui.themes import PLAIN, THEMES
from tests.tui.harness import inventory, make_app, press, sample, settled

HOST = "docker-28.5-overlay2"
PAINTED = sorted(name for name, theme in ({t.name: t for t in THEMES} | BUILTIN_THEMES).items() if not theme.ansi)
NATIVE = sorted([PLAIN.name, *(name for name, theme in BUILTIN_THEMES.items() if theme.ansi)])

BARS = set("█▉▊▋▌▍▎▏░▒▓▀▄▐▇▆▅▃▂▁")
FRAMES = set("─│╭╮╰╯━┃┏┓┗┛╴╶╸╺·") | BARS
"""Bars, whose contrast is another matter than that of text, and lines that only part one thing from another."""


def contrast(one: RichColor, other: RichColor) -> float:
    """The definition of WCAG 2.1, written out once more so that a mistake in one is seen in the other."""

    def luminance(color: RichColor) -> float:
        channels = [value / 255 for value in color.get_truecolor()]
        red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def painted(app: App[int], region: Region | None = None) -> list[tuple[str, Style]]:
    """Return every run of text on screen (or in a part of it) with its style, all colours resolved."""
    lines = app.screen._compositor.render_strips()
    if region is not None:
        lines = [line.crop(region.x, region.right) for line in lines[region.y : region.bottom]]
    return [(segment.text, segment.style) for line in lines for segment in line if segment.style is not None]


def hard_to_read(app: LayerscopeApp, region: Region | None = None) -> Counter[str]:
    """Return what misses 4.5 as text (3 where it is dimmed or on the cursor's row), or 3 as a bar."""
    cursors = {Color.parse(app.theme_variables[name]).rich_color.triplet for name in ("row-cursor", "row-cursor-rest")}
    found: Counter[str] = Counter()
    for text, style in painted(app, region):
        words = "".join(c for c in text if c not in FRAMES).strip()
        bars = set(text) & BARS
        if style.color is None or style.bgcolor is None or not (words or bars):
            continue
        least = 4.5 if words and style.bgcolor.triplet not in cursors else 3.0
        ratio = contrast(style.color, style.bgcolor)
        if ratio < least:
            found[f"{text.strip()[:24]!r} {ratio:.1f} {style}"] += 1
    return found


@pytest.mark.parametrize("views", [("",), ("2", "3", "5", "6")], ids=["images", "others"])
async def test_all_text_can_be_read_in_every_theme(views: tuple[str, ...]) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(160, 45)) as pilot:
        await settled(pilot)
        await press(pilot, *(("down", "space", "enter") if views == ("",) else ()))
        missed = {}
        for name in PAINTED:
            app.theme = name
            await settled(pilot)
            for view in views:
                await press(pilot, *view)
                missed[name, view] = hard_to_read(app)
        assert {shown: found for shown, found in missed.items() if found} == {}


async def test_boxes_can_be_read_in_our_themes() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        for key in ("?", "i", "E", "C", "T"):
            await press(pilot, key)
            box = app.screen.query("#help, #info, #export, #chooser, #--container").first().region
            for theme in THEMES:
                app.theme = theme.name
                await settled(pilot)
                assert not hard_to_read(app, box), (key, theme.name)
            await press(pilot, "escape")


async def test_themes_of_the_terminals_own_colours_can_be_changed_to_and_back() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for name in [*NATIVE, THEMES[0].name, *NATIVE]:
            app.theme = name
            await settled(pilot)
            await press(pilot, "i", "escape")
            assert app.main.is_current


@pytest.mark.parametrize("name", NATIVE)
async def test_in_the_terminals_own_colours_shape_tells_the_cursor_and_the_focus(name: str) -> None:
    app = make_app(inventory(HOST), theme=name)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "enter")
        styles = painted(app)
        cursor = [text for text, style in styles if style.reverse and "RUN" in text]
        blurred = [text for text, style in styles if style.underline and "node-app" in text]
        assert cursor
        assert blurred
        assert any("┏" in text or "━" in text for text, _ in styles)
        assert any("✓" in text for text, _ in styles)


def session(keys: bytes, **extra: str) -> bytes:
    """Return every byte that a whole session on the sample host sends to its terminal."""
    environ = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TEXTUAL_ANIMATIONS"}}
    environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | extra
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "layerscope", "--demo"], environ)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    sent = bytearray()

    def listen(until: bytes | None, patience: float) -> None:
        end = time.monotonic() + patience
        while time.monotonic() < end and (until is None or until not in sent):
            if select.select([terminal], [], [], 0.05)[0]:
                try:
                    sent.extend(os.read(terminal, 65536))
                except OSError:  # it is over
                    return

    listen(b"quit", 30)
    for key in keys:
        os.write(terminal, bytes([key]))
        listen(None, 0.25)
    os.write(terminal, b"\x11")  # Ctrl-q
    listen(None, 10)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    return bytes(sent)


COLOUR = re.compile(rb"\x1b\[(?:[0-9;:]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:[;:][0-9;:]*)?m")


def test_no_color_means_that_no_colour_leaves_the_program() -> None:
    sent = session(b"j \r?\x1bi\x1b2345\x1b1", NO_COLOR="1")
    assert b"layerscope" in sent
    assert b"\x1b[7" in sent or b";7" in sent, "the cursor is reversed"
    assert not COLOUR.findall(sent)
    assert COLOUR.findall(session(b"j")), "or the test sees nothing"


def test_the_sample_host_has_something_to_look_at() -> None:
    assert len(sample().images) >= 40
