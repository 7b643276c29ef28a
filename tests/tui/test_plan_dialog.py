"""``d`` shows the plan always: of the row under the cursor too, in the demo too; and what decides stands in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Static

from layerscope.inventory import Inventory
from layerscope.tui.dialogs.plan import PlanScreen
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, inventory, make_app, partly, press, sample, settled
from tests.tui.remover import Engine
from tests.tui.test_marks import HOST, scene_of

DIGEST = f"sha256:{'7' * 64}"


def question(pilot: Pilot[Any]) -> str:
    return str(pilot.app.screen.query_one("#question", Static).render())


def said(pilot: Pilot[Any]) -> str:
    assert isinstance(pilot.app.screen, PlanScreen)
    return str(pilot.app.screen.said.render())


def row(pilot: Pilot[Any], name: str) -> str:
    lines = screen_text(pilot.app).splitlines()  # type: ignore[arg-type]
    return next(line for line in lines if f"− {name}" in line).partition("││")[0].partition("│ −")[2]


def pulled(found: Inventory, name: str) -> Inventory:
    """The host, one image of which came from a registry."""
    images = (
        replace(one, digests=(f"{name.partition(':')[0]}@{DIGEST}",)) if name in one.tags else one
        for one in found.images
    )
    return replace(found, images=tuple(images))


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_picture_of_the_row_under_the_cursor(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    assert snap(make_app(sample()), size, "down", "d")


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_picture_of_a_plan_with_one_row_unmarked(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    engine = Engine(pulled(inventory(HOST), "node:1"))
    assert snap(make_app(engine), size, "space", "down", "space", "down", "space", "d", "down", "space")


async def test_without_marks_it_is_about_the_row_under_the_cursor_and_marks_nothing() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down")
        here = app.main.images_pane.image_here
        assert here is not None
        await press(pilot, "d")
        assert here.name in row(pilot, here.name)
        assert question(pilot) == "Remove 1 image?"
        assert not len(scene_of(pilot).marks)
        await press(pilot, "y")
        assert engine.asked == [here.name]


@pytest.mark.parametrize("view", ["2", "3", "4", "5"])
async def test_it_is_there_in_every_view_with_rows(view: str) -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, view, "d")
        assert isinstance(app.screen, PlanScreen)


async def test_a_saved_scan_shows_the_plan_and_its_last_line_says_why_nothing_goes() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "d")
        lines = [line.strip("│ ▐╮╯") for line in screen_text(app).splitlines()]
        end = next(at for at, line in enumerate(lines) if "Esc close" in line)
        assert " ".join(lines[end - 2 : end]).strip().startswith("Nothing can be removed: this is a ")
        await press(pilot, "y")
        assert isinstance(app.screen, PlanScreen), "there is no yes"


async def test_while_a_scan_is_under_way_nothing_is_removed() -> None:
    engine = Engine(partly(inventory(HOST), 4))
    app = make_app(engine)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "d", "y")
        assert "Nothing can be removed: the scan is not complete" in question(pilot)
        assert engine.asked == []


async def test_what_exists_only_here_is_counted_and_what_was_pulled_tells_how_to_get_it_back() -> None:
    app = make_app(Engine(pulled(inventory(HOST), "node-app:1")))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "down", "down", "space", "d")
        assert "1 of these exists only on this machine." in said(pilot)
        assert " yes " in row(pilot, "node-app:1")
        assert " only here " in row(pilot, "committed:1")
        assert "docker pull" not in screen_text(app), "there is none for the first"
        await press(pilot, "down")
        assert f"docker pull node-app@{DIGEST}" in str(app.screen.query_one("#again", Static).render())
        await press(pilot, "c")
        assert app.clipboard == f"docker pull node-app@{DIGEST}"
        await press(pilot, "up")
        assert "docker pull" not in screen_text(app)


async def test_a_row_is_unmarked_in_place_and_marked_again() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "down", "down", "space", "d")
        before = said(pilot)
        await press(pilot, "down", "space")
        assert len(scene_of(pilot).marks) == 1
        assert question(pilot) == "Remove 1 image?"
        assert "not marked: it stays" in screen_text(app)
        await press(pilot, "space")
        assert said(pilot) == before
        await press(pilot, "space", "y")
        assert len(engine.asked) == 1


async def test_a_set_without_any_mark_left_has_no_yes() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "d", "space", "y")
        assert "Space marks one again" in said(pilot)
        assert isinstance(app.screen, PlanScreen)
        assert engine.asked == []


async def test_a_typed_number_is_still_asked_for_and_space_unmarks_there_too() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "*", "d")
        number = question(pilot).split("type ")[1].split()[0]
        await press(pilot, *["pagedown"] * 6, "space")
        assert isinstance(app.screen, PlanScreen)
        assert app.screen.typing
        await press(pilot, *number, "enter")
        assert engine.asked == [], "the number is that of before"
