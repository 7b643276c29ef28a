"""A containerd store on screen: bars of two parts, content in rows and in dialogs; and a total that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from layerscope.core.build import build_graph
from layerscope.errors import BackendError
from layerscope.inventory import DiskUsage, Inventory
from layerscope.sources.scanfile import load_inventory
from layerscope.tui.widgets.summary import Summary
from tests.core.contents import with_content
from tests.hosts import SMALL
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, FakeBackend, inventory, make_app, press, settled
from tests.tui.remover import Engine

Snap = Callable[..., bool]
HOST = "docker-28.5-containerd"
LIAR = Path(__file__).parents[1] / "core" / "cases" / "exact-layer-wrong-1" / "scan.json"


def packed() -> Inventory:
    return with_content(inventory(HOST))


class TestPictures:
    @pytest.mark.parametrize("size", SIZES, ids=by_size)
    def test_the_main_view(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(packed()), size)

    @pytest.mark.parametrize("size", SIZES, ids=by_size)
    def test_removal(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(Engine(packed())), size, "space", "d")


async def test_the_line_of_marks_and_the_dialog_count_content() -> None:
    app = make_app(Engine(with_content(replace(SMALL, containers=()))))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        assert " content" in screen_text(app).splitlines()[-2]
        await press(pilot, "d")
        await settled(pilot)
        text = screen_text(app)
        assert "Content, compressed: frees" in text
        assert "The disk gets back" in text


async def test_free_counts_the_disk() -> None:
    app = make_app(with_content(SMALL))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "f", *"900G")
        await settled(pilot)
        assert "900 GB on disk cannot be had" in " ".join(screen_text(app).split())


# -- the engine's total, where sums need it ------------------------------------------------


def liar(**engine: Any) -> Inventory:
    found = load_inventory(LIAR)
    layer = replace(found.images[0], layers_size=None, engine_size=None)
    found = replace(found, images=(layer, *found.images[1:]), usage=None, from_file=False)
    found = replace(found, engine=replace(found.engine, **{"api_version": "1.51", **engine}))
    assert not build_graph(found).totals.exact
    return found


async def asked(pilot: Pilot[Any]) -> bool:
    await settled(pilot)
    backend = pilot.app.session.backend  # type: ignore[attr-defined]
    return bool(backend.asked_usage)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (liar(), True),
        (liar(api_version="1.41"), False),  # it would walk every container
        (liar(store_kind="podman"), False),  # its total counts other things too
        (SMALL, False),
    ],
    ids=["inexact", "old", "podman", "exact"],
)
async def test_the_engine_s_total_is_asked_for_where_sums_need_it(found: Inventory, wanted: bool) -> None:
    backend = FakeBackend(found)
    backend.usage_answer = DiskUsage(1)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        assert await asked(pilot) is wanted
        assert app.main.query_one(Summary)


async def test_a_refusal_is_silent_and_kept_for_the_engine_view() -> None:
    backend = FakeBackend(liar())
    backend.usage_answer = BackendError("the engine was told not to", "")
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        assert await asked(pilot)
        assert "told not to" not in screen_text(app)
        await press(pilot, "6")
        await settled(pilot)
        assert "the engine was told not to" in screen_text(app)
        assert backend.asked_usage == 1
