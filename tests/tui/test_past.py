"""Before and after in the interface: history beside the bar, what is new since the last look, rules, differences."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.inventory import Inventory
from layerscope.sources.scanfile import save_inventory
from layerscope.state.history import HOUR, ScanHistory
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs.diff import DiffScreen
from layerscope.tui.dialogs.keep import KeepScreen
from layerscope.tui.dialogs.plan import PlanScreen
from layerscope.tui.screens.main import MainScreen
from tests.hosts import SMALL
from tests.tui.conftest import screen_text
from tests.tui.harness import NOW, FakeBackend, make_app, press, settled

LIVE = replace(SMALL, engine=replace(SMALL.engine, id="ABCD", driver="overlay2"), taken_at=NOW)
SIZE = (120, 36)


def kept(path: Path, *hosts: Inventory) -> ScanHistory:
    """A history of scans some hours apart, the last of which was looked at."""
    history = ScanHistory(path / "history.db", lambda: NOW)
    for at, host in enumerate(hosts, -len(hosts)):
        history.keep(build_graph(replace(host, taken_at=NOW + 5 * at * HOUR)), look=at == -1)
    return history


def main_screen(app: LayerscopeApp) -> MainScreen:
    screen = app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    return screen


async def test_a_line_of_the_past_and_what_is_new_since_the_last_look(tmp_path: Path) -> None:
    hosts = [replace(LIVE, images=LIVE.images[:number], usage=None) for number in (1, 2, 3)]
    history = kept(tmp_path, *hosts)
    app = make_app(FakeBackend(LIVE), history=history)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        text = screen_text(app)
        (bar,) = [line[1:] for line in text.splitlines() if line.startswith(" On disk")]
        assert bar.startswith("On disk  ▁▆▇█")
        assert "last look: +1.0 MB, +1 image" in text
        assert main_screen(app).scene is not None
    assert len(history.line(LIVE.engine)) == 4
    look = history.last_look(LIVE.engine)
    assert look is not None
    assert look.images == {image.id for image in LIVE.images}


async def test_two_scans_make_no_line_and_no_history_nothing(tmp_path: Path) -> None:
    history = kept(tmp_path, LIVE)
    for past in (history, None):
        app = make_app(FakeBackend(LIVE), history=past)
        async with app.run_test(size=SIZE) as pilot:
            await settled(pilot)
            (bar,) = [line[1:] for line in screen_text(app).splitlines() if line.startswith(" On disk")]
            assert bar.startswith("On disk       █")


async def test_what_was_seen_live_is_no_news_at_the_next_start(tmp_path: Path) -> None:
    history = kept(tmp_path, replace(LIVE, images=LIVE.images[:3], usage=None))
    backend = FakeBackend(replace(LIVE, images=LIVE.images[:3], usage=None))
    app = make_app(backend, history=history)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        backend.change(LIVE)
        await settled(pilot)
    app = make_app(FakeBackend(LIVE), history=history)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "last look: nothing changed" in screen_text(app)


async def test_a_saved_scan_leaves_no_record(tmp_path: Path) -> None:
    history = ScanHistory(tmp_path / "history.db")
    app = make_app(replace(LIVE, from_file=True), history=history)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
    assert not (tmp_path / "history.db").exists()


async def test_a_history_that_cannot_be_read_is_told_once_and_the_rest_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = make_app(FakeBackend(LIVE), history=ScanHistory(tmp_path / "file" / "history.db"))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert "On disk" in screen_text(app)
        assert len(app._notifications) == 1


async def test_keep_rules_show_each_rule_and_mark_what_goes(tmp_path: Path) -> None:
    rules = tmp_path / "keep.toml"
    rules.write_text("[[keep]]\nlast = 1\n[[drop]]\nfilter = 'dangling'\n[[drop]]\nfilter = 'unused'\n")
    app = make_app(replace(LIVE, from_file=True))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        assert isinstance(app.screen, KeepScreen)
        app.screen.line.value = str(rules)
        await settled(pilot)
        await press(pilot, "enter")
        text = screen_text(app)
        assert "the last 1 of each repository by creation" in text
        assert "drop · 1 image, 155 MB listed, 1.0 MB alone" in text
        assert "frees 1.0 MB · 2 images, 302 MB listed" in text
        await press(pilot, "enter")
        assert isinstance(app.screen, PlanScreen), "the ordinary dialog, with the exact plan"
        scene = main_screen(app).scene
        assert scene is not None
        assert len(scene.marks) == 2
        await press(pilot, "escape")
        assert len(scene.marks) == 2


@pytest.mark.parametrize(("text", "said"), [("[[keep]]\nlst = 1", "line 2: unknown key “lst”"), (None, "no such file")])
async def test_rules_that_mean_nothing_are_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "k").write_text(text)
    app = make_app(replace(LIVE, from_file=True))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "R")
        assert isinstance(app.screen, KeepScreen)
        app.screen.line.value = str(tmp_path / "k")
        await settled(pilot)
        await press(pilot, "enter", "enter")
        assert isinstance(app.screen, KeepScreen)
        assert said in str(app.screen.said.render())


async def test_what_came_and_went_since_a_saved_scan(tmp_path: Path) -> None:
    before = replace(LIVE, images=LIVE.images[:3], containers=(), usage=None, taken_at=NOW - 86_400)
    save_inventory(before, tmp_path / "old.json")
    app = make_app(replace(LIVE, from_file=True))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "D")
        assert isinstance(app.screen, DiffScreen)
        app.screen.line.value = str(tmp_path / "old.json")
        await settled(pilot)
        await press(pilot, "enter")
        text = screen_text(app)
        assert "+1.0 MB on disk · 1 image came" in text
        assert "On disk 154 MB → 155 MB · Sum of sizes 418 MB → 572 MB" in " ".join(text.split())
        assert "container web" in text
        app.screen.line.value = str(tmp_path / "none.json")
        await settled(pilot)
        await press(pilot, "enter")
        assert "no such file" in str(app.screen.said.render())  # on the screen a line may end between the words
        await press(pilot, "escape")
        assert isinstance(app.screen, MainScreen)
