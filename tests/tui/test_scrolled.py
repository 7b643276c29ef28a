"""What shows how far a list is scrolled: right at every place, and to be pulled with the mouse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from textual.events import MouseScrollDown
from textual.pilot import Pilot

from layerscope.tui.widgets.rowtable import RowTable
from layerscope.tui.widgets.scrolled import HEADING, THUMB, thumb
from tests.tui.conftest import screen_text
from tests.tui.harness import make_app, press, sample, settled


@pytest.mark.parametrize(
    ("rows", "lines", "top", "where"),
    [
        (10, 10, 0, (0, 0)),  # all are seen
        (0, 10, 0, (0, 0)),
        (20, 10, 0, (0, 5)),
        (20, 10, 10, (5, 10)),
        (20, 10, 5, (2, 7)),
        (20, 10, 1, (1, 6)),  # there is something above
        (20, 10, 9, (4, 9)),  # and something below
        (5000, 10, 2, (1, 2)),
        (11, 10, 0, (0, 9)),
        (11, 10, 1, (1, 10)),
    ],
)
def test_where_the_thumb_is(rows: int, lines: int, top: int, where: tuple[int, int]) -> None:
    assert thumb(rows, lines, top) == where


@given(st.integers(1, 10_000), st.integers(1, 80), st.data())
def test_it_says_whether_there_is_more_above_and_below(rows: int, lines: int, data: st.DataObject) -> None:
    assume(rows > lines)
    hidden = rows - lines
    top = data.draw(st.integers(0, hidden))
    first, after = thumb(rows, lines, top)
    assert 0 <= first < after <= lines
    if top == 0:
        assert first == 0
    if top == hidden:
        assert after == lines
    if lines - (after - first) >= 2:
        assert (first == 0) == (top == 0)
        assert (after == lines) == (top == hidden)
    assert thumb(rows, lines, max(0, top - 1))[0] <= first, "it never goes the other way"


def images(pilot: Pilot[Any]) -> RowTable:
    return pilot.app.screen.query_one("#images", RowTable)


def drawn(pilot: Pilot[Any], table: RowTable) -> list[int]:
    """The lines of rows beside which the thumb is on screen."""
    region = table.region
    edge = [line[region.right - 1] for line in screen_text(pilot.app).splitlines()]  # type: ignore[arg-type]
    return [y for y, cell in enumerate(edge[region.y + 1 + HEADING : region.bottom - 1]) if cell == THUMB]


async def test_it_goes_with_the_keys() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = images(pilot)
        at_start = drawn(pilot, table)
        assert at_start[0] == 0
        await press(pilot, "end")
        await settled(pilot)
        assert drawn(pilot, table)[-1] == table.room - 1
        await press(pilot, "home")
        await settled(pilot)
        assert drawn(pilot, table) == at_start
        await press(pilot, *"/ml-notebook", "enter")
        await settled(pilot)
        await press(pilot, "escape", *"&ml-notebook", "enter")
        await settled(pilot)
        assert not drawn(pilot, table), "all that passes the filter is seen"


async def test_the_wheel_scrolls_and_the_cursor_stays() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = images(pilot)
        await pilot._post_mouse_events([MouseScrollDown], table, offset=(5, 5))
        await settled(pilot)
        assert (table.top, table.cursor) == (3, 0)
        assert drawn(pilot, table)[0] > 0
        await press(pilot, "down")
        assert table.cursor == 1
        assert table.top <= 1, "a key brings the cursor back into sight"


async def test_the_mouse_pulls_it() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = images(pilot)
        edge, first = table.region.width - 1, 1 + HEADING
        await pilot.mouse_down(table, offset=(edge, first))
        await pilot.hover(table, offset=(edge, first + 3))
        await settled(pilot)
        assert 0 < table.top < table.length - table.room
        assert drawn(pilot, table)[0] == 3
        await pilot.hover(table, offset=(edge, first + 17))
        await pilot.mouse_up(table, offset=(edge, first + 17))
        await settled(pilot)
        assert table.top == table.length - table.room
        await pilot.hover(table, offset=(edge, first))
        await settled(pilot)
        assert table.top == table.length - table.room, "let go of"
        assert table.cursor == 0, "what is looked at, not what is chosen"


async def test_a_click_beside_it_brings_it_there() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = images(pilot)
        await pilot.click(table, offset=(table.region.width - 1, table.region.height - 2))
        await settled(pilot)
        assert table.top == table.length - table.room
