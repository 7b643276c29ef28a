"""A removal plan: what removing exactly this set of images would take away, what stays, and why.

Nothing is ever forced: an image that the engine would refuse to remove stays, and so do
its layers. All bytes are in the store's unit (``graph.rules.unit``), which is what
layers are worth there and not always what the file system gives back to the byte
(see ``RemovalPlan.frees``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from layerscope.core.content import ContentFreed
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.layerstate import own_containerd
from layerscope.core.removal.holders import Holders, cached_sizes, holders_of
from layerscope.core.removal.simulation import Removal
from layerscope.core.sizes.sums import Bound, Bounds
from layerscope.core.stores import RUNNING
from layerscope.inventory import Container, Image
from layerscope.units import count, natural_list


class Blocker(Struct, frozen=True):
    """One thing that keeps the engine from removing an image of the set."""

    image: ImageNode
    by: str
    """``container web (running)``, ``image app:1, made from it``. Hostile text: clean before showing."""
    rule: str
    """The engine's own words for refusing."""
    container: Container | None = None
    children: tuple[Image, ...] = ()
    """Images that stay and were made from it; see :meth:`layerscope.core.removal.simulation.Removal.why_not`."""


class Untagged(Struct, frozen=True):
    """An image of the set that only loses its names: what stays was made from it. It frees nothing until that goes."""

    image: ImageNode
    by: str
    """As :attr:`Blocker.by`: ``image app:1, made from it``. Hostile text: clean before showing."""
    rule: str
    """The engine's own words for not removing the image itself."""
    children: tuple[Image, ...]
    """As :attr:`Blocker.children`."""


class KeptLayer(Struct, frozen=True):
    """A layer of the set that stays, and who needs it."""

    layer: Layer
    images: tuple[ImageNode, ...]
    """Rows that stay and need it: outside the set, or in it and blocked; last, those that only lose their names."""
    parents: tuple[Image, ...]
    """Images that are no rows, stay, and need it: build parents in use, or of other images."""
    containers: tuple[Container, ...]
    """Containers on ``images`` and ``parents``: while they are there, those cannot be removed."""


class RemovalPlan(Struct, frozen=True, dict=True):
    """What removing a set of images does. Make one with :func:`plan`."""

    graph: LayerGraph
    images: tuple[ImageNode, ...]
    """The set, as it was asked for."""
    removed: tuple[ImageNode, ...]
    """The images that go, in an order that works: those made from another one before it."""
    parents: tuple[Image, ...]
    """Untagged build parents, no rows, that go along with them, in such an order too."""
    blocked: tuple[Blocker, ...]
    """What the engine would refuse, in the order of ``images``; an image may have several."""
    untagged: tuple[Untagged, ...]
    """The images that only lose their names, those made from another one before it."""
    freed: tuple[Layer, ...]
    """Layers of the footprint that go, parents before children."""
    kept: tuple[KeptLayer, ...]
    """Layers of the set that stay, biggest first."""
    listed: int
    """Sum of the sizes of all images of the set."""
    frees: int
    """Bytes that go: what the engine's own total for image layers falls by where that total is the footprint.

    A file system that counts blocks gives back a little more or less. What else is on disk for an image
    (its configuration, compressed blobs in a containerd store) comes on top and is not in the store's unit.
    """
    frees_hidden: int
    """Bytes of layers that go besides: only build parents have them, so they are in no footprint and no total."""
    held_by_cache: int | None
    """At most this much of ``frees`` stays on disk until the build cache is pruned; None where that cannot be told.

    On graphdrivers BuildKit's cache keeps the layers of what it built, and of the images it
    built on, after they have gone from every image and every total. The engine names no chain
    IDs in its cache; but each record that is one with an image's layer is marked so (``Shared``)
    and has that layer's size. A layer that goes may thus be held only if such a record has its
    very size, once for each record. 0 is therefore certain, and more than 0 an upper bound.
    None when the engine was not asked for its build cache, or does not tell.
    """
    exact: bool
    """False when ``frees`` may be off: ``doubts`` says why."""
    bound: Bound
    """What ``frees`` is to what would come back: at least or at most that, where it is not exact."""
    doubts: tuple[str, ...]
    """A sentence for each thing that is not known and matters for the figures."""
    unseen: tuple[Container, ...]
    """Containers whose image is gone. They may keep layers on disk that have gone from every image and total."""

    @cached_property
    def content(self) -> ContentFreed | None:
        """What leaves the content store; None where there is none, or it is not known."""
        if self.graph.content is None:
            return None
        gone = [*(node.id for node in self.removed), *(image.id for image in self.parents)]
        return self.graph.content.frees(gone)

    @property
    def frees_disk(self) -> int | None:
        """Bytes that the disk gets back once the build cache is pruned; None where that is no one number.

        Of layers, and of content where the store keeps any.
        """
        if self.bound or (self.graph.rules.keeps_content and self.content is None) or self.shares_containerd:
            return None
        if self.content is None:
            return self.frees
        return self.frees + self.content.after_prune.most if self.content.after_prune.exact else None

    @property
    def shares_containerd(self) -> bool:
        """Is the containerd not the engine's own, so that what leaves the engine's list may stay on disk for others?"""
        return self.graph.rules.keeps_content and own_containerd(self.graph.inventory.engine) is False

    @property
    def frees_at_once(self) -> int | None:
        """Bytes that come back on disk without pruning the build cache: at least this much; None: not known."""
        if self.held_by_cache is None:
            return None
        if not self.unseen or not self.freed:
            return self.frees - self.held_by_cache
        held = self._held_by_unseen()
        if held is None:
            return None
        low = self.graph.weigh(layer for layer in self.freed if layer.index not in held).low
        return max(0, low - self.held_by_cache)

    def _held_by_unseen(self) -> set[int] | None:
        """Return the freed layers that containers of removed images stand on, by index; None where nobody knows.

        The engine names the folder of each layer, of images and of containers: ``GraphDriver.Data.LowerDir``.
        """
        folders: set[str] = set()
        for container in self.unseen:
            if container.cache_ids is None:
                return None
            folders.update(container.cache_ids)
        freed = {layer.index for layer in self.freed}
        told: dict[int, str] = {}
        for node in self.removed:
            if node.image.cache_ids is not None and len(node.image.cache_ids) == len(node.layers):
                told.update(zip((layer.index for layer in node.layers), node.image.cache_ids, strict=True))
        return {at for at in freed if told[at] in folders} if freed <= told.keys() else None

    @property
    def frees_after_prune(self) -> int | None:
        """Bytes of the set that are back once the build cache is pruned; None where the cache holds none of them."""
        return None if self.held_by_cache == 0 else self.frees

    @property
    def blocked_images(self) -> tuple[ImageNode, ...]:
        """The images of the set that stay as they are."""
        return tuple({blocker.image.index: blocker.image for blocker in self.blocked}.values())

    @cached_property
    def _keeps(self) -> Bounds:
        return self.graph.weigh(kept.layer for kept in self.kept)

    @property
    def keeps(self) -> int:
        """Bytes of the set's layers that stay, each once: exact, or at least so many."""
        return self._keeps.low

    @property
    def keeps_bound(self) -> Bound:
        """What :attr:`keeps` is to the truth."""
        return "" if self._keeps.exact else "≥"

    @property
    def untags(self) -> tuple[str, ...]:
        """Every name that goes, those of images that go first."""
        images = (*self.removed, *(one.image for one in self.untagged))
        return tuple(tag for node in images for tag in node.image.tags)

    def keepers(self) -> list[tuple[ImageNode, int]]:
        """Return the images that keep layers of the set, with how many bytes of them: those that keep most first."""
        total: Counter[int] = Counter()
        for kept in self.kept:
            for node in kept.images:
                total[node.index] += kept.layer.known_size
        images, untagged = self.graph.images, {one.image.index for one in self.untagged}
        return sorted(
            ((images[at], size) for at, size in total.items()),
            key=lambda pair: (-pair[1], pair[0].index in untagged, pair[0].index),
        )


