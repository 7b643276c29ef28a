"""What a pull would download and add: pure rules, one set per family of stores.

In comes what a registry said (:class:`~layerscope.core.remote.RemoteImage`) and the graph of what is
stored; out come bytes, each with how well it is known. Download is in packed
bytes, growth in the store's unit (``graph.rules.unit``); the two are never added.

Sources of the rules: moby ``daemon/internal/distribution/pull_v2.go`` and
``xfer/download.go``; containerd ``core/unpack/unpacker.go``; containers/image
``storage/storage_dest.go``. Each was checked against a registry's access log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from layerscope.core.chain import EMPTY_DIFF_ID, chain_ids
from layerscope.core.graph import ImageNode
from layerscope.core.remote import RemoteImage, RemoteLayer
from layerscope.core.stock import AddsIs, Store
from layerscope.inventory import Engine

Fetched = Literal["no", "maybe", "yes"]
_EXACT: AddsIs = "exact"
_RANK: dict[AddsIs, int] = {"exact": 0, "inferred": 1, "unknown": 2}


class LayerCost(Struct, frozen=True):
    """What one layer of a pulled image would cost."""

    layer: RemoteLayer
    chain_id: str
    here: bool
    """Is this very layer (chain) stored, or is it by then?"""
    comes_with: str
    """The image pulled before, in the same set, that brings it; empty for none."""
    fetched: Fetched
    shared_with: tuple[ImageNode, ...]
    """Stored images that have this layer."""
    same_content: tuple[ImageNode, ...]
    """Stored images with the same content under another parent."""
    content_known: bool
    """Is the same content stored under another parent, by whomever?"""
    adds: int | None
    adds_is: AddsIs
    adds_from: str
    """In words, where the figure comes from, when it is not simply exact."""


class ImageCost(Struct, frozen=True):
    """What pulling one image would cost, after those before it in the set."""

    image: RemoteImage
    already_here: bool
    packed: int
    """Bytes of its layers, each blob once."""
    download: tuple[int, int]
    """At least and at most, in bytes of layers and configuration."""
    adds: int | None
    adds_is: AddsIs
    adds_content: int | None
    """Bytes of blobs that the store keeps besides; None where it keeps none, or does not tell."""
    layers: tuple[LayerCost, ...]
    refused: str = ""
    """Why this engine cannot unpack it; empty when it can."""


class PullCost(Struct, frozen=True):
    """What pulling a set of images in this order would cost."""

    images: tuple[ImageCost, ...]
    packed: int
    download: tuple[int, int]
    adds: int | None
    adds_is: AddsIs
    adds_content: int | None


def to_measure(store: Store, images: Iterable[RemoteImage]) -> tuple[RemoteLayer, ...]:
    """Return the layers whose unpacked size is worth asking for: new here, and of content that is not here either."""
    found: dict[str, RemoteLayer] = {}
    for image in images:
        if already_here(store, image) or refusal(store.engine, image):
            continue
        chains = chain_ids(layer.diff_id for layer in image.layers)
        for layer, chain in zip(image.layers, chains, strict=True):
            known = any(name in store.sizes for name in store.by_diff.get(layer.diff_id, ()))
            if chain not in store.chains and not known and layer.tar is None:
                found.setdefault(layer.blob, layer)
    return tuple(found.values())


def measured(image: RemoteImage, tars: Mapping[str, tuple[int, str]]) -> RemoteImage:
    """Return the image with what was learned of its layers: blob → (bytes of its tar, who says so)."""
    layers = tuple(
        replace(layer, tar=tars[layer.blob][0], tar_from=tars[layer.blob][1])
        if layer.tar is None and layer.blob in tars
        else layer
        for layer in image.layers
    )
    return replace(image, layers=layers)


def pull_cost(store: Store, images: Sequence[RemoteImage]) -> PullCost:
    """Return what pulling ``images`` one after the other would cost. ``store`` is what is there after them.

    Every sum counts a layer for the first image that brings it.
    """
    costs = tuple(_image_cost(store, image) for image in images)
    blobs = {layer.blob: layer.packed for image in images for layer in image.layers}
    content = [cost.adds_content for cost in costs]
    adds, adds_is = _total((cost.adds, cost.adds_is) for cost in costs)
    return PullCost(
        images=costs,
        packed=sum(blobs.values()),
        download=(sum(cost.download[0] for cost in costs), sum(cost.download[1] for cost in costs)),
        adds=adds,
        adds_is=adds_is,
        adds_content=None if None in content or not costs else sum(size or 0 for size in content),
    )


def already_here(store: Store, image: RemoteImage) -> bool:
    """Is this very image stored? Graphdrivers and Podman name images by configuration, containerd by target."""
    if store.graph.inventory.engine.store_kind != "containerd":
        return image.config_digest in store.images
    chains = chain_ids(layer.diff_id for layer in image.layers)
    return image.digest in store.images and all(chain in store.chains for chain in chains)


def refusal(engine: Engine, image: RemoteImage) -> str:
    """Return why the engine cannot unpack an image, empty when it can.

    graphdriver engines read zstd from 23.0 on (moby#43607, measured on 20.10: "invalid tar header").
    """
    if engine.store_kind == "graphdriver" and _major(engine) < 23 and any(la.packing == "zstd" for la in image.layers):
        return f"Docker {engine.version} cannot unpack zstd layers; 23.0 and later can"
    return ""


def _major(engine: Engine) -> int:
    found = re.match(r"\d{1,6}", engine.version)
    return int(found[0]) if found else 0


# one image


def _image_cost(store: Store, image: RemoteImage) -> ImageCost:
    chains = chain_ids(layer.diff_id for layer in image.layers)
    here, refused = already_here(store, image), refusal(store.engine, image)
    low, high = _fetched(store, image, chains, here)
    content = _content(store, image, low, high)
    rows = tuple(
        _layer_cost(store, layer, chain, _how(index, low, high), refused)
        for index, (layer, chain) in enumerate(zip(image.layers, chains, strict=True))
    )
    adds, adds_is = _total(_once(rows))
    config_low, config_high = _config(store, image, here)
    cost = ImageCost(
        image=image,
        already_here=here,
        packed=_bytes(image, range(len(rows))),
        download=(_bytes(image, low) + config_low, _bytes(image, high) + config_high),
        adds=adds,
        adds_is=adds_is,
        adds_content=content,
        layers=rows,
        refused=refused,
    )
    if not refused:
        _pulled(store, cost)
    return cost


def _once(rows: Sequence[LayerCost]) -> Iterable[tuple[int | None, AddsIs]]:
    return ((row.adds, row.adds_is) for row in rows)


def _pulled(store: Store, cost: ImageCost) -> None:
    """Let the store have what the image brings."""
    image = cost.image
    for row in cost.layers:
        if row.chain_id not in store.chains:
            store.chains[row.chain_id] = image.name
            store.by_diff.setdefault(row.layer.diff_id, []).append(row.chain_id)
            if row.adds is not None:
                store.sizes[row.chain_id] = (row.adds, row.adds_is)
        if row.fetched == "yes" or not cost.already_here:
            store.pulled.add(row.layer.blob)
    store.images |= {image.config_digest, image.digest}
    store.pulled |= {image.config_digest, *(digest for digest, _ in image.manifests)}


def _bytes(image: RemoteImage, indexes: Iterable[int]) -> int:
    """Sum the packed bytes of some of its layers, each blob once: engines fetch a blob once for an image."""
    return sum({image.layers[index].blob: image.layers[index].packed for index in indexes}.values())


def _how(index: int, low: frozenset[int], high: frozenset[int]) -> Fetched:
    return "yes" if index in low else "maybe" if index in high else "no"


def _total(parts: Iterable[tuple[int | None, AddsIs]]) -> tuple[int | None, AddsIs]:
    total, worst = 0, _EXACT
    for size, kind in parts:
        worst = max(worst, kind, key=lambda name: _RANK[name])
        total += size or 0
    return (None, "unknown") if worst == "unknown" else (total, worst)


# download


def _fetched(
    store: Store, image: RemoteImage, chains: Sequence[str], here: bool
) -> tuple[frozenset[int], frozenset[int]]:
    """Return the layers (their positions) that are fetched for certain, and those that may be."""
    kind = store.engine.store_kind
    if kind == "graphdriver":
        return _graphdriver(store, image, chains, here)
    if kind == "containerd":
        return _containerd(store, image, chains)
    return _podman(store, image)


def _graphdriver(
    store: Store, image: RemoteImage, chains: Sequence[str], here: bool
) -> tuple[frozenset[int], frozenset[int]]:
    """From the bottom up a layer is skipped while its blob is remembered *and* its chain is stored.

    The first one that is not ends it: all above are fetched (``xfer/download.go``, ``Download``).
    An image whose configuration is stored is not fetched at all.
    """
    if here:
        return frozenset(), frozenset()
    count, memory = len(chains), store.memory.diff_ids

    def remembered(index: int) -> bool:
        layer = image.layers[index]
        return layer.blob in store.pulled or (memory is not None and memory.get(layer.blob) == layer.diff_id)

    surely = next((i for i in range(count) if not (chains[i] in store.chains and remembered(i))), count)
    if memory is not None:
        return frozenset(range(surely, count)), frozenset(range(surely, count))
    at_best = next((i for i in range(count) if chains[i] not in store.chains), count)
    return frozenset(range(at_best, count)), frozenset(range(surely, count))


def _containerd(store: Store, image: RemoteImage, chains: Sequence[str]) -> tuple[frozenset[int], frozenset[int]]:
    """Blobs that are here are not fetched; nor, before moby#53615, layers below the first missing chain.

    Where blobs are not visible any of them may be here.
    """
    count, blobs = len(chains), store.memory.blobs
    first = next((i for i in range(count) if chains[i] not in store.chains), count)
    lowest = first if _major(store.engine) < _FETCHES_ALL else 0

    def missing(start: int, known: Iterable[str]) -> frozenset[int]:
        there = store.pulled.union(known)
        return frozenset(i for i in range(start, count) if image.layers[i].blob not in there)

    if blobs is None:
        return frozenset(), missing(lowest, ())
    return missing(first, blobs), missing(lowest, blobs)


_FETCHES_ALL = 29
"""First engine that may fetch every missing blob: the change is in moby's master of September 2026, in no 28."""


def _podman(store: Store, image: RemoteImage) -> tuple[frozenset[int], frozenset[int]]:
    """A layer is not fetched where any with its diff ID is stored and the engine knows which blob that is."""
    layers = image.layers
    low = frozenset(i for i, la in enumerate(layers) if la.diff_id not in store.by_diff and la.blob not in store.pulled)
    return low, frozenset(i for i, la in enumerate(layers) if la.blob not in store.pulled)


def _config(store: Store, image: RemoteImage, here: bool) -> tuple[int, int]:
    """Bytes of the configuration that are fetched, at least and at most."""
    size = image.config_bytes
    if store.engine.store_kind == "graphdriver":
        return (0, 0) if here else (size, size)
    if store.engine.store_kind == "podman":
        return size, size
    if image.config_digest in store.pulled:
        return 0, 0
    if store.memory.blobs is None:
        return 0, size
    return (0, 0) if image.config_digest in store.memory.blobs else (size, size)


def _content(store: Store, image: RemoteImage, low: frozenset[int], high: frozenset[int]) -> int | None:
    """Bytes of blobs that a containerd store keeps; None elsewhere, and where it is not certain."""
    blobs = store.memory.blobs
    if store.engine.store_kind != "containerd" or blobs is None or low != high:
        return None
    if image.attested and _major(store.engine) >= _FETCHES_ALL:
        return None
    others = {image.config_digest: image.config_bytes} | dict(image.manifests)
    there = blobs | store.pulled
    return _bytes(image, low) + sum(size for digest, size in others.items() if digest not in there)


# growth


def _layer_cost(store: Store, layer: RemoteLayer, chain: str, fetched: Fetched, refused: str) -> LayerCost:
    here = chain in store.chains
    others = [name for name in store.by_diff.get(layer.diff_id, ()) if name != chain]
    if here:
        adds, adds_is, source = 0, "exact", ""
    elif refused:
        adds, adds_is, source = None, "unknown", "cannot be unpacked"
    else:
        adds, adds_is, source = _growth(store, layer, others)
    nodes = {node.id: node for name in others for node in store.sharers.get(name, ())} if not here else {}
    return LayerCost(
        layer=layer,
        chain_id=chain,
        here=here,
        comes_with=store.chains.get(chain, ""),
        fetched=fetched,
        shared_with=store.sharers.get(chain, ()),
        same_content=tuple(nodes.values()),
        content_known=bool(others) and not here,
        adds=adds,
        adds_is=adds_is,  # type: ignore[arg-type]
        adds_from=source,
    )


def _growth(store: Store, layer: RemoteLayer, others: Sequence[str]) -> tuple[int | None, AddsIs, str]:
    """Say what a new layer adds, in the store's unit.

    Podman counts bytes of the tar, so equal content is equal bytes. A graphdriver counts files, and two
    of equal content can differ by the text of their links (measured); a containerd store counts blocks,
    of which a tar says nothing.
    """
    kind = store.engine.store_kind
    if layer.diff_id == EMPTY_DIFF_ID and store.graph.rules.empty_diff_is_zero:
        return 0, "exact", ""
    if kind == "podman" and layer.packing == "tar":
        return layer.packed, "exact", "plain tar"
    known = [store.sizes[name] for name in others if name in store.sizes]
    if known:
        size, size_is = min(known, key=lambda one: _RANK[one[1]])
        return size, size_is if kind == "podman" else "inferred", "same content"
    if layer.packing == "tar":
        return layer.packed, "inferred", "plain tar"
    if layer.tar is not None:
        return layer.tar, "inferred", layer.tar_from
    return None, "unknown", "its packed form does not say"
