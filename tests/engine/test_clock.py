"""A clock of ours that differs from the engine's: noticed by the Date header, told, and ages are the engine's."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.engine.connect import clock_ahead
from layerscope.inventory import Engine, Inventory
from layerscope.views.engine import reconcile

NOW = 1_795_431_000


@pytest.mark.parametrize("ahead", [3600, -7200, 86_400 * 400])
def test_a_clock_that_differs_is_noticed(ahead: int) -> None:
    assert clock_ahead(formatdate(NOW + ahead, usegmt=True), NOW + 0.4) in {ahead, ahead - 1}


@pytest.mark.parametrize(
    "date", ["", "yesterday", formatdate(NOW + 30, usegmt=True), formatdate(NOW - 59, usegmt=True)]
)
def test_seconds_and_a_header_that_says_nothing_are_none(date: str) -> None:
    assert clock_ahead(date, NOW) == 0


def test_the_engine_view_says_so() -> None:
    engine = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///x")
    found = Inventory(engine, (), taken_at=NOW)
    assert not any("clock" in note for note in reconcile(build_graph(found)).notes)
    notes = reconcile(build_graph(replace(found, clock_ahead=7200))).notes
    assert "This machine's clock is 2 hours behind the engine's: ages are by the engine's." in notes
    notes = reconcile(build_graph(replace(found, clock_ahead=-7200))).notes
    assert "This machine's clock is 2 hours ahead of the engine's: ages are by the engine's." in notes