def plan(graph: LayerGraph, image_ids: Iterable[str], *, without_containers: bool = False) -> RemovalPlan:
    """Return what removing these images would do, and nothing else being done.

    ``image_ids``: IDs of rows; one named twice counts once. All names of an image
    go with it. ``without_containers`` is for proposals that say so: as if the containers
    made from these images had been removed before. Raises KeyError for an ID that is no row.
    """
    holders = holders_of(graph)
    removal = Removal(holders, without_containers=without_containers)
    for image_id in image_ids:
        removal.add(graph.image_by_id[image_id].index)
    return plan_of(graph, removal)


def plan_of(graph: LayerGraph, removal: Removal) -> RemovalPlan:
    """Return the plan for what is chosen in ``removal``, a simulation on the same graph."""
    holders = removal.holders
    rows = graph.images
    chosen = [rows[at] for at in removal.chosen]
    freed = _freed(removal)
    unseen = tuple(holders.unseen)
    doubts = tuple(_doubts(removal))
    parents = [at for at in range(holders.rows, len(holders.images)) if removal.gone[at]]
    untagged = _in_order(holders, [node.index for node in chosen if removal.untagged(node.index)])
    return RemovalPlan(
        graph=graph,
        images=tuple(chosen),
        removed=tuple(
            rows[at] for at in _in_order(holders, [node.index for node in chosen if removal.gone[node.index]])
        ),
        parents=tuple(holders.images[at] for at in _in_order(holders, parents)),
        blocked=tuple(_blockers(holders, removal, chosen)),
        untagged=tuple(_untagged(removal, rows[at]) for at in untagged),
        freed=freed,
        kept=_kept(graph, removal),
        listed=sum(node.size for node in chosen),
        frees=removal.frees,
        frees_hidden=removal.frees_hidden,
        held_by_cache=held_by_cache(graph, freed),
        exact=not doubts,
        bound=removal.bound,
        doubts=doubts,
        unseen=unseen,
    )


