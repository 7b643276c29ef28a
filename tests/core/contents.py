"""Inventories of a containerd store with a reference graph, made up: every layer's blob is half as big as the layer."""

from __future__ import annotations

from msgspec.structs import replace

from layerscope.core.chain import chain_ids
from layerscope.inventory import Blob, ContentStore, Inventory

MANIFEST, CONFIG, BLOB = 500, 3_000, 1_000_000
"""Bytes of each; a layer's blob weighs so much more for each letter that its diff ID begins with."""


def blob_of(diff_id: str) -> Blob:
    return Blob(f"blob-{diff_id}", BLOB + sum(diff_id.encode()), diff_id=diff_id)


def with_content(inventory: Inventory, **store: object) -> Inventory:
    """Return the inventory on a containerd store where images hold what they name, with no cache and no history."""
    blobs: dict[str, Blob] = {}
    for image in inventory.images:
        config = Blob(f"config-{image.id}", CONFIG, snapshots=chain_ids(image.diff_ids or ())[-1:])
        layers = [blob_of(diff_id) for diff_id in image.diff_ids or ()]
        top = Blob(image.id, MANIFEST, tuple(dict.fromkeys([config.digest, *(blob.digest for blob in layers)])))
        blobs.update({blob.digest: blob for blob in (config, *layers, top)})
    known: dict[str, object] = {"build_history": (), "build_cache": (), **store}
    engine = replace(inventory.engine, store="containerd", store_kind="containerd", driver="overlayfs")
    content = ContentStore(tuple(blobs.values()), **known)  # type: ignore[arg-type]
    return replace(inventory, engine=engine, content=content, taken_at=inventory.taken_at or 2_000_000_000)
