"""What a containerd store says of the sum of an image's layers, and when that is nothing but layers.

The engine's sum walks from the snapshot of an image's top layer down through the snapshots below it (moby
``daemon/containerd/image_list.go``, SnapshotUsage). From API 1.47 it is told for each manifest; before, the Size of
the list is that sum and the content of the image's manifest (measured on 26.1, of attestations it counts nothing). So
the Size less the content is never less than the sum, and is the sum of an image that has but one manifest.

The walk may pass a snapshot that is no layer: under a layer that ``docker commit`` or the classic builder made here is
the start of its container. An image whose history has the sizes of all its layers shows whether there are any, and one
without a parent was not made that way. Where none can be in the way, what the engine says is what its layers weigh
together; only of layers that were committed here, exported, stripped of their history and loaded again, and whose own
images are gone, is the start of that container in it, which then goes with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from layerscope.core.content import ContentGraph
from layerscope.core.sizes.ledger import Stack
from layerscope.core.sizes.sums import Bounds
from layerscope.core.stores import StoreRules
from layerscope.inventory import Image


def with_unpacked(content: ContentGraph | None, images: Iterable[Image]) -> tuple[Image, ...]:
    """Return the images with the engine's sum of their layers, where its Size and the content together tell it."""
    if content is None:
        return tuple(images)
    return tuple(_with_sum(content, image) for image in images)


def _with_sum(content: ContentGraph, image: Image) -> Image:
    if image.layers_size is not None or image.platforms or image.engine_size is None or image.id not in content.blobs:
        return image
    use = content.use(image.id)
    alone = not any(content.blobs[digest].refers_to for digest in content.reach(image.id) - {image.id})
    if use.missing or not alone or image.engine_size < use.size:
        return image
    return replace(image, layers_size=image.engine_size - use.size)


def most_unpacked(content: ContentGraph | None, images: Iterable[Image]) -> dict[str, int]:
    """Return by image ID what the layers of each weigh at most, where the Size of the list tells that alone."""
    found: dict[str, int] = {}
    for image in images:
        if content is None or image.platforms or image.engine_size is None or image.id not in content.blobs:
            continue
        below = [digest for digest in content.blobs[image.id].refers_to if digest in content.blobs]
        manifests = [digest for digest in below if content.blobs[digest].refers_to]
        # The manifest of what is unpacked; which of several that is, is not told: the smallest leaves the most.
        held = [digest for digest in manifests if content.held_snapshots(digest)] or manifests or [image.id]
        found[image.id] = max(0, image.engine_size - min(content.use(digest).size for digest in held))
    return found


def near_unpacked(stacks: Sequence[Stack], rules: StoreRules, most: Mapping[str, int]) -> dict[str, Bounds]:
    """Return between what bounds the heights of images lie, by the engine's sums of a store that has such ones.

    ``most``: see :func:`most_unpacked`. None where an image may need layers that are not known.
    """
    if not rules.keeps_content:
        return {}
    clean: set[str] = set()
    for stack in stacks:
        if _shows_all(stack, most):
            clean.update(stack.chain)
    doubtful = {chain for stack in stacks if not _shows_all(stack, most) and not _whole(stack) for chain in stack.chain}
    doubtful -= clean
    found: dict[str, Bounds] = {}
    for stack in stacks:
        if not stack.chain or not stack.image.layers_size or min(stack.sizes, default=0) < 0:
            continue
        size = stack.image.layers_size
        sure = _whole(stack) and doubtful.isdisjoint(stack.chain) and size >= stack.shown
        low = size if sure else min(stack.shown, size)
        before = found.get(stack.chain[-1])
        found[stack.chain[-1]] = Bounds(low, size) if before is None else _both(before, Bounds(low, size))
    return found


def _shows_all(stack: Stack, most: Mapping[str, int]) -> bool:
    """Does the history weigh as much as the engine's sum? Then nothing but layers is in that."""
    if not stack.chain or min(stack.sizes, default=0) < 0:
        return False
    size = stack.image.layers_size or most.get(stack.image.id, 0)
    return bool(size) and size == stack.shown


def _whole(stack: Stack) -> bool:
    """Is there a sum of an image whose history is short, and that was not committed here?

    What a commit or the classic builder made here has a parent: the label ``org.mobyproject.image.parent`` of its
    image (moby ``daemon/containerd``; of all that were made that way on 26.1 and 28.5), which stays when that is gone.
    """
    image = stack.image
    return (
        bool(image.layers_size)
        and image.history is not None
        and not image.parent_id
        and len(stack.sizes) < len(stack.chain)
        and min(stack.sizes, default=0) >= 0
    )


def _both(one: Bounds, other: Bounds) -> Bounds:
    low = max(one.low, other.low)
    high = min(size for size in (one.high, other.high) if size is not None)
    return Bounds(min(low, high), high)
