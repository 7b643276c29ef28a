"""Keep an inventory up to date: the lists again, and details only of what is new.

An image's layers and history never change under its ID, so a refresh costs the
lists and two requests for each new image, not a scan.
"""

from __future__ import annotations

import time

from msgspec.structs import replace

from layerscope.engine.connect import Connection
from layerscope.engine.lists import list_containers, list_images
from layerscope.engine.memory import ImageMemory
from layerscope.engine.records import Intern
from layerscope.engine.scan import (
    describe_images,
    list_content,
    needs_folders,
    with_folders,
    with_manifests,
)
from layerscope.inventory import Image, Inventory


def refresh(conn: Connection, old: Inventory, memory: ImageMemory | None = None, *, whole: bool = False) -> Inventory:
    """Return ``old`` brought up to date with the engine.

    An image that is gone by the time it is asked for is left out. The disk usage of ``old`` is
    dropped when anything changed: it was asked before. ``memory`` takes what is new.
    ``whole``: ask also for what no memory has of images that were remembered.
    Raises :class:`~layerscope.engine.errors.EngineError`.
    """
    known = {image.id: image for image in old.images}
    intern = Intern()
    listed = list_images(conn, intern)
    all_images = [_carried_over(image, known.get(image.id)) for image in listed]
    containers = list_containers(conn)
    whole = whole or needs_folders(conn, listed, containers)
    new = [number for number, image in enumerate(all_images) if image is None or (whole and image.remembered)]
    wanted = [all_images[number] or listed[number] for number in new]
    for number, image in describe_images(conn, wanted, intern, whole=whole):
        all_images[new[number]] = image
    found = [image for image in all_images if image is not None]
    vanished = len(all_images) - len(found)
    containers = with_folders(conn, containers, found)
    content = list_content(conn)
    if memory is not None and new:
        memory.keep(listed, all_images, content)
    images, content = with_manifests(conn, found, content)
    # The engine's order of images of the same second is not the same twice.
    now = {image.id: image for image in images}
    if now.keys() == known.keys() and len(now) == len(images) == len(old.images):
        images = tuple(now[image.id] for image in old.images)
    fresh = replace(
        old,
        images=images,
        containers=containers,
        taken_at=int(time.time()) + conn.clock_ahead,
        clock_ahead=conn.clock_ahead,
        complete=True,
        vanished=vanished,
        content=content,
    )
    return fresh if unchanged(old, fresh) else replace(fresh, usage=None)


def unchanged(old: Inventory, fresh: Inventory) -> bool:
    """Are images and containers what they were? What could not be known before makes no difference.

    By ID: the engine's order of images of the same second is not the same twice.
    """
    known = {image.id: image for image in old.images}
    same = {image.id: _as_known(image, known.get(image.id)) for image in fresh.images} == known
    return same and set(fresh.containers) == set(old.containers)


def _as_known(image: Image, known: Image | None) -> Image:
    """The image without what could not be known of it before."""
    if known is None or not known.remembered:
        return image
    return replace(image, last_tagged=known.last_tagged, cache_ids=known.cache_ids)


def _carried_over(listed: Image, known: Image | None) -> Image | None:
    """The known image as it is listed now; None when its details must be asked for (again)."""
    if known is None or known.diff_ids is None or known.history is None:
        return None
    if (listed.engine_size, listed.content_size) != (known.engine_size, known.content_size):
        return None  # unpacked, or one more platform pulled, since
    if (listed.tags, listed.digests, listed.listed) == (known.tags, known.digests, known.listed):
        return known  # the very same: who looks for what changed sees it at a glance
    return replace(known, tags=listed.tags, digests=listed.digests, listed=listed.listed)
