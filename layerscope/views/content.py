"""Compressed blobs of a containerd store beside the layers that are made of them."""

from __future__ import annotations

from msgspec import Struct

from layerscope.core.graph import Layer, LayerGraph
from layerscope.text import clean
from layerscope.units import Units, count, format_number, format_size, natural_list


class Packed(Struct, frozen=True):
    """The content of one layer: the blobs that its images have of it."""

    digests: tuple[str, ...]
    size: int
    """Bytes, each blob once."""
    users: tuple[str, ...]
    """IDs of all listed images that keep any of them: on another parent it is another layer, and the same blob."""


def packed_of(layer: Layer, graph: LayerGraph) -> Packed | None:
    """Return the content of a layer; None where the store keeps none of it, or does not tell."""
    content = graph.content
    found = () if content is None else content.blobs_of(layer.diff_id, [node.id for node in layer.images])
    if content is None or not found:
        return None
    users = dict.fromkeys(user for digest in found for user in content.users.get(digest, ()))
    return Packed(found, content.total(found), tuple(users))


def packed_words(packed: Packed, units: Units = Units.SI) -> str:
    """Return what a layer's content takes and who keeps it: ``content 45.7 MB, kept by 12 images``."""
    return f"content {format_size(packed.size, units)}, kept by {count(len(packed.users), 'image')}"


def content_missing(graph: LayerGraph) -> str:
    """Return why nothing is known of content; empty where it is, or where the store keeps none."""
    if graph.content is not None or not graph.rules.keeps_content:
        return ""
    store = graph.inventory.content
    if store is not None and store.refused:
        return f"not known: {clean(store.refused, 400)}"
    return "not known: this scan has none of it" if graph.inventory.from_file else "not known: not asked for yet"


SHARED_CONTAINERD = (
    "This engine uses the containerd of the system: what leaves its list may stay on disk for others that use it."
)


def unlisted_words(graph: LayerGraph, units: Units = Units.SI) -> str:
    """Return the line about what the store holds and the engine does not list; empty where there is nothing."""
    content = graph.content
    if content is None or not content.roots:
        return ""
    size = format_size(content.total(content.of_roots), units)
    kinds = [root.kind for root in content.roots]
    parts = [
        count(kinds.count("image"), "image") if "image" in kinds else "",
        count(kinds.count("artifact"), "artifact") if "artifact" in kinds else "",
        f"{format_number(kinds.count('unknown'))} of unknown kind" if "unknown" in kinds else "",
    ]
    what = natural_list([part for part in parts if part])
    return f"{size} more is stored, but this engine lists no image for it ({what})."
