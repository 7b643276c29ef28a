"""Figures of a graph at their edges: none, one and two images, and records that go round in circles."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal.holders import holders_of
from layerscope.core.removal.measured import UNKNOWN, Freed
from layerscope.core.removal.plan import plan
from layerscope.core.removal.simulation import Removal
from layerscope.core.sizes.ancestry import Ancestry
from layerscope.core.sizes.ledger import Stack
from layerscope.inventory import Image
from tests.core.removals import Host, Made, image_id, remove
from tests.hosts import MB, SMALL


def test_the_ratio_is_what_is_listed_over_what_is_stored() -> None:
    totals = build_graph(SMALL).totals
    assert totals.ratio == totals.listed / totals.footprint
    assert totals.ratio > 1
    assert build_graph(replace(SMALL, images=())).totals.ratio is None


def test_a_layer_is_shared_from_the_second_image_on() -> None:
    shared = {layer.known_size: layer.shared for layer in build_graph(SMALL).layers}
    assert shared[117 * MB]
    assert shared[30 * MB]
    assert not shared[999_950]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_images_that_are_their_own_ancestors_are_planned_all_the_same(length: int) -> None:
    names = [f"i{number}" for number in range(length)]
    host = Host(tuple(Made(name, name[-1], parent=names[at - 1]) for at, name in enumerate(names)))
    for chosen in (names[:1], names):
        found = plan(build_graph(host.inventory), map(image_id, chosen))
        assert {node.name for node in found.images} == {f"{name}:1" for name in chosen}
        assert len(found.removed) + len(found.untagged) == len(chosen)


@pytest.mark.parametrize(
    ("made", "untagged"),
    [
        (Made("base", "abc"), True),
        (Made("base", "abc", tagged=False), False),
        (Made("base", "abc", states=("exited",)), False),
    ],
)
@pytest.mark.parametrize("store", ["graphdriver", "containerd"])
def test_only_what_has_a_name_and_no_container_loses_names_and_only_on_a_graphdriver(
    made: Made, untagged: bool, store: str
) -> None:
    """The base is the biggest row, number 0, and what was made from it is smaller (squashed)."""
    host = Host((made, Made("child", "a", parent="base")), store)  # type: ignore[arg-type]
    graph = build_graph(host.inventory)
    if image_id("base") not in graph.image_by_id:
        return  # an untagged parent is no row
    assert graph.images[0].id == image_id("base")
    removal = Removal(holders_of(graph))
    for _ in range(2):
        removal.add(0)
        assert removal.listed_untagged == int(untagged and store == "graphdriver")
        assert removal.untagged(0) == (untagged and store == "graphdriver")
        removal.add(1)
        assert removal.listed_untagged == 0
        assert removal.frees == remove(host, ["base", "child"]).frees
        assert removal.listed_gone == len(remove(host, ["base", "child"]).gone)
        removal.discard(1)
        assert removal.listed_untagged == int(untagged and store == "graphdriver")
        assert removal.frees == remove(host, ["base"]).frees
        removal.discard(0)
        assert (removal.listed_untagged, removal.listed_gone, removal.frees) == (0, 0, 0)


def test_both_bounds_add_up_on_both_sides() -> None:
    assert Freed(3, 5) + Freed(4, 6) == Freed(7, 11)
    assert UNKNOWN + Freed(4, 6) == Freed(4, None)
    assert Freed(3, 5) + UNKNOWN == Freed(3, None)


def test_how_many_layers_a_history_made_only_narrows_so_that_reading_ends() -> None:
    image = Image("sha256:a", diff_ids=("sha256:1", "sha256:2"), history=())
    stack = Stack(image, image.diff_ids or (), ("sha256:1", "sha256:c"))
    child = Image("sha256:b", parent_id="sha256:a", diff_ids=("sha256:1",), history=())
    both = [stack, Stack(child, child.diff_ids or (), ("sha256:1",))]
    ancestry = Ancestry(both)
    news = [ancestry.narrow(stack, made, 1) for made in (0b110, 0b110, 0b011, 0b110, 0b001, 0b010)]
    assert news == [True, False, True, False, False, False]
    ancestry = Ancestry(both)
    assert [ancestry.narrow(stack, made, 1) for made in (0b110, 0b100, 0b110, 0b111)] == [True, True, False, False]
    assert not Ancestry([stack]).narrow(stack, 0b110, 1)  # nobody asks


def test_an_image_that_has_nothing_alone_has_so_whatever_the_others_need() -> None:
    """Of ``app`` and ``base`` the second has no byte alone; what is alone can only become less by one not known."""
    known = Host((Made("base", "a"), Made("app", "ab"))).inventory
    unknown = Image("sha256:unknown", tags=("unknown:1",), note="refused")
    graph = build_graph(replace(known, images=(*known.images, unknown)))
    base, app = graph.image_by_id[image_id("base")], graph.image_by_id[image_id("app")]
    assert (base.unique, base.unique_bound) == (0, "")
    assert (app.unique > 0, app.unique_bound) == (True, "≤")


def test_the_roots_are_the_layers_that_stand_on_nothing() -> None:
    graph = build_graph(Host((Made("one", "ab"), Made("two", "ac"), Made("three", "d"))).inventory)
    assert {layer.diff_id for layer in graph.roots} == {"sha256:a", "sha256:d"}
    assert len(graph.roots) == 2


def test_layers_of_unknown_size_are_counted_and_no_others() -> None:
    known = Host((Made("one", "abc"),)).inventory
    open_ = Image("sha256:open", tags=("open:1",), diff_ids=("sha256:x", "sha256:y"), history=())
    totals = build_graph(replace(known, images=(*known.images, open_))).totals
    assert (totals.layers, totals.unknown_layers) == (5, 2)
    assert (totals.listed_bound, totals.footprint_bound, totals.exact) == ("≥", "≥", False)
    assert build_graph(known).totals.unknown_layers == 0


def test_who_holds_what_is_worked_out_once_for_a_graph() -> None:
    graph = build_graph(SMALL)
    assert holders_of(graph) is holders_of(graph)
    assert holders_of(graph) is not holders_of(build_graph(SMALL))
