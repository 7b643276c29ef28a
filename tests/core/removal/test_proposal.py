"""What a proposal promises: it reaches the size whenever that can be done, and takes what is missed least."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.proposal import Proposal, propose
from tests.core.removal.test_plan import CLASSIC
from tests.core.removals import Host, Made, hosts, image_id, remove
from tests.hosts import MB, SMALL
from tests.hosts import image_id as small_id
from tests.picking import some

Loss = tuple[int, int, int, int]


def loss(host: Host, names: object) -> Loss:
    """How much is lost with these rows: images of running and of other containers, with and without a tag."""
    kinds = [0, 0, 0, 0]
    for name in names:  # type: ignore[attr-defined]
        made = host.rows[name]
        running = {"running", "paused"}.intersection(made.states)
        kinds[(0 if running else 1) if made.states else 2 if made.tagged else 3] += 1
    return tuple(kinds)  # type: ignore[return-value]


def names_of(host: Host, found: Proposal) -> set[str]:
    name = {image_id(image.name): image.name for image in host.images}
    return {name[node.id] for node in found.plan.images}


def best(host: Host, target: int, pins: set[str], include_used: bool) -> tuple[Loss, int] | None:
    """Try every set: the least loss, and the fewest images, that free the target; None if none does."""
    rows = host.rows
    free = [name for name, made in rows.items() if name not in pins and (include_used or not made.states)]
    if include_used:  # their containers are removed first
        emptied = tuple(replace(image, states=()) if image.name in rows else image for image in host.images)
    else:
        emptied = host.images
    after = replace(host, images=emptied)
    sets = chain.from_iterable(combinations(free, size) for size in range(len(free) + 1))
    enough = [names for names in sets if remove(after, names).frees >= target]
    if not enough:
        return None
    return min(loss(host, names) for names in enough), min(map(len, enough))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Host, int, set[str], bool]:
    host = draw(hosts(most=8))
    footprint = build_graph(host.inventory).totals.footprint
    target = draw(st.integers(0, footprint + 1))
    pins = set(some(draw, sorted(host.rows), 2))
    return host, target, pins, draw(st.booleans())


@settings(max_examples=300)
@given(questions())
def test_the_size_is_reached_whenever_it_can_be_and_with_the_least_loss(
    question: tuple[Host, int, set[str], bool],
) -> None:
    host, target, pins, include_used = question
    found = propose(build_graph(host.inventory), target, pins=set(map(image_id, pins)), include_used=include_used)
    must = best(host, target, pins, include_used)
    names = names_of(host, found)
    assert not names & pins
    assert include_used or not any(host.rows[name].states for name in names)
    assert found.reached == (must is not None)
    if must is None:
        assert found.plan.frees == found.most < target
        return
    assert found.plan.frees >= target
    assert not found.plan.blocked
    assert not found.plan.untagged
    if found.fewest:
        assert loss(host, names) <= must[0]
    least, fewest = must
    made = {image.name: image for image in host.images}
    if fewest and all(image.stack.startswith(made[image.parent].stack) for image in host.images if image.parent):
        assert len(names) <= 1.1 * sum(least)
        if all(row.tagged and not row.states for name, row in host.rows.items() if name not in pins):
            assert len(names) <= 1.1 * fewest, "all of one class"


@pytest.fixture(scope="module")
def big() -> tuple[LayerGraph, int]:
    """A big host, and the most that can be had."""
    graph = build_graph(big_host(5000, 20_000))
    return graph, propose(graph, 0).most


@pytest.mark.xdist_group("big")  # one graph for all
@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 1.0])
def test_a_proposal_on_5000_images_reaches_its_target(big: tuple[LayerGraph, int], share: float) -> None:
    graph, most = big
    target = int(most * share)
    assert propose(graph, target).plan.frees >= target


# --- by hand ------------------------------------------------------------------


def names(found: Proposal) -> list[str]:
    return [node.name for node in found.plan.images]


def test_a_base_goes_only_with_the_whole_family() -> None:
    family = (Made("a1", "ba"), Made("a2", "bb"), Made("a3", "bc"), Made("lone", "xyx"))
    host = Host(family)
    graph = build_graph(host.inventory)
    base = next(layer for layer in graph.layers if len(layer.images) == 3)
    needed = remove(host, ["a1", "a2", "a3"]).frees
    found = propose(graph, needed)
    assert sorted(names(found)) in (["a1:1", "a2:1", "a3:1"], ["lone:1"])
    pinned = propose(graph, needed, pins={image_id("lone")})
    assert sorted(names(pinned)) == ["a1:1", "a2:1", "a3:1"]
    (together,) = pinned.families
    assert (together.layers, len(together.images), together.size) == ((base,), 3, base.size)


def test_of_a_family_only_the_layers_that_go_are_counted() -> None:
    """A build step in use keeps the lower one, though the very same rows need both."""
    host = Host((Made("step", "b", tagged=False, states=("running",)), Made("a1", "bca"), Made("a2", "bcb")))
    inventory = host.inventory
    hidden = tuple(replace(image, listed=image.id != image_id("step")) for image in inventory.images)
    graph = build_graph(replace(inventory, images=hidden))
    (family,) = propose(graph, 10**9).families
    assert [layer.diff_id for layer in family.layers] == ["sha256:c"]
    assert family.size == family.layers[0].size


def test_leftovers_go_before_images_with_a_name_and_old_ones_before_new_ones() -> None:
    host = Host(
        (
            Made("new", "a", created=9),
            Made("old", "h", created=1),  # as heavy
            Made("x", "ya", tagged=False, created=5),
            Made("y", "yh", tagged=False, created=6),
        )
    )
    graph = build_graph(host.inventory)
    little = remove(host, ["x"]).frees
    assert names(propose(graph, little)) == ["<none>"]
    assert names(propose(graph, remove(host, ["x", "y"]).frees + 1)) == ["<none>", "<none>", "old:1"]


def test_an_image_with_a_container_is_proposed_only_when_asked_for_with_what_has_to_go_first() -> None:
    graph = build_graph(SMALL)
    assert "app:2" not in names(propose(graph, 10**12))
    unused = propose(graph, 7 * MB)
    assert not unused.reached
    assert (unused.most, unused.most_with_used) == (1_500 + 999_950, graph.totals.footprint)
    used = propose(graph, 7 * MB, include_used=True)
    assert names(used) == ["<none>", "app:2"]
    assert [container.name for container in used.containers] == ["web"]


def test_a_pinned_image_and_what_it_needs_stay() -> None:
    graph = build_graph(replace(SMALL, containers=()))
    pins = {small_id("base")}
    found = propose(graph, 10**12, pins=pins)
    assert not found.reached
    assert "deb:base" not in names(found)
    assert (found.most, found.most_with_pinned) == (graph.totals.footprint - 117 * MB, graph.totals.footprint)
    assert propose(graph, 1, pins={"sha256:no such image"}).reached


def test_parents_and_what_was_made_from_them_go_together() -> None:
    host = Host(CLASSIC)
    found = propose(build_graph(host.inventory), remove(host, ["app", "base"]).frees)
    assert names(found) in (["app:1", "base:1"], ["base:1", "app:1"])
    assert not found.plan.blocked
    assert not found.plan.untagged


def test_nothing_is_enough_for_nothing() -> None:
    found = propose(build_graph(SMALL), 0)
    assert found.reached
    assert names(found) == []


@pytest.mark.parametrize("bigger", ["", "defgh"])
def test_it_is_not_called_the_fewest_where_one_was_not_made_on_its_parents_layers(bigger: str) -> None:
    """As with ``--squash``: more has to go with the parent than layers say. Also of the first of all images."""
    others = (Made("bigger", bigger),) if bigger else ()
    for stack, sure in (("x", False), ("abx", True)):
        host = Host((Made("base", "ab"), Made("made", stack, parent="base"), *others))
        graph = build_graph(host.inventory)
        names = {node.id: node.index for node in graph.images}
        found = propose(graph, 1)
        assert found.fewest is sure, names


@pytest.mark.parametrize(("running", "stopped"), [("ab", "c"), ("a", "bc")])
def test_of_images_in_use_one_whose_container_has_stopped_goes_first(running: str, stopped: str) -> None:
    host = Host((Made("running", running, states=("running",)), Made("stopped", stopped, states=("exited",))))
    found = propose(build_graph(host.inventory), 1, include_used=True)
    assert names_of(host, found) == {"stopped"}
