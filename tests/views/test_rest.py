"""What else fills the disk, as the engine tells it: parts, commands, and what is said beside the views."""

from __future__ import annotations

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.engine.usage import usage_record
from layerscope.inventory import BuildCacheRecord, DiskUsage, Engine, Inventory, StoreKind
from layerscope.units import Units
from layerscope.views.rest import answered_ago, besides, rest_of


def graph(usage: DiskUsage | None, kind: StoreKind = "graphdriver") -> LayerGraph:
    engine = Engine("docker", "28.5.2", "1.51", "x", kind, "unix:///x")
    return build_graph(Inventory(engine, (), taken_at=1000, usage=usage))


def record(size: int, shared: bool) -> BuildCacheRecord:
    return BuildCacheRecord(str(size), (), "regular", "", False, shared, size)


WHOLE = DiskUsage(
    0, None, (), (record(3_000_000, False), record(5_000_000, True)), 2_000_000, 500_000, 7_000_000, 0, 940
)


def test_nothing_is_said_before_the_engine_was_asked() -> None:
    assert rest_of(graph(None), Units.SI) == []
    assert besides(graph(None), Units.SI) == answered_ago(graph(None), 1000) == ""


def test_each_part_has_its_figure_and_what_frees_it() -> None:
    cache, containers, volumes = rest_of(graph(WHOLE), Units.SI)
    assert (cache.size, cache.sentence) == (3_000_000, "no image shares 3.0 MB: docker builder prune -a")
    assert (containers.size, containers.unused) == (2_000_000, 500_000)
    assert containers.sentence == "stopped ones have 500 kB: docker container prune"
    assert volumes.sentence == "nothing uses 0 B: docker volume prune -a"
    assert besides(graph(WHOLE), Units.SI) == "besides: 12.0 MB (6)"
    assert answered_ago(graph(WHOLE), 1000) == "asked 1min ago"


def test_a_cache_that_is_a_copy_counts_whole() -> None:
    cache = rest_of(graph(WHOLE, "containerd"), Units.SI)[0]
    assert (cache.size, cache.unused) == (8_000_000, 3_000_000)


def test_what_was_not_asked_is_said_so_and_no_sum_is_shown() -> None:
    usage = replace(WHOLE, containers_size=None, containers_reclaimable=None)
    parts = rest_of(graph(usage), Units.SI)
    assert parts[1].sentence == "not asked"
    assert besides(graph(usage), Units.SI) == ""


def test_the_old_shape_of_containers_and_volumes() -> None:
    usage = usage_record(
        {
            "Images": [],
            "Containers": [{"SizeRw": 5, "State": "running"}, {"SizeRw": 7, "State": "exited"}, {"State": "created"}],
            "Volumes": [{"UsageData": {"Size": 10, "RefCount": 1}}, {"UsageData": {"Size": 20, "RefCount": 0}}],
        }
    )
    assert (usage.containers_size, usage.containers_reclaimable) == (12, 7)
    assert (usage.volumes_size, usage.volumes_reclaimable) == (30, 20)


def test_the_new_shape_and_what_is_not_told() -> None:
    usage = usage_record({"ContainerUsage": {"ActiveCount": 1}, "VolumeUsage": {"TotalSize": 9, "Reclaimable": 4}})
    assert (usage.containers_size, usage.volumes_size, usage.volumes_reclaimable) == (0, 9, 4)
    usage = usage_record({"Images": [], "Volumes": [{"UsageData": {"Size": -1}}]})
    assert (usage.containers_size, usage.volumes_size) == (None, None)
