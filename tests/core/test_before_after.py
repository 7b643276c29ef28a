"""The difference of two scans: what the true hosts differ by, forwards and backwards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.before_after import Difference, NotComparableError, Side, difference
from layerscope.core.build import build_graph
from layerscope.core.sizes.sums import Bounds
from layerscope.inventory import Engine, Inventory
from tests.core.contents import CONFIG, MANIFEST, blob_of, with_content
from tests.core.hosts import THOROUGH, Host, hosts, inventory
from tests.core.many import KINDS, told
from tests.core.many import host as seeded
from tests.core.model import Path, path_of, paths
from tests.core.test_changes import APP, BASE, ENGINE, host, image
from tests.picking import some


def layers_of(truth: Host) -> dict[Path, set[str]]:
    """Return the layers of a host's rows, with the rows that have them."""
    found: dict[Path, set[str]] = {}
    for one in truth.images:
        if truth.listed(one):
            for path in paths(one.diff_ids):
                found.setdefault(path, set()).add(one.id)
    return found


def check(before: Host, after: Host, found: Difference) -> None:
    sizes = before.sizes() | after.sizes()
    old, new = layers_of(before), layers_of(after)
    came, went = new.keys() - old.keys(), old.keys() - new.keys()
    change = sum(sizes[path] for path in came) - sum(sizes[path] for path in went)
    if found.footprint_least_known:
        assert found.footprint.low <= change
    assert found.footprint.high is None or found.footprint.high >= change
    for side, layers, users in ((found.added, came, new), (found.gone, went, old)):
        assert {path_of(layer) for layer in side.layers} == layers
        total = sum(sizes[path] for path in layers)
        assert side.size.low <= total <= (total if side.size.high is None else side.size.high)
        check_images(side, layers, users, sizes)
    if found.exact:
        by_rows = sum(one.known_size for one in found.added.layers) - sum(one.known_size for one in found.gone.layers)
        assert by_rows + sum(one.change for one in found.resized) + found.untold == found.footprint.low


def check_images(side: Side, layers: set[Path], users: dict[Path, set[str]], sizes: dict[Path, int]) -> None:
    for one in side.images:
        alone = sum(sizes[path] for path in layers if users[path] == {one.node.id})
        assert one.alone.low <= alone <= (alone if one.alone.high is None else one.alone.high)
    together = sum(sizes[path] for path in layers if len(users[path]) != 1)
    assert side.together.low <= together <= (together if side.together.high is None else side.together.high)


def turned(found: Difference) -> tuple[object, ...]:
    rows = (one.chain_id for one in found.gone.layers), (one.chain_id for one in found.added.layers)
    return -found.footprint.low, -found.listed, *map(tuple, rows)


def straight(found: Difference) -> tuple[object, ...]:
    rows = (one.chain_id for one in found.added.layers), (one.chain_id for one in found.gone.layers)
    return found.footprint.low, found.listed, *map(tuple, rows)


@st.composite
def parts(draw: st.DrawFn) -> tuple[Host, Host]:
    whole = draw(hosts(packed=False).filter(lambda host: host.images))
    one, other = (replace(whole, images=tuple(some(draw, whole.images))) for _ in range(2))
    return one, other


