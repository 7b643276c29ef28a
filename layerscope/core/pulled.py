"""After a pull that was looked at before it: what was said, beside what came."""

from __future__ import annotations

from msgspec import Struct

from layerscope.core.graph import LayerGraph
from layerscope.core.pull import ImageCost
from layerscope.core.stock import AddsIs, store_of
from layerscope.inventory import ContentStore, Inventory


class Pulled(Struct, frozen=True):
    """A pull that was looked at before, and what came of it. In bytes."""

    said: ImageCost
    fetched: int | None
    """Bytes of layers and configuration that came; None where the engine does not tell what it fetched."""
    grew: int | None
    """Bytes of the layers that it was to bring and that are new, in the store's unit; None while they are not known."""
    grew_is: AddsIs


def pulled(said: ImageCost, old: LayerGraph, new: LayerGraph) -> Pulled:
    """Return what came between two graphs, of what pulling an image was to bring.

    Layers that were to come with another image of the set are not counted for this one, whichever was pulled first.
    What was fetched shows only where the store keeps it packed and tells so: a containerd store with its content.
    """
    before, after = store_of(old), store_of(new)
    brought = [row for row in said.layers if not row.here]
    sizes = {
        row.chain_id: after.sizes.get(row.chain_id)
        for row in brought
        if row.chain_id in after.chains and row.chain_id not in before.chains
    }
    known = [size for size in sizes.values() if size is not None]
    complete = len(known) == len(sizes) and all(row.chain_id in after.chains for row in brought)
    return Pulled(
        said=said,
        fetched=_fetched(said, old.inventory, new.inventory),
        grew=sum(size for size, _ in known) if complete else None,
        grew_is="unknown" if not complete else "exact" if all(kind == "exact" for _, kind in known) else "inferred",
    )


def has_come(said: ImageCost, old: LayerGraph, new: LayerGraph) -> bool:
    """Is an image stored now that was not before?"""
    names = {said.image.config_digest, said.image.digest}
    return not said.already_here and bool(names & new.image_by_id.keys()) and not names & old.image_by_id.keys()


def _fetched(said: ImageCost, old: Inventory, new: Inventory) -> int | None:
    before, after = _blobs(old.content), _blobs(new.content)
    if before is None or after is None:
        return None
    wanted = {row.layer.blob for row in said.layers} | {said.image.config_digest}
    return sum(size for digest, size in after.items() if digest in wanted and digest not in before)


def _blobs(content: ContentStore | None) -> dict[str, int] | None:
    return None if content is None or content.blobs is None else {blob.digest: blob.size for blob in content.blobs}
