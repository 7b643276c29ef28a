"""Lines that are kept are the lines that would be drawn, and a cursor key draws no others again."""

from __future__ import annotations

import gc
import weakref
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from layerscope.tui.widgets.cached import CachedLines
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.tui.widgets.scrolled import THUMB
from tests.tui.harness import FakeBackend, inventory, make_app, press, sample, settled
from tests.tui.looking import lit
from tests.tui.test_live import HOST, Clock, tagged

KEYS = ("down", "enter", "down", "space", "backspace", "pagedown", "s", "S", "o", "end", "u", "b", "h", "home", "z")


@pytest.fixture(autouse=True, scope="module")
def painted_at_rest() -> None:
    """Every frame is painted here."""


def drawn_anew(widget: Widget, region: Region) -> list[Strip]:
    """What Textual makes of a widget when nothing is kept."""
    widget.notify_style_update()
    widget._styles_cache.clear()
    if isinstance(widget, CachedLines):
        widget._frames = ()
    if isinstance(widget, RowTable):
        widget._strips.clear()
        widget._whole.clear()
    return Widget.render_lines(widget, region)


def differences(app: App[Any]) -> list[str]:
    """The lines on screen that are not what they would be if they were drawn now."""
    wrong = []
    for widget, (region, _) in app.screen._compositor.visible_widgets.items():
        if isinstance(widget, CachedLines):
            whole = Region(0, 0, region.width, region.height)
            for y, pair in enumerate(zip(widget.render_lines(whole), drawn_anew(widget, whole), strict=True)):
                # Where the thumb is, Textual draws the frame.
                end = region.width - 1 if pair[0].text.endswith(THUMB) else None
                kept, fresh = (strip.crop(0, end).simplify() for strip in pair)
                if list(kept) != list(fresh) or pair[0].cell_length != region.width:
                    wrong.append(f"{widget}: line {y}")
    return wrong


@pytest.mark.parametrize("view", ["1", "2", "3", "4", "5"])
async def test_what_is_kept_is_what_would_be_drawn(view: str) -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, view)
        for key in KEYS:
            await press(pilot, key)
            await settled(pilot)
            assert not differences(app), key
        await pilot.resize_terminal(100, 30)
        await settled(pilot)
        assert not differences(app)
        app.theme = "layerscope-light"
        await settled(pilot)
        assert not differences(app)


async def test_after_an_event_lines_that_are_kept_are_those_of_now() -> None:
    now, clock = inventory(HOST), Clock()
    backend = FakeBackend(now)
    app = make_app(backend, clock=clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for name, seconds in (("new:1", 0), ("new:2", 30), ("new:3", 40 * 86400)):
            clock.now += seconds
            now = replace(tagged(now, "node-app:1", name), serial=now.serial + 1)
            backend.change(now)
            await settled(pilot)
            assert not differences(app), name


async def test_a_cursor_key_draws_two_rows_and_no_more() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down")
        table = app.main.query_one("#images", RowTable)
        drawn: list[int] = []
        real = RowTable.render_line

        def counted(self: RowTable, y: int) -> Strip:
            if self is table:
                drawn.append(y)
            return real(self, y)

        with patch.object(RowTable, "render_line", counted):
            await press(pilot, "down")
            await settled(pilot)
        assert sorted(set(drawn)) == [3, 4], "the row that the cursor left, and the one that it is on"


async def test_a_widget_that_its_container_makes_narrower() -> None:
    """No style of its own changes then."""

    class Narrowed(App[None]):
        CSS = "MarkLine { width: 1fr; height: 1; padding: 0 1; } #box { width: 60; }"

        def compose(self) -> ComposeResult:
            with Horizontal(id="box"):
                yield MarkLine()

    app = Narrowed()
    async with app.run_test(size=(80, 10)) as pilot:
        app.query_one(MarkLine).say("images show up as they are read")
        await pilot.pause()
        app.query_one("#box").styles.width = 40
        await pilot.pause()
        assert not differences(app)


async def test_a_row_that_was_kept_shows_what_is_looked_for_since() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        stack = app.main.query_one("#layers", RowTable)
        seen = {layer.chain_id for layer in stack.rows}
        await press(pilot, "down", "down")
        await settled(pilot)
        away = seen - {layer.chain_id for layer in stack.rows}
        stack.find("install")  # without the prompt, which changes the height of the list
        await press(pilot, "up", "up")
        await settled(pilot)
        hits = [index for index, layer in enumerate(stack.rows) if layer.chain_id in away & stack.spots.keys()]
        assert hits, "a layer that was seen before, was away, and fits"
        assert all("install" in lit(stack, index) for index in hits)


async def test_what_a_dialog_had_drawn_is_let_go_with_it() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        gone = [weakref.ref(widget._styles_cache) for widget in (app.screen, *app.screen.walk_children(Widget))]
        assert len(gone) == 3
        await press(pilot, "escape", "down", "question_mark", "escape")
        for _ in range(5):
            await settled(pilot)
            gc.collect()
        assert [one() for one in gone if one() is not None] == []
