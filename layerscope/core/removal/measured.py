"""What came back on disk: measured by an engine's own figures, or between two bounds where they do not say."""

from __future__ import annotations

from dataclasses import dataclass

from layerscope.core.removal.plan import RemovalPlan
from layerscope.inventory import DiskUsage


@dataclass(frozen=True, slots=True)
class Freed:
    """Bytes, in the store's unit, that came back: at least ``low``, and at most ``high`` (None: nobody knows)."""

    low: int = 0
    high: int | None = 0

    def __add__(self, more: Freed) -> Freed:
        high = None if self.high is None or more.high is None else self.high + more.high
        return Freed(self.low + more.low, high)


UNKNOWN = Freed(0, None)


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
    unknown = any(layer.size is None for layer in plan.freed)
    return Freed(left, None if unknown else left)
