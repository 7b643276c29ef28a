"""What changed between two graphs of the same host."""

from __future__ import annotations

from msgspec import Struct

from layerscope.core.graph import LayerGraph
from layerscope.inventory import Container


class Changes(Struct, frozen=True):
    """The difference between two graphs; ``footprint`` and ``listed`` in bytes of the store's unit."""

    added: tuple[str, ...]
    """IDs of images that are new as rows."""
    removed: tuple[str, ...]
    retagged: tuple[str, ...]
    """IDs of images that have other tags now."""
    created: tuple[Container, ...]
    """Containers that are new."""
    gone: tuple[Container, ...]
    """Containers that were there before."""
    altered: tuple[Container, ...]
    """Containers as they are now, whose state or image was another."""
    footprint: int
    listed: int
    exact: bool

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.retagged or self.reused or self.footprint or self.listed)

    @property
    def reused(self) -> bool:
        """Is any image in use by other containers, or another way, than before?"""
        return bool(self.created or self.gone or self.altered)


def changes(old: LayerGraph, new: LayerGraph) -> Changes:
    """Return what changed from ``old`` to ``new``."""
    before, after = old.image_by_id, new.image_by_id
    touched = new.touched_since(old)
    others = touched is None and before.keys() != after.keys()
    was = {container.id: container for container in old.inventory.containers}
    now = {container.id: container for container in new.inventory.containers}
    altered = tuple(
        one for i, one in now.items() if i in was and (one.state, one.image_id) != (was[i].state, was[i].image_id)
    )
    created = tuple(one for i, one in now.items() if i not in was)
    gone = tuple(one for i, one in was.items() if i not in now)
    return Changes(
        added=tuple(i for i in after if i not in before) if others else (),
        removed=tuple(i for i in before if i not in after) if others else (),
        retagged=tuple(
            i
            for i in (after if touched is None else touched)
            if (former := before.get(i, after[i])) is not after[i] and after[i].image.tags != former.image.tags
        ),
        created=created,
        gone=gone,
        altered=altered,
        footprint=new.totals.footprint - old.totals.footprint,
        listed=new.totals.listed - old.totals.listed,
        exact=old.totals.exact and new.totals.exact,
    )
