"""What goes over the wire while somebody types anything at all."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from dev.monkey import PATIENCE, UNMARKED, MonkeyApp, handled, harmless, press_any
from layerscope.core.removal.plan import RemovalPlan
from layerscope.engine.backend import open_backend
from layerscope.sources.backend import Backend, SavedBackend
from layerscope.tui.dialogs import plan as dialogs
from layerscope.tui.session import Session
from tests.engine.moby import Moby, Record, serve
from tests.tui.harness import NOW, sample, settled

KEYS = 5_000


@pytest.fixture(autouse=True, scope="module")
def painted_at_rest() -> None:
    """Every frame is painted here."""


@pytest.fixture
def moby() -> Iterator[Moby]:
    images = {f"sha256:{n:064x}": Record([f"app{n}:1", f"app{n}:latest"][: 1 + n % 2]) for n in range(1, 9)}
    images[f"sha256:{9:064x}"] = Record(["child:1"], parent=f"sha256:{8:064x}")
    images[f"sha256:{7:064x}"].containers["job"] = "exited"
    with serve(images) as served:
        yield served


async def type_anything(backend: Backend, seed: int, keys: int = KEYS) -> MonkeyApp:
    """Press random keys; the app never ends."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    app = MonkeyApp(Session(lambda: backend, clock=lambda: float(NOW)))
    app.animation_level = "none"
    with harmless(rng):
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot, PATIENCE)
            for number in range(keys):
                press_any(pilot, rng)
                if number % 20 == 0:
                    await handled(pilot)
                assert app._exception is None
            await settled(pilot, PATIENCE)
    return app


@pytest.mark.long
async def test_a_read_only_session_asks_and_never_tells(moby: Moby) -> None:
    await type_anything(open_backend(moby.host, None, read_only=True), 11)
    assert len(moby.requests) > 100, "something was asked"
    assert {method for method, _ in moby.requests} == {"GET"}


@pytest.mark.parametrize("keys", [1_000, pytest.param(KEYS, marks=pytest.mark.long)])
async def test_a_saved_scan_opens_no_connection(monkeypatch: pytest.MonkeyPatch, keys: int) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: opened.append(address))
    await type_anything(SavedBackend(sample), 12, keys)
    assert opened == []


@pytest.mark.long
async def test_nothing_is_deleted_that_no_dialog_had_shown(moby: Moby) -> None:
    """Names and IDs of every DELETE were in a plan that was on screen when somebody said yes."""
    shown: set[str] = set()
    with agreed(shown):
        app = await type_anything(open_backend(moby.host, None), 13)
    deleted = [unquote(urlsplit(target).path) for method, target in moby.requests if method == "DELETE"]
    assert deleted, "keys that remove nothing prove nothing: take another seed"
    assert {path.removeprefix("/images/") for path in deleted} <= shown
    assert {method for method, _ in moby.requests} <= {"GET", "DELETE", "POST"}
    assert {urlsplit(target).query for method, target in moby.requests if method == "DELETE"} == {""}
    assert app.is_headless


@contextmanager
def agreed(shown: set[str]) -> Iterator[None]:
    """Note what was listed in a dialog that was agreed to."""
    confirm = dialogs.PlanScreen._confirm

    def noted(dialog: dialogs.PlanScreen) -> None:
        rows = {row.id for row in dialog.rows.images if row.sign != UNMARKED}
        plan: RemovalPlan = dialog.plan
        for node in (*plan.removed, *(one.image for one in plan.untagged)):
            if node.id in rows:
                shown.update((node.id, *node.image.tags, *node.image.digests))
        shown.update(image.id for image in plan.parents)
        confirm(dialog)

    patched: Any = dialogs.PlanScreen
    patched._confirm = noted
    try:
        yield
    finally:
        patched._confirm = confirm
