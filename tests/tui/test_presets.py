"""The menu of ready-made sets, by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from layerscope.tui.dialogs.presets import PresetsScreen
from layerscope.tui.screens.main import MainScreen
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, make_app, press, sample, settled
from tests.tui.test_marks import scene_of


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_picture_of_the_menu(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    assert snap(make_app(sample()), size, "F")


async def test_a_digit_marks_a_set_and_shows_it_alone() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "F", "1")
        scene = scene_of(pilot)
        dangling = {node.id for node in scene.graph.images if node.dangling and not node.containers}
        assert set(scene.marks.ids) == dangling
        assert {node.id for node in scene.shown_images()} == dangling


async def test_enter_takes_the_set_under_the_cursor_and_escape_none() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "F", "escape")
        assert not len(scene_of(pilot).marks)
        await press(pilot, "F", "pagedown", "enter")
        scene = scene_of(pilot)
        assert {node.id for node in scene.marks.images} == {n.id for n in scene.graph.images if not n.containers}


async def test_a_set_without_an_image_says_so_and_changes_nothing() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        scene = scene_of(pilot)
        await press(pilot, "space")
        before = set(scene.marks.ids)
        for node in scene.graph.images:
            if node.dangling and not node.containers:
                scene.pins.toggle([node])
        await press(pilot, "F", "1")
        assert isinstance(app.screen, PresetsScreen)
        await press(pilot, "escape")
        assert set(scene.marks.ids) == before


async def test_unmarking_everything_leaves_the_marked_alone() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "F", "1")
        assert len(scene_of(pilot).shown_images()) < 58
        await press(pilot, "u")
        assert len(scene_of(pilot).shown_images()) == 58
        assert isinstance(app.screen, MainScreen)
        assert "the marked" not in screen_text(app)
