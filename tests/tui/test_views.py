"""The views on the number keys look at one host, with one cursor and one set of marks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from layerscope.engine.usage import usage_record
from layerscope.errors import BackendError
from layerscope.inventory import DiskUsage, Inventory
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.panes.compare import ComparePane
from layerscope.tui.panes.engine import EnginePane
from layerscope.tui.panes.layers import LayersPane
from layerscope.tui.panes.map import MapPane
from layerscope.tui.panes.tree import TreePane
from layerscope.tui.panes.view import View
from tests.replay import load_recording
from tests.tui.conftest import by_size
from tests.tui.harness import SIZES, FakeBackend, inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"
VIEWS = {"2": "layers", "3": "tree", "4": "map", "6": "engine"}


def app_of(pilot: Pilot[Any]) -> LayerscopeApp:
    assert isinstance(pilot.app, LayerscopeApp)
    return pilot.app


def marked(pilot: Pilot[Any]) -> set[str]:
    scene = app_of(pilot).main.scene
    assert scene is not None
    return set(scene.marks.ids)


@pytest.mark.parametrize("size", SIZES, ids=by_size)
@pytest.mark.parametrize("key", VIEWS, ids=VIEWS.get)
def test_picture(snap: Callable[..., bool], key: str, size: tuple[int, int]) -> None:
    assert snap(make_app(inventory(HOST)), size, key, "down")


def test_picture_of_the_map_without_colour(snap: Callable[..., bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap(make_app(inventory(HOST)), (80, 24), "4", "down", "right", "space")


def test_picture_of_a_find_on_the_map(snap: Callable[..., bool]) -> None:
    assert snap(make_app(inventory(HOST)), (120, 36), "4", "slash", *"node")


@pytest.mark.parametrize("key", ["3", "4"], ids=["tree", "map"])
def test_picture_in_the_light(snap: Callable[..., bool], key: str) -> None:
    assert snap(make_app(inventory(HOST), theme="layerscope-light"), (120, 36), key, "down", "space")


async def test_every_view_is_a_view() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key, kind in (("2", LayersPane), ("3", TreePane), ("4", MapPane), ("5", ComparePane), ("6", EnginePane)):
            await press(pilot, key)
            assert isinstance(app.main.view, kind)
            assert isinstance(app.main.view, View)


@pytest.mark.parametrize("key", ["2", "3", "4"], ids=["layers", "tree", "map"])
async def test_the_cursor_goes_along_and_comes_back(key: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "down", "enter")
        layer, image = app.main.images_pane.layer_here, app.main.images_pane.image_here
        assert layer is not None
        assert image is not None
        await press(pilot, key)
        there = app.main.view
        assert there.layer_here in image.layers
        if key == "2":
            assert there.layer_here is layer
        await press(pilot, "1")
        assert app.main.images_pane.image_here is not None
        assert layer in app.main.images_pane.image_here.layers


async def test_marks_are_the_same_in_every_view() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        before = marked(pilot)
        assert len(before) == 1
        for key in "234561":
            await press(pilot, key)
            assert marked(pilot) == before


async def test_marking_a_layer_marks_every_image_that_must_go_to_free_it() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "home", "space")
        layer = app.main.view.layer_here
        assert layer is not None
        assert marked(pilot) == {node.id for node in layer.images}
        await press(pilot, "space")
        assert not marked(pilot)


async def test_layers_sort_by_what_they_save() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "s")
        table = app.main.query_one(LayersPane).list
        by = {"saves": lambda row: row.saves, "users": lambda row: len(row.images), "size": lambda row: row.known_size}
        seen = []
        while table.sort.key not in seen:
            seen.append(table.sort.key)
            if table.sort.key in by:
                values = [by[table.sort.key](row) for row in table.rows]
                assert values == sorted(values, reverse=True), table.sort.key
                await press(pilot, "S")
                assert [by[table.sort.key](row) for row in table.rows] == sorted(values)
            await press(pilot, "s")
        assert set(by) <= set(seen)


async def test_the_tree_folds_and_unfolds() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "3", "home")
        table = app.main.query_one(TreePane).list
        whole = len(table.rows)
        await press(pilot, "left")
        assert len(table.rows) < whole
        await press(pilot, "right")
        assert len(table.rows) == whole
        await press(pilot, "z")
        assert all(row.depth == 0 for row in table.rows)
        await press(pilot, "z")
        assert len(table.rows) == whole
        run = next(i for i, row in enumerate(table.rows) if row.kind == "run" and len(row.layers) > 1)
        table.move_to(run)
        await press(pilot, "x")
        assert len(table.rows) == whole + len(table.rows[run].layers)


async def test_from_a_leaf_of_the_tree_to_its_layers() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "3")
        table = app.main.query_one(TreePane).list
        index = next(i for i, row in enumerate(table.rows) if row.image is not None)
        table.move_to(index)
        image = table.rows[index].image
        await press(pilot, "enter")
        assert app.main.images_pane.image_here is image


async def test_disk_usage_is_asked_for_in_the_engine_view_only_and_once() -> None:
    backend = FakeBackend(inventory(HOST))
    backend.usage_answer = DiskUsage(layers_size=798575911)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "3", "4", "1")
        assert backend.asked_usage == 0
        await press(pilot, "6")
        assert backend.asked_usage == 1
        assert app.main.scene is not None
        usage = app.main.scene.graph.inventory.usage
        assert usage is not None
        totals = app.main.scene.graph.totals  # without the rows beside it the total proves nothing of single layers
        assert totals.footprint <= usage.layers_size <= totals.footprint + 1_000
        await press(pilot, "1", "6")
        assert backend.asked_usage == 1
        await press(pilot, "a")
        assert backend.asked_usage == 2


async def test_where_it_settles_sums_and_is_quick_the_disk_usage_is_asked_for_by_itself() -> None:
    found = inventory(HOST)
    backend = FakeBackend(found)
    backend.quick_usage, backend.usage_answer = True, usage_record(load_recording(HOST)["df_image"])
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert app.main.scene is not None
        assert backend.asked_usage == 1
        assert app.main.scene.graph.totals.exact
        backend.usage_answer = BackendError("not now", "")
        backend.change(replace(found, taken_at=found.taken_at + 1))
        await settled(pilot)
        assert backend.asked_usage == 2
        backend.change(replace(found, usage=usage_record(load_recording(HOST)["df_image"])))  # nothing is open any more
        await settled(pilot)
        assert backend.asked_usage == 2


async def test_a_refused_disk_usage_is_said() -> None:
    backend = FakeBackend(inventory(HOST))
    backend.usage_answer = BackendError("a disk usage operation is already running", "try again")
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "6")
        assert "already running" in str(app.main.query_one(EnginePane).border_subtitle)


async def test_esc_stops_waiting_for_the_engine() -> None:
    answer = threading.Event()

    class Slow(FakeBackend):
        def usage(self, *, whole: bool = False) -> Inventory:
            answer.wait(60)
            return replace(self.inventory, usage=DiskUsage(layers_size=1))

    app = make_app(Slow(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("6")
        pane = app.main.query_one(EnginePane)
        await pilot.pause()
        assert pane.asking
        await pilot.press("escape")
        await pilot.pause()
        assert not pane.asking
        answer.set()
        await settled(pilot)
        assert app.main.scene is not None
        assert app.main.scene.graph.inventory.usage is None


async def test_views_of_an_empty_engine_and_of_unknown_images_stand() -> None:
    full = inventory(HOST)
    unknown = replace(full, images=tuple(replace(i, diff_ids=None, history=None, note="gone mad") for i in full.images))
    for scene in (replace(full, images=()), unknown):
        app = make_app(scene)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await press(pilot, "2", "space", "3", "space", "right", "left", "4", "down", "enter", "backspace")
            await press(pilot, "5", "down", "6", "1")
            assert app.main.scene is not None
