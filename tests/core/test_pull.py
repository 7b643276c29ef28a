"""The rules of a pull, engine by engine, on stores of a few layers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.core.pull import (
    ImageCost,
    measured,
    pull_cost,
    to_measure,
)
from layerscope.core.remote import RemoteImage, RemoteLayer
from layerscope.core.stock import Memory, Store, store_of
from layerscope.inventory import Blob, ContentStore, Engine, HistoryEntry, Image, Inventory, Platform, StoreKind

KINDS: tuple[StoreKind, ...] = ("graphdriver", "containerd", "podman")
CONFIG = 7


def diff(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")


def blob(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "f")


def layer(name: str, packed: int = 10, packing: str = "gzip", tar: int | None = None) -> RemoteLayer:
    return RemoteLayer(blob(name), packed, diff(name), packing, tar, "gzip trailer" if tar else "")  # type: ignore[arg-type]


def remote(name: str, *layers: RemoteLayer, **more: object) -> RemoteImage:
    ids = {"digest": blob(f"i-{name}"), "manifest_digest": blob(f"i-{name}"), "config_digest": blob(f"c-{name}")}
    manifests = ((ids["digest"], 100),)
    found = RemoteImage(
        name=name, config_bytes=CONFIG, manifests=manifests, platform="linux/amd64", layers=layers, **ids
    )
    return replace(found, **more)  # type: ignore[arg-type]


def local(name: str, *diffs: str, size: int = 1000, **more: object) -> Image:
    history = tuple(HistoryEntry("COPY", size) for _ in diffs)
    found = Image(
        id=blob(f"c-{name}"),
        tags=(f"{name}:1",),
        diff_ids=tuple(map(diff, diffs)),
        history=history,
        engine_size=size * len(diffs),
        layers_size=size * len(diffs),
    )
    return replace(found, **more)  # type: ignore[arg-type]


def store(kind: StoreKind, *images: Image, version: str = "28.5.2", memory: Memory | None = None) -> Store:
    engine = Engine("podman" if kind == "podman" else "docker", version, "1.45", "x", kind, "h", "linux", "amd64")
    return store_of(build_graph(Inventory(engine, images)), memory)


def cost(where: Store, *images: RemoteImage) -> ImageCost:
    return pull_cost(where, images).images[-1]


def fetched(found: ImageCost) -> str:
    return "".join({"yes": "y", "maybe": "m", "no": "n"}[one.fetched] for one in found.layers)


@pytest.mark.parametrize("kind", KINDS)
def test_into_an_empty_store_everything_comes(kind: StoreKind) -> None:
    found = cost(store(kind), remote("app", layer("a", 10, tar=100), layer("b", 20, tar=200)))
    assert found.packed == 30
    assert found.download[1] == 30 + CONFIG
    assert found.download[0] == (0 if kind == "containerd" else 30 + CONFIG)
    assert (found.adds, found.adds_is) == (300, "inferred")
    assert not found.already_here


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_is_here_adds_nothing(kind: StoreKind) -> None:
    image = remote("app", layer("a"), layer("b"))
    if kind == "containerd":
        image = replace(image, digest=image.config_digest)
    found = cost(store(kind, local("app", "a", "b")), image)
    assert found.already_here
    assert (found.adds, found.adds_is) == (0, "exact")
    assert [one.here for one in found.layers] == [True, True]
    if kind == "graphdriver":
        assert found.download == (0, 0)


# graphdriver


def test_a_graphdriver_skips_what_it_remembers_up_to_the_first_layer_that_is_not_here() -> None:
    here = local("base", "a", "b")
    found = cost(store("graphdriver", here), remote("app", layer("a"), layer("b"), layer("c")))
    assert fetched(found) == "mmy"
    assert found.download == (10 + CONFIG, 30 + CONFIG)


def test_where_its_memory_is_visible_the_first_miss_ends_skipping() -> None:
    here = local("base", "a", "b")
    image = remote("app", layer("a"), layer("b"), layer("c"))
    for known, says in (((), "yyy"), (("a",), "nyy"), (("b",), "yyy"), (("a", "b"), "nny"), (("a", "b", "c"), "nny")):
        memory = Memory(diff_ids={blob(name): diff(name) for name in known})
        found = cost(store("graphdriver", here, memory=memory), image)
        assert fetched(found) == says
        assert found.download[0] == found.download[1]
    other = Memory(diff_ids={blob("a"): diff("z")})
    assert fetched(cost(store("graphdriver", here, memory=other), image)) == "yyy"


def test_what_was_pulled_before_in_the_set_is_remembered_for_certain() -> None:
    base, app = remote("base", layer("a"), layer("b")), remote("app", layer("a"), layer("b"), layer("c"))
    found = pull_cost(store("graphdriver"), [base, app])
    assert fetched(found.images[1]) == "nny"
    assert [one.comes_with for one in found.images[1].layers] == ["base", "base", ""]
    assert found.download == (30 + 2 * CONFIG, 30 + 2 * CONFIG)
    assert found.packed == 30


def test_what_one_image_of_the_set_brings_is_the_same_content_in_the_next() -> None:
    base, app = remote("base", layer("a", 10, tar=100)), remote("app", layer("x"), layer("a", 10))
    found = pull_cost(store("graphdriver"), [base, app]).images[1].layers[1]
    assert (found.adds, found.adds_is, found.adds_from) == (100, "inferred", "same content")


def test_known_content_under_another_parent_comes_and_is_stored_again() -> None:
    found = cost(store("graphdriver", local("base", "a", "b")), remote("app", layer("b")))
    (row,) = found.layers
    assert fetched(found) == "y"
    assert not row.here
    assert [node.name for node in row.same_content] == ["base:1"]
    assert (row.adds, row.adds_is) == (1000, "inferred")


def test_a_blob_twice_in_an_image_is_fetched_once_and_stored_twice() -> None:
    found = cost(
        store("graphdriver"), remote("app", layer("a", 10, tar=100), layer("b", 5, tar=50), layer("a", 10, tar=100))
    )
    assert found.download == (15 + CONFIG, 15 + CONFIG)
    assert found.adds == 250


def test_the_empty_layer_weighs_nothing_where_files_are_counted() -> None:
    empty = replace(layer("e"), diff_id=EMPTY_DIFF_ID)
    (row,) = cost(store("graphdriver"), remote("app", empty)).layers
    assert (row.adds, row.adds_is, row.adds_from) == (0, "exact", "")
    assert cost(store("containerd"), remote("app", empty)).layers[0].adds_is == "unknown"


@pytest.mark.parametrize(
    ("kind", "version", "refused"),
    [
        ("graphdriver", "20.10.24+dfsg1", True),
        ("graphdriver", "23.0.1", False),
        ("graphdriver", "28.5.2", False),
        ("containerd", "22.0", False),
        ("podman", "4.3.1", False),
    ],
)
def test_an_engine_that_cannot_unpack_zstd_says_so(kind: StoreKind, version: str, refused: bool) -> None:
    image = remote("app", layer("a", packing="zstd"))
    found = cost(store(kind, version=version), image)
    assert bool(found.refused) == refused
    assert found.adds is None
    again = pull_cost(store(kind, version=version), [image, image]).images[1]
    assert again.already_here == (not refused), "what was refused is not there afterwards"


# containerd


def test_a_containerd_store_fetches_only_blobs_that_are_missing() -> None:
    here, image = local("base", "a"), remote("app", layer("a"), layer("b"), layer("c"))
    found = cost(store("containerd", here), image)
    assert found.download == (0, 20 + CONFIG)
    assert fetched(found) == "nmm"
    assert found.adds_content is None
    memory = Memory(blobs=frozenset({blob("b"), blob("zzz")}))
    found = cost(store("containerd", here, memory=memory), image)
    assert found.download == (10 + CONFIG, 10 + CONFIG)
    assert found.adds_content == 10 + CONFIG + 100
    assert fetched(found) == "nny"


def test_a_newer_one_may_fetch_below_the_first_missing_chain_too() -> None:
    memory = Memory(blobs=frozenset())
    found = cost(
        store("containerd", local("base", "a"), version="29.8.0", memory=memory), remote("app", layer("a"), layer("b"))
    )
    assert fetched(found) == "my"
    assert found.adds_content is None


@pytest.mark.parametrize(("version", "sure"), [("28.5.2", True), ("29.0.0", False), ("30.1", False)])
def test_what_is_attested_may_bring_more_to_a_newer_one(version: str, sure: bool) -> None:
    """It may fetch the attestation with the image: nothing is said of content then."""
    where = store("containerd", version=version, memory=Memory(blobs=frozenset()))
    size = 10 + CONFIG + 100
    assert cost(where, remote("app", layer("a"), attested=True)).adds_content == (size if sure else None)
    where = store("containerd", version=version, memory=Memory(blobs=frozenset()))
    assert cost(where, remote("app", layer("a"))).adds_content == size


def test_a_configuration_that_is_here_is_not_fetched() -> None:
    image = remote("app", layer("a"))
    for blobs, size in ((frozenset({image.config_digest}), 10), (frozenset({blob("a")}), CONFIG)):
        found = cost(store("containerd", memory=Memory(blobs=blobs)), image)
        assert found.download == (size, size)


def test_content_of_a_set_is_the_sum_where_each_is_known() -> None:
    images = remote("one", layer("a")), remote("two", layer("a"), layer("b", 20))
    where = store("containerd", memory=Memory(blobs=frozenset()))
    assert pull_cost(where, images).adds_content == 10 + 20 + 2 * (CONFIG + 100)
    assert pull_cost(store("containerd"), images).adds_content is None
    assert pull_cost(store("graphdriver"), images).adds_content is None


def test_an_image_that_is_not_unpacked_stores_no_layers() -> None:
    foreign = local("arm", "a", platforms=(Platform("x", "linux/arm64", "image", True, 5, 0),))
    assert not cost(store("containerd", foreign), remote("app", layer("a"))).layers[0].here


def test_a_layer_is_here_where_one_image_on_it_is_unpacked() -> None:
    foreign = local("arm", "a", platforms=(Platform("x", "linux/arm64", "image", True, 5, 0),))
    assert cost(store("containerd", local("base", "a"), foreign), remote("app", layer("a"))).layers[0].here


def test_a_size_that_a_tar_says_is_never_exact_where_blocks_are_counted() -> None:
    for one in (layer("a", packing="tar"), layer("a", tar=500)):
        assert cost(store("containerd"), remote("app", one)).adds_is == "inferred"
        assert cost(store("graphdriver"), remote("app", one)).adds_is == "inferred"


# Podman


def test_podman_takes_any_layer_of_the_same_content() -> None:
    found = cost(store("podman", local("base", "a", "b")), remote("app", layer("b"), layer("c")))
    assert fetched(found) == "my"
    assert found.download == (10 + CONFIG, 20 + CONFIG)
    assert (found.layers[0].adds, found.layers[0].adds_is) == (1000, "exact"), "tar bytes: equal content is equal bytes"


@pytest.mark.parametrize("doubtful", [0, 1])
def test_of_several_layers_of_the_same_content_the_surest_size_counts(doubtful: int) -> None:
    where = store("podman", local("one", "a", "b"), local("two", "c", "b"))
    chain = where.by_diff[diff("b")][doubtful]
    where.sizes[chain] = (999, "inferred")
    (row,) = cost(where, remote("app", layer("b"))).layers
    assert (row.adds, row.adds_is) == (1000, "exact")


def test_podman_counts_the_tar_itself() -> None:
    found = cost(store("podman"), remote("app", layer("a", 4096, packing="tar")))
    assert (found.adds, found.adds_is) == (4096, "exact")
    assert found.layers[0].adds_from == "plain tar"


# what is worth asking for


def test_only_new_layers_of_new_content_are_measured() -> None:
    where = store("graphdriver", local("base", "a", "b"))
    image = remote("app", layer("a"), layer("c"), layer("b"), layer("c"))
    wanted = to_measure(where, [image, image])
    assert [one.blob for one in wanted] == [blob("c")]
    found = cost(where, measured(image, {blob("c"): (77, "gzip trailer")}))
    assert [one.adds for one in found.layers] == [0, 77, 1000, 77]


def test_of_what_is_here_or_cannot_be_unpacked_nothing_is_measured() -> None:
    assert to_measure(store("graphdriver", local("app", "a")), [remote("app", layer("x"))]) == ()
    assert (
        to_measure(store("graphdriver", version="20.10"), [remote("app", layer("x", packing="zstd"), layer("y"))]) == ()
    )


def test_no_images_cost_nothing() -> None:
    found = pull_cost(store("graphdriver"), [])
    assert (found.packed, found.download, found.adds, found.adds_is, found.adds_content) == (
        0,
        (0, 0),
        0,
        "exact",
        None,
    )


NAMES = st.sampled_from("abcde")
STACKS = st.lists(NAMES, min_size=0, max_size=5)


@given(
    kind=st.sampled_from(KINDS),
    there=st.lists(STACKS, max_size=3),
    pulled=st.lists(STACKS, min_size=1, max_size=3),
    blobs=st.none() | st.frozensets(NAMES.map(blob)),
)
def test_whatever_is_there_the_sums_hold(
    kind: StoreKind, there: list[list[str]], pulled: list[list[str]], blobs: frozenset[str] | None
) -> None:
    images = [local(f"l{n}", *stack) for n, stack in enumerate(there)]
    where = store(kind, *images, memory=Memory(blobs=blobs))
    found = pull_cost(where, [remote(f"r{n}", *map(layer, stack)) for n, stack in enumerate(pulled)])
    for one in found.images:
        low, high = one.download
        assert 0 <= low <= high <= one.packed + CONFIG
        assert all(row.adds == 0 for row in one.layers if row.here)
        if one.adds is not None:
            assert one.adds == sum(row.adds or 0 for row in one.layers)
    assert found.packed <= sum(one.packed for one in found.images)
    after = pull_cost(where, [remote(f"r{n}", *map(layer, stack)) for n, stack in enumerate(pulled)])
    assert all(one.already_here and one.adds == 0 for one in after.images)
    if kind == "graphdriver":
        assert after.download == (0, 0)


def test_an_image_whose_label_names_its_snapshot_is_unpacked() -> None:
    """One of which blobs are missing says that nothing of it is unpacked (moby#49784); the label knows better."""
    partly = local("app", "a", platforms=(Platform("x", "image", "image", False, 5, 0),))
    engine = Engine("docker", "28.5.2", "1.51", "containerd", "containerd", "h", "linux", "amd64")
    named = ContentStore(blobs=(Blob(blob("c"), 1, snapshots=(diff("a"),)),))
    for content, here in ((named, True), (ContentStore(blobs=()), False), (None, False)):
        where = store_of(build_graph(Inventory(engine, (partly,), content=content)))
        assert cost(where, remote("new", layer("a"))).layers[0].here == here
