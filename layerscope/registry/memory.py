"""What an engine on this machine remembers of blobs, where its own folder can be read (as root).

A graphdriver engine skips a layer only if it pulled or pushed that very blob before; its API
does not say so, its files do: ``image/<driver>/distribution/diffid-by-digest/sha256/…``
(moby ``daemon/internal/distribution/metadata``). Only looked at, never written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from layerscope.inventory import Inventory
from layerscope.registry.reference import is_digest


def remembered(inventory: Inventory, blobs: Iterable[str]) -> dict[str, str] | None:
    """Return blob → diff ID for those of ``blobs`` that the engine remembers; None where that cannot be seen.

    The folder counts only if it is that of this engine: every image that the engine named is in it.
    """
    engine = inventory.engine
    if engine.store_kind != "graphdriver" or not engine.host.startswith("unix://") or inventory.from_file:
        return None
    if not engine.root_dir.startswith("/") or not re.fullmatch(r"[a-z0-9-]{1,40}", engine.store):
        return None
    root = Path(engine.root_dir, "image", engine.store)
    names = [image.id.removeprefix("sha256:") for image in inventory.images]
    try:
        known = {path.name for path in (root / "imagedb/content/sha256").iterdir()}
        if not names or known != set(names):
            return None
        folder = root / "distribution/diffid-by-digest/sha256"
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
        found = {}
        for blob in blobs:
            name = blob.removeprefix("sha256:")
            if name in there:
                text = (folder / name).read_text(encoding="ascii").strip()
                if is_digest(text):
                    found[blob] = text
    except (OSError, ValueError):
        return None
    return found
