"""What a real engine is asked while somebody types 5,000 random keys.

``pytest -m long tests/engine/test_wire_real.py``
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from layerscope.engine.backend import open_backend
from layerscope.sources.backend import SavedBackend
from layerscope.sources.scanfile import load_inventory, save_inventory
from tests.engine.corpus import fill
from tests.engine.private import PrivateEngine, why_not
from tests.engine.wiretap import Wiretap, tapped
from tests.tui.test_wire import agreed, type_anything

pytestmark = [pytest.mark.engine, pytest.mark.long]


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Wiretap]:
    if reason := why_not():
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and no engine could be started: {reason}")
        pytest.skip(f"no engine: {reason}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with PrivateEngine() as engine:
        fill(engine.host)
        with tapped(engine.host) as tap:
            monkeypatch.setenv("DOCKER_HOST", tap.host)
            yield tap


async def test_a_read_only_session_asks_and_never_tells(tap: Wiretap) -> None:
    await type_anything(open_backend(tap.host, None, read_only=True), 21)
    assert len(tap.requests) > 100, "something was asked"
    assert {method for method, _ in tap.requests} == {"GET"}


async def test_a_saved_scan_asks_nothing(tap: Wiretap, tmp_path: Path) -> None:
    with closing(open_backend(tap.host, None)) as backend:
        save_inventory(backend.scan(lambda *_: None, lambda _: None, lambda: False), tmp_path / "scan.json")
    before = len(tap.requests)
    assert before > 10
    await type_anything(SavedBackend(lambda: load_inventory(tmp_path / "scan.json")), 22)
    assert tap.requests[before:] == []


async def test_nothing_is_deleted_that_no_dialog_had_shown(tap: Wiretap) -> None:
    """Names and IDs of every DELETE were in a plan that was on screen when somebody said yes."""
    shown: set[str] = set()
    with agreed(shown):
        await type_anything(open_backend(tap.host, None), 23)
    deleted = [urlsplit(target) for method, target in tap.requests if method == "DELETE"]
    print(f"{len(deleted)} deleted, {len(tap.requests)} requests")
    assert deleted, "keys that remove nothing prove nothing: take another seed"
    assert {unquote(one.path).removeprefix("/images/") for one in deleted} <= shown
    assert {one.query for one in deleted} == {""}, "nothing is forced"
    told = {(method, urlsplit(target).path) for method, target in tap.requests if method not in {"GET", "DELETE"}}
    assert told <= {("POST", "/build/prune")}
