"""What an image's Size on Podman says of the sum of its layers: a narrow interval."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layerscope.core.build import build_graph
from layerscope.core.sizes.evidence import near_heights
from layerscope.core.sizes.ledger import Stack
from layerscope.core.stores import STORES
from tests.replay import recorded_inventory

NAMES = ("podman-4.3", "podman-5.8")


@pytest.mark.parametrize("name", NAMES)
def test_the_interval_contains_the_sum_of_every_recorded_image(name: str) -> None:
    graph = build_graph(recorded_inventory(name))
    seen = 0
    for node in graph.images:
        if node.layers and node.exact and node.image.diff_ids:
            stack = Stack(node.image, node.image.diff_ids, tuple(layer.chain_id for layer in node.layers))
            between = near_heights([stack], STORES["podman"])[node.layers[-1].chain_id]
            assert between.high is not None
            assert between.low <= node.size <= between.high
            assert between.high - between.low < 200_000
            seen += 1
    assert seen > 20


@pytest.mark.parametrize("name", NAMES)
def test_without_a_history_an_image_is_known_within_its_metadata(name: str) -> None:
    found = recorded_inventory(name)
    whole = build_graph(found)
    image = next(node.image for node in whole.images if node.size > 10**6 and node.exact)
    alone = replace(found, images=(replace(image, history=()),))
    totals = build_graph(alone).totals
    true = whole.image_by_id[image.id].size
    assert totals.footprint_most is not None
    assert totals.footprint <= true <= totals.footprint_most < totals.footprint + 200_000
    assert not totals.exact
