"""The views are named on screen at every size, and no key leads nowhere."""

from __future__ import annotations

import pytest

from layerscope.tui.widgets.viewline import VIEWS
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import EMPTY, SIZES, inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"
LINE = " 1 Images  2 Layers  3 Tree  4 Map  5 Compare  6 Engine"


@pytest.mark.parametrize("size", [(60, 15), *SIZES], ids=by_size)
async def test_views_are_named_and_the_one_on_view_is_in_brackets(size: tuple[int, int]) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key, view, name in VIEWS:
            await press(pilot, key)
            line = screen_text(app).splitlines()[3]
            assert f"[{key} {name}]" in line
            assert line.replace("[", " ").replace("]", " ").rstrip() == LINE
            assert app.main.views.current == f"view-{view}"


async def test_a_click_on_a_name_goes_there() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for _, view, name in VIEWS:
            await pilot.click("#view-names", offset=(LINE.index(name), 0))
            await settled(pilot)
            assert app.main.views.current == f"view-{view}"
            assert name in screen_text(app).splitlines()[3].partition("[")[2].partition("]")[0]


async def test_going_to_an_image_says_which_view_that_is() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "enter", "enter")
        assert "[1 Images]" in screen_text(app)


async def test_a_key_without_a_meaning_says_so_until_the_next_one() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        before = app.main.mark_line.line
        await press(pilot, "7")
        assert app.main.mark_line.line == "7 does nothing here · 1 to 6: views · ?: all keys"
        await press(pilot, "down", "up")
        assert app.main.mark_line.line == before


async def test_on_a_page_without_rows_a_key_says_that_it_needs_one() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "6", "space")
        assert app.main.mark_line.line.startswith("Space needs a row to act on")


@pytest.mark.parametrize("key", [key for key, _, _ in VIEWS])
async def test_every_view_of_an_empty_engine_is_there(key: str) -> None:
    app = make_app(EMPTY)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, key)
        assert f"[{key} " in screen_text(app)