def refusal_of(graph: LayerGraph, removal: Removal) -> str:
    """Return the first of what a plan says of why images stay, ``by`` of it; empty where all go. No plan is made."""
    rows = graph.images
    for blocker in _blockers(removal.holders, removal, [rows[at] for at in removal.chosen]):
        return blocker.by
    for at in _in_order(removal.holders, [at for at in removal.chosen if removal.untagged(at)]):
        return _untagged(removal, rows[at]).by
    return ""


def held_by_cache(graph: LayerGraph, layers: Sequence[Layer]) -> int | None:
    """Return how many bytes of some layers the build cache may keep, at most; see ``RemovalPlan.held_by_cache``."""
    records = cached_sizes(graph)
    if records is None:
        return None
    here = Counter(layer.weight for layer in layers)
    return sum(size * min(number, records[size]) for size, number in here.items())


def _freed(removal: Removal) -> tuple[Layer, ...]:
    holders = removal.holders
    # Only layers of chosen rows can go from the footprint: any other has a row that stays.
    numbers = {layer for at in removal.chosen for layer in holders.stacks[at] if not removal.held[layer]}
    return tuple(holders.layers[number] for number in sorted(numbers))


def _in_order(holders: Holders, images: list[int]) -> list[int]:
    """Sort by how far each is from the first image of its line, the furthest first; otherwise as it was."""

    def distance(image: int) -> int:
        seen = {image}
        image = holders.parents[image]
        while image >= 0 and image not in seen:
            seen.add(image)
            image = holders.parents[image]
        return len(seen)

    return sorted(images, key=distance, reverse=True)


def _blockers(holders: Holders, removal: Removal, chosen: list[ImageNode]) -> Iterator[Blocker]:
    rules = holders.rules
    for node in chosen:
        if removal.gone[node.index] or removal.untagged(node.index):
            continue
        containers, children = removal.why_not(node.index)
        if node.image.read_only:
            yield Blocker(node, "a read-only store", rules.read_only_rule)
        for container in containers:
            rule = rules.running_rule if container.state in RUNNING else rules.stopped_rule
            yield Blocker(node, f"container {container_name(container)} ({container.state})", rule, container)
        if children:
            images = tuple(holders.images[at] for at in children)
            yield Blocker(node, _made_from_it(images), rules.child_rule, None, images)


def _untagged(removal: Removal, node: ImageNode) -> Untagged:
    holders = removal.holders
    images = tuple(holders.images[at] for at in removal.why_not(node.index)[1])
    return Untagged(node, _made_from_it(images), holders.rules.child_rule, images)


def _made_from_it(images: Sequence[Image]) -> str:
    name = images[0].tags[0] if images[0].tags else images[0].id.removeprefix("sha256:")[:12]
    return f"image {natural_list([name], more=len(images) - 1)}, made from it"


def container_name(container: Container) -> str:
    """Return what to call a container: its name, or the start of its ID. Hostile text: clean before showing."""
    return container.name or container.id[:12]


def _kept(graph: LayerGraph, removal: Removal) -> tuple[KeptLayer, ...]:
    holders = removal.holders
    numbers = {layer for at in removal.chosen for layer in holders.stacks[at] if removal.held[layer]}
    parents: dict[int, list[int]] = {}
    for at in range(holders.rows, len(holders.images)):
        if not removal.gone[at]:
            for layer in holders.stacks[at]:
                if layer in numbers:
                    parents.setdefault(layer, []).append(at)
    found: list[KeptLayer] = []
    for number in numbers:
        staying = [node for node in holders.layers[number].images if not removal.gone[node.index]]
        images = tuple(sorted(staying, key=lambda node: removal.untagged(node.index)))
        others = parents.get(number, ())
        containers = [c for node in images for c in holders.containers[node.index]]
        containers += [c for at in others for c in holders.containers[at]]
        found.append(
            KeptLayer(graph.layers[number], images, tuple(holders.images[at] for at in others), tuple(containers))
        )
    found.sort(key=lambda kept: (-kept.layer.known_size, kept.layer.index))
    return tuple(found)


def _doubts(removal: Removal) -> Iterator[str]:
    """Say what keeps ``frees`` from being exact, a sentence each; none when ``removal`` is not doubtful."""
    if not removal.between.exact:
        open_ = sum(not layer.sum_exact for layer in _freed(removal))
        yield f"{count(open_, 'layer')} of unknown size would go too: at least this much comes back."
    if removal.obscure_gone:
        yield f"The layers of {count(removal.obscure_gone, 'image')} of the set are not known: they are not counted."
    if removal.partial_gone:
        yield f"{count(removal.partial_gone, 'image')} of the set: other platforms are stored too, and not counted."
    if not removal.holders.disk_rule.once and removal.frees:
        yield f"On disk it is another figure: {removal.holders.disk_rule.words}."
    if removal.holders.named_only and removal.listed_gone and removal.covered:
        store = removal.holders.refused
        why = f": {store}" if store else ""
        yield f"Which layers images hold is not known, only which they name{why}."
    if removal.obscure_staying and removal.frees:
        staying = count(removal.obscure_staying, "image")
        yield f"The layers of {staying} that would stay are not known: they may need some of these."
    if not removal.holders.complete:
        yield "The scan was not finished: images that are not known yet may need some of these layers."
