"""What else fills the disk beside the layers of images: build cache, containers, volumes, as the engine tells it."""

from __future__ import annotations

from typing import NamedTuple

from layerscope.core.graph import LayerGraph
from layerscope.units import Units, format_size, short_age


class DiskPart(NamedTuple):
    """One thing that fills the disk. Bytes."""

    name: str
    size: int | None
    """None: the engine was not asked, or does not tell."""
    unused: int | None
    """What of it a prune would free."""
    sentence: str
    """What is said of it, and the command that frees it: a line."""


def rest_of(graph: LayerGraph, units: Units) -> list[DiskPart]:
    """Return what is on the engine's disk besides the layers of images; [] where the engine was not asked at all."""
    usage, kind = graph.inventory.usage, graph.inventory.engine.kind
    if usage is None:
        return []
    parts = []
    unsaid = "not in this scan" if graph.inventory.from_file else "not asked"
    if usage.build_cache is not None:
        total = sum(record.size for record in usage.build_cache)
        alone = sum(record.size for record in usage.build_cache if not record.shared)
        own = graph.rules.build_cache_holds_layers  # what is shared is on disk once, and counted with the images
        said = f"no image shares {format_size(alone, units)}: {kind} builder prune -a"
        parts.append(DiskPart("Build cache", alone if own else total, alone, said))
    told = (usage.containers_size, usage.containers_reclaimable), (usage.volumes_size, usage.volumes_reclaimable)
    words = ("Containers", "stopped ones have", "container prune"), ("Volumes", "nothing uses", "volume prune -a")
    for (name, which, command), (size, unused) in zip(words, told, strict=True):
        said = unsaid if size is None else f"{which} {format_size(unused, units)}: {kind} {command}"
        parts.append(DiskPart(name, size, unused, said))
    return parts


def besides(graph: LayerGraph, units: Units) -> str:
    """Return what is said of it beside the names of the views, ``besides: 4.2 GB``; empty where not all is known."""
    sizes = [part.size for part in rest_of(graph, units)]
    if not sizes or None in sizes:
        return ""
    return f"besides: {format_size(sum(size or 0 for size in sizes), units)} (6)"


def answered_ago(graph: LayerGraph, now: int) -> str:
    """Return how old the engine's answer is: ``asked 3min ago``; empty where that is not known."""
    usage = graph.inventory.usage
    return f"asked {short_age(usage.asked_at, now)} ago" if usage is not None and usage.asked_at else ""
