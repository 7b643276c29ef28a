"""What holds a stored layer, and a removal tried out on it: the one simulation behind marks, plans and proposals.

A layer stays as long as one image that stays has it. Images are here *all* images
of the engine: the rows of ``docker images`` and the untagged build parents that
are no rows. The rules (``StoreRules`` says which hold where) are those of moby
``daemon/images/image_delete.go`` and ``daemon/containerd/image_delete.go`` and of
Podman ``libimage/image.go``, for removals that are never forced:

* an image with a container, running or not, stays;
* on graphdrivers an image that others were made from (``ParentId``) stays while one of them does: of one with
  a name only the name goes, as with ``docker rmi NAME`` (by ID the engine would refuse);
* an untagged parent that is no row goes with the last image made from it, on containerd with the first, unless a
  container uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from layerscope.core.graph import Layer, LayerGraph, may_hide_layers
from layerscope.core.sizes.sums import Bound, Bounds, RunningTally, Tally
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
        at_id = {image.id: at for at, image in enumerate(self.images)}
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
        for container in graph.inventory.containers:
            at = at_id.get(container.image_id)
            (self.unseen if at is None else self.containers[at]).append(container)
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


class Removal:
    """A set of rows chosen for removal, and what would go with it, kept up to date.

    :meth:`add` and :meth:`discard` take time in proportion to the layers of the
    image and of the parents that go or come back with it. The order does not matter: what goes
    depends on the set alone. All sums are bytes in the store's unit; unknown sizes count as 0.
    """

    def __init__(self, holders: Holders, *, without_containers: bool = False, covers: bool = True) -> None:
        """Choose nothing yet. ``without_containers``: as if the containers of the rows had been removed before.
        ``covers`` False: nobody will ask for :attr:`covered` or :attr:`kept`, which cost as much as the rest."""
        self._covers = covers or holders.named_only
        self.holders = holders
        self.chosen: dict[int, None] = {}
        """Numbers of the rows chosen, in the order in which they were."""
        self.gone = bytearray(len(holders.images))
        """By image: 1 if it goes."""
        self.held = list(holders.holding)
        """By layer: how many images that stay have it."""
        self.wanted = [0] * len(holders.layers)
        """By layer: how many chosen images have it."""
        self.listed_gone = 0
        """How many rows go."""
        self.listed_untagged = 0
        """How many rows only lose their names: something that stays was made from them."""
        self.going = RunningTally(holders.unknowns)
        """Of the layers of the footprint that go."""
        self._least = 0
        """Bytes of them by their weights: a lower bound."""
        self.frees_hidden = 0
        """Bytes of the layers that go and are in no footprint, because no row needs them."""
        self.frees_content = 0
        """Bytes of compressed blobs that go, once the build cache is pruned as well."""
        self._blobs_held = list(holders.blob_holding)
        self.frees_cached = 0
        """At most so much of :attr:`frees` is held by the build cache, as far as is known."""
        self._covered = Tally()
        self._covered_least = 0
        self._staying = RunningTally(holders.unknowns)
        """Of the layers of the chosen rows that stay."""
        self.obscure_gone = 0
        """How many images go that may have layers that are not known."""
        self.partial_gone = 0
        """How many images go that are stored for other platforms too."""
        self._going: Counter[int] = Counter()
        self._left = [len(children) for children in holders.children]
        """By image: how many of those made from it stay."""
        self._in_use = bytearray(
            holders.images[image].read_only or (bool(containers) and not (without_containers and image < holders.rows))
            for image, containers in enumerate(holders.containers)
        )
        """By image: 1 if a container, running or not, or a read-only store keeps the engine from removing it."""

    @property
    def between(self) -> Bounds:
        """What the layers of the footprint that go weigh, whatever else may need them."""
        found = self.going.bounds()
        return found if found.exact else Bounds(max(found.low, self._least), found.high)

    @property
    def frees(self) -> int:
        """Bytes of the layers of the footprint that go: exact, or a lower bound."""
        return self.between.low

    @property
    def surely(self) -> int:
        """Bytes on disk that go whose sizes are settled one by one: never more than :attr:`frees_disk`, and quick."""
        return self._least + self.frees_content

    @property
    def frees_disk(self) -> int:
        """:attr:`frees` and the compressed blobs that go with it: what a disk gets back."""
        return self.frees + self.frees_content

    def reaches(self, target: int) -> bool:
        """Does it free at least ``target`` bytes on disk?"""
        target -= self.frees_content
        if self._least >= target or (self.going.low or 0) >= target:
            return True
        if self.going.factors and self.holders.unknowns.total is None:
            return target <= 0  # nothing else is known of it
        return self.frees >= target

    @property
    def covered(self) -> int:
        """Bytes of the layers of the chosen rows, each once: exact, or a lower bound."""
        return max(self.holders.unknowns.bounds(self._covered).low, self._covered_least)

    @property
    def kept(self) -> int:
        """Bytes of the layers of the chosen rows that stay: exact, or a lower bound."""
        stays = self._staying.bounds()
        return stays.low if stays.exact else max(stays.low, self._covered_least - self._least)

    @property
    def obscure_staying(self) -> int:
        """How many images stay that may have layers that are not known: they may need some that would go."""
        return self.holders.obscure.count(1) - self.obscure_gone

    @property
    def doubtful(self) -> bool:
        """May :attr:`frees` be off?"""
        doubts = self._may_be_more or self._may_be_less or not self.holders.complete or self._named_only
        return bool(doubts or self._off_disk)

    @property
    def bound(self) -> Bound:
        """What :attr:`frees` is to what would really come back."""
        if (self._may_be_more or self._off_disk) and self._may_be_less:
            return "?"
        if self._may_be_more or self._may_be_less:
            return "≥" if self._may_be_more else "≤"
        return "~" if self._named_only else self.holders.disk_rule.bound if self._off_disk else ""

    @property
    def _may_be_more(self) -> bool:
        more = not self.between.exact or self.obscure_gone or self.partial_gone
        return bool(
            more or (self._named_only and self.kept)
        )  # who stays may only name what it has in common with these

    @property
    def _named_only(self) -> bool:
        return bool(self.holders.named_only and self.listed_gone and self.covered)

    @property
    def _off_disk(self) -> bool:
        """Is what layers weigh not what the disk has of them?"""
        return bool(not self.holders.disk_rule.once and self.frees)

    @property
    def _may_be_less(self) -> bool:
        """May images that stay, and whose layers are not known, need some of it?"""
        return bool(self.frees and (self.obscure_staying or not self.holders.complete))

    def add(self, image: int) -> None:
        """Choose a row."""
        if image in self.chosen:
            return
        self.chosen[image] = None
        self.listed_untagged += self._loses_name(image)
        wanted, layers = self.wanted, self.holders.layers
        for layer in self.holders.stacks[image] if self._covers else ():
            if not wanted[layer]:
                self._cover(layers[layer], 1)
                self._covered_least += layers[layer].weight
            wanted[layer] += 1
        while image >= 0 and not self.gone[image] and self._may_go(image):
            self._go(image)
            image = self.holders.parents[image]

    def _cover(self, layer: Layer, sign: int) -> None:
        self._covered.add(layer.height, layer.below, sign)
        self._staying.add(layer.height, layer.below, sign)

    def discard(self, image: int) -> None:
        """Choose a row no longer."""
        if image not in self.chosen:
            return
        self.listed_untagged -= self.untagged(image)
        del self.chosen[image]
        wanted, layers = self.wanted, self.holders.layers
        for layer in self.holders.stacks[image] if self._covers else ():
            wanted[layer] -= 1
            if not wanted[layer]:
                self._cover(layers[layer], -1)
                self._covered_least -= layers[layer].weight
        while image >= 0 and self.gone[image] and not self._may_go(image):
            self._come_back(image)
            image = self.holders.parents[image]

    def untagged(self, image: int) -> bool:
        """Does this row only lose its names?

        It is chosen, has names, and nothing but images that stay and were made from it keeps it.
        """
        return image in self.chosen and not self.gone[image] and self._loses_name(image)

    def why_not(self, image: int) -> tuple[list[Container], list[int]]:
        """Return what keeps the engine from removing this row: containers, and images that stay and were made from it.

        The second are rows where there are any further down the line; unlisted ones only where not.
        """
        holders = self.holders
        containers = holders.containers[image] if self._in_use[image] else []
        if not holders.rules.child_image_blocks or not self._left[image]:
            return containers, []
        rows: list[int] = []
        others: list[int] = []
        seen = {image}
        queue = [child for child in holders.children[image] if not self.gone[child]]
        while queue:
            child = queue.pop(0)
            if child in seen:
                continue
            seen.add(child)
            (rows if child < holders.rows else others).append(child)
            if child >= holders.rows:
                queue += [further for further in holders.children[child] if not self.gone[further]]
        return containers, rows or others

    def _loses_name(self, image: int) -> bool:
        """Would a chosen row that does not go lose its names? One that a container keeps has all of them still."""
        return bool(self.holders.rules.child_image_blocks and self.holders.named[image]) and not self._in_use[image]

    def _may_go(self, image: int) -> bool:
        if self._in_use[image]:
            return False
        if image < self.holders.rows:
            return image in self.chosen and not (self.holders.rules.child_image_blocks and self._left[image])
        # It is no row because something was made from it; if not even that is left to go, nothing takes it along.
        children, left = len(self.holders.children[image]), self._left[image]
        return left < children if self.holders.rules.any_child_takes_parents else not left and bool(children)

    def _go(self, image: int) -> None:
        holders, held = self.holders, self.held
        self.gone[image] = 1
        if image < holders.rows:
            self.listed_gone += 1
            self.listed_untagged -= self._loses_name(image)
        self.obscure_gone += holders.obscure[image]
        self.partial_gone += holders.partial[image]
        for blob in holders.contents[image]:
            self._blobs_held[blob] -= 1
            if not self._blobs_held[blob]:
                self.frees_content += holders.blob_sizes[blob]
        for layer in reversed(holders.stacks[image]):
            held[layer] -= 1
            if not held[layer]:
                self._count(layer, 1)
        if holders.parents[image] >= 0:
            self._left[holders.parents[image]] -= 1

    def _come_back(self, image: int) -> None:
        holders, held = self.holders, self.held
        self.gone[image] = 0
        if image < holders.rows:
            self.listed_gone -= 1
            self.listed_untagged += self._loses_name(image) and image in self.chosen
        self.obscure_gone -= holders.obscure[image]
        self.partial_gone -= holders.partial[image]
        for blob in holders.contents[image]:
            if not self._blobs_held[blob]:
                self.frees_content -= holders.blob_sizes[blob]
            self._blobs_held[blob] += 1
        for layer in holders.stacks[image]:
            if not held[layer]:
                self._count(layer, -1)
            held[layer] += 1
        if holders.parents[image] >= 0:
            self._left[holders.parents[image]] += 1

    def _count(self, number: int, sign: int) -> None:
        holders = self.holders
        layer = holders.layers[number]
        if number < holders.counted:
            self.going.add(layer.height, layer.below, sign)
            if self._covers:
                self._staying.add(layer.height, layer.below, -sign)
            self._least += sign * layer.weight
            size = layer.weight
            if holders.cached and (records := holders.cached.get(size)):  # each record holds one layer of its size
                self._going[size] += sign
                if self._going[size] + (sign < 0) <= records:
                    self.frees_cached += sign * size
        else:
            self.frees_hidden += sign * layer.weight
