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


async def test_keys_that_do_not_move_the_cursor_bring_it_back_into_sight() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = images(pilot)
        for key in ("home", "up"):
            await pilot._post_mouse_events([MouseScrollDown] * 5, table, offset=(5, 5))
            await settled(pilot)
            assert table.top > 0
            await press(pilot, key)
            assert (table.cursor, table.top) == (0, 0)


async def test_what_is_let_go_of_elsewhere_is_let_go_of() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        table = images(pilot)
        edge = table.region.width - 1
        await pilot.mouse_down(table, offset=(edge, 2))
        await press(pilot, "i")
        await pilot.mouse_up(app.screen.query_one("#facts"), offset=(5, 5))
        await press(pilot, "escape")
        await pilot.hover(table, offset=(5, 12))
        await settled(pilot)
        assert table.top == 0
        await pilot.mouse_down(table, offset=(edge, 2))
        await press(pilot, "2")
        await settled(pilot)
        assert app.mouse_captured is None
        layers = app.screen.query_one("#all-layers", RowTable)
        await pilot.click(layers, offset=(5, 9))
        await settled(pilot)
        assert layers.cursor > 0


@pytest.mark.parametrize("view", ["2", "5"])
async def test_a_list_seen_for_the_first_time_hides_no_row_that_there_is_room_for(view: str) -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, view)
        await settled(pilot)
        for table in app.screen.query(RowTable):
            if table.on_view and table.cursor < table.room:
                assert table.top == 0, table


async def test_a_double_click_selects_no_text() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click(images(pilot), offset=(5, 5), times=2)
        await settled(pilot)
        assert not app.screen.get_selected_text()


async def test_rows_that_are_gone_are_gone_from_the_screen() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "3", *"&api", "enter", "home")
        await settled(pilot)
        tree = app.screen.query_one("#tree", RowTable)
        before = len(tree.rows)
        await press(pilot, "left")
        await settled(pilot)
        assert len(tree.rows) < before
        lines = screen_text(app).splitlines()[tree.region.y + 2 : tree.region.bottom - 1]
        assert sum(bool(line[1:-1].strip()) for line in lines) == len(tree.rows)


async def test_no_layer_has_no_chain_id() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2")
        await settled(pilot)
        users = app.screen.query_one("#all-users", RowTable)
        assert users.subtitle
        await press(pilot, *"&zzzz", "enter")
        await settled(pilot)
        assert not users.subtitle
