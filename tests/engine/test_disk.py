"""On a real containerd store: the parts of the content are the store's list, and with the layers they are the disk."""

from __future__ import annotations

import os
import time

import docker
import pytest

from layerscope.core.build import build_graph
from layerscope.core.content import ContentGraph
from layerscope.core.graph import LayerGraph
from tests.engine.corpus import fill
from tests.engine.disks import Snapshots, disk_of, folder_size
from tests.engine.private import PrivateEngine, debian_13, why_not
from tests.engine.sets import whole_scan


@pytest.mark.engine
@pytest.mark.engine_long
def test_on_disk_and_what_the_build_cache_holds_are_the_files() -> None:
    """While the cache may hold the very layers of images, between two ends; once it is pruned, within half a percent.

    Beside them are snapshots of containers: one that was committed keeps its start under the layer that it became.
    """
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with PrivateEngine(root=debian_13(), containerd=True) as engine:
        fill(engine.host)
        graph, content = _whole(engine)
        usage = graph.inventory.usage
        assert usage is not None
        cache = sum(record.size for record in usage.build_cache or ())
        assert cache
        most = graph.totals.disk + _besides(content) + cache + Snapshots(engine).of_containers()
        assert graph.totals.disk <= _files(engine) <= most

        with docker.APIClient(engine.host, version="auto", timeout=300) as client:
            for row in client.containers(all=True):
                client.remove_container(row["Id"], force=True)
            client.prune_builds(all=True)
        deadline = time.monotonic() + 60
        while content.of_cache and time.monotonic() < deadline:  # containerd collects a moment later
            time.sleep(0.5)
            graph, content = _whole(engine)
        files, said = _files(engine), graph.totals.disk + _besides(content)
        assert graph.totals.disk_bound == ""
        assert abs(files - said - Snapshots(engine).of_containers()) <= said * 0.005


def _whole(engine: PrivateEngine) -> tuple[LayerGraph, ContentGraph]:
    graph = build_graph(whole_scan(engine.host))
    content = graph.content
    assert content is not None
    parts = (content.of_images, content.of_steps, content.of_roots, content.of_history, content.of_cache)
    assert sum(map(content.total, parts)) == content.total(content.blobs)
    files = disk_of(engine).blobs()
    assert files is not None
    assert files.items() >= {digest: blob.size for digest, blob in content.blobs.items()}.items()
    return graph, content


def _besides(content: ContentGraph) -> int:
    """Return the content that is no image's and not the cache's, as the engine lists it."""
    return sum(map(content.total, (content.of_steps, content.of_roots, content.of_history)))


def _files(engine: PrivateEngine) -> int:
    """Return the bytes of the content that the engine lists, and the disk blocks of what all snapshots have in them.

    The rest of the files is the build history's, which an engine before 28.1 does not list.
    """
    content = build_graph(whole_scan(engine.host)).content
    assert content is not None
    folders = (engine.folder / "data" / "containerd").glob("*/io.containerd.snapshotter.v1.overlayfs/snapshots/*/fs")
    return content.total(content.blobs) + sum(map(folder_size, folders))
