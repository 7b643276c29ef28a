"""What the Size of an image and its content say together of the sum of its layers on a containerd store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.content import content_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.plan import plan
from layerscope.core.sizes.ledger import Stack
from layerscope.core.sizes.sums import Bounds
from layerscope.core.sizes.unpacked import most_unpacked, near_unpacked
from layerscope.core.stores import STORES
from layerscope.inventory import Blob, ContentStore, Engine, Image, Inventory, Platform
from tests.core.contents import with_content
from tests.core.hosts import THOROUGH, Host, forgetful, hosts, inventory
from tests.core.model import path_of, paths
from tests.core.sizes.test_resolve import A, B, C, D, check_truth, run

ENGINE = Engine("docker", "26.1.5", "1.45", "containerd", "containerd", "unix:///x")


def of_26_1(said: Inventory, *, add: int = 0) -> Inventory:
    """Return what an engine without ``manifests`` says of the same: no sums of layers, all in the Size of the list."""
    whole = with_content(replace(said, engine=ENGINE))
    graph = content_graph(whole)
    assert graph is not None
    images = (
        replace(
            image,
            layers_size=None,
            engine_size=None if image.layers_size is None else image.layers_size + add + graph.use(image.id).size,
        )
        for image in said.images
    )
    return replace(whole, images=tuple(images))


def of_28_5(said: Inventory) -> Inventory:
    """Return the same of an engine that tells the sum of each manifest."""
    images = (
        replace(image, platforms=(Platform(image.id, "linux/amd64", "image", True, 1, image.layers_size),))
        for image in said.images
    )
    return with_content(replace(said, engine=ENGINE, images=tuple(images)))


def image(name: str, diff_ids: list[str], history: list[int], total: int, **more: object) -> Image:
    entries = tuple(run(size) for size in history)
    return Image(f"sha256:{name}", (f"{name}:1",), layers_size=total, diff_ids=tuple(diff_ids), history=entries, **more)  # type: ignore[arg-type]


def graph_of(*images: Image, old: bool = True) -> LayerGraph:
    said = Inventory(ENGINE, images)
    return build_graph(of_26_1(said) if old else of_28_5(said))


def size(graph: LayerGraph, name: str) -> str:
    node = graph.image_by_id[f"sha256:{name}"]
    return f"{'' if node.exact else '≥'}{node.size}"


@given(st.data(), hosts(stores=["containerd", "containerd on xfs"], packed=False), st.booleans())
@THOROUGH
def test_what_is_called_exact_is(data: st.DataObject, host: Host, old: bool) -> None:
    said = inventory(host)
    if data.draw(st.booleans()):
        said = data.draw(forgetful(said))
    graph = build_graph(of_26_1(said) if old else of_28_5(said))
    check_truth(host, graph)
    sizes, built = host.sizes(), {one.id: one for one in host.images}
    for node in graph.images:
        true = sum(sizes[path] for path in paths(built[node.id].diff_ids))
        assert node.size == true if node.exact else node.size <= true or not node.known
    footprint = sum(sizes[path_of(layer)] for layer in graph.layers)
    if graph.totals.footprint_bound:
        assert graph.totals.footprint <= footprint
    else:
        assert graph.totals.footprint == footprint
    if graph.totals.footprint_most is not None:
        assert footprint <= graph.totals.footprint_most


@pytest.mark.parametrize("old", [True, False])
def test_the_sum_of_layers_without_a_history_is_exact_and_no_layer_is(old: bool) -> None:
    graph = graph_of(image("base", [A], [8192], 8192), image("app", [A, B, C], [], 24576), old=old)
    assert size(graph, "app") == "24576"
    assert [layer.size_is for layer in graph.layers][1:] == ["unknown", "unknown"]
    made = plan(graph, ["sha256:app"])
    assert (made.frees, made.exact) == (16384, True)


@pytest.mark.parametrize("old", [True, False])
def test_the_start_of_a_container_below_a_committed_layer_is_no_layer(old: bool) -> None:
    """The commit's own history shows it; who stands on that layer may have it in the sum, too."""
    base = image("base", [A], [8192], 8192)
    commit = image("commit", [A, B], [8192, 4096], 8192 + 4096 + 12288, parent_id=base.id)
    app = image("app", [A, B, C], [], 8192 + 4096 + 12288 + 4096)
    other = image("other", [A, D], [], 8192 + 4096)
    graph = graph_of(base, commit, app, other, old=old)
    assert size(graph, "commit") == "12288"
    assert size(graph, "app") == "≥12288"
    assert size(graph, "other") == "12288"  # the layer that they share is known to stand on nothing else


