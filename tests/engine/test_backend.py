"""What a live engine is known to have is never put back to what it had before."""

from __future__ import annotations

from typing import Any, cast

import pytest
from msgspec.structs import replace

from layerscope.engine import backend as module
from layerscope.engine.backend import LiveBackend
from layerscope.inventory import DiskUsage
from tests.hosts import SMALL

USAGE = DiskUsage(5)
FRESH = replace(SMALL, images=SMALL.images[1:])


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> LiveBackend:
    monkeypatch.setattr(module, "scan", lambda *_, **__: SMALL)
    monkeypatch.setattr(module, "refresh", lambda _, old, memory, **__: replace(FRESH, usage=None))
    monkeypatch.setattr(module, "disk_usage", lambda _, **__: USAGE)
    made = LiveBackend(cast("Any", None))
    made.scan(lambda *_: None, lambda _: None, lambda: False)
    return made


def test_the_usage_comes_with_the_latest_inventory(backend: LiveBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(_: object, **__: object) -> DiskUsage:
        assert backend.look_again().images == FRESH.images  # the engine changed while it worked its usage out
        return USAGE

    monkeypatch.setattr(module, "disk_usage", slow)
    assert backend.usage() == replace(FRESH, usage=USAGE)


@pytest.mark.parametrize(("found", "kept"), [(SMALL, USAGE), (FRESH, None)])
def test_a_usage_that_came_during_a_refresh_is_kept_if_nothing_changed(
    backend: LiveBackend, monkeypatch: pytest.MonkeyPatch, found: Any, kept: DiskUsage | None
) -> None:
    def slow(_: object, old: object, memory: object, **__: object) -> Any:
        backend.usage()
        return replace(found, usage=None)

    monkeypatch.setattr(module, "refresh", slow)
    assert backend.look_again() == replace(found, usage=kept)


def test_the_later_of_two_inventories_has_the_higher_number(backend: LiveBackend) -> None:
    told = [backend.look_again(), backend.usage(), backend.look_again()]
    told.append(backend.scan(lambda *_: None, lambda _: None, lambda: False))
    assert [one.serial for one in told] == [2, 3, 4, 5], "the scan of the fixture was the first"


def test_before_a_scan_the_usage_scans_first(backend: LiveBackend) -> None:
    assert LiveBackend(cast("Any", None)).usage() == replace(SMALL, usage=USAGE)
