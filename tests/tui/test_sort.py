"""Sort: every list by each of its columns, by key and by heading; ties stay, and so does the cursor's image."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode, Layer
from layerscope.core.missed import copies_of, missed_sharing
from layerscope.inventory import Container
from layerscope.tui.widgets.rowtable import AS_IT_COMES
from tests.tui.harness import inventory, make_app, press, settled
from tests.tui.looking import HOST, heading, here, in_sight, pane, shown, table

SIZE = (120, 36)

IMAGES = {
    "name": lambda row: (row.dangling, row.name.lower()),
    "size": lambda row: -row.size,
    "unique": lambda row: -row.unique,
    "shared": lambda row: -row.shared,
    "containers": lambda row: -len(row.containers),
    "layers": lambda row: -len(row.layers),
    "created": lambda row: -(row.image.created or 0),
}
"""By which rows rise, when a column is chosen."""
LAYERS = {
    "size": lambda row: -row.known_size,
    "users": lambda row: -len(row.images),
    "saves": lambda row: -row.known_size * (len(row.images) - 1),
    "instruction": lambda row: 0,
}


def rising(values: list[Any]) -> bool:
    return values == sorted(values)


@pytest.mark.parametrize("size", [(80, 24), SIZE], ids=["80x24", "120x36"])
async def test_s_goes_through_the_columns_of_the_images(size: tuple[int, int]) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        images = table(pilot)
        seen = {images.sort.key}
        for _ in range(len(IMAGES)):
            key = images.sort.key
            assert rising([IMAGES[key](row) for row in images.rows]), key
            assert "▾" in heading(images) or "▴" in heading(images), f"the column {key} is there, with its arrow"
            await press(pilot, "s")
            seen.add(images.sort.key)
        assert seen == set(IMAGES)
        assert images.sort.key == "size", "and around"


async def test_the_other_way_round_and_back() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        images = table(pilot)
        assert "SIZE▾" in heading(images)
        for _ in range(len(IMAGES)):
            key = images.sort.key
            await press(pilot, "S")
            assert rising([IMAGES[key](row) for row in reversed(images.rows)]), key
            await press(pilot, "S")
            assert rising([IMAGES[key](row) for row in images.rows]), key
            await press(pilot, "s")
        await press(pilot, "S")
        assert "SIZE▴" in heading(images)


async def test_equals_stay_in_the_order_of_their_size() -> None:
    images = tuple(replace(image, created=1_700_000_000) for image in inventory(HOST).images)
    app = make_app(replace(inventory(HOST), images=images))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        by_size = shown(pilot)
        while table(pilot).sort.key != "created":
            await press(pilot, "s")
        assert shown(pilot) == by_size
        await press(pilot, "S")
        assert shown(pilot) == by_size, "equals do not turn round either"


async def test_a_heading_sorts_and_again_turns_round() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        images = table(pilot)
        at = heading(images).index("UNIQUE") + 2
        await pilot.click("#images", offset=(at + 1, 1))
        await settled(pilot)
        assert rising([IMAGES["unique"](row) for row in images.rows])
        await pilot.click("#images", offset=(at + 1, 1))
        await settled(pilot)
        assert rising([IMAGES["unique"](row) for row in reversed(images.rows)])
        bar = heading(images).index("█")
        await pilot.click("#images", offset=(bar + 1, 1))
        await settled(pilot)
        assert images.sort.key == "unique", "a bar is no order of its own"


async def test_the_cursor_keeps_its_image_once_somebody_chose_it() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "s", "s")
        assert table(pilot).cursor == 0, "nobody chose an image yet: the top of each order is shown"
        await press(pilot, "down", "down", "down")
        image = here(pilot)
        for key in ("s", "S", "s", "s", "S"):
            await press(pilot, key)
            assert here(pilot) == image
            assert in_sight(table(pilot))


async def test_the_layers_of_an_image_sort_when_they_have_the_focus() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        image = table(pilot).row
        stack = pane(pilot).stack
        before = shown(pilot)
        await press(pilot, "right")
        assert "newest first" in str(stack.border_subtitle)
        for _ in range(len(LAYERS)):
            await press(pilot, "s")
            assert rising([LAYERS[stack.sort.key](row) for row in stack.rows]), stack.sort.key
        await press(pilot, "s")
        assert stack.sort.key == AS_IT_COMES
        assert list(stack.rows) == list(reversed(image.layers))
        await press(pilot, "S")
        assert list(stack.rows) == list(image.layers)
        assert "oldest first" in str(stack.border_subtitle)
        assert shown(pilot) == before, "the images stay as they are"
        await press(pilot, "s", "left", "down", "right")
        assert rising([LAYERS["size"](row) for row in stack.rows]), "the order holds for the next image"


async def test_a_layer_keeps_the_cursor() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "right", "down", "down", "down")
        layer = pane(pilot).stack.row
        await press(pilot, "s", "S", "s")
        assert pane(pilot).stack.row is layer


def user_key(row: ImageNode | Container, key: str) -> Any:
    if isinstance(row, Container):
        return (1, row.name.lower()) if key == "name" else 1
    return (0, row.dangling, row.name.lower()) if key == "name" else -getattr(row, key)


async def test_what_uses_a_layer_sorts_too() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "right", "G", "right")
        users = pane(pilot).users
        own = list(users.rows)
        assert any(isinstance(row, Container) for row in own)
        for _ in range(3):
            await press(pilot, "s")
            assert rising([user_key(row, users.sort.key) for row in users.rows]), users.sort.key
        await press(pilot, "s")
        assert list(users.rows) == own


async def test_all_layers_sort_by_what_they_cost_save_and_take_again() -> None:
    host = inventory(HOST)
    again = copies_of(missed_sharing(build_graph(host)))
    worth = LAYERS | {"again": lambda row: -again.get(row.chain_id, 0)}
    app = make_app(host)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "2", "down", "down")
        layers = table(pilot, "all-layers")
        layer = layers.row
        assert isinstance(layer, Layer)
        seen = set()
        for _ in range(len(worth)):
            await press(pilot, "s")
            seen.add(layers.sort.key)
            assert rising([worth[layers.sort.key](row) for row in layers.rows]), layers.sort.key
            assert layers.row is layer
        assert seen == set(worth)
        await press(pilot, "S")
        assert rising([worth[layers.sort.key](row) for row in reversed(layers.rows)])
