"""What a store has before a pull, and after each one of a set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.inventory import Engine, Image

AddsIs = Literal["exact", "inferred", "unknown"]
"""How well growth is known. Nothing bounds it before the pull, so there is no "at most".

A sparse file weighs more than its whole tar: 10,240 bytes of plain tar made a layer of 5,000,002 on Docker 20.10 and
28.5. That a plain tar has none is in the headers of all its files, each of which says only where the next one is:
as many requests by range, one after the other, as there are files, which is fetching the layer. A packed one would have
to be fetched whole.
"""


class Memory(Struct, frozen=True):
    """What an engine remembers of blobs, where that can be seen. Nothing of it is in a graphdriver engine's API."""

    blobs: frozenset[str] | None = None
    """containerd: digests of all blobs in the content store; None: not visible."""
    diff_ids: Mapping[str, str] | None = None
    """graphdriver: blob → diff ID of what was pulled or pushed before (``distribution/diffid-by-digest``)."""


class Store(Struct):
    """What is stored, and what will be once the images before have been pulled. Made by :func:`store_of`."""

    graph: LayerGraph
    memory: Memory
    chains: dict[str, str] = field(default_factory=dict)
    """Chain ID → the image of the set that brings it, empty for what is stored now."""
    sharers: dict[str, tuple[ImageNode, ...]] = field(default_factory=dict)
    by_diff: dict[str, list[str]] = field(default_factory=dict)
    """Diff ID → chain IDs."""
    sizes: dict[str, tuple[int, AddsIs]] = field(default_factory=dict)
    """Chain ID → its size, and how well it is known."""
    images: set[str] = field(default_factory=set)
    pulled: set[str] = field(default_factory=set)
    """Blobs fetched for the images before: of these the engine's memory is certain."""

    @property
    def engine(self) -> Engine:
        """Whose store it is."""
        return self.graph.inventory.engine


def store_of(graph: LayerGraph, memory: Memory | None = None) -> Store:
    """Return what a graph says is stored. On containerd an image that is not unpacked stores no layers."""
    store = Store(graph, memory or Memory())
    store.images = {image.id for image in graph.inventory.images}
    content = graph.inventory.content
    named = {chain for blob in (content.blobs if content else None) or () for chain in blob.snapshots}
    unpacked = {
        node.id
        for node in graph.images
        if _is_unpacked(node.image) or (node.layers and node.layers[-1].chain_id in named)
    }
    for layer in (*graph.layers, *graph.hidden_layers):
        if layer.images and not any(node.id in unpacked for node in layer.images):
            continue
        store.chains[layer.chain_id] = ""
        store.sharers[layer.chain_id] = tuple(layer.images)
        store.by_diff.setdefault(layer.diff_id, []).append(layer.chain_id)
        if layer.size is not None:
            store.sizes[layer.chain_id] = (layer.size, "exact" if layer.size_is == "exact" else "inferred")
    return store


def _is_unpacked(image: Image) -> bool:
    return not image.platforms or any(platform.unpacked_size != 0 for platform in image.platforms)
