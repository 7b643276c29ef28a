"""What holds each stored layer: all images of the engine by number, and the links that a removal follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy

from layerscope.core.graph import ImageNode, Layer, LayerGraph, may_hide_layers
from layerscope.inventory import Container, Image


class Holders:
    """All images of a graph by number, the layers they hold, and the links that a removal follows. Read-only.

    Rows come first: the number of an :class:`~layerscope.core.graph.ImageNode` is its index, and so is
    that of a layer.
    """

    def __init__(self, graph: LayerGraph) -> None:
        rows = graph.images
        self.rules = graph.rules
        self.disk_rule = graph.disk_rule
        self.rows = len(rows)
        self.counted = len(graph.layers)
        """Layers before this number are in the graph's footprint, those from it on are hidden."""
        self.layers: tuple[Layer, ...] = (*graph.layers, *graph.hidden_layers)
        self.weights = [layer.weight for layer in self.layers]
        self.unknowns = graph.unknowns
        self.images: list[Image] = [*(node.image for node in rows), *graph.unlisted]
        self.stacks: list[tuple[int, ...]] = [
            tuple([layer.index for layer in graph.stacks.get(image.id, ())]) for image in self.images
        ]
        self._at_id = at_id = {image.id: at for at, image in enumerate(self.images)}
        self.parents = [at_id.get(image.parent_id, -1) if image.parent_id else -1 for image in self.images]
        self.children: list[list[int]] = [[] for _ in self.images]
        for child, parent in enumerate(self.parents):
            if parent == child:  # nonsense, but not ours to fall over
                self.parents[child] = -1
            elif parent >= 0:
                self.children[parent].append(child)
        self.containers: list[list[Container]] = [[] for _ in self.images]
        self.unseen: list[Container] = []
        """Containers whose image is gone: they hold layers that the engine does not name."""
        self._use(graph.inventory.containers)
        self.of_others = [at for at, image in enumerate(self.images) if image.read_only]
        """Images of a read-only store."""
        self.made_from = [len(children) for children in self.children]
        """By image: how many were made from it."""
        self.contents, self.blob_sizes, self.blob_holding = _contents(graph, self.images)
        self.cached = cached_sizes(graph)
        self.complete = graph.inventory.complete
        self.named_only = graph.rules.keeps_content and graph.content is None
        """Is it not known which layers images hold, only which they name?"""
        store = graph.inventory.content
        self.refused = store.refused if store is not None else ""
        """Why, in the engine's words."""
        self.obscure = bytearray(map(may_hide_layers, self.images))
        """By image: 1 if it may have layers that are not known."""
        self.named = bytearray(bool(image.tags or image.digests) for image in self.images)
        """By image: 1 if it has a name that can be taken away."""
        self.partial = bytearray(map(_is_partial, self.images))
        """By image: 1 if it is stored for platforms whose layers are not known, besides the one whose are."""
        stacked: list[int] = []
        for layer in self.layers:
            stacked.append(layer.weight + (stacked[layer.parent.index] if layer.parent else 0))
        self.by_weight = sorted(range(self.counted), key=lambda number: (stacked[number], number), reverse=True)
        """Layers of the footprint by the bytes of the stack that they end, the heaviest first, the upper of equals."""
        self.rank = [0] * self.counted
        """By layer of the footprint: its place in :attr:`by_weight`."""
        for place, number in enumerate(self.by_weight):
            self.rank[number] = place
        self.bare = [number for number, stack in enumerate(self.stacks[: self.rows]) if not stack]
        """Rows without layers."""
        self.holding = [0] * len(self.layers)
        """By layer: how many images have it."""
        for stack in self.stacks:
            for number in stack:
                self.holding[number] += 1

    def _use(self, containers: Sequence[Container]) -> None:
        self._all_containers = containers
        self.in_use = bytearray(len(self.images))
        """By image: 1 if a container, running or not, uses it."""
        for container in containers:
            at = self._at_id.get(container.image_id)
            if at is None:
                self.unseen.append(container)
            else:
                self.containers[at].append(container)
                self.in_use[at] = 1

    def carried_over(self, graph: LayerGraph, touched: Iterable[ImageNode]) -> Holders:
        """Return the holders of a graph of the same layers and rows, of which some have other names or containers."""
        new = copy(self)
        new.images, new.named = list(self.images), bytearray(self.named)
        for node in touched:
            new.images[node.index] = node.image
            new.named[node.index] = bool(node.image.tags or node.image.digests)
        if graph.inventory.containers is not self._all_containers:
            new.containers, new.unseen = list(self.containers), []
            for container in (*self._all_containers, *graph.inventory.containers):
                if (at := self._at_id.get(container.image_id)) is not None:
                    new.containers[at] = []
            new._use(graph.inventory.containers)
        new.cached = cached_sizes(graph)
        return new


def _contents(graph: LayerGraph, images: Sequence[Image]) -> tuple[list[tuple[int, ...]], list[int], list[int]]:
    """Return the blobs of each image by number, the bytes of each that its going frees, and how much holds each.

    0 bytes for those that the build history keeps. They are held by images, and by what the engine lists no image for.
    """
    content = graph.content
    if content is None:
        return [()] * len(images), [], []
    number = {digest: at for at, digest in enumerate(content.blobs)}
    sizes = [0 if digest in content.held_by_history else blob.size for digest, blob in content.blobs.items()]
    contents = [tuple([number[digest] for digest in content.reach(image.id)]) for image in images]
    holding = [0] * len(sizes)
    rest = {root.digest for root in content.roots} - {image.id for image in images}
    for blobs in (*contents, *([number[digest] for digest in content.reach(root)] for root in rest)):
        for blob in blobs:
            holding[blob] += 1
    return contents, sizes, holding


def cached_sizes(graph: LayerGraph) -> Counter[int] | None:
    """Return how many build cache records of each size are layers of images too; None where that is not known.

    Empty where the cache holds no layers, as this store works. See ``RemovalPlan.held_by_cache``.
    """
    if not graph.rules.build_cache_holds_layers:
        return Counter()
    usage = graph.inventory.usage
    if usage is None or usage.build_cache is None:
        return None
    return Counter(record.size for record in usage.build_cache if record.shared)


def _is_partial(image: Image) -> bool:
    return image.diff_ids is not None and sum(bool(platform.unpacked_size) for platform in image.platforms) > 1


def holders_of(graph: LayerGraph) -> Holders:
    """Return the holders of a graph, worked out once for as long as the graph lives."""
    found: Holders | None = graph.worked_out.get("holders")
    if found is None:
        found = graph.worked_out["holders"] = Holders(graph)
    return found
