"""A session that runs for days does not grow by what was on screen once."""

from __future__ import annotations

import pytest
from textual.geometry import Region

from layerscope.tui import app as apps
from layerscope.tui.forgetting import MOST, forget
from tests.tui.drawn import drawn
from tests.tui.harness import make_app, sample, settled


def _fill(results: int) -> None:
    Region.intersection.cache_clear()  # type: ignore[attr-defined]
    for width in range(results):
        Region(0, 0, width, 5).intersection(Region(1, 1, 3, 3))


def _kept() -> int:
    return int(Region.intersection.cache_info().currsize)  # type: ignore[attr-defined]


def test_only_caches_that_have_grown_are_emptied() -> None:
    _fill(MOST)
    forget()
    assert _kept() == MOST
    _fill(MOST + 1)
    assert forget() > MOST
    assert _kept() == 0


async def test_a_session_forgets_now_and_then_and_draws_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "EVERY", 0.05)
    async with make_app(sample()).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        before = drawn(pilot.app)
        _fill(MOST + 1)
        while _kept() > MOST:
            await pilot.pause(0.02)
        pilot.app.refresh(layout=True)
        await settled(pilot)
        assert drawn(pilot.app) == before
