"""A live engine on screen: changes are said, cursor and marks stay, a lost engine is shown and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from layerscope.inventory import Inventory
from layerscope.text import clean
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.live import KEPT, SHOWN_FOR, Live
from layerscope.tui.widgets.markline import MarkLine
from tests.hosts import EVIL
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import NOW, SIZES, FakeBackend, inventory, make_app, press, settled
from tests.tui.test_engine_view import key_of
from tests.tui.test_panes import pane

HOST = "docker-28.5-overlay2"
ADDRESS = "unix:///var/run/docker.sock"
WHY = "nobody listens at /run/docker.sock (--host)"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def header(app: LayerscopeApp) -> str:
    return screen_text(app).splitlines()[0]


def status(app: LayerscopeApp) -> str:
    return app.main.query_one(MarkLine).line


def without(found: Inventory, name: str) -> Inventory:
    return replace(found, images=tuple(image for image in found.images if name not in image.tags))


def tagged(found: Inventory, name: str, *more: str) -> Inventory:
    images = (replace(i, tags=(*i.tags, *more)) if name in i.tags else i for i in found.images)
    return replace(found, images=tuple(images))


async def later(pilot: Pilot[Any], clock: Clock, seconds: float) -> None:
    """Let the clock go on, and a second pass on screen."""
    clock.now += seconds
    await pilot.pause(1.1)
    await settled(pilot)


# -- changes ------------------------------------------------------------------------------


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
        assert app.main.scene is not None
        assert app.main.scene.marks.ids == {chosen.id}
        assert gone.id not in app.main.scene.graph.image_by_id
        assert f"● − {gone.name} · −" in header(app)


async def test_news_go_by_themselves_and_can_be_read_afterwards() -> None:
    clock, full = Clock(), inventory(HOST)
    backend = FakeBackend(full)
    app = make_app(backend, clock=clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert header(app).rstrip().endswith("● live")
        backend.change(tagged(full, "node-app:1", "node-app:latest"))
        await settled(pilot)
        assert header(app).rstrip().endswith("● node-app:1 tagged node-app:latest")
        await later(pilot, clock, SHOWN_FOR - 1)
        assert "tagged" in header(app)
        await later(pilot, clock, 1)
        assert header(app).rstrip().endswith("● live")
        await press(pilot, key_of(app, "engine"))
        assert "  node-app:1 tagged node-app:latest" in screen_text(app)


@pytest.mark.parametrize("width", [80, 100, 120, 200])
async def test_news_leave_the_address_of_the_host_where_it_fits(width: int) -> None:
    full = inventory(HOST)
    backend = FakeBackend(without(full, "node-app:1"))
    app = make_app(backend)
    async with app.run_test(size=(width, 36)) as pilot:
        await settled(pilot)
        backend.change(full)
        await settled(pilot)
        assert "● + node-app:1 · +" in header(app)
        assert "on disk" in header(app)
        assert (ADDRESS in header(app)) == (width >= 120)
        assert "Docker 28.5.2" in header(app)


async def test_a_hostile_name_in_the_news_is_cut_and_cleaned() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        backend.change(tagged(full, "node-app:1", EVIL + "x" * 500))
        await settled(pilot)
        assert f"node-app:1 tagged {clean(EVIL)[:8]}" in header(app)
        assert ADDRESS in header(app)
        assert len(header(app)) <= 120


def test_what_was_told_is_kept_the_latest_first_and_not_for_ever() -> None:
    clock = Clock()
    live = Live(clock)
    for number in range(KEPT + 5):
        clock.now += 1
        live.tell((f"change {number}",))
    live.tell(())
    assert [news.wordings[0] for news in live.log][:2] == [f"change {KEPT + 4}", f"change {KEPT + 3}"]
    assert len(live.log) == KEPT
    assert live.log[0].at == clock.now


# -- a lost engine ------------------------------------------------------------------------


async def test_a_lost_engine_is_shown_and_what_is_on_screen_stays() -> None:
    clock = Clock()
    backend = FakeBackend(inventory(HOST))
    app = make_app(backend, clock=clock)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        before = screen_text(app)
        rows = len(pane(pilot).images.rows)
        backend.lose(WHY)
        await settled(pilot)
        assert header(app).rstrip().endswith("36 images · 89 layers · ○ stale 0 s")
        assert status(app) == f"engine lost, trying again: {WHY}"
        assert len(pane(pilot).images.rows) == rows
        assert screen_text(app).count("╍ stale · ") == 3
        clock.now += 14
        backend.lose("still nobody")
        await settled(pilot)
        assert "○ stale 14 s" in header(app)
        await later(pilot, clock, 60)
        assert "○ stale 1 min" in header(app)
        clock.now -= 74  # the ages of before
        backend.lose("")
        await settled(pilot)
        assert screen_text(app) == before


@pytest.mark.parametrize("view", ["layers", "tree", "map", "compare", "engine"])
async def test_every_view_says_that_it_is_stale_whatever_is_done_in_it(view: str) -> None:
    backend = FakeBackend(inventory(HOST))
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        backend.lose(WHY)
        await press(pilot, key_of(app, view), "down", "down")
        assert "stale · " in "\n".join(screen_text(app).splitlines()[3:5])
        backend.lose("")
        await settled(pilot)
        assert "stale" not in screen_text(app).partition("engine lost")[0]


async def test_old_news_do_not_show_when_a_lost_engine_is_back() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        backend.change(without(full, "node-app:1"))
        await settled(pilot)
        backend.lose(WHY)
        backend.lose("")
        await settled(pilot)
        assert header(app).rstrip().endswith("● live")


async def test_with_marks_a_lost_engine_is_told_beside_them() -> None:
    backend = FakeBackend(inventory(HOST))
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        backend.lose("nobody " * 30)
        await settled(pilot)
        assert "✓ marked 1" in status(app)
        assert "engine lost, trying again" in status(app)


async def test_a_rescan_that_succeeds_ends_what_was_stale() -> None:
    backend = FakeBackend(inventory(HOST))
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        backend.fail("nobody listens", "start the engine")
        await press(pilot, "r")
        assert "○ stale" in header(app)
        backend.held = False
        await press(pilot, "r")
        assert "stale" not in screen_text(app)


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


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_picture_of_a_lost_engine(snap: Callable[..., bool], size: tuple[int, int]) -> None:
    backend = FakeBackend(inventory(HOST))

    async def lose(_: Pilot[Any]) -> None:
        backend.lose(WHY)

    assert snap(make_app(backend), size, "down", before=lose)
