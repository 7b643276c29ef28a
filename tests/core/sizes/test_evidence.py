"""What an image's Size on Podman says of the sum of its layers: a narrow interval."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.sizes.evidence import near_heights
from layerscope.core.sizes.ledger import Stack
from layerscope.core.sizes.sums import Bounds
from layerscope.core.stores import STORES
from layerscope.inventory import DiskUsage, HistoryEntry, Image, Inventory
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


@pytest.mark.parametrize(("shared", "sizes"), [((10, 10), [10, 5, 7]), ((10, 11), [None, None, None])])
def test_what_two_images_have_in_common_is_told_where_they_say_the_same(
    shared: tuple[int, int], sizes: list[int | None]
) -> None:
    """Two applications on a base of which there is no image, without histories."""
    one = Image("sha256:one", ("one:1",), layers_size=15, diff_ids=("sha256:a", "sha256:b"), history=())
    two = Image("sha256:two", ("two:1",), layers_size=17, diff_ids=("sha256:a", "sha256:c"), history=())
    usage = DiskUsage(None, shared_sizes=((one.id, shared[0]), (two.id, shared[1])))
    engine = recorded_inventory("docker-20.10-overlay2").engine
    graph = build_graph(Inventory(engine, (one, two), usage=usage))
    exact = [layer.size if layer.size_is == "exact" else None for layer in graph.layers]
    assert exact == sizes


def stack_of(size: int, layers: int, text: str = "", labels: tuple[tuple[str, str], ...] = ()) -> Stack:
    diffs = tuple(f"sha256:{number}" for number in range(layers))
    history = tuple(HistoryEntry(f"RUN {text}", -1) for _ in diffs)
    image = Image(f"sha256:i{size}", diff_ids=diffs, engine_size=size, history=history, labels=labels)
    return Stack(image, diffs, diffs)


@pytest.mark.parametrize(("layers", "letters"), [(1, 0), (1, 9_000), (120, 0), (120, 1_000)])
def test_every_text_may_be_escaped_and_every_layer_has_its_lines(layers: int, letters: int) -> None:
    """A quote or a control character takes up to six bytes of JSON; the manifest, kept twice, has lines for each."""
    text = "x" * letters
    labels = (("name", text),)
    metadata = 65_536 + 6 * (layers * (len(f"RUN {text}") + 200) + len("name") + len(text) + 20) + 2_000 * layers
    stack = stack_of(10**9 + metadata, layers, text, labels)
    assert near_heights([stack], STORES["podman"]) == {stack.chain[-1]: Bounds(10**9, 10**9 + metadata)}


def test_images_of_the_same_layers_narrow_each_other() -> None:
    """What one has in metadata and the other has not is of no layer."""
    big, small = stack_of(10**9 + 50_000, 2), stack_of(10**9, 2)
    low = near_heights([big], STORES["podman"])[big.chain[-1]].low
    for both in ([big, small], [small, big]):
        assert near_heights(both, STORES["podman"]) == {big.chain[-1]: Bounds(low, 10**9)}
    far = stack_of(10**9 + 500_000, 2)
    assert near_heights([far, small], STORES["podman"]) == {big.chain[-1]: Bounds(10**9, 10**9)}, "no bound is crossed"


def test_what_is_smaller_than_its_metadata_may_be_may_weigh_nothing() -> None:
    stack = stack_of(1_000, 1)
    assert near_heights([stack], STORES["podman"]) == {stack.chain[-1]: Bounds(0, 1_000)}
    assert near_heights([stack], STORES["graphdriver"]) == {}
