"""On a containerd store an image holds what its labels say; naming a layer is not holding it."""

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.chain import chain_ids
from layerscope.core.removal.plan import plan
from layerscope.inventory import Blob, ContentStore, Engine, HistoryEntry, Image, Inventory, Manifest, Platform

ENGINE = Engine("docker", "28.5.2", "1.51", "containerd", "containerd", "unix:///x")
DIFFS = ("sha256:" + "1" * 64, "sha256:" + "2" * 64)
TOP = chain_ids(DIFFS)[-1]
HISTORY = (HistoryEntry("COPY a", 409_600), HistoryEntry("COPY b", 303_104))
A = Image("a", tags=("hold:a",), diff_ids=DIFFS, history=HISTORY)
B = Image("b", tags=("hold:b",), diff_ids=DIFFS, history=HISTORY)
SHARED = (Blob("l1", 5, diff_id=DIFFS[0]), Blob("l2", 6, diff_id=DIFFS[1]))


def image_blobs(name: str, *snapshots: str) -> tuple[Blob, ...]:
    return Blob(f"{name}-config", 2, snapshots=snapshots), Blob(name, 1, (f"{name}-config", "l1", "l2"))


def host(*images: Image, blobs: tuple[Blob, ...], manifests: tuple[Manifest, ...] = ()) -> Inventory:
    content = ContentStore((*SHARED, *blobs), build_history=(), build_cache=(), manifests=manifests)
    return Inventory(ENGINE, images, taken_at=2_000_000_000, content=content)


def test_layers_go_with_the_image_that_holds_them_although_another_names_them() -> None:
    blobs = (*image_blobs("a", TOP), *image_blobs("b"))
    graph = build_graph(host(A, B, blobs=blobs))
    assert [layer.images[0].name for layer in graph.layers] == ["hold:a", "hold:a"]
    found = plan(graph, ["a"])
    assert (found.frees, found.exact) == (712_704, True)
    assert plan(graph, ["b"]).frees == 0


def test_without_the_graph_naming_is_all_that_is_known() -> None:
    refused = replace(host(A, B, blobs=()), content=ContentStore(refused="no"))
    assert plan(build_graph(refused), ["a"]).frees == 0


def test_an_image_that_is_not_listed_keeps_what_it_holds() -> None:
    blobs = (*image_blobs("a", TOP), *image_blobs("b", TOP))
    read = (Manifest("b", "application/vnd.oci.image.config.v1+json", diff_ids=DIFFS),)
    assert plan(build_graph(host(A, blobs=blobs, manifests=read)), ["a"]).frees == 0
    assert plan(build_graph(host(A, blobs=image_blobs("a", TOP))), ["a"]).frees == 712_704


def test_what_nobody_holds_is_not_on_disk() -> None:
    graph = build_graph(host(B, blobs=image_blobs("b")))
    assert (graph.totals.footprint, graph.layers, graph.totals.exact) == (0, (), True)


def test_an_artifact_and_another_platform_leave_every_total_exact() -> None:
    model = Image("m", note="not for this machine", platforms=(Platform("m", "unknown", "unknown", True, 10, 0),))
    arm = Image("r", note="not for this machine", platforms=(Platform("r", "linux/arm64", "image", True, 10, 0),))
    totals = build_graph(host(A, model, arm, blobs=image_blobs("a", TOP))).totals
    assert (totals.exact, totals.unknown_images, totals.footprint) == (True, 0, 712_704)


def test_an_image_that_was_refused_leaves_the_totals_a_bound() -> None:
    lost = Image("x", note="inspect: no")
    assert not build_graph(host(A, lost, blobs=image_blobs("a", TOP))).totals.exact
