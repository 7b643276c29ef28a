"""What came back on disk: measured by an engine's own figures, or between two bounds where they do not say."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from msgspec import Struct

from layerscope.core.graph import LayerGraph
from layerscope.inventory import DiskUsage

if TYPE_CHECKING:
    from layerscope.core.removal.plan import RemovalPlan


class Freed(Struct, frozen=True):
    """Bytes, in the store's unit, that came back: at least ``low``, and at most ``high`` (None: nobody knows)."""

    low: int = 0
    high: int | None = 0

    def __add__(self, more: Freed) -> Freed:
        high = None if self.high is None or more.high is None else self.high + more.high
        return Freed(self.low + more.low, high)


UNKNOWN = Freed(0, None)


class Measured(Struct, frozen=True):
    """What a removal was to free and what it did. Bytes in the store's unit."""

    part: RemovalPlan
    """The plan for the images that went: the whole one when all did."""
    left: int | None
    """What left the images; None: it could not be measured."""
    back: Freed
    """What came back on disk."""
    held: int
    """So much of what left is still on disk for the build cache."""
    held_at_most: bool
    """Is that only the most that it may be?"""
    content: int | None = None
    """Bytes of compressed blobs that left the engine's list; None where the store keeps none, or it did not tell."""

    @property
    def disk_back(self) -> Freed:
        """What came back on disk, content too: without its measure there is no upper end."""
        if not self.part.graph.rules.keeps_content:
            return self.back
        return self.back + (UNKNOWN if self.content is None else Freed(self.content, self.content))


def measure(
    whole: RemovalPlan,
    went: AbstractSet[str],
    before: DiskUsage | None,
    after: DiskUsage | None,
    graph: LayerGraph | None,
    held: int | None,
    content: tuple[Mapping[str, int] | None, Mapping[str, int] | None] = (None, None),
) -> Measured:
    """Return what a removal did.

    Measured is the fall of the engine's own total for image layers where that total is the footprint, from
    ``before`` to ``after``; elsewhere it is the bytes of those layers that the engine no longer names.
    ``went``: IDs of the images that went. ``graph`` is the host afterwards, None when it could not be read.
    ``held``: at most so much of what the whole plan frees is held by the build cache; None: not known.
    ``content``: the bytes of every blob that the engine listed before and after, by digest; None: it did not.
    """
    from layerscope.core.removal.plan import plan  # noqa: PLC0415 - not before there is a removal

    blobs, rest = content
    gone = bytes_gone(blobs, rest)
    part = whole if len(went) == len(whole.removed) else plan(whole.graph, went)
    left = _left(whole, before, after, graph)
    back = freed_by(whole, before, after, left)
    if left is not None and back.low == back.high and whole.graph.rules.build_cache_holds_layers:
        return Measured(part, left, back, max(0, left - back.low), held_at_most=False)
    return Measured(part, left, back, min(held or 0, part.frees), held_at_most=True, content=gone)


def bytes_gone(before: Mapping[str, int] | None, after: Mapping[str, int] | None) -> int | None:
    """Return the bytes of the blobs (size by digest) that are in the first list alone; None where one is missing."""
    return None if before is None or after is None else sum(size for one, size in before.items() if one not in after)


def _left(
    whole: RemovalPlan, before: DiskUsage | None, after: DiskUsage | None, graph: LayerGraph | None
) -> int | None:
    if whole.graph.rules.total_is_footprint:
        total = None if before is None else before.layers_size
        rest = None if after is None else after.layers_size
        return None if total is None or rest is None else total - rest - _hidden(whole, graph)
    if graph is None:
        return None
    there = {layer.chain_id for layer in (*graph.layers, *graph.hidden_layers)}
    return whole.graph.weigh(layer for layer in whole.freed if layer.chain_id not in there).low


def _hidden(whole: RemovalPlan, graph: LayerGraph | None) -> int:
    """Return the bytes that left the total and not the disk: of an untagged base, where its children have others."""
    known = whole.graph.layer_by_chain
    return graph.weigh(layer for layer in graph.hidden_layers if layer.chain_id in known).low if graph else 0


def on_disk(usage: DiskUsage | None) -> int | None:
    """Return the bytes of layers on disk by a graphdriver engine's own account; None where it gives too little.

    Its total for image layers, and the records of the build cache that are no image's layer. A layer that goes from
    every image and that the cache still holds only changes from the first to the second: its record is no longer
    ``Shared`` (moby ``builder-next/imagerefchecker``). So the sum falls by what really comes back. The space that a
    prune says it reclaimed is no measure: it counts records of layers that images keep (measured on 28.5).
    """
    if usage is None or usage.layers_size is None or usage.build_cache is None:
        return None
    return usage.layers_size + sum(record.size for record in usage.build_cache if not record.shared)


def fall(before: DiskUsage | None, after: DiskUsage | None) -> Freed:
    """Return what came back between two accounts of a graphdriver engine; what came meanwhile is taken off."""
    full, rest = on_disk(before), on_disk(after)
    if full is None or rest is None:
        return UNKNOWN
    back = max(0, full - rest)
    return Freed(back, back)


def freed_by(plan: RemovalPlan, before: DiskUsage | None, after: DiskUsage | None, left: int | None) -> Freed:
    """Return what a removal brought back; ``left`` is what left the images, as far as it was measured.

    Where the build cache cannot be told apart, or a container whose image had gone before may hold layers
    (the engine names none), that is only known to be the most.
    """
    if left is None:
        return UNKNOWN
    left = max(0, left)
    if plan.unseen and left:
        return Freed(0, left)
    if plan.graph.rules.build_cache_holds_layers:
        measured = fall(before, after)
        return measured if measured.high is not None else Freed(0, left)
    return Freed(left, left if plan.graph.weigh(plan.freed).exact else None)
