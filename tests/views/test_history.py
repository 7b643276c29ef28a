"""History in words: what was observed, and no more."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.past import SinceLook, sparkline
from layerscope.core.seen import Seen, Sighting
from layerscope.units import Units
from layerscope.views.history import day, since_look_words, use_cell, use_words
from tests.hosts import DAY, NOW, SMALL, image_id


def host(sighting: Sighting | None, used: bool = False) -> tuple[ImageNode, LayerGraph]:
    graph = build_graph(SMALL if used else replace(SMALL, containers=()))
    node = graph.image_by_id[image_id("app2")]
    graph.seen = Seen({node.id: sighting} if sighting else {}, NOW - 50 * DAY, 41)
    return node, graph


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize(
    ("sighting", "used", "words", "cell"),
    [
        (None, True, "in use", "now"),
        (None, False, "", ""),
        (Sighting(NOW - 40 * DAY, 41, 0, None), False, "never seen in use in 41 scans since 18 April", "not in 41"),
        (Sighting(NOW - 40 * DAY, 1, 0, None), False, "never seen in use in 1 scan since 18 April", "–"),
        (Sighting(NOW - 40 * DAY, 2, 0, None), False, "never seen in use in 2 scans since 18 April", "–"),
        (Sighting(NOW - 40 * DAY, 3, 0, None), False, "never seen in use in 3 scans since 18 April", "not in 3"),
        (Sighting(NOW - 40 * DAY, 9, 3, NOW - 21 * DAY), False, "in use until 3 weeks ago", "3 weeks ago"),
        (Sighting(NOW, 9, 3, NOW + DAY), False, "in use at a scan that the clock says is still to come", "in future"),
    ],
)
def test_use_is_told_as_it_was_observed(sighting: Sighting | None, used: bool, words: str, cell: str) -> None:
    node, graph = host(sighting, used)
    assert (use_words(node, graph, NOW), use_cell(node, graph, NOW)) == (words, cell)


def test_a_day_long_ago_has_its_year() -> None:
    assert day(NOW - 40 * DAY, NOW) == "18 April"
    assert day(NOW - 400 * DAY, NOW) == "23 April 2025"
    assert day(10**18, NOW) == "?"


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (
            SinceLook(3 * DAY, False, (1_200_000_000, 1_200_000_000), 3, 0),
            "since your last look 3 days ago: +1.20 GB, +3 images",
        ),
        (SinceLook(3600, False, (-5, -5), 1, 2), "since your last look 1 hour ago: −5 B, +1 −2 images"),
        (SinceLook(60, False, (0, 0), 0, 0), "since your last look 1 minute ago: nothing changed"),
        (SinceLook(0, True, (5, 5), 0, 0), "since your last look, which the clock says is still to come: +5 B"),
        (
            SinceLook(60, False, (None, 7), 0, 1),
            "since your last look 1 minute ago: bytes not known, −1 image",
        ),
        (SinceLook(60, False, (7, None), 1, 0), "since your last look 1 minute ago: ≥+7 B, +1 image"),
        (SinceLook(60, False, (None, -7), 0, 1), "since your last look 1 minute ago: ≤−7 B, −1 image"),
        (SinceLook(60, False, (-7, 9), 1, 1), "since your last look 1 minute ago: −7 B to +9 B, +1 −1 images"),
        (SinceLook(60, False, (5_000_001, 5_000_900), 1, 0), "since your last look 1 minute ago: +5.0 MB, +1 image"),
    ],
)
def test_what_is_otherwise_since_the_last_look(since: SinceLook, words: str) -> None:
    assert since_look_words(since, Units.SI)[0] == words


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([], 5, ""),
        ([5], 5, "▁"),
        ([5, 5, 5], 5, "▁▁▁"),
        ([0, 7], 5, "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([9, 0, 9, 7], 2, "▁█"),
        ([1, 2], 0, ""),
    ],
)
def test_a_sparkline_draws_the_last_value_of_each_cell(values: list[int], width: int, line: str) -> None:
    assert sparkline(values, width) == line
