"""Hosts on which something was once wrongly called exact: each with what is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.plan import plan
from layerscope.core.removal.proposal import propose
from layerscope.sources.scanfile import load_inventory
from tests.core.many import KINDS, run

CASES = Path(__file__).parent / "cases"


def graph_of(case: str) -> LayerGraph:
    return build_graph(load_inventory(CASES / case / "scan.json"))


def truth_of(case: str) -> dict[str, int]:
    found = json.loads((CASES / case / "truth.json").read_text())
    return {str(chain): int(size) for chain, size in found.items()}


@pytest.mark.parametrize("case", ["exact-layer-wrong-1", "exact-plan-wrong-lying-text"])
def test_no_layer_is_exact_on_the_word_of_a_text(case: str) -> None:
    truth, graph = truth_of(case), graph_of(case)
    for layer in graph.layers:
        assert layer.size_is != "exact" or layer.size == truth[layer.chain_id]
    for node in graph.images:
        assert node.exact
        assert node.size == sum(truth[layer.chain_id] for layer in node.layers)


def test_the_layers_that_blank_entries_were_taken_for_are_not_exact_but_their_sum_is() -> None:
    graph = graph_of("exact-layer-wrong-1")
    assert [layer.size for layer in graph.layers if layer.size_is == "exact"] == [5118, 0]
    assert (graph.totals.footprint, graph.totals.exact) == (305_118, True)


def test_what_a_set_frees_does_not_follow_from_lying_texts() -> None:
    case = "exact-plan-wrong-lying-text"
    graph = graph_of(case)
    found = plan(graph, (CASES / case / "set.txt").read_text().split())
    right = sum(truth_of(case)[layer.chain_id] for layer in found.freed)
    assert right == 1_561_022
    assert found.frees == right if found.exact else (found.bound == "≥" and found.frees <= right)


def test_fewest_is_not_claimed_where_a_child_does_not_stand_on_its_parent_s_layers() -> None:
    graph = graph_of("free-not-fewest-383")
    found = propose(graph, 75)
    assert found.reached
    assert not found.fewest or len(found.plan.images) <= 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("usage", [True, False], ids=["with disk usage", "without"])
def test_nothing_on_generated_hosts_is_wrongly_called_exact_or_a_bound(kind: str, usage: bool) -> None:
    """More of them: ``python -m dev.hosts``."""
    found = run(range(200), kind, usage=usage)
    assert not found.wrong
    assert found.footprint_exact >= 180
    assert found.plans_exact >= 0.95 * found.plans
