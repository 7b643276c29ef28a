"""Budgets: what a host may cost, held against what it does.

A figure that is not exact lies between two bounds. It is within a budget when its upper bound is, over it when its
lower bound is; in between nobody can say, and a check that might have failed does fail. All sizes are bytes in the
store's unit, those of ``footprint`` with the compressed blobs of a containerd store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

from msgspec import Struct, field

from layerscope.core.before_after import difference
from layerscope.core.bounds import bounds_of
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.missed import missed_sharing
from layerscope.core.sizes.sums import Bounds

State = Literal["ok", "over", "unknown"]

Select = Callable[[LayerGraph], Collection[int]]


class Budget(Struct, frozen=True):
    """What is allowed at the most; None: nothing is said of it."""

    footprint: int | None = None
    """Bytes on disk: layers, and content where the store has any."""
    content: int | None = None
    layers: int | None = None
    """Layers of any one image: overlay2 takes 125 or so (moby ``layer_store.go``, maxLayerDepth)."""
    dangling: int | None = None
    """How many images without a tag."""
    dangling_bytes: int | None = None
    """Bytes that images without a tag have alone, together."""
    missed: int | None = None
    growth: int | None = None
    """Bytes that the disk may hold more than in an earlier scan."""
    unique: Mapping[str, tuple[int, Select]] = field(default_factory=dict)
    """By pattern of names: bytes that no image but those has, and which they are."""

    def __bool__(self) -> bool:
        return self != Budget()


class Check(Struct, frozen=True):
    """One budget held against a host."""

    key: str
    """``footprint``, ``unique.shop/*`` …: as it is written. Text of a user: clean before showing."""
    what: str
    """In words."""
    limit: int
    low: int | None
    """The figure is at least this; None: nobody knows."""
    high: int | None
    """And at most this; None: nobody knows."""
    is_bytes: bool
    because: str = ""
    """Why it is not exact, or which images decide; may name images: clean before showing."""
    images: tuple[str, ...] = ()
    """IDs of the images that decide, where it is about images."""

    @property
    def state(self) -> State:
        """``unknown`` where what is not known could decide."""
        if self.low is not None and self.low > self.limit:
            return "over"
        return "ok" if self.high is not None and self.high <= self.limit else "unknown"


def check(graph: LayerGraph, budget: Budget, before: LayerGraph | None = None) -> list[Check]:
    """Hold a host against a budget, in the order of its fields. ``before`` is what growth is counted from.

    Raises :class:`~layerscope.core.before_after.NotComparableError` where that is of another store, and ValueError
    where there is a budget for growth and no scan before.
    """
    found: list[Check] = []
    disk = _disk(graph)
    if budget.footprint is not None:
        what = "on disk, layers and content" if graph.rules.keeps_content else "on disk"
        found.append(_sized("footprint", what, budget.footprint, disk, _why(graph)))
    if budget.content is not None:
        size = _content(graph)
        found.append(_sized("content", "compressed content", budget.content, size, _why(graph)))
    if budget.layers is not None:
        found.append(_layers(graph, budget.layers))
    dangling = [node for node in graph.images if node.dangling]
    ids = tuple(node.id for node in dangling)
    if budget.dangling is not None:
        high = len(dangling) if graph.inventory.complete else None
        why = _why(graph) if high is None else ""
        found.append(Check("dangling", "images without a tag", budget.dangling, len(dangling), high, False, why, ids))
    if budget.dangling_bytes is not None:
        size = unique_to(graph, dangling)
        limit = budget.dangling_bytes
        found.append(
            Check("dangling", "only images without a tag have", limit, size.low, size.high, True, _why(graph), ids)
        )
    if budget.missed is not None:
        size = missed_sharing(graph).size
        if graph.totals.unknown_images or not graph.inventory.complete:
            size = Bounds(size.low, None)
        found.append(_sized("missed", "stored more than once", budget.missed, size, _why(graph)))
    if budget.growth is not None:
        if before is None:
            raise ValueError("growth is counted from an earlier scan")
        found.append(_growth(graph, budget.growth, before))
    for pattern, (limit, select) in budget.unique.items():
        nodes = [graph.images[at] for at in sorted(select(graph))]
        size = unique_to(graph, nodes)
        none = "" if nodes else "no image has such a name"
        ids = tuple(node.id for node in nodes)
        key, what = f"unique.{pattern}", f"only {pattern} has"
        found.append(Check(key, what, limit, size.low, size.high, True, none or _why(graph), ids))
    return found


def unique_to(graph: LayerGraph, nodes: Sequence[ImageNode]) -> Bounds:
    """Return the bytes of layers, and of blobs, that no listed image but ``nodes`` needs."""
    inside = {node.index for node in nodes}
    seen: set[int] = set()
    own = []
    for node in nodes:
        for layer in reversed(node.layers):
            if layer.index in seen:
                break
            seen.add(layer.index)
            if all(other.index in inside for other in layer.images):
                own.append(layer)
    size = bounds_of(graph, own)
    low, high = size.low, size.high
    others_unknown = any(not node.known for node in graph.images if node.index not in inside)
    if others_unknown or not graph.inventory.complete:
        low = 0  # they may need any of it
    if any(not node.known for node in nodes):
        high = None
    if (content := graph.content) is not None:
        ids = {node.id for node in nodes}
        blobs = {digest for node in nodes for digest in content.reach(node.id)}
        only = content.total(digest for digest in blobs if ids.issuperset(content.users[digest]))
        return Bounds(low + only, None if high is None else high + only)
    return Bounds(low, None if _content_unknown(graph) else high)


def _disk(graph: LayerGraph) -> Bounds:
    totals = graph.totals
    low = totals.footprint
    high = totals.footprint if totals.exact else totals.footprint_most
    if not graph.inventory.complete:
        high = None
    content = _content(graph)
    return Bounds(low + content.low, None if high is None or content.high is None else high + content.high)


def _content(graph: LayerGraph) -> Bounds:
    if graph.content is not None:
        size = graph.content.size
        return Bounds(size, size if graph.inventory.complete else None)
    return Bounds(0, None if _content_unknown(graph) else 0)


def _content_unknown(graph: LayerGraph) -> bool:
    return graph.content is None and graph.rules.keeps_content


def _layers(graph: LayerGraph, limit: int) -> Check:
    most = max((len(node.layers) for node in graph.images), default=0)
    deepest = [node for node in graph.images if len(node.layers) == most and most]
    unknown = bool(graph.totals.unknown_images) or not graph.inventory.complete
    why = _why(graph) if unknown else (deepest[0].name if deepest else "")
    ids = tuple(node.id for node in graph.images if len(node.layers) > limit) or tuple(n.id for n in deepest[:1])
    return Check("layers", "layers in one image", limit, most, None if unknown else most, False, why, ids)


def _growth(graph: LayerGraph, limit: int, before: LayerGraph) -> Check:
    found = difference(before, graph)
    low = found.footprint.low if found.footprint_least_known else None
    high = found.footprint.high
    if found.content is not None:
        low = None if low is None else low + found.content
        high = None if high is None else high + found.content
    elif _content_unknown(graph) or _content_unknown(before):
        low = high = None
    return Check("growth", "more on disk than in the earlier scan", limit, low, high, True, _why(graph))


def _sized(key: str, what: str, limit: int, size: Bounds, why: str) -> Check:
    return Check(key, what, limit, size.low, size.high, True, "" if size.exact else why)


def _why(graph: LayerGraph) -> str:
    totals = graph.totals
    if not graph.inventory.complete:
        return "the scan was not finished"
    if totals.unknown_images:
        return f"images whose layers are not known: {totals.unknown_images:,}"
    if _content_unknown(graph):
        return "the engine does not tell its content"
    if not totals.exact:
        return f"layers of unknown size: {totals.unknown_layers:,}"
    return ""
