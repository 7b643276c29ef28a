"""Two scans beside each other: what the store gained and lost, layer by layer, and which images brought or took it.

Layers are told apart by chain ID and images by ID, so that renamed images, and the same image on two hosts, are one.
Only totals and layers add up: an image is given what it adds or frees *alone*, and what several of them brought
together is a sum of its own. All sizes are bytes in the store's unit.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from layerscope.core.bounds import bounds_of
from layerscope.core.changes import Changes, changes
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.sizes.sums import Bounds
from layerscope.errors import WrongInputError


class NotComparableError(WrongInputError):
    """Bytes of the two scans are not of one kind; the message is one line."""


class ImageChange(Struct, frozen=True):
    """An image that came or went."""

    node: ImageNode
    alone: Bounds
    """Bytes of the layers that came with it, or went with it, and that no other image has."""
    content: int | None
    """Bytes of the compressed blobs likewise; None where the store has none, or does not tell."""


class Retagged(Struct, frozen=True):
    """An image that is in both scans under other names."""

    node: ImageNode
    """As it is after."""
    gained: tuple[str, ...]
    lost: tuple[str, ...]


class Resized(Struct, frozen=True):
    """A layer that is in both scans with another size: two hosts, or a size that only one scan knows."""

    before: Layer
    after: Layer

    @property
    def change(self) -> int:
        """Bytes; what is not known counts as its lower bound."""
        return self.after.known_size - self.before.known_size


class Side(Struct, frozen=True):
    """What came (seen in the scan after), or what went (seen in the one before)."""

    images: tuple[ImageChange, ...]
    """Those that change most first."""
    layers: tuple[Layer, ...]
    """Biggest first."""
    size: Bounds
    """Of the layers."""
    together: Bounds
    """Of the layers that several images have, which are in no image's own figure."""


class Difference(Struct, frozen=True):
    """What happened between two scans. Make one with :func:`difference`."""

    old: LayerGraph
    new: LayerGraph
    added: Side
    gone: Side
    retagged: tuple[Retagged, ...]
    moved: tuple[tuple[str, str, str], ...]
    """(name, ID before, ID after) of names that mean another image now, sorted."""
    resized: tuple[Resized, ...]
    footprint: Bounds
    """What the footprint changed by; below 0: it fell. ``high`` None: nobody knows how much."""
    footprint_least_known: bool
    """Is there a lower end? False where what went may be any number of bytes."""
    untold: int
    """Bytes of the change that sums of the engine's tell, and single layers do not; 0 where all sizes are known."""
    content: int | None
    """What the compressed blobs changed by; None where the store has none, or one scan does not tell."""
    seconds: int
    """From the one to the other; negative where the second was taken before the first, by its clock."""
    changes: Changes
    """Images and containers, as they are told of a live engine."""

    @property
    def exact(self) -> bool:
        """Do the engine's figures determine the change of the footprint?"""
        return self.footprint_least_known and self.footprint.exact

    @property
    def listed(self) -> int:
        """What the sum of all images' sizes changed by."""
        return self.new.totals.listed - self.old.totals.listed

    def __bool__(self) -> bool:
        return bool(self.changes or self.resized or self.content or self.untold)


def why_not(old: LayerGraph, new: LayerGraph) -> str:
    """Return why two scans cannot be set beside each other, in one line; empty when they can."""
    one, other = old.inventory.engine, new.inventory.engine
    if one.store_kind != other.store_kind:
        return (
            f"one scan is of the store {one.store}, the other of {other.store}: one counts "
            f"{old.rules.unit}, the other {new.rules.unit}; compare scans of one kind of store"
        )
    drivers = (one.driver or one.store, other.driver or other.store)
    if drivers[0] != drivers[1]:
        return (
            f"one scan is of the storage driver {drivers[0]}, the other of {drivers[1]}: they store the same layer "
            "differently; compare scans of one driver"
        )
    return ""


