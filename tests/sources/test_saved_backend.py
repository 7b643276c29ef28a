"""A saved scan as the interface gets it: the rows of a big one before its layers are worked out."""

from __future__ import annotations

import pytest

from layerscope.core.build import build_graph
from layerscope.inventory import Inventory
from layerscope.sources import backend as backends
from layerscope.sources.backend import SavedBackend
from layerscope.sources.open import load_sample


def scanned(found: Inventory, *, cancelled: bool = False) -> tuple[list[Inventory], list[tuple[int, int, str]]]:
    parts: list[Inventory] = []
    told: list[tuple[int, int, str]] = []
    backend = SavedBackend(lambda: found)
    assert backend.scan(lambda *step: told.append(step), parts.append, lambda: cancelled) is found
    return parts, told


def test_of_a_big_one_the_rows_come_first_without_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "MANY", 10)
    found = load_sample()
    (part,), told = scanned(found)
    assert [image.id for image in part.images] == [image.id for image in found.images if image.listed]
    assert not part.complete
    assert all(image.diff_ids is None for image in part.images)
    assert told == [(0, len(found.images), "layers")]
    graph, whole = build_graph(part), build_graph(found)
    assert {node.name for node in graph.images} == {node.name for node in whole.images}
    assert (graph.totals.footprint, graph.totals.footprint_bound) == (0, "≥")
    assert graph.totals.listed_bound == "≥"


def test_a_small_one_comes_whole_and_so_does_one_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert scanned(load_sample()) == ([], [])
    monkeypatch.setattr(backends, "MANY", 10)
    assert scanned(load_sample(), cancelled=True) == ([], [])
