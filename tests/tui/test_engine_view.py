"""The page on the engine's own figures: what is read where, and which keys there are."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from layerscope.core.build import build_graph
from layerscope.engine.connect import connect
from layerscope.engine.usage import disk_usage
from layerscope.inventory import DiskUsage
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.commands import Commands
from layerscope.tui.dialogs.free import FreeScreen
from layerscope.tui.keys import key_name
from layerscope.tui.messages import EngineChanged, UsageAnswered
from layerscope.tui.panes.engine import PROSE, EnginePane
from layerscope.tui.panes.layers import LayersPane
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.rowtable import RowTable
from tests.replay import replay
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, FakeBackend, inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"
FIGURES = (
    "Sum of sizes",
    "On disk",
    "Saved by sharing",
    "Reclaimable",
    "Sum of UNIQUE",
    "Sum of SHARED",
    "Build cache",
)


@cache
def usage() -> DiskUsage:
    """What the recorded engine says of its disk."""
    with replay(HOST) as engine, connect(engine.host) as conn:
        return disk_usage(conn)


def asked() -> LayerscopeApp:
    return make_app(replace(inventory(HOST), usage=usage()))


def key_of(app: LayerscopeApp, view: str) -> str:
    """The key of a view, whichever it is."""
    return next(b.key for b in type(app.main).BINDINGS if b.action == f"view('{view}')")  # type: ignore[union-attr]


async def at_the_page(pilot: Pilot[Any]) -> None:
    await settled(pilot)
    assert isinstance(pilot.app, LayerscopeApp)
    await press(pilot, key_of(pilot.app, "engine"))


def status(app: LayerscopeApp) -> str:
    return app.main.query_one(MarkLine).line


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_all_figures_are_seen_at_once_their_numbers_beside_their_names(size: tuple[int, int]) -> None:
    app = asked()
    async with app.run_test(size=size) as pilot:
        await at_the_page(pilot)
        lines = screen_text(app).splitlines()
        assert "Why 3.75 GB are listed, and 799 MB are on disk" in lines[5]
        for name, ours in zip(
            FIGURES, ("3.75 GB", "799 MB", "2.95 GB", "376 MB", "262 MB", "3.49 GB", "133 MB"), strict=True
        ):
            line = next(line for line in lines[8:] if line[4:].startswith(name))
            assert 0 < line.index(ours) - line.index(name) - len(name) < 16


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_prose_has_the_room_there_is_and_not_more_than_can_be_read(size: tuple[int, int]) -> None:
    app = asked()
    async with app.run_test(size=size) as pilot:
        await at_the_page(pilot)
        seen = screen_text(app).splitlines()
        for _ in range(6):
            await press(pilot, "pagedown")
            seen += screen_text(app).splitlines()
        first = next(line for line in seen if "Every image in full" in line)
        said = first[first.index("Every image in full") :].rstrip(" │▁▂▃▄▅▆▇█")
        assert min(size[0] - 30, PROSE - 25) <= len(said) <= PROSE
        assert any("Our size of a layer is" in line for line in seen)


async def test_a_view_after_the_page_has_the_cursor_of_the_one_before_it() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, key_of(app, "layers"), "down", "down", "down")
        layer, place = app.main.query_one(LayersPane).layer_here, app.main.query_one(LayersPane).list.cursor
        await press(pilot, key_of(app, "images"))
        direct = app.main.images_pane.image_here, app.main.images_pane.layer_here
        await press(pilot, "home", key_of(app, "layers"))
        assert app.main.query_one(LayersPane).layer_here is not layer
        app.main.query_one("#all-layers", RowTable).move_to(place)
        await settled(pilot)
        await press(pilot, key_of(app, "engine"), "escape", key_of(app, "images"))
        assert (app.main.images_pane.image_here, app.main.images_pane.layer_here) == direct
        assert layer is not None
        assert direct[0] in layer.images
        await press(pilot, "down", "down", "enter", "down")
        here = app.main.images_pane.image_here, app.main.images_pane.layer_here
        await press(pilot, key_of(app, "engine"), key_of(app, "engine"), key_of(app, "images"))
        assert (app.main.images_pane.image_here, app.main.images_pane.layer_here) == here


async def test_the_cursor_comes_back_from_the_page_when_the_host_changed_meanwhile() -> None:
    full = inventory(HOST)
    backend = FakeBackend(full)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "down")
        chosen, first = app.main.images_pane.image_here, app.main.images_pane.images.rows[0]
        assert chosen is not None
        await press(pilot, key_of(app, "engine"))
        backend.change(replace(full, images=tuple(i for i in full.images if i.id != first.id)))
        await settled(pilot)
        await press(pilot, key_of(app, "images"))
        now = app.main.images_pane.image_here
        assert now is not None
        assert now.id == chosen.id
        assert now is not chosen


async def test_an_answer_that_is_older_than_what_is_shown_does_not_replace_it() -> None:
    full = inventory(HOST)
    app = make_app(FakeBackend(full))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        newest = replace(full, images=full.images[1:], serial=3)
        app.main.post_message(EngineChanged(build_graph(newest)))
        for late in (replace(full, serial=1), replace(full, usage=usage(), serial=2)):
            graph = build_graph(late)
            app.main.post_message(EngineChanged(graph) if late.usage is None else UsageAnswered(graph))
            await settled(pilot)
            assert app.main.scene is not None
            assert app.main.scene.graph.inventory is newest
        app.main.post_message(UsageAnswered(build_graph(replace(newest, usage=usage(), serial=4))))
        await settled(pilot)
        assert app.main.scene.graph.inventory.usage is not None


async def test_only_keys_that_do_something_are_offered() -> None:
    backend = FakeBackend(inventory(HOST))
    backend.usage_answer = usage()
    app = make_app(backend)
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        assert "Space mark" in screen_text(app).splitlines()[-1]
        await at_the_page(pilot)
        hints = screen_text(app).splitlines()[-1].split("  ")
        keys = [hint.split()[0] for hint in hints if hint.strip()]
        assert keys[0] == "a"
        assert {"r", "?", "q", "E", "f"} <= set(keys)
        assert not {"Space", "i", "/", "&", "d", "y", "s"} & set(keys)
        before = screen_text(app)
        for key in ("space", "i", "slash", "ampersand", "asterisk", "d", "p", "n"):
            await press(pilot, key)
            assert "needs a row to act on" in screen_text(app)
            app.main.mark_line.aside("")
            await settled(pilot)
            assert screen_text(app) == before, key_name(key)
        listed = {title for title, _, _ in Commands(app.screen).commands()}
        assert "Find in this list" not in listed
        assert "Rescan" in listed
        await press(pilot, key_of(app, "images"))
        assert "Space mark" in screen_text(app).splitlines()[-1]


async def test_what_is_marked_can_be_removed_and_copied_from_the_page_too() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        await at_the_page(pilot)
        assert "✓ marked 1" in status(app)
        assert "d remove" in screen_text(app).splitlines()[-1]
        await press(pilot, "y")
        assert app.clipboard.startswith("docker rmi ")
        await press(pilot, "u")
        assert "d remove" not in screen_text(app).splitlines()[-1]


async def test_a_proposal_made_on_the_page_is_shown_among_the_images() -> None:
    app = make_app(FakeBackend(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await at_the_page(pilot)
        await press(pilot, "f")
        assert isinstance(app.screen, FreeScreen)
        await press(pilot, *"1MB", "enter")
        await press(pilot, "enter") if app.screen is not app.main else None
        assert app.screen is app.main
        assert app.main.view is app.main.images_pane
        assert app.main.scene is not None
        assert len(app.main.scene.marks)


async def test_the_status_line_says_what_the_comparison_comes_to() -> None:
    app = asked()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, key_of(app, "layers"))
        await at_the_page(pilot)
        assert status(app) == "2 of 6 figures are the same · 4 differ; reasons below"
        await press(pilot, key_of(app, "images"))
        assert "figures" not in status(app)
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await at_the_page(pilot)
        assert "a ask" not in screen_text(app).splitlines()[-1], "of a saved scan nothing can be asked"
        assert status(app) == "figures of ours; the engine's own are not known"


async def test_changes_are_listed_with_their_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layerscope.tui.panes.engine.time_of_day", lambda at: f"at {int(at) % 100:02}")
    full = inventory(HOST)
    now = [float(1_000_000_000)]
    backend = FakeBackend(full)
    app = make_app(backend, clock=lambda: now[0])
    async with app.run_test(size=(80, 40)) as pilot:
        await settled(pilot)
        backend.change(replace(full, images=full.images[1:]))
        await settled(pilot)
        now[0] += 5
        backend.lose("nobody listens at /run/docker.sock " + "and so on " * 9)
        await settled(pilot)
        now[0] += 14
        backend.lose("")
        await at_the_page(pilot)
        text = screen_text(app)
        places = [
            text.index(words) for words in ("at 19  engine back after 14 s", "at 05  engine lost: nobody", "at 00  − ")
        ]
        assert places == sorted(places)
        assert app.main.query_one(EnginePane).has_focus
