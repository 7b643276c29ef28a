"""Images, Layers and Used by follow each other; Enter goes in, Backspace comes back."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from dev.benchmarks.generate import big_host
from layerscope.core.graph import ImageNode
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.panes.images import ImagesPane
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import Units
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"


def test_panes_have_their_names_before_there_is_anything_to_show() -> None:
    pane = ImagesPane()
    assert [str(table.own_title) for table in (pane.stack, pane.users)] == ["Layers", "Used by"]


def pane(pilot: Pilot[Any]) -> ImagesPane:
    assert isinstance(pilot.app, LayerscopeApp)
    return pilot.app.main.images_pane


def screen_text(pilot: Pilot[Any]) -> list[str]:
    """The screen, line by line, as a person reads it."""
    app = pilot.app
    lines = app.screen._compositor.render_strips()
    return [strip.text for strip in lines]


async def test_the_panes_follow_the_cursor() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down")
        panes = pane(pilot)
        image = panes.images.rows[2]
        assert panes.image_here is image
        assert list(panes.stack.rows) == list(reversed(image.layers)), "newest first"
        biggest = max(panes.stack.rows, key=lambda layer: layer.known_size)
        assert panes.layer_here is biggest, "it says most about an image"
        assert panes.users.rows[: len(biggest.images)] == biggest.images


async def test_three_keys_from_the_start_to_who_shares_the_biggest_layer() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        image = pane(pilot).image_here
        assert image is not None
        await press(pilot, "enter")  # one key: the cursor is on the biggest layer, and its users are shown
        biggest = max(image.layers, key=lambda layer: layer.known_size)
        assert pane(pilot).layer_here is biggest
        assert pane(pilot).users.rows[: len(biggest.images)] == biggest.images
        await press(pilot, "enter")
        assert pane(pilot).users.has_focus


async def test_a_pivot_leaves_a_trail_that_leads_back() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        start = pane(pilot).image_here
        assert start is not None
        await press(pilot, "enter", "enter", "down", "enter")
        there = pane(pilot).image_here
        assert there is not None
        assert there is not start
        assert pane(pilot).images.has_focus
        assert start.name in str(pane(pilot).images.border_subtitle)
        await press(pilot, "backspace")
        assert pane(pilot).image_here is start
        assert not pane(pilot).trail


async def test_backspace_leaves_a_pane_before_it_leaves_an_image() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "enter", "enter")
        await press(pilot, "backspace")
        assert pane(pilot).stack.has_focus
        await press(pilot, "backspace")
        assert pane(pilot).images.has_focus


async def test_arrows_and_vim_keys_go_between_the_panes() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key, which in (("right", "stack"), ("l", "users"), ("h", "stack"), ("left", "images"), ("tab", "stack")):
            await press(pilot, key)
            assert getattr(pane(pilot), which).has_focus, key


async def test_every_way_to_move_moves() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 24)) as pilot:
        await settled(pilot)
        table = pane(pilot).images
        last = len(table.rows) - 1
        page = table.size.height - 1
        for key, cursor in (
            ("j", 1), ("k", 0), ("end", last), ("home", 0), ("G", last), ("g", 0), ("pagedown", page), ("pageup", 0),
            ("ctrl+d", page // 2), ("ctrl+u", page // 2 - int(page * 0.5)), ("ctrl+f", page), ("ctrl+b", 0),
        ):  # fmt: skip
            await press(pilot, key)
            assert table.cursor == cursor, key


async def test_an_unmoved_cursor_stays_at_the_top_while_a_scan_fills_the_list() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full, held=True)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        backend.part(type(full)(full.engine, full.images[-5:]))
        await settled(pilot)
        backend.finish(full)
        await settled(pilot)
        assert pane(pilot).images.cursor == 0


async def test_a_moved_cursor_stays_on_its_image_while_a_scan_fills_the_list() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full, held=True)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        backend.part(type(full)(full.engine, full.images[-9:]))
        await settled(pilot)
        await press(pilot, "down", "down")
        chosen = pane(pilot).image_here
        assert chosen is not None
        backend.finish(full)
        await settled(pilot)
        now = pane(pilot).image_here
        assert now is not None
        assert now.id == chosen.id


async def test_figures_are_whole_beside_a_scrollbar() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "enter", "end")  # the base: more users than the pane has lines
        users = pane(pilot).users
        assert users.length > users.room
        figures = [line[users.region.x + 1 : users.region.right - 1].rstrip(" │▐") for line in screen_text(pilot)]
        rows = figures[users.region.y + 2 : users.region.bottom - 1]
        assert rows
        assert all(row.endswith(("B", ")", "?")) for row in rows), rows


async def test_a_resize_keeps_the_cursor_in_sight() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, "end")
        table = pane(pilot).images
        for size in ((80, 24), (200, 50), (60, 15)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert table.cursor == len(table.rows) - 1
            assert table.top <= table.cursor < table.top + table.size.height - 1


async def test_a_pivot_stays_on_the_layer_that_it_came_through() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        panes = pane(pilot)
        start, through = panes.image_here, panes.layer_here
        assert start is not None
        assert through is not None
        await press(pilot, "enter", "enter", "G")
        while not isinstance(panes.users.row, ImageNode) or panes.users.row is start:
            await press(pilot, "up")
        await press(pilot, "enter")
        assert panes.image_here is not start
        assert panes.layer_here is through
        assert panes.users.rows[0] in through.images


async def test_all_layers_open_on_the_biggest_layer_of_the_image() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down")
        image = pane(pilot).image_here
        assert image is not None
        await press(pilot, "2")
        assert app.main.query_one("#all-layers", RowTable).row is max(image.layers, key=lambda n: n.known_size)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 50)])
async def test_rows_have_bars_and_sharers_at_every_size(size: tuple[int, int]) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        shown = {name: {p.column.key: p.width for p in pane(pilot).query_one(f"#{name}", RowTable).placed}
                 for name in ("images", "layers")}  # fmt: skip
        assert {"name", "size", "unique", "bar"} <= set(shown["images"])
        assert shown["images"]["bar"] >= 7
        assert {"size", "users", "instruction"} <= set(shown["layers"])


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 36), (200, 50)])
@pytest.mark.parametrize("keys", ["1", "o", "2", "3", "5"], ids=["images", "grouped", "layers", "tree", "compare"])
async def test_no_size_is_cut_in_binary_units(size: tuple[int, int], keys: str) -> None:
    app = make_app(big_host(60, 240), units=Units.BINARY)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        await settled(pilot)
        assert "GiB" in "".join(screen_text(pilot))
        columns = [p for p in app.main.view.query(RowTable).first().placed if p.column.sizes]
        assert all(p.width >= 9 for p in columns)
