"""Marks: every view marks the same set, the line says at once what it comes to, and it survives whatever happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from layerscope.core.removal.plan import plan
from layerscope.state.pins import Pins
from layerscope.tui.dialogs.free import FreeScreen
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.markline import MarkLine
from layerscope.units import format_size
from layerscope.views.marks import Part, fit_parts
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.test_panes import pane

HOST = "docker-28.5-overlay2"
DIALOGS = ((80, 24), (120, 36))


def scene_of(pilot: Pilot[Any]) -> Scene:
    scene = pilot.app.main.scene  # type: ignore[attr-defined]
    assert isinstance(scene, Scene)
    return scene


def line(pilot: Pilot[Any]) -> str:
    return pilot.app.main.query_one(MarkLine).line  # type: ignore[attr-defined, no-any-return]


async def test_the_line_says_what_the_plan_says() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "down", "down", "space")
        scene = scene_of(pilot)
        came = plan(scene.graph, scene.marks.ids)
        keeper, _ = came.keepers()[0]
        text = line(pilot)
        assert text.startswith("✓ marked 2 · ")
        assert f"listed {format_size(came.listed)}" in text
        assert f"frees {format_size(came.frees)}" in text
        assert f"keeps {format_size(came.keeps)} for {keeper.name} and {len(came.keepers()) - 1} more" in text


async def test_without_marks_the_line_is_about_the_cursor() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        node = scene_of(pilot).graph.images[0]
        alone = plan(scene_of(pilot).graph, [node.id])
        assert line(pilot).startswith(f"{node.name} alone frees {format_size(alone.frees)}")
        used = next(n for n in scene_of(pilot).graph.images if n.containers)
        pane(pilot).go_to(used)
        await settled(pilot)
        assert "stays: container" in line(pilot)


def test_a_number_is_never_cut_and_what_matters_least_goes_first() -> None:
    parts = [
        Part("a", ("marked 12", "12"), 0),
        Part("b", ("listed 3.75 GB",), 5),
        Part("c", ("keeps a lot", "keeps"), 2),
    ]
    for width in range(60):
        texts = dict(fit_parts(parts, width))
        if width >= 2:
            assert texts["a"] in {"marked 12", "12"}
        assert texts.get("b", "listed 3.75 GB") == "listed 3.75 GB"
        assert "c" in texts or "b" not in texts


async def test_a_layer_marks_every_image_that_must_go_for_it() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "enter", "space")
        layer = pane(pilot).layer_here
        assert layer is not None
        assert len(layer.images) > 1
        assert scene_of(pilot).marks.ids == {node.id for node in layer.images}
        assert scene_of(pilot).marks.gone(layer)
        await press(pilot, "space")
        assert not scene_of(pilot).marks.ids


async def test_marks_survive_sort_filter_views_and_live_changes() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "down", "down", "space")
        chosen = set(scene_of(pilot).marks.ids)
        await press(pilot, "s", "S", "ampersand", *"unused", "enter", "2", "3", "4", "1", "escape")
        assert scene_of(pilot).marks.ids == chosen
        other = next(n.id for n in scene_of(pilot).graph.images if n.id not in chosen)
        backend.change(replace(full, images=tuple(i for i in full.images if i.id != other)))
        await settled(pilot)
        assert scene_of(pilot).marks.ids == chosen
        gone = next(iter(chosen))
        backend.change(replace(full, images=tuple(i for i in full.images if i.id != gone)))
        await settled(pilot)
        assert scene_of(pilot).marks.ids == chosen - {gone}
        assert line(pilot).startswith("✓ marked 1 · ")


async def test_all_none_and_the_other_way_round() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        scene = scene_of(pilot)
        everything = {node.id for node in scene.graph.images}
        await press(pilot, "ampersand", *"dangling", "enter", "asterisk")
        dangling = {node.id for node in scene.graph.images if node.dangling}
        assert dangling
        assert scene.marks.ids == dangling
        await press(pilot, "escape", "v")
        assert scene.marks.ids == everything - dangling
        await press(pilot, "u")
        assert not scene.marks.ids


async def test_only_the_marked_until_it_is_pressed_again() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "m")
        assert scene_of(pilot).only is None
        await press(pilot, "space", "down", "space", "m")
        assert [n.id for n in pane(pilot).images.rows] == [n.id for n in scene_of(pilot).graph.images[:2]]
        await press(pilot, "space")
        assert len(pane(pilot).images.rows) == 2, "what is unmarked stays in sight, to be marked again"
        await press(pilot, "3", "1", "escape")
        assert len(pane(pilot).images.rows) == len(scene_of(pilot).graph.images)


async def test_to_the_biggest_keeper_by_key_and_by_click() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "m")
        keeper = scene_of(pilot).marks.figures.keeper
        assert keeper is not None
        await press(pilot, "K")
        assert pane(pilot).image_here is keeper, "also when it was not among those shown"
        await press(pilot, "home")
        at = line(pilot).index("keeps") + 1
        await pilot.click(MarkLine, offset=(at + 1, 0))
        await settled(pilot)
        assert pane(pilot).image_here is keeper


async def test_the_line_is_reached_by_tab_and_enter_goes_to_the_keeper() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        status = app.main.query_one(MarkLine)
        await press(pilot, "tab", "tab", "tab")
        assert app.focused is pane(pilot).images, "without marks the line is no stop"
        await press(pilot, "space")
        keeper = scene_of(pilot).marks.figures.keeper
        assert keeper is not None
        assert line(pilot).endswith(" (K)")
        await press(pilot, "tab", "tab", "tab")
        assert app.focused is status
        assert line(pilot).endswith(" (Enter)")
        assert "Enter keeper" in screen_text(app).splitlines()[-1]
        await press(pilot, "enter")
        assert pane(pilot).image_here is keeper
        assert app.focused is pane(pilot).images
        await press(pilot, "shift+tab")
        assert app.focused is status, "backwards too"
        await press(pilot, "tab")
        assert app.focused is pane(pilot).images


async def test_esc_leaves_the_line_for_where_one_came_from_and_clears_nothing() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand", *"shared", "enter", "space", "tab", "tab", "tab", "escape")
        assert app.focused is pane(pilot).users
        assert scene_of(pilot).query is not None
        await press(pilot, "1", "shift+tab", "escape")
        assert app.focused is pane(pilot).images
        await press(pilot, "escape")
        assert scene_of(pilot).query is None, "there it means what it always does"


async def test_the_line_lets_go_when_nothing_is_marked_any_more() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "shift+tab")
        assert app.focused is app.main.query_one(MarkLine)
        await press(pilot, "u")
        assert app.focused is pane(pilot).images
        assert "(K)" not in line(pilot)
        assert not app.main.query_one(MarkLine).focusable


@pytest.mark.parametrize("key", ["2", "3", "4"])
async def test_the_line_is_reached_from_every_view(key: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", key, "shift+tab", "enter")
        assert pane(pilot).image_here is scene_of(pilot).marks.figures.keeper
        assert app.focused is pane(pilot).images


async def test_pins_are_shown_kept_and_never_proposed(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    app = make_app(inventory(HOST), pins=Pins(path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "f", *"200M", "enter")
        proposed = [node.id for node in scene_of(pilot).marks.images]
        assert proposed
        first = scene_of(pilot).graph.image_by_id[proposed[0]]
        await press(pilot, "u", "escape")
        pane(pilot).go_to(first)
        await press(pilot, "p")
        assert _loaded(path, first)
        await press(pilot, "f", *"200M", "enter")
        assert first.id not in scene_of(pilot).marks.ids
    again = make_app(inventory(HOST), pins=Pins(path))
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert first in scene_of(pilot).pins


def _loaded(path: Path, node: Any) -> bool:
    pins = Pins(path)
    pins.load()
    return node in pins


async def test_a_proposal_is_marked_and_can_be_edited() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "f", *"200M", "enter")
        scene = scene_of(pilot)
        assert scene.marks.figures.frees >= 200_000_000
        assert {n.id for n in pane(pilot).images.rows} == set(scene.marks.ids)
        marked = len(scene.marks)
        await press(pilot, "space")
        assert len(scene.marks) == marked - 1


async def test_what_cannot_be_had_is_said_with_the_most() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "f", *"5G")
        screen = app.screen
        assert isinstance(screen, FreeScreen)
        assert screen.proposal is not None
        said = str(screen.said.render())
        assert "5.00 GB cannot be had" in said
        assert f"the most that can be had is {format_size(screen.proposal.most)}" in said
        await press(pilot, "escape")
        assert not scene_of(pilot).marks.ids


@pytest.mark.parametrize("size", DIALOGS, ids=by_size)
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((), id="alone"),
        pytest.param(("space", "down", "down", "space"), id="marked"),
        pytest.param(("space", "down", "down", "space", "shift+tab"), id="on-the-line"),
        pytest.param(("asterisk",), id="all"),
        pytest.param(("space", "down", "space", "p", "m"), id="only-marked"),
        pytest.param(("f",), id="free-empty"),
        pytest.param(("f", *"200M"), id="free"),
        pytest.param(("f", *"5G"), id="free-too-much"),
        pytest.param(("f", *"5 apples"), id="free-no-size"),
    ],
)
def test_picture(snap: Any, size: tuple[int, int], keys: tuple[str, ...]) -> None:
    assert snap(make_app(inventory(HOST)), size, *(key if key != " " else "space" for key in keys))
