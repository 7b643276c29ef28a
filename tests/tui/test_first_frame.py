"""The first frame: a small saved scan is in it already, and everything that is not seen in it waits."""

from __future__ import annotations

import gc
import io
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import layerscope
from layerscope.core.build import build_graph
from layerscope.inventory import Inventory
from layerscope.sources.backend import FEW, SavedBackend
from layerscope.sources.scanfile import ScanFileError, dumps
from layerscope.sources.scanrows import first_rows
from layerscope.state.pins import Pins
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.session import Session
from layerscope.tui.themes import DEFAULT
from tests.tui.conftest import screen_text
from tests.tui.harness import NOW, inventory, press, sample, settled

HOST = "docker-28.5-overlay2"


@pytest.fixture(autouse=True, scope="module")
def painted_at_rest() -> None:
    """Every frame is painted here."""


def saved(found: Inventory, **more: Any) -> LayerscopeApp:
    """Return an app as the command line opens one on a saved scan."""
    opened = SavedBackend(lambda: found)
    app = LayerscopeApp(Session(lambda: opened, clock=lambda: float(NOW), opened=opened, **more), theme=DEFAULT)
    app.animation_level = "none"
    return app


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


async def test_a_small_saved_scan_is_in_the_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    app = saved(sample())
    monkeypatch.setattr(Session, "load", lambda _: pytest.fail("it is waited for"))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert app.main.scene is not None
        assert "2.13 GB" in screen_text(app)


async def test_a_bigger_one_is_waited_for_on_screen() -> None:
    found = inventory(HOST)
    many = tuple(replace(found.images[0], id=f"sha256:{n:064x}", tags=(f"many:{n}",)) for n in range(FEW + 1))
    app = saved(replace(found, images=many, containers=()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert app.session.first() is None
        assert app.main.scene is not None
        assert "many:1" in screen_text(app)


async def test_of_a_big_one_that_is_being_read_the_first_rows_are_seen() -> None:
    release = threading.Event()

    def load() -> Inventory:
        assert release.wait(60)
        return sample()

    first = first_rows(io.BytesIO(dumps(sample())), 5)
    opened = SavedBackend(load, rows=lambda: first)
    app = LayerscopeApp(Session(lambda: opened, clock=lambda: float(NOW), opened=opened), theme=DEFAULT)
    app.animation_level = "none"
    async with app.run_test(size=(120, 36)) as pilot:
        while app.main.scene is None:
            await pilot.pause(0.01)
        await pilot.pause()
        shown = screen_text(app)
        assert "≥5 images" in shown
        assert "Images · ≥5" in shown
        assert "still reading the scan" in shown
        assert "reading the scan" in shown.splitlines()[0]
        await pilot.press("down", "space")
        marked = app.main.scene.marks.ids
        release.set()
        await settled(pilot)
        shown = screen_text(app)
        assert " 58 images" in shown
        assert "≥" not in shown
        assert "still reading" not in shown
        assert app.main.scene.marks.ids == marked
        assert len(marked) == 1


async def test_one_that_cannot_be_read_ends_the_session_with_the_reason() -> None:
    def load() -> Inventory:
        raise ScanFileError("big.json: damaged")

    opened = SavedBackend(load, rows=lambda: None)
    app = LayerscopeApp(Session(lambda: opened, clock=lambda: float(NOW), opened=opened), theme=DEFAULT)
    async with app.run_test(size=(120, 36)) as pilot:
        while app.is_running and app.return_code is None:
            await pilot.pause(0.01)
    assert app.return_code == 2
    assert app.session.unreadable == "big.json: damaged"


async def test_the_cursor_is_on_the_image_that_was_named() -> None:
    last = [node.image.tags[0] for node in build_graph(sample()).images if node.image.tags][-1]
    app = saved(sample(), image=last)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        here = app.main.images_pane.image_here
        assert here is not None
        assert last in here.image.tags
        table = app.main.images_pane.images
        assert table.top <= table.cursor < table.top + table.room


async def test_pins_are_in_the_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    path.write_text(json.dumps([build_graph(sample()).images[0].id]))
    app = saved(sample(), pins=Pins(path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert "⊥" in screen_text(app)


async def test_a_fault_of_ours_is_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Inventory) -> Any:
        raise ZeroDivisionError("so it is")

    monkeypatch.setattr("layerscope.tui.prepared.build_graph", broken)
    app = saved(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert "a mistake in layerscope itself: ZeroDivisionError" in screen_text(app)


async def test_the_collector_begins_after_it() -> None:
    gc.disable()
    app = saved(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert gc.isenabled()
        assert gc.get_freeze_count()


async def test_a_view_is_made_when_it_is_looked_at() -> None:
    app = saved(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert [child.id for child in app.main.views.children] == ["view-images"]
        await press(pilot, "6", "3")
        assert [child.id for child in app.main.views.children] == ["view-images", "view-tree", "view-engine"]


FIRST = """
import asyncio, sys
from layerscope.sources.open import Source
from layerscope.tui.guarded import GuardedApp
from layerscope.tui.session import Session

async def shown():
    opened = Source("demo").open_saved()
    app = GuardedApp(Session(lambda: opened, opened=opened))
    async with app.run_test(size=(120, 40)):
        assert app.main.scene is not None

asyncio.run(shown())
print(*sys.modules)
"""
LATER = re.compile(
    r"layerscope\.(engine|registry|output|state\.(history|cache|removal_log|rules)|search\.(?!reference)\w+"
    r"|core\.(past|pull|pulled|remote|stock|compare|changes|missed|update|removal\.(plan|proposal|carry_out|knapsack))"
    r"|views\.(find|tree|map|compare|aligned|engine|info|removal|free|keep|presets|pulled|rmi)"
    r"|tui\.(commands|subject|dialogs\.(?!small)\w+|panes\.(layers|tree|map|compare|engine|pairs|missed))"
    r"|tui\.widgets\.(prompt|findbar|filterbar|mapcanvas))\b"
    r"|(docker|requests|urllib3|sqlite3|httpx|h2|jsonschema|zipfile|secrets|tomllib)\b"
)
"""What no first screen of a saved scan needs."""


def test_what_is_not_in_the_first_frame_is_not_loaded_for_it() -> None:
    """By name, not by time: each of them is waited for at every start."""
    result = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, check=True)
    found = result.stdout.split()
    assert "layerscope.tui.panes.images" in found
    assert not [name for name in found if LATER.match(name)]


def test_everything_that_comes_later_is_there() -> None:
    """A name of a module that is gone would guard nothing."""
    root = Path(layerscope.__file__).parent
    ours = [".".join(("layerscope", *path.relative_to(root).with_suffix("").parts)) for path in root.rglob("*.py")]
    assert len([name for name in ours if LATER.match(name)]) > 80
