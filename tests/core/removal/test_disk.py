"""What a removal gives back to the disk: unpacked layers and content, on stores where both are told, and where not."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.carry_out import CarriedOut, carry_out
from layerscope.core.removal.marks import Marks
from layerscope.core.removal.plan import plan
from layerscope.core.removal.proposal import propose
from layerscope.inventory import ContentStore, Inventory
from tests.core.contents import CONFIG, MANIFEST, blob_of, with_content
from tests.core.removal.test_carry_out import Fake
from tests.core.removals import Host, Made, diff_of, hosts, image_id
from tests.picking import some


@st.composite
def stores(draw: st.DrawFn) -> Inventory:
    """Hosts on a containerd store; an image may be held by nothing but its name, or kept by what nobody lists."""
    inventory = draw(hosts(stores=("containerd",), most=6)).inventory
    return with_content(inventory)


def disk(graph: LayerGraph, names: tuple[str, ...]) -> int:
    found = plan(graph, names)
    assert found.content is not None
    return found.frees + found.content.after_prune.most


@given(stores(), st.data())
def test_the_running_sum_of_content_is_that_of_the_graph(inventory: Inventory, data: st.DataObject) -> None:
    graph = build_graph(inventory)
    if not graph.images:
        return
    marks = Marks(graph)
    for node in some(data.draw, graph.images, 8, twice=True):
        marks.toggle([node])
        found = marks.plan()
        assert found.content is not None
        assert marks.figures.content == found.content.after_prune.most
        assert found.frees_disk == found.frees + found.content.after_prune.most


@given(stores(), st.floats(0, 1.2))
def test_a_proposal_reaches_its_size_on_disk_whenever_a_set_does(inventory: Inventory, part: float) -> None:
    graph = build_graph(inventory)
    free = [node.id for node in graph.images if not node.containers]
    sets = [*chain.from_iterable(combinations(free, size) for size in range(len(free) + 1))]
    most = disk(graph, tuple(free))
    target = int(most * part)
    found = propose(graph, target)
    chosen = tuple(node.id for node in found.plan.images)
    assert found.most == most
    assert found.reached is (most >= target)
    assert disk(graph, chosen) >= min(target, most)
    if found.fewest and found.reached:
        named = {node.id: not node.dangling for node in graph.images}
        cost = min((sum(named[name] for name in names), len(names)) for names in sets if disk(graph, names) >= target)
        assert (sum(named[name] for name in chosen), len(chosen)) == cost


APP = Host((Made("base", "a"), Made("app", "ab"), Made("web", "ac")), "containerd")


def test_totals_of_a_containerd_store_are_unpacked_and_content() -> None:
    graph = build_graph(with_content(APP.inventory))
    totals = graph.totals
    a, b, c = (blob_of(diff_of(letter)).size for letter in "abc")
    rest = 3 * (MANIFEST + CONFIG)
    assert (totals.content, totals.listed_content) == (a + b + c + rest, 3 * a + b + c + rest)
    assert totals.disk == totals.footprint + a + b + c + rest
    assert totals.disk_saved == totals.saved + 2 * a
    assert totals.disk_bound == totals.disk_listed_bound == ""
    assert graph.image_by_id[image_id("app")].content is not None


@pytest.mark.parametrize(
    ("address", "promised"),
    [("", True), ("/run/docker/containerd/containerd.sock", True), ("/run/containerd/containerd.sock", False)],
)
def test_the_disk_is_not_promised_where_others_use_the_same_containerd(address: str, promised: bool) -> None:
    host = with_content(APP.inventory)
    graph = build_graph(replace(host, engine=replace(host.engine, containerd_address=address)))
    found = plan(graph, [image_id("app")])
    assert found.exact
    assert found.shares_containerd is not promised
    assert (found.frees_disk is not None) is promised


@pytest.mark.parametrize("content", [None, ContentStore(refused="not allowed")], ids=["never asked", "refused"])
def test_where_nobody_told_what_images_hold_nothing_is_promised(content: ContentStore | None) -> None:
    graph = build_graph(replace(with_content(APP.inventory), content=content))
    assert graph.totals.disk_bound == graph.totals.disk_listed_bound == "≥"
    shared = plan(graph, [image_id("app")])
    assert (shared.exact, shared.bound, shared.content, shared.frees_disk) == (False, "≥", None, None)
    assert any("only which they name" in doubt for doubt in shared.doubts)
    everything = plan(graph, [node.id for node in graph.images])
    assert (everything.exact, everything.bound) == (False, "~")


@pytest.mark.parametrize(
    ("driver", "bound", "words"),
    [
        ("overlay2", "", ""),
        ("aufs", "", ""),
        ("vfs", "≥", "full copy"),
        ("btrfs", "~", "snapshot"),
        ("zfs", "~", "snapshot"),
        ("devicemapper", "~", "snapshot"),
        ("strange", "?", "not known"),
    ],
)
def test_the_disk_is_promised_only_where_a_driver_stores_each_layer_once(driver: str, bound: str, words: str) -> None:
    host = replace(APP, store="graphdriver").inventory
    graph = build_graph(replace(host, engine=replace(host.engine, store=driver, driver=driver)))
    assert graph.totals.exact  # in the engine's counting
    found = plan(graph, [image_id("app")])
    assert (found.exact, found.bound) == (not bound, bound)
    assert (found.frees_disk == found.frees) is not bool(bound)
    assert words in " ".join(found.doubts)


def test_images_of_a_read_only_store_are_in_no_total_and_are_never_proposed() -> None:
    host = replace(APP, store="podman").inventory
    base = replace(host.images[0], read_only=True)
    graph = build_graph(replace(host, images=(base, *host.images[1:])))
    whole = build_graph(host)
    assert graph.totals.images == 2
    assert graph.totals.footprint == whole.totals.footprint - whole.image_by_id[image_id("base")].size
    assert graph.totals.listed == whole.totals.listed - whole.image_by_id[image_id("base")].size
    found = plan(graph, [image_id("base"), image_id("app")])
    assert [node.id for node in found.removed] == [image_id("app")]
    assert [(one.image.id, one.by) for one in found.blocked] == [(image_id("base"), "a read-only store")]
    assert image_id("base") not in {node.id for node in propose(graph, 10**9).plan.images}


class Listing(Fake):
    """A containerd engine whose list of blobs falls by what was removed, ``short`` of some that its cache holds."""

    def __init__(self, found: Inventory, short: tuple[str, ...] = ()) -> None:
        super().__init__(found)
        self.short = short

    def blobs(self) -> dict[str, int] | None:
        graph = build_graph(self.inventory)
        assert graph.content is not None
        return {
            digest: blob.size
            for digest, blob in graph.content.blobs.items()
            if digest in graph.content.of_images or digest in self.short
        }


def test_content_is_measured_by_the_engine_s_list_before_and_after() -> None:
    engine = Listing(with_content(APP.inventory))
    wanted = plan(build_graph(engine.inventory), [image_id("app")])
    came = carry_out(
        wanted, engine, engine, progress=lambda step: None, measuring=lambda: None, cancelled=lambda: False
    )
    gone = MANIFEST + CONFIG + blob_of(diff_of("b")).size
    assert wanted.content is not None
    assert came.measured.content == wanted.content.at_once.most == gone
    assert came.measured.disk_back.low == came.measured.disk_back.high == wanted.frees_disk


def carried_out(engine: Fake) -> CarriedOut:
    wanted = plan(build_graph(engine.inventory), [image_id("app")])
    return carry_out(
        wanted, engine, engine, progress=lambda step: None, measuring=lambda: None, cancelled=lambda: False
    )


def test_content_that_the_build_cache_may_still_hold_is_what_did_not_leave_the_list() -> None:
    blob, store = blob_of(diff_of("b")), with_content(APP.inventory, build_cache=None)
    held = carried_out(Listing(store, short=(blob.digest,)))
    assert (held.measured.content, held.content_held) == (MANIFEST + CONFIG, blob.size)
    assert carried_out(Listing(store)).content_held == 0, "all of it has gone"
    assert carried_out(Fake(store)).content_held == 0, "nothing is known of it"
    certain = carried_out(Listing(with_content(APP.inventory), short=(blob.digest,)))
    assert certain.content_held == 0, "no build cache has it: something else does"


def test_without_a_list_what_came_back_on_disk_has_no_upper_end() -> None:
    fake = Fake(with_content(APP.inventory))
    wanted = plan(build_graph(fake.inventory), [image_id("app")])
    came = carry_out(wanted, fake, fake, progress=lambda step: None, measuring=lambda: None, cancelled=lambda: False)
    assert came.measured.content is None
    assert (came.measured.disk_back.low, came.measured.disk_back.high) == (wanted.frees, None)
