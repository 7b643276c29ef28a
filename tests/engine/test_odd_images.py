"""Images that figures were once wrong for, on real engines: each case with its right value, and its removal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import docker
import pytest
from docker.errors import APIError, ImageNotFound

from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.connect import connect
from layerscope.engine.references import list_blobs
from layerscope.engine.remove import EngineRemover
from layerscope.engine.scan import scan
from layerscope.output.plan_text import plan_text
from layerscope.output.report_text import report_text
from layerscope.state.removal_log import RemovalLog
from tests.engine.disks import disk_of
from tests.engine.oddities import on_any_store, on_containerd
from tests.engine.private import PrivateEngine, debian_13, why_not
from tests.engine.sets import whole_scan

pytestmark = pytest.mark.engine


def started(*, containerd: bool) -> PrivateEngine:
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return PrivateEngine(root=debian_13() if containerd else None, containerd=containerd)


def load(engine: PrivateEngine, archives: dict[str, bytes]) -> None:
    with closing(docker.DockerClient(engine.host, version="auto")) as client:
        for data in archives.values():
            with suppress(APIError, ImageNotFound):  # some engines answer with an error, and keep the image
                client.images.load(data)


@pytest.fixture(scope="module")
def overlay2() -> Iterator[PrivateEngine]:
    with started(containerd=False) as engine:
        load(engine, on_any_store())
        yield engine


@pytest.fixture(scope="module")
def containerd() -> Iterator[PrivateEngine]:
    with started(containerd=True) as engine:
        load(engine, {**on_any_store(), **on_containerd()})
        yield engine


def named(graph: LayerGraph, name: str) -> ImageNode:
    return next(node for node in graph.images if name in node.image.tags)


def remove(engine: PrivateEngine, wanted: RemovalPlan) -> tuple[Step, ...]:
    with connect(engine.host) as conn:
        remover = EngineRemover(conn, RemovalLog(engine.folder / "removals", conn.engine))
        return remover.remove(wanted, lambda step: None, lambda: False)


def test_on_overlay2_sizes_of_images_determine_what_histories_leave_open(overlay2: PrivateEngine) -> None:
    with connect(overlay2.host) as conn:
        alone = build_graph(scan(conn))
    truth = disk_of(overlay2).layers()
    whole = build_graph(whole_scan(overlay2.host))
    assert (whole.totals.footprint, whole.totals.exact) == (sum(truth.values()), True)
    for graph in (alone, whole):
        totals = graph.totals
        assert totals.listed_bound == ""
        assert totals.footprint <= sum(truth.values()) <= (totals.footprint_most or 10**12)
        assert bool(totals.ratio_bound) is bool(totals.footprint_bound)
        for layer in graph.layers:
            assert layer.size_is != "exact" or layer.size == truth[layer.chain_id]
    child = plan(alone, [named(alone, "odd/lambda:child").id])
    assert (child.frees, child.exact) == (sum(truth[layer.chain_id] for layer in child.freed), True)
    zero = plan(alone, [named(alone, "odd/zero:1").id])
    assert (zero.frees, zero.exact, zero.freed) == (0, True, ())
    assert "no layers" in plan_text(zero, now=0)


def test_on_containerd_every_oddity_has_its_own_state_and_none_weakens_the_others(containerd: PrivateEngine) -> None:
    disk = disk_of(containerd)
    for _ in range(30):  # until containerd has collected what the loads left
        files, graph = disk.blobs(), build_graph(whole_scan(containerd.host))
        assert files is not None
        assert graph.content is not None
        listed = graph.content.of_images | graph.content.of_steps | graph.content.of_history | graph.content.of_roots
        if sum(files.values()) == graph.content.total(listed | graph.content.of_cache):
            break
        time.sleep(1)
    truth = disk.layers()
    open_ones = [layer for layer in graph.layers if layer.size_is != "exact"]  # more layers than history has entries
    assert {node.name for layer in open_ones for node in layer.images} == {"odd/lambda:7", "odd/lambda:child"}
    assert all(layer.size == truth[layer.chain_id] for layer in graph.layers if layer.size_is == "exact")
    # but what images weigh is in the engine's Size of each, beside their content
    assert (graph.totals.footprint, graph.totals.footprint_bound, graph.totals.unknown_images) == (
        sum(truth.values()),
        "",
        0,
    )
    for node in graph.images:
        assert (node.size, node.exact) == (sum(truth[layer.chain_id] for layer in node.layers), True)
    assert {layer.chain_id for layer in graph.layers} == truth.keys()  # nothing was built here: no cache besides
    states = {node.name: graph.layers_state(node) for node in graph.images}
    assert states["odd/zero:1"] == "none"
    assert states["odd/attest:1"] == states["odd/partial:1"] == states.get("odd/hold:a", "known") == "known"
    assert states.get("odd/data:arm64", "other-platform") in {"other-platform", "not-unpacked"}
    assert states["odd/armonly:1"] == "known"  # the only platform that it has is unpacked, whatever the engine runs
    for name in ("odd/helm:1", "odd/model:1"):  # 26.1 lists no row for them
        assert states.get(name, "none") == "none"
    listed = [name for name in ("odd/helm:1", "odd/model:1") if name in states]
    assert len(listed) + sum(root.kind == "artifact" for root in graph.content.roots) == 2
    parts = graph.content.of_images, graph.content.of_steps, graph.content.of_history, graph.content.of_roots
    assert sum(files.values()) == sum(map(graph.content.total, (*parts, graph.content.of_cache)))
    if graph.content.roots:
        assert "this engine lists no image for it" in report_text(graph, now=0)


@pytest.mark.parametrize(("gone", "names_it_too"), [("odd/data:amd64", "odd/data:arm64"), ("odd/hold:a", "odd/hold:b")])
def test_on_containerd_layers_go_with_what_holds_them(containerd: PrivateEngine, gone: str, names_it_too: str) -> None:
    graph, disk = build_graph(whole_scan(containerd.host)), disk_of(containerd)
    node = named(graph, gone)
    wanted = plan(graph, [node.id])
    before = disk.layers()
    assert wanted.exact
    assert wanted.frees == node.size > 200_000
    assert wanted.content is not None
    assert wanted.content.at_once.exact  # no cache, no history
    with connect(containerd.host) as conn:
        blobs = list_blobs(conn) or {}
        remove(containerd, wanted)
        left = list_blobs(conn) or {}
    after = disk.layers()
    assert sum(before.values()) - sum(after.values()) == wanted.frees
    assert sum(blobs.values()) - sum(left.values()) == wanted.content.at_once.most
    with docker.APIClient(containerd.host, version="auto") as client:
        assert client.inspect_image(names_it_too)["Id"]
