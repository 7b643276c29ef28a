"""A live engine on screen: changes are said, cursor and marks stay, a lost engine is shown and comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from layerscope.tui.widgets.summary import Summary
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.test_panes import pane

HOST = "docker-28.5-overlay2"


def state(pilot: Pilot[Any]) -> str:
    return pilot.app.screen.query_one(Summary).state[1]


async def test_a_removed_image_goes_and_the_cursor_and_marks_stay() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "down", "space")
        chosen = pane(pilot).image_here
        gone = pane(pilot).images.rows[0]
        assert chosen is not None
        backend.change(replace(full, images=tuple(i for i in full.images if i.id != gone.id)))
        await settled(pilot)
        now = pane(pilot).image_here
        assert now is not None
        assert now.id == chosen.id
        assert app.main.host is not None
        assert app.main.host.marks.ids == {chosen.id}
        assert gone.id not in app.main.host.graph.image_by_id
        assert state(pilot).startswith("−1 image, −")


async def test_a_lost_engine_is_shown_and_what_is_on_screen_stays() -> None:
    backend = FakeBackend(inventory(HOST))
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        rows = len(pane(pilot).images.rows)
        backend.lose("nobody listens on the socket")
        await settled(pilot)
        assert "lost" in state(pilot)
        assert "nobody listens" in state(pilot)
        assert len(pane(pilot).images.rows) == rows
        backend.lose("")
        await settled(pilot)
        assert state(pilot) == "live"


async def test_a_cursor_that_nobody_moved_stays_on_its_image_too() -> None:
    full = inventory(HOST)
    small = max((i for i in full.images if i.listed), key=lambda i: i.layers_size or 0)
    backend = FakeBackend(replace(full, images=tuple(i for i in full.images if i.id != small.id)))
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        here = pane(pilot).image_here
        assert here is not None
        backend.change(full)
        await settled(pilot)
        assert pane(pilot).images.rows[0].id == small.id, "the biggest comes first"
        now = pane(pilot).image_here
        assert now is not None
        assert now.id == here.id