def test_an_image_whose_sum_is_not_told_may_hide_such_a_start() -> None:
    """It has two manifests: what of its Size is content is not known, only the most that layers can be."""
    said = of_26_1(Inventory(ENGINE, (image("two", [A, B], [8192, 4096], 12288), image("app", [A, B, C], [], 20480))))
    assert said.content is not None
    assert said.content.blobs is not None
    index = Blob("sha256:index", 700, ("sha256:two", "attestation"))
    blobs = (*said.content.blobs, index, Blob("attestation", 900, ("provenance",)), Blob("provenance", 5000))
    rows = {one.id: one for one in said.images}

    def with_size(more: int) -> LayerGraph:
        two = rows["sha256:two"]
        two = replace(two, id="sha256:index", engine_size=(two.engine_size or 0) + more)
        content = replace(said.content, blobs=blobs)  # type: ignore[type-var]
        return build_graph(replace(said, images=(two, rows["sha256:app"]), content=content))

    assert size(with_size(0), "app") == "20480"  # the history shows all that the Size leaves for layers
    assert size(with_size(4096), "app") == "≥12288"


@pytest.mark.parametrize("refused", [image("odd", [A], [8192], 8192), Image("sha256:odd", ("odd:1",), note="refused")])
def test_while_an_image_may_have_layers_that_nobody_told_of_no_such_sum_is_exact(refused: Image) -> None:
    graph = graph_of(refused, image("app", [A, B], [], 24576))
    assert size(graph, "app") == ("24576" if refused.diff_ids else "≥8192" if refused.history else "≥0")


def test_what_is_not_whole_or_not_unpacked_tells_nothing() -> None:
    said = of_26_1(Inventory(ENGINE, (image("app", [A, B], [], 24576),)))
    assert said.content is not None
    assert said.content.blobs is not None
    (app,) = said.images
    packed = replace(app, engine_size=(app.engine_size or 0) - 24576)
    assert size(build_graph(replace(said, images=(packed,))), "app") == "≥0"
    some = tuple(blob for blob in said.content.blobs if not blob.diff_id)
    assert size(build_graph(replace(said, content=replace(said.content, blobs=some))), "app") == "≥0"


def test_two_images_of_the_same_layers_must_agree() -> None:
    """Where their sums differ, the lower one has nothing but layers in it, at the most."""
    one, two = image("one", [A, B], [], 24576), image("two", [A, B], [], 28672)
    graph = graph_of(one, two)
    assert {size(graph, "one"), size(graph, "two")} == {"24576"}


@pytest.mark.parametrize("old", [True, False])
def test_a_commit_on_an_image_without_a_history_is_not_taken_for_layers_alone(old: bool) -> None:
    """Its history is short too, but it has a parent: the start of a container may be in the sum."""
    base = image("base", [A], [], 4096)
    commit = image("commit", [A, B], [4096], 4096 + 4096 + 8192, parent_id=base.id)
    assert size(graph_of(base, commit, old=old), "commit") == "≥4096"
    assert size(graph_of(commit, old=old), "commit") == "≥4096"  # the parent is gone, and still told


def test_only_a_store_that_keeps_content_has_such_sums() -> None:
    image = Image("sha256:i", diff_ids=(A, B), layers_size=9)
    stack = Stack(image, (A, B), ("chain-a", "chain-b"))
    assert near_unpacked([stack], STORES["containerd"], {}) == {"chain-b": Bounds(0, 9)}
    assert near_unpacked([stack], STORES["graphdriver"], {}) == near_unpacked([stack], STORES["podman"], {}) == {}


def test_the_smallest_manifest_leaves_the_most_for_layers() -> None:
    """Which of several platforms is unpacked is not told."""
    blobs = (
        *(Blob("i", 5, ("small", "big")), Blob("small", 10, ("sc", "sl")), Blob("big", 20, ("bc", "bl"))),
        *(Blob("sc", 1), Blob("sl", 100, diff_id=A), Blob("bc", 2), Blob("bl", 700, diff_id=B)),
    )
    host = Inventory(ENGINE, (Image("i", engine_size=1_000),), content=ContentStore(blobs))
    content = content_graph(host)
    assert content is not None
    assert most_unpacked(content, host.images) == {"i": 1_000 - 111}
    (image,) = host.images
    told = replace(image, platforms=(Platform("small", "linux/amd64", "image", True, 5, 5),))
    for other in (told, replace(image, engine_size=None), replace(image, id="not listed")):
        assert most_unpacked(content, [other]) == {}
    assert most_unpacked(None, host.images) == {}
