"""What holds what in a containerd store: the store's list in parts that add up, and what a removal takes off it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.content import (
    Between,
    ContentFreed,
    ContentGraph,
    below,
    content_graph,
)
from layerscope.core.layerstate import layers_state, own_containerd
from layerscope.inventory import (
    Blob,
    BuildCacheRecord,
    ContentStore,
    Engine,
    Image,
    Inventory,
    Manifest,
    Platform,
)
from tests.engine.recorded_grpc import NAMES, recorded_content, recorded_graph
from tests.picking import some

ENGINE = Engine("docker", "28.5.2", "1.51", "containerd", "containerd", "unix:///x")
NOW = 1_800_000_000
BLOBS = (
    Blob("base", 1000, diff_id="d0"),
    Blob("top", 100, diff_id="d1"),
    Blob("other", 10, diff_id="d2"),
    Blob("config-a", 3, snapshots=("chain-a",)),
    Blob("config-b", 4),
    Blob("a", 1, ("base", "top", "config-a")),
    Blob("b", 2, ("base", "other", "config-b", "gone")),
    Blob("log", 50),
    Blob("chart-config", 5),
    Blob("chart", 6, ("chart-config",)),
    Blob("cached", 7, diff_id="d3"),
)
CACHE = BuildCacheRecord("x", (), "regular", "", False, False, 1)


def host(images: tuple[str, ...] = ("a", "b"), **store: object) -> Inventory:
    known: dict[str, object] = {"build_history": (), "build_cache": (), **store}
    content = ContentStore(BLOBS, **known)  # type: ignore[arg-type]
    return Inventory(ENGINE, tuple(map(Image, images)), taken_at=NOW, content=content)


def graph(inventory: Inventory) -> ContentGraph:
    found = content_graph(inventory)
    assert found is not None
    return found


def parts(found: ContentGraph) -> list[frozenset[str]]:
    return [found.of_images, found.of_steps, found.of_history, found.of_roots, found.of_cache]


def test_content_of_an_image_is_each_blob_once_and_tells_what_is_its_alone() -> None:
    found = graph(host())
    a, b = found.use("a"), found.use("b")
    assert (a.size, a.unique, a.shared, a.missing) == (1104, 104, 1000, 0)
    assert (b.size, b.unique, b.missing) == (1016, 16, 1)
    assert found.users["base"] == ("a", "b")
    assert (found.size, found.listed) == (1120, 2120)


def test_snapshots_are_held_by_labels() -> None:
    found = graph(host())
    assert found.held_snapshots("a") == {"chain-a"}
    assert found.held_snapshots("b") == frozenset()


def test_the_parts_of_the_list() -> None:
    found = graph(host(build_history=("log", "a", "not here"), manifests=(Manifest("chart", "application/helm"),)))
    assert found.of_history == {"log"}
    assert [(root.digest, root.kind, root.size) for root in found.roots] == [("chart", "artifact", 11)]
    assert found.of_cache == {"cached"}


def test_an_image_that_no_row_is_holds_what_it_shares() -> None:
    found = graph(host(images=("a",)))
    assert [(root.digest, root.kind) for root in found.roots] == [("b", "unknown"), ("chart", "unknown")]
    assert found.frees(["a"]).blobs == ("a", "config-a", "top")


FREED = ("a", "config-a", "top")


@pytest.mark.parametrize(
    ("store", "after", "at_once", "words"),
    [
        ({}, Between(104, 104), Between(104, 104), ""),
        ({"build_cache": (CACHE,)}, Between(104, 104), Between(1, 104), "build cache may hold"),
        ({"build_cache": None}, Between(104, 104), Between(1, 104), "does not tell what its build cache holds"),
        ({"build_history": None}, Between(0, 104), Between(0, 104), "build history"),
        ({"last_build": NOW - 60}, Between(104, 104), Between(0, 104), "minutes ago"),
        ({"last_build": NOW - 3600}, Between(104, 104), Between(104, 104), ""),
        ({"last_build": NOW - 359}, Between(104, 104), Between(0, 104), "minutes ago"),  # clocks may differ by 60 s
        ({"last_build": NOW - 360}, Between(104, 104), Between(104, 104), ""),
        ({"last_build": NOW + 3600}, Between(104, 104), Between(0, 104), "minutes ago"),
        ({"build_history": ("log", "a")}, Between(100, 100), Between(100, 100), ""),
    ],
)
def test_what_is_promised_at_once_depends_on_who_else_may_hold_it(
    store: dict[str, object], after: Between, at_once: Between, words: str
) -> None:
    freed = graph(host(**store)).frees(["a"])
    assert (freed.after_prune, freed.at_once) == (after, at_once)
    assert words in freed.because
    assert bool(freed.because) is not freed.at_once.exact


def test_the_build_history_keeps_all_but_layers_where_the_engine_lists_its_store() -> None:
    freed = graph(host(build_history=("log", "a"))).frees(["a"])
    assert (freed.blobs, freed.kept_by_history) == (("top",), 4)
    not_listed = graph(host(build_history=("a", "not here"))).frees(["a"])
    assert (not_listed.blobs, not_listed.kept_by_history) == (FREED, 0)
    assert not_listed.at_once == not_listed.after_prune == Between(100, 104)  # 26.1 keeps manifests of bases
    assert "may hold manifests" in not_listed.because


def test_what_attestations_say_is_not_copied_into_the_store_of_the_build_history() -> None:
    statement, attestation = (
        Blob("statement", 9),
        Blob("attestation", 8, ("statement", "config"), packed=("statement",)),
    )
    index = Blob("a", 1, ("base", "top", "config-a", "attestation"), packed=("top", "attestation"))
    blobs = (*(blob for blob in BLOBS if blob.digest != "a"), index, statement, attestation, Blob("config", 2))
    found = graph(replace(host(), content=ContentStore(blobs, build_history=("log", "a"), build_cache=())))
    assert found.held_by_history == {"log", "a", "config-a", "attestation", "config"}
    assert found.frees(["a"]).blobs == ("statement", "top")


def test_what_a_real_history_holds() -> None:
    """By ``ctr -n moby_history content ls`` of the engine 209 blobs, and of 25 attestations not what they say."""
    found = recorded_graph(NAMES[1])
    assert len(found.held_by_history) == 209


def test_a_set_frees_what_only_its_images_share() -> None:
    found = graph(host())
    together = found.frees(["a", "b"]).after_prune.least
    assert together == 1120 > found.frees(["a"]).after_prune.least + found.frees(["b"]).after_prune.least


@st.composite
def stores(draw: st.DrawFn) -> tuple[Inventory, list[str]]:
    """A store of a few blobs that refer to later ones, with some images, and a set to remove."""
    names = [f"b{number:02}" for number in range(draw(st.integers(1, 12)))]
    blobs = tuple(
        Blob(
            name,
            2**place,
            tuple(some(draw, [*names[place + 1 :], "gone"], 3)),
        )
        for place, name in enumerate(names)
    )
    tops = some(draw, names)
    images = tuple(Image(top, listed=draw(st.booleans())) for top in tops)
    history = tuple(some(draw, names, 2))
    content = ContentStore(blobs, build_history=history, build_cache=())
    gone = some(draw, tops)
    return Inventory(ENGINE, images, taken_at=NOW, content=content), gone


@given(stores())
def test_every_blob_is_in_one_part_and_a_removal_takes_off_what_is_unreachable_then(
    case: tuple[Inventory, list[str]],
) -> None:
    inventory, gone = case
    found = graph(inventory)
    every = parts(found)
    assert sum(map(len, every)) == len(found.blobs)
    assert frozenset().union(*every) == found.blobs.keys()
    freed = found.frees(gone)
    stay = [image for image in inventory.images if image.id not in gone]
    left = replace(inventory, images=tuple(stay))
    after = ContentGraph(left, found.store, tuple(found.blobs.values()))
    reached = set(after.of_images | after.of_steps | found.held_by_history)
    reached |= below([root.digest for root in found.roots], found.blobs)
    before = found.of_images | found.of_steps
    assert set(freed.blobs) == before - reached
    told = bool(found.held_by_history) or not found.store.build_history
    assert freed.after_prune == Between(found.total(freed.blobs) if told else 0, found.total(freed.blobs))
    assert freed.at_once.most == freed.after_prune.most
    if told:
        assert freed.at_once.exact is not bool(set(freed.blobs) & below(found.of_cache, found.blobs))


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_a_real_engine_is_in_parts_to_the_byte(name: str) -> None:
    found = recorded_graph(name)
    every = parts(found)
    assert sum(map(len, every)) == len(found.blobs) > 250
    assert sum(map(found.total, every)) == found.total(found.blobs)
    assert found.roots == ()
    assert found.size + found.total(found.of_steps) == {"26.1": 369_500_485, "28.5": 375_897_889}[name[7:11]]
    assert bool(found.of_history) is (name == NAMES[1])


@pytest.mark.parametrize("name", NAMES)
def test_every_image_of_a_real_engine_but_the_empty_one_holds_its_snapshots(name: str) -> None:
    inventory = recorded_content(name)
    found = recorded_graph(name)
    without = [image.tags for image in inventory.images if not found.held_snapshots(image.id)]
    assert without == [("zero:layers",)]


def test_what_a_leftover_refers_to_is_not_promised_at_once() -> None:
    blobs = (Blob("i", 1, ("layer",)), Blob("layer", 10), Blob("variant", 5, ("layer",), diff_id="d"))
    content = ContentStore(blobs, build_history=(), build_cache=())
    freed = graph(Inventory(ENGINE, (Image("i"),), taken_at=NOW, content=content)).frees(["i"])
    assert freed.at_once == Between(1, 11)
    assert "refers to them" in freed.because


def nothing_freed(freed: ContentFreed) -> bool:
    return not freed.blobs and freed.after_prune == Between(0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_a_set_of_nothing_frees_nothing(name: str) -> None:
    assert nothing_freed(recorded_graph(name).frees([]))
    assert nothing_freed(recorded_graph(name).frees(["sha256:unknown"]))


def test_where_content_was_refused_there_is_no_graph() -> None:
    assert content_graph(Inventory(ENGINE, (), content=ContentStore(refused="no"))) is None
    assert content_graph(Inventory(ENGINE, ())) is None


ARM = Platform("m", "linux/arm64", "image", True, 10, 0)
AMD = Platform("m", "linux/amd64", "image", True, 10, 0)
MODEL = Platform("m", "unknown", "unknown", True, 10, 0)
PROOF = Platform("p", "attestation", "attestation", True, 10, 0)


@pytest.mark.parametrize(
    ("image", "state"),
    [
        (Image("i", diff_ids=("d",)), "known"),
        (Image("i", diff_ids=()), "none"),
        (Image("i"), "not-asked"),
        (Image("i", note="inspect: no"), "refused"),
        (Image("i", note="x", platforms=(MODEL,)), "none"),
        (Image("i", note="x", platforms=(ARM, PROOF)), "other-platform"),
        (Image("i", note="x", platforms=(AMD,), os="linux", architecture="amd64"), "not-unpacked"),
        (Image("i", note="x", platforms=(ARM,), os="linux", architecture="amd64"), "other-platform"),
        (Image("i", note="x", platforms=(ARM, MODEL), os="linux", architecture="amd64"), "other-platform"),
        (
            Image("i", note="x", platforms=(ARM, replace(MODEL, name=AMD.name)), os="linux", architecture="amd64"),
            "other-platform",
        ),
        (Image("i", note="x", platforms=(replace(AMD, unpacked_size=5),)), "refused"),
    ],
)
def test_states_of_layers_are_told_apart(image: Image, state: str) -> None:
    assert layers_state(image) == state


@pytest.mark.parametrize(
    ("manifest", "snapshots", "state"),
    [
        (Manifest("i", "application/vnd.cncf.helm.config.v1+json"), (), "none"),
        (Manifest("i", "application/vnd.oci.image.config.v1+json", "linux/arm64", ("d",)), (), "other-platform"),
        (Manifest("i", "application/vnd.oci.image.config.v1+json", "linux/amd64", ("d",)), ("c",), "refused"),
    ],
)
def test_without_platforms_the_manifests_tell_the_state(
    manifest: Manifest, snapshots: tuple[str, ...], state: str
) -> None:
    image = Image("i", note="no layers")
    content = ContentStore((Blob("i", 1, ("c",)), Blob("c", 1, snapshots=snapshots)), manifests=(manifest,))
    assert layers_state(image, graph(Inventory(ENGINE, (image,), content=content))) == state


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("", None),
        ("/run/docker/containerd/containerd.sock", True),
        ("/tmp/engine/exec/containerd/containerd.sock", True),
        ("/run/containerd/containerd.sock", False),
        ("/var/run/containerd/containerd.sock", False),
        ("/containerd/containerd.sock", False),
        ("/var/lib/rke2/containerd/containerd.sock", False),
        ("/run/k3s/containerd/containerd.sock", False),
        ("tcp://elsewhere", False),
    ],
)
def test_whose_containerd_it_is(address: str, own: bool | None) -> None:
    assert own_containerd(replace(ENGINE, containerd_address=address)) is own


@pytest.mark.parametrize(
    ("config", "image"),
    [
        ("application/vnd.oci.image.config.v1+json", True),
        ("application/vnd.docker.container.image.v1+json", True),
        ("application/vnd.oci.empty.v1+json", False),
        ("application/helm", False),
        ("", False),
    ],
)
def test_an_image_is_told_by_the_kind_of_its_configuration(config: str, image: bool) -> None:
    found = graph(host(manifests=(Manifest("chart", config),)))
    assert {root.kind for root in found.roots if root.digest == "chart"} == {"image" if image else "artifact"}


def test_an_image_of_several_kinds_of_manifests_is_one() -> None:
    """An attestation beside it is of no platform."""
    blobs = (Blob("i", 1, ("m", "att")), Blob("m", 1, ("c",)), Blob("c", 1), Blob("att", 1, ("x",)), Blob("x", 1))
    image = Image("i", os="linux", architecture="amd64", note="no layers")
    manifests = (
        Manifest("m", "application/vnd.oci.image.config.v1+json", "linux/amd64"),
        Manifest("att", "application/vnd.in-toto+json"),
    )
    assert state_of(image, blobs, manifests) == "not-unpacked"
    assert state_of(image, blobs, manifests[::-1]) == "not-unpacked"
    assert state_of(image, blobs, manifests[1:]) == "none"


def test_a_root_with_an_image_among_its_manifests_is_an_image() -> None:
    blobs = (Blob("root", 1, ("m", "att")), Blob("m", 1, ("c",)), Blob("c", 1), Blob("att", 1, ("x",)), Blob("x", 1))
    manifests = Manifest("m", "application/vnd.oci.image.config.v1+json"), Manifest("att", "application/vnd.in-toto")
    for told, kind in ((manifests, "image"), (manifests[::-1], "image"), (manifests[1:], "artifact")):
        content = ContentStore(blobs, manifests=told, build_history=(), build_cache=())
        (root,) = graph(Inventory(ENGINE, (), content=content)).roots
        assert (root.digest, root.kind) == ("root", kind)


def state_of(image: Image, blobs: tuple[Blob, ...], manifests: tuple[Manifest, ...]) -> str:
    return layers_state(image, graph(Inventory(ENGINE, (image,), content=ContentStore(blobs, manifests=manifests))))
