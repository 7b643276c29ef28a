"""Which layers an image holds: all that it names on most stores, what its labels say on a containerd store.

There an image can name layers that it does not hold: it was loaded onto layers that were unpacked
already, or it is of another platform, or was never unpacked. Such layers go with the image that
does hold them (:mod:`layerscope.core.content`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from layerscope.core.chain import chain_ids
from layerscope.core.content import ContentGraph
from layerscope.core.layerstate import layers_state
from layerscope.inventory import Image


def with_roots(content: ContentGraph | None, images: Iterable[Image]) -> tuple[Image, ...]:
    """Return the images, and after them as unlisted ones those that the store holds and the engine does not list.

    Only roots that keep a snapshot of layers that are known: they keep layers of others from going.
    """
    if content is None:
        return tuple(images)
    found = []
    for root in content.roots:
        held = content.held_snapshots(root.digest)
        stacks = [
            m.diff_ids for m in content.manifests(root.digest) if m.diff_ids and chain_ids(m.diff_ids)[-1] in held
        ]
        if stacks:
            found.append(Image(root.digest, listed=False, diff_ids=stacks[0], history=()))
    return (*images, *found)


def held_chains(content: ContentGraph | None, chains: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return by image ID the chain IDs that it holds, oldest first, of those that it names (``chains``)."""
    if content is None:
        return {image: tuple(chain) for image, chain in chains.items()}
    return {image: _held(content, image, chain) for image, chain in chains.items()}


def _held(content: ContentGraph, image: str, chain: Sequence[str]) -> tuple[str, ...]:
    if image not in content.blobs:
        return tuple(chain)  # listed since, or its manifest is missing: nothing is known against it
    tops = content.held_snapshots(image)
    upto = max((place + 1 for place, one in enumerate(chain) if one in tops), default=0)
    return tuple(chain[:upto])


def without_unstored(content: ContentGraph | None, images: Iterable[Image]) -> tuple[Image, ...]:
    """Return the images, those whose layers are not told but certainly not stored as images without layers.

    An artifact has none; of an image for another platform, or one that is not unpacked, there is content only.
    """
    return tuple(
        replace(image, diff_ids=()) if image.diff_ids is None and layers_state(image, content) in _NOT_STORED else image
        for image in images
    )


_NOT_STORED = frozenset({"none", "not-unpacked", "other-platform"})