def difference(old: LayerGraph, new: LayerGraph) -> Difference:
    """Return what changed from ``old`` to ``new``; costs time in proportion to their images and layers.

    Raises :class:`NotComparableError` where :func:`why_not` says so.
    """
    if reason := why_not(old, new):
        raise NotComparableError(reason)
    added, gone = _side(new, old), _side(old, new)
    resized = [
        Resized(old.layer_by_chain[layer.chain_id], layer)
        for layer in new.layers
        if layer.chain_id in old.layer_by_chain and old.layer_by_chain[layer.chain_id].known_size != layer.known_size
    ]
    low, high = _footprint(old, new, added, gone)
    by_layers = sum(layer.known_size for layer in added.layers) - sum(layer.known_size for layer in gone.layers)
    by_layers += sum(one.change for one in resized)
    settled = low is not None and low == high
    return Difference(
        old=old,
        new=new,
        added=added,
        gone=gone,
        retagged=tuple(_retagged(old, new)),
        moved=tuple(sorted(_moved(old, new))),
        resized=tuple(sorted(resized, key=lambda one: (-abs(one.change), one.after.index))),
        footprint=Bounds(low or 0, high),
        footprint_least_known=low is not None,
        untold=(low or 0) - by_layers if settled else 0,
        content=None if old.content is None or new.content is None else new.content.size - old.content.size,
        seconds=new.inventory.taken_at - old.inventory.taken_at,
        changes=changes(old, new),
    )


def _footprint(old: LayerGraph, new: LayerGraph, added: Side, gone: Side) -> tuple[int | None, int | None]:
    """Return between what bounds the change lies.

    Where a footprint is not exact, what is not known of it may be in both scans: then what came and went still tells.
    """
    if old.totals.exact and new.totals.exact:
        change = new.totals.footprint - old.totals.footprint
        return change, change
    unread = {node.id for node in new.images if not node.known}
    if unread != {node.id for node in old.images if not node.known}:
        return None, None
    if not (old.inventory.complete and new.inventory.complete):
        return None, None
    shared = [(old.layer_by_chain[one.chain_id], one) for one in new.layers if one.chain_id in old.layer_by_chain]
    before = bounds_of(old, [one for one, _ in shared])
    after = bounds_of(new, [one for _, one in shared])
    other = after.low - before.low
    if not (before.exact and after.exact):  # the same stored layers, but for those that are known to differ
        other = sum(b.known_size - a.known_size for a, b in shared if a.size_is == b.size_is == "exact")
    # An image whose layers are not known, in both scans the same, may have those that came and those that went.
    low = None if gone.size.high is None else (0 if unread else added.size.low) - gone.size.high + other
    high = None if added.size.high is None else added.size.high - (0 if unread else gone.size.low) + other
    return low, high


def _side(graph: LayerGraph, other: LayerGraph) -> Side:
    """Return what ``graph`` has and ``other`` has not."""
    images = [node for node in graph.images if node.id not in other.image_by_id]
    layers = [layer for layer in graph.layers if layer.chain_id not in other.layer_by_chain]
    alone: dict[int, list[Layer]] = {}
    for layer in layers:
        if len(layer.images) == 1:
            alone.setdefault(layer.images[0].index, []).append(layer)
    found = [
        ImageChange(node, bounds_of(graph, alone.get(node.index, ())), _content_alone(graph, other, node))
        for node in images
    ]
    found.sort(key=lambda one: (-one.alone.low - (one.content or 0), one.node.index))
    return Side(
        images=tuple(found),
        layers=tuple(sorted(layers, key=lambda layer: (-layer.known_size, layer.index))),
        size=bounds_of(graph, layers),
        together=bounds_of(graph, [layer for layer in layers if len(layer.images) != 1]),
    )


def _content_alone(graph: LayerGraph, other: LayerGraph, node: ImageNode) -> int | None:
    content, before = graph.content, other.content
    if content is None or before is None:
        return None
    users = content.users
    return content.total(
        digest for digest in content.reach(node.id) if len(users[digest]) == 1 and digest not in before.of_images
    )


def _retagged(old: LayerGraph, new: LayerGraph) -> Iterable[Retagged]:
    for node in new.images:
        before = old.image_by_id.get(node.id)
        if before is not None and before.image.tags != node.image.tags:
            was, now = set(before.image.tags), set(node.image.tags)
            gained = tuple(tag for tag in node.image.tags if tag not in was)
            lost = tuple(tag for tag in before.image.tags if tag not in now)
            if gained or lost:
                yield Retagged(node, gained, lost)


def _moved(old: LayerGraph, new: LayerGraph) -> Iterable[tuple[str, str, str]]:
    was = {tag: node.id for node in old.images for tag in node.image.tags}
    for node in new.images:
        for tag in node.image.tags:
            if was.get(tag, node.id) != node.id:
                yield tag, was[tag], node.id
