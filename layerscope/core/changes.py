"""What changed between two graphs of the same host, in numbers and in one line."""

from __future__ import annotations

from dataclasses import dataclass

from layerscope.core.graph import LayerGraph


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between two graphs; ``footprint`` and ``listed`` in bytes of the store's unit."""

    added: tuple[str, ...]
    """IDs of images that are new as rows."""
    removed: tuple[str, ...]
    retagged: tuple[str, ...]
    """IDs of images that have other tags now."""
    containers: int
    """How many more containers there are; negative: fewer."""
    reused: bool
    """True when any image is in use by other containers, or another way, than before."""
    footprint: int
    listed: int
    exact: bool

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retagged or self.reused or self.footprint or self.listed)


def changes(old: LayerGraph, new: LayerGraph) -> Changes:
    """Return what changed from ``old`` to ``new``."""
    before, after = old.image_by_id, new.image_by_id
    return Changes(
        added=tuple(i for i in after if i not in before),
        removed=tuple(i for i in before if i not in after),
        retagged=tuple(i for i in after if i in before and after[i].image.tags != before[i].image.tags),
        containers=len(new.inventory.containers) - len(old.inventory.containers),
        reused=sorted((c.id, c.image_id, c.state) for c in old.inventory.containers)
        != sorted((c.id, c.image_id, c.state) for c in new.inventory.containers),
        footprint=new.totals.footprint - old.totals.footprint,
        listed=new.totals.listed - old.totals.listed,
        exact=old.totals.exact and new.totals.exact,
    )