@THOROUGH
@given(parts())
def test_it_is_what_the_true_hosts_differ_by(hosts: tuple[Host, Host]) -> None:
    one, other = hosts
    old, new = build_graph(inventory(one)), build_graph(inventory(other))
    found = difference(old, new)
    check(one, other, found)
    back = difference(new, old)
    check(other, one, back)
    if found.exact:
        assert straight(found) == turned(back)
    assert not difference(old, old)
    assert difference(old, old).footprint == (0, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_totals_and_layers_add_up_whatever_the_histories_say(kind: str) -> None:
    exact = 0
    for seed in range(80):
        truth = seeded(seed, kind)
        for at in range(len(truth.images)):
            less = replace(truth, images=truth.images[:at] + truth.images[at + 1 :])
            found = difference(
                build_graph(told(less, old=False, usage=True)), build_graph(told(truth, old=False, usage=True))
            )
            check(less, truth, found)
            exact += found.exact
    assert exact > 100


def test_an_image_that_came_is_told_by_what_it_added() -> None:
    found = difference(host(BASE), host(BASE, APP))
    (came,) = found.added.images
    assert (came.node.id, came.alone, came.node.size) == ("sha256:app", (31_000_000, 31_000_000), 131_000_000)
    assert found.footprint == (31_000_000, 31_000_000)
    assert found.gone.images == found.gone.layers == ()


def test_what_two_images_brought_together_is_in_neither() -> None:
    one, two = image("one", ("x", 70), ("1", 5)), image("two", ("x", 70), ("2", 7))
    found = difference(host(BASE), host(BASE, one, two))
    assert [(i.node.id, i.alone.low) for i in found.added.images] == [("sha256:two", 7), ("sha256:one", 5)]
    assert found.added.together == (70, 70)
    assert found.footprint == (82, 82)


def test_names_that_came_went_and_moved() -> None:
    tagged = replace(BASE, tags=("base:2", "base:1", "x:1"))
    found = difference(host(BASE), host(tagged))
    assert [(r.gained, r.lost) for r in found.retagged] == [(("base:2", "x:1"), ())]
    rebuilt = replace(APP, id="sha256:rebuilt")
    found = difference(host(BASE, APP), host(BASE, rebuilt))
    assert found.moved == (("app:1", "sha256:app", "sha256:rebuilt"),)
    assert found.footprint == (0, 0)


def test_a_layer_of_another_size_on_another_host_is_told_apart() -> None:
    pulled = image("base", ("a", 100_000_077))
    found = difference(host(BASE), host(pulled))
    assert [(one.before.size, one.after.size, one.change) for one in found.resized] == [(100_000_000, 100_000_077, 77)]
    assert (found.footprint, found.untold) == ((77, 77), 0)
    assert found


def test_an_image_without_layers_known_in_one_scan_leaves_the_change_open() -> None:
    unknown = replace(APP, diff_ids=None, history=None, layers_size=None, note="refused")
    found = difference(host(BASE), host(BASE, unknown))
    assert not found.exact
    assert not found.footprint_least_known
    both = difference(host(BASE, unknown), host(BASE, unknown, image("new", ("n", 9))))
    assert (both.footprint, both.exact) == ((0, 9), False)  # the unknown one may have had that layer before


def test_the_second_scan_may_be_the_older() -> None:
    one, other = Inventory(ENGINE, (BASE,), taken_at=100), Inventory(ENGINE, (BASE,), taken_at=40)
    assert difference(build_graph(one), build_graph(other)).seconds == -60


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (Engine("docker", "28.5.2", "1.51", "containerd", "containerd", ""), "one counts apparent size"),
        (Engine("docker", "28.5.2", "1.51", "vfs", "graphdriver", ""), "storage driver overlay2, the other of vfs"),
    ],
)
def test_scans_of_different_stores_are_refused(engine: Engine, words: str) -> None:
    with pytest.raises(NotComparableError, match=words):
        difference(host(BASE), build_graph(Inventory(engine, (BASE,))))


def test_what_one_scan_forgot_of_layers_that_stay_is_no_change() -> None:
    known = image("two", ("a", 100), ("b", 50))
    forgot = replace(known, history=(), engine_size=None, layers_size=None)
    for old, new in ((known, forgot), (forgot, known)):
        found = difference(host(old), host(new))
        assert (found.footprint_least_known, found.footprint) == (True, Bounds(0, 0))


def test_content_that_came_with_an_image_alone_is_not_that_of_others() -> None:
    then, now = (build_graph(with_content(Inventory(ENGINE, images))) for images in ((BASE,), (BASE, APP)))
    found = difference(then, now)
    own = MANIFEST + CONFIG + blob_of("sha256:b").size
    assert [(one.node.id, one.content) for one in found.added.images] == [(APP.id, own)]
    assert found.content == own
    assert [one.content for one in difference(now, then).gone.images] == [own]
    twin = replace(APP, id="sha256:twin", tags=("twin:1",))
    both = difference(then, build_graph(with_content(Inventory(ENGINE, (BASE, APP, twin)))))
    assert [one.content for one in both.added.images] == [MANIFEST + CONFIG] * 2, "the blob came with both"
