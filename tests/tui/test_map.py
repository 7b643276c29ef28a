"""The map on screen: the way there and back, the zoom, its titles, marks, and find."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from textual.color import Color
from textual.pilot import Pilot

from layerscope.core.graph import ImageNode
from layerscope.inventory import Inventory
from layerscope.tui.panes.map import MapPane
from layerscope.tui.themes import SIGN, TEXT, THEMES, contrast
from layerscope.tui.widgets.mapcanvas import MapCanvas
from layerscope.views.blocks import Block
from tests.tui.conftest import screen_text
from tests.tui.harness import EMPTY, FakeBackend, inventory, make_app, partly, press, sample, settled
from tests.tui.looking import HOST, answer, count, here, main, prompt, scene, table, type_in

SIZE = (120, 36)


def canvas(pilot: Pilot[Any]) -> MapCanvas:
    return main(pilot).query_one(MapPane).canvas


def block(pilot: Pilot[Any]) -> Block:
    found = canvas(pilot).block
    assert found is not None
    return found


def title(pilot: Pilot[Any]) -> str:
    return str(canvas(pilot).border_title)


def subtitle(pilot: Pilot[Any]) -> str:
    return str(canvas(pilot).border_subtitle)


async def to_block(pilot: Pilot[Any], label: str) -> None:
    """Put the cursor on the block of a name."""
    map_ = canvas(pilot).map
    assert map_ is not None
    canvas(pilot).move_to(next(found.index for found in map_.blocks if found.label == label))
    await settled(pilot)


@pytest.mark.parametrize("size", [(80, 24), SIZE, (200, 50)])
async def test_there_and_back_on_the_same_image_from_the_first_time_on(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for _ in range(12):
            await press(pilot, "j")
            image = main(pilot).images_pane.image_here
            assert image is not None
            await press(pilot, "4")
            forest = canvas(pilot).forest
            assert forest is not None
            assert block(pilot).holds(forest.end_of(image)), "the block that the image is in"
            await press(pilot, "1")
            assert here(pilot) == image.name


async def test_keys_that_come_faster_than_the_first_layout_keep_the_place() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "j", "j")
        image = here(pilot)
        await main(pilot).action_view("map")
        await main(pilot).action_view("images")
        await settled(pilot)
        assert here(pilot) == image


async def test_the_way_back_from_another_block_leads_to_the_image_that_it_is_named_by() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await to_block(pilot, "postgres:15")
        await press(pilot, "1")
        assert here(pilot) == "postgres:15"


async def test_a_zoomed_map_shows_the_image_that_one_comes_from() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await to_block(pilot, "openjdk:17-jre-slim")
        await press(pilot, "enter", "1", "home")
        image = main(pilot).images_pane.image_here
        assert image is not None
        await press(pilot, "4")
        forest = canvas(pilot).forest
        assert forest is not None
        assert block(pilot).holds(forest.end_of(image))


async def test_the_title_names_the_block_that_its_sum_is_of() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4", "home", "right", "right", "enter")
        while True:
            map_ = canvas(pilot).map
            forest = canvas(pilot).forest
            assert map_ is not None
            assert forest is not None
            root, name = map_.path[-1]
            run = next((run for run in forest.run_of.values() if run.key == root), None)
            size = scene(pilot).size(run.total if run is not None else scene(pilot).graph.totals.footprint)
            assert f"{name} · {size}" in title(pilot)
            if not root:
                break
            await press(pilot, "backspace")
        assert title(pilot).startswith("Map · everything · 8.96 GB")


async def test_every_block_can_be_reached_and_zoomed() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        map_ = canvas(pilot).map
        assert map_ is not None
        whole = map_.size
        seen = {canvas(pilot).cursor}
        frontier = [canvas(pilot).cursor]
        while frontier:
            at = frontier.pop()
            for direction in ("left", "right", "up", "down"):
                there = map_.neighbour(at, direction)
                if there is not None and there not in seen:
                    seen.add(there)
                    frontier.append(there)
        assert seen == {block.index for block in map_.blocks}
        await press(pilot, "home", "enter")
        inside = canvas(pilot).map
        assert inside is not None
        assert inside.size < whole
        await press(pilot, "backspace")
        outside = canvas(pilot).map
        assert outside is not None
        assert outside.size == whole


async def test_enter_goes_into_one_image_and_zooms_into_several_and_stays_when_it_cannot() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await to_block(pilot, "openjdk:17-jre-slim")
        await press(pilot, "enter")
        root = canvas(pilot).root
        assert root == block(pilot).zoom
        await press(pilot, "enter", "enter")
        assert main(pilot).view is main(pilot).query_one(MapPane)
        assert canvas(pilot).root == root
        await press(pilot, "backspace")
        assert block(pilot).label == "openjdk:17-jre-slim"
        await press(pilot, "backspace")
        await to_block(pilot, "golang:1.19-bookworm")
        await press(pilot, "enter")
        assert main(pilot).view is main(pilot).images_pane
        assert here(pilot) == "golang:1.19-bookworm"


async def test_the_border_tells_of_the_block_under_the_cursor() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await to_block(pilot, "golang:1.19-bookworm")
        assert subtitle(pilot).startswith(
            "golang:1.19-bookworm · 458 MB · 5 % of the host · needed by 1 image · RUN apt-get update"
        )
        assert "strong: one image's own" in title(pilot)


async def test_marks_are_signs_for_a_whole_block_and_for_a_part() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await to_block(pilot, "golang:1.19-bookworm")
        assert "✓" not in screen_text(app).partition("marked")[0]
        await press(pilot, "space")
        assert "✓ golang:1.19-bookworm" in screen_text(app)
        assert "~ " in screen_text(app), "a base of it"
        await press(pilot, "space")
        assert "✓ golang" not in screen_text(app)


@pytest.mark.parametrize("theme", [*(theme.name for theme in THEMES), "textual-light", "dracula"])
async def test_text_and_the_frame_can_be_read_in_every_theme(theme: str) -> None:
    app = make_app(sample(), theme=theme)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4", "space")
        map_ = canvas(pilot).map
        assert map_ is not None
        for each in map_.blocks:
            canvas(pilot).move_to(each.index)
            for y in range(each.y, each.y + each.height):
                for segment in canvas(pilot).render_line(y):
                    text, style = segment.text.strip(" ▏▁▄"), segment.style
                    if text and style is not None and style.color is not None and style.bgcolor is not None:
                        least = SIGN if set(text) <= set("┏━┓┃┗┛[]") else TEXT
                        shown = contrast(Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor))
                        assert shown >= least, text


async def test_find_goes_to_the_best_block_and_dims_the_others() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4", "home")
        before = _fills(pilot)
        await press(pilot, "slash")
        assert prompt(pilot).display
        await type_in(pilot, "golang")
        assert block(pilot).label == "golang:1.19-bookworm"
        assert count(pilot) == "1 of 1"
        map_ = canvas(pilot).map
        assert map_ is not None
        changed = {index for index, fill in _fills(pilot).items() if fill != before[index]}
        assert changed >= {found.index for found in map_.blocks} - {canvas(pilot).cursor, 0}
        await press(pilot, "escape")
        assert canvas(pilot).cursor == 0
        assert not prompt(pilot).display
        assert _fills(pilot) == before


def _fills(pilot: Pilot[Any]) -> dict[int, object]:
    """The background of each block."""
    map_ = canvas(pilot).map
    assert map_ is not None
    found = {}
    for each in map_.blocks:
        strip = canvas(pilot).render_line(each.y).crop(each.x + 1, each.x + 2)
        found[each.index] = next(segment.style.bgcolor for segment in strip if segment.style)
    return found


async def test_n_and_N_go_through_the_blocks_with_hits() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4", "home", "slash")
        await type_in(pilot, "shop-api")
        hits = sorted(canvas(pilot).spots)
        assert len(hits) > 3
        assert count(pilot) == f"{hits.index(canvas(pilot).cursor) + 1} of {len(hits)}"
        await press(pilot, "enter")
        assert canvas(pilot).has_focus
        at = hits.index(canvas(pilot).cursor)
        for _ in hits:
            await press(pilot, "n")
            at = (at + 1) % len(hits)
            assert canvas(pilot).cursor == hits[at]
        await press(pilot, "N")
        assert canvas(pilot).cursor == hits[at - 1]
        assert "/shop-api" in subtitle(pilot)
        await press(pilot, "escape")
        assert not canvas(pilot).spots


async def test_what_was_found_inside_a_block_is_said_and_gone_to() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        map_ = canvas(pilot).map
        assert map_ is not None
        inside = next(found for found in map_.blocks if found.run is None).members[-1]
        await press(pilot, "slash")
        await type_in(pilot, inside.name)
        assert inside in block(pilot).members
        assert f"in image  {inside.name}" in answer(pilot)
        await press(pilot, "enter", "1")
        assert here(pilot) == inside.name


async def test_what_is_outside_of_a_zoomed_map_is_not_said_not_to_be() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        await to_block(pilot, "openjdk:17-jre-slim")
        await press(pilot, "enter", "slash")
        await type_in(pilot, "golang")
        assert count(pilot) == "not in this part"
        await press(pilot, "enter", "backspace", "backspace")
        assert [block.label for block in _lit(pilot)] == ["golang:1.19-bookworm"], "looked for in what is shown now"


def _lit(pilot: Pilot[Any]) -> list[Block]:
    map_ = canvas(pilot).map
    assert map_ is not None
    return [map_.blocks[index] for index in canvas(pilot).spots]


async def test_find_by_an_instruction_lights_the_layer_and_no_command_is_run() -> None:
    app = make_app(sample())
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "4", "slash")
        await type_in(pilot, "geo-city")
        spot = canvas(pilot).spot
        assert spot is not None
        assert spot.layer in (block(pilot).run.layers if block(pilot).run else ())
        assert main(pilot).view is main(pilot).query_one(MapPane)
        assert not len(scene(pilot).marks)
        assert not scene(pilot).pins.ids(scene(pilot).graph)
        row = table(pilot).row
        assert isinstance(row, ImageNode), "nothing was grouped"


@pytest.mark.parametrize(
    ("inventory", "keys", "said"),
    [
        (EMPTY, ("4",), "no images here yet"),
        (sample(), ("&", *"nosuch", "enter", "4"), "no image passes the filter"),
        (partly(sample(), 0, complete=True), ("4",), "nothing here has bytes that are known"),
    ],
)
async def test_an_empty_map_says_why(inventory: Inventory, keys: tuple[str, ...], said: str) -> None:
    app = make_app(inventory)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        await settled(pilot)
        assert said in canvas(pilot).render_line(0).text


async def test_a_host_that_changed_while_the_map_was_hidden() -> None:
    backend = FakeBackend(sample())
    app = make_app(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "4", "3", "up")
        await settled(pilot)
        backend.change(replace(sample(), images=sample().images[::3]))
        await settled(pilot)
        await press(pilot, "4")
        await settled(pilot)
        graph = scene(pilot).graph
        targets = list(main(pilot).view.targets())
        assert targets
        assert all(graph.image_by_id[node.id] is node for node in targets), "images of the host as it is now"
        await press(pilot, "down", "up", "right")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 45), (200, 50)])
async def test_without_colour_in_any_units_with_marks(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        app.theme = "layerscope-plain"
        await press(pilot, "b", "*", "4")
        await settled(pilot)
        assert "GiB" in screen_text(app)
        await press(pilot, "b", "u", "b")
        await settled(pilot)
