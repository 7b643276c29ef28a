"""The engine's own account of its disk, in each shape that engines give it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from layerscope.engine.connect import connect
from layerscope.engine.usage import disk_usage, usage_record
from layerscope.inventory import DiskUsage
from tests.replay import load_recording, replay


def usage_of(source: str | dict[str, Any]) -> DiskUsage:
    with replay(source) as engine, connect(engine.host) as conn:
        return disk_usage(conn)


@pytest.mark.parametrize("name", ["docker-20.10-overlay2", "docker-28.5-overlay2", "docker-28.5-containerd"])
def test_docker(name: str) -> None:
    usage, raw = usage_of(name), load_recording(name)["df"]
    assert usage.layers_size == raw["LayersSize"]
    assert dict(usage.shared_sizes) == {row["Id"]: row["SharedSize"] for row in raw["Images"]}
    assert usage.build_cache is not None
    assert [(r.id, r.size, r.shared, r.in_use) for r in usage.build_cache] == [
        (row["ID"], row["Size"], row["Shared"], row["InUse"]) for row in sorted(raw["BuildCache"], key=_order(usage))
    ]
    known = {record.id for record in usage.build_cache}
    parents = {parent for record in usage.build_cache for parent in record.parents}
    assert parents
    assert parents <= known  # under "Parent", "Parents" and, in Engine 28, " Parents"
    assert all(record.created for record in usage.build_cache)


def _order(usage: DiskUsage) -> Any:
    ids = [record.id for record in usage.build_cache or ()]
    return lambda row: ids.index(row["ID"])


def test_only_images_and_build_cache_are_asked_for_where_that_is_possible() -> None:
    for name, query in (("docker-20.10-overlay2", ""), ("docker-28.5-overlay2", "?type=image&type=build-cache")):
        with replay(name) as engine, connect(engine.host) as conn:
            disk_usage(conn)
        assert engine.requests[-1].endswith(f"/system/df{query}")


def test_podman() -> None:
    """Podman 4 does not know its total; neither has a build cache beside its images; a row for each tag, ids raw."""
    four, five = usage_of("podman-4.3"), usage_of("podman-5.8")
    assert four.layers_size is None
    assert five.layers_size == 820266685
    assert four.build_cache is None
    assert all(image_id.startswith("sha256:") for image_id, _ in five.shared_sizes)
    assert len(dict(five.shared_sizes)) == len(five.shared_sizes) == 41


OLD = {"LayersSize": 10, "Images": [{"Id": "sha256:a", "SharedSize": 4}], "BuildCache": []}
NEW = {
    "ImageUsage": {"TotalSize": 11, "Reclaimable": 6, "Items": [{"Id": "sha256:a", "SharedSize": 5}]},
    "BuildCacheUsage": {"TotalSize": 3, "Items": [{"ID": "x", "Size": 3, "Parents": ["y"], "Shared": True}]},
}


def test_the_shape_since_api_1_52_alone_and_beside_the_old_one() -> None:
    for answer in (NEW, OLD | NEW):
        usage = usage_record(answer)
        assert (usage.layers_size, usage.reclaimable, usage.shared_sizes) == (11, 6, (("sha256:a", 5),))
        assert usage.build_cache is not None
        assert usage.build_cache[0].parents == ("y",)
    without_items = copy.deepcopy(OLD) | {"ImageUsage": {"TotalSize": 11, "Reclaimable": 0}, "BuildCacheUsage": {}}
    usage = usage_record(without_items)
    assert (usage.layers_size, usage.reclaimable, usage.shared_sizes) == (11, 0, (("sha256:a", 4),))
    assert usage.build_cache == ()


def test_what_is_not_known_is_none_and_never_zero() -> None:
    assert usage_record({}) == DiskUsage(None)
    assert usage_record({"LayersSize": "many", "Images": None, "BuildCache": None}) == DiskUsage(None)
    assert usage_record({"Images": [{"Id": "sha256:a", "SharedSize": -1}]}).shared_sizes == ()
    assert usage_record({"BuildCache": [{"ID": "x"}]}).build_cache is None
    assert usage_record({"Images": []}).layers_size == 0  # an engine without images leaves LayersSize out


def test_an_empty_build_cache_is_null_beside_a_list_of_images() -> None:
    """As Engine 20.10 and 28.5 say it after a prune of everything."""
    assert usage_record({"LayersSize": 5, "Images": [], "BuildCache": None}).build_cache == ()
    assert usage_record({"LayersSize": 5, "Images": []}).build_cache is None
    assert usage_record({"LayersSize": 5, "Images": [], "BuildCache": None}, engine_is_podman=True).build_cache is None
