"""LayerGraph: the whole store as a forest of layers with images as its leaves.

A pure function of an :class:`~layerscope.inventory.Inventory`. Everything a
view, a report or a removal plan needs to know about sharing is read from here.
All sizes are bytes in the store's unit (``graph.rules.unit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile

from layerscope.core.chain import chain_id
from layerscope.core.sizes.ledger import Certainty, Settled, Stack
from layerscope.core.sizes.resolve import settle
from layerscope.core.stores import STORES, StoreRules
from layerscope.inventory import Container, Image, Inventory


@dataclass(slots=True, eq=False, repr=False)
class Layer:
    """One stored layer: a chain ID. Read-only once the graph is built; compares by identity."""

    index: int
    """Position in :attr:`LayerGraph.layers`."""
    chain_id: str
    diff_id: str
    parent: Layer | None
    depth: int
    """0 for the first layer of a stack."""
    size: int | None
    """Bytes in the store's unit; None: not known."""
    size_is: Certainty
    size_from: str
    """In words, where the size comes from, when it is not simply the layer's own history entry.

    It may name an image: hostile text, clean before showing.
    """
    instruction: str | None
    """The raw text of the history entry that made it; None: not known. Hostile text: clean before showing."""
    instruction_is: Certainty
    comment: str
    created: int | None
    sum_exact: bool
    """Is every sum exact that has this layer in it? True where ``size_is`` is exact, and where sizes are
    inferred but their sum over layers that the same images need is the engine's own."""
    children: list[Layer] = field(default_factory=list)
    images: list[ImageNode] = field(default_factory=list)
    """The listed images that need this layer, in the order of :attr:`LayerGraph.images`."""

    def __repr__(self) -> str:
        # The default one would print the whole graph, round and round.
        return f"<Layer {self.chain_id[:19]} {self.size_is} {self.size}>"

    @property
    def known_size(self) -> int:
        """The size, or 0 where it is not known: for sums that are shown as "at least"."""
        return self.size or 0

    @property
    def saves(self) -> int:
        """Bytes that sharing this layer saves: what its other images would need if nothing were shared."""
        return self.known_size * max(0, len(self.images) - 1)

    @property
    def shared(self) -> bool:
        """True when more than one listed image needs it."""
        return len(self.images) > 1


@dataclass(slots=True, eq=False, repr=False)
class ImageNode:
    """One row of ``docker images``. Read-only once the graph is built; compares by identity."""

    index: int
    """Position in :attr:`LayerGraph.images`."""
    image: Image
    layers: tuple[Layer, ...]
    """Oldest first."""
    containers: tuple[Container, ...]
    """Containers created from it, running or not."""
    intermediates: tuple[Image, ...]
    """Untagged build parents that are not listed and lie under this image."""
    size: int
    """Bytes of all its layers, exact if ``exact``; else a lower bound, or a guess where sizes are inferred."""
    unique: int
    """Bytes of the layers that no other listed image needs, exact if ``sharing_exact``.

    It may be less in truth while there are images whose layers are not known.
    """
    shared: int
    """Bytes of the layers that other listed images need too, exact if ``sharing_exact``; else a lower bound."""
    exact: bool
    """False when a layer's size, or the layers themselves, are not known or only inferred."""
    sharing_exact: bool
    """Are ``unique`` and ``shared`` exact too? Not while another image's layers are not known."""
    unknown_layers: int

    def __repr__(self) -> str:
        return f"<ImageNode {self.name!r} {self.image.id[:19]} {self.size}>"

    @property
    def id(self) -> str:
        """The image ID, ``sha256:…``."""
        return self.image.id

    @property
    def name(self) -> str:
        """The first tag, or ``<none>``. Hostile text: clean before showing."""
        return self.image.tags[0] if self.image.tags else "<none>"

    @property
    def dangling(self) -> bool:
        """True for an image without a tag."""
        return not self.image.tags

    @property
    def known(self) -> bool:
        """False while (or if) the engine has not told which layers it has."""
        return self.image.diff_ids is not None


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a host, or of a selection of its images. Bytes in the store's unit."""

    images: int
    layers: int
    listed: int
    """Sum of the images' sizes, each counted in full, in the unit of the footprint."""
    footprint: int
    """Sum over distinct stored layers."""
    saved: int
    """What storing each layer once saves: listed − footprint."""
    exact: bool
    """False when anything above is only a lower bound."""
    unknown_layers: int
    unknown_images: int
    """Images whose layers are not known at all (not scanned yet, or refused)."""
    engine_listed: int | None
    """Sum of what ``docker images`` prints; other than ``listed`` where the engine adds other units to it."""

    @property
    def ratio(self) -> float | None:
        """How many times over the footprint is used; None for an empty store."""
        return self.listed / self.footprint if self.footprint else None


class LayerGraph:
    """The forest of stored layers and the images on it. Build it with :func:`build_graph`."""

    def __init__(
        self,
        inventory: Inventory,
        layers: tuple[Layer, ...],
        images: tuple[ImageNode, ...],
        hidden_layers: tuple[Layer, ...],
    ) -> None:
        self.inventory = inventory
        self.rules: StoreRules = STORES[inventory.engine.store_kind]
        self.layers = layers
        """Every layer that a listed image needs; parents before children."""
        self.images = images
        """The rows of ``docker images``, biggest first."""
        self.hidden_layers = hidden_layers
        """Layers that only unlisted intermediates need: stored, but in no engine total and no footprint."""
        self.layer_by_chain = {layer.chain_id: layer for layer in layers}
        self.image_by_id = {node.image.id: node for node in images}

    @cached_property
    def totals(self) -> Totals:
        """The sums of the whole host."""
        return self.totals_of(self.images)

    @cached_property
    def roots(self) -> tuple[Layer, ...]:
        """The layers without a parent."""
        return tuple(layer for layer in self.layers if layer.parent is None)

    @cached_property
    def orphan_containers(self) -> tuple[Container, ...]:
        """Containers whose image is no row here: gone, or an unlisted intermediate."""
        return tuple(c for c in self.inventory.containers if c.image_id not in self.image_by_id)

    def totals_of(self, images: Sequence[ImageNode]) -> Totals:
        """Return the sums of some images as if they were alone on the host."""
        layers = self.layers if images is self.images else union(images)
        footprint = sum(layer.known_size for layer in layers)
        unknown_layers = sum(1 for layer in layers if layer.size is None)
        unknown_images = sum(1 for node in images if not node.known)
        listed = sum(node.size for node in images)
        stacked = sum(
            sum(layer.known_size for layer in node.layers) if node.unknown_layers or not node.known else node.size
            for node in images
        )
        sizes = [node.image.engine_size for node in images]
        return Totals(
            images=len(images),
            layers=len(layers),
            listed=listed,
            footprint=footprint,
            saved=stacked - footprint,
            exact=all(node.exact for node in images),
            unknown_layers=unknown_layers,
            unknown_images=unknown_images,
            engine_listed=None if None in sizes else sum(size or 0 for size in sizes),
        )


def union(images: Iterable[ImageNode]) -> tuple[Layer, ...]:
    """Return the distinct layers of some images, parents before children."""
    found: dict[int, Layer] = {}
    for node in images:
        for layer in reversed(node.layers):
            if layer.index in found:  # and so is all that it stands on
                break
            found[layer.index] = layer
    return tuple(found[index] for index in sorted(found))


def build_graph(inventory: Inventory) -> LayerGraph:
    """Compute the layer graph of an inventory.

    Raises nothing on odd data: what does not add up is marked unknown or inferred,
    and of records with the same image ID the first counts.
    """
    rules = STORES[inventory.engine.store_kind]
    by_id: dict[str, Image] = {}
    for image in inventory.images:
        by_id.setdefault(image.id, image)
    images = tuple(by_id.values())
    parents: dict[str, str | None] = {}
    diffs: dict[str, str] = {}
    memo: dict[tuple[str | None, str], str] = {}
    stacks: list[Stack] = []
    for image in images:
        if image.diff_ids is None:
            continue
        chain: list[str] = []
        parent: str | None = None
        for diff_id in image.diff_ids:
            key = (parent, diff_id)
            here = memo.get(key)
            if here is None:
                here = memo[key] = chain_id(parent, diff_id)
                parents.setdefault(here, parent)  # by chance or malice a diff ID may be another layer's chain ID
                diffs.setdefault(here, diff_id)
            chain.append(here)
            parent = here
        stacks.append(Stack(image, image.diff_ids, tuple(chain)))

    settled = settle(stacks, parents, rules)
    needed = {chain for stack in stacks if stack.image.listed for chain in stack.chain}
    made: dict[str, Layer] = {}
    layers: list[Layer] = []
    hidden: list[Layer] = []
    for name, below in parents.items():
        shelf = layers if name in needed else hidden
        layer = _layer(len(shelf), name, diffs[name], made[below] if below is not None else None, settled[name])
        made[name] = layer
        shelf.append(layer)
        if layer.parent is not None and name in needed:
            layer.parent.children.append(layer)
    rows = _images(stacks, made, inventory, images, rules)
    return LayerGraph(inventory, tuple(layers), rows, tuple(hidden))


def _layer(index: int, chain: str, diff: str, parent: Layer | None, found: Settled) -> Layer:
    entry = found.entry
    return Layer(
        index=index,
        chain_id=chain,
        diff_id=diff,
        parent=parent,
        depth=0 if parent is None else parent.depth + 1,
        size=found.size,
        size_is=found.size_is,
        size_from=found.size_from,
        instruction=None if entry is None else entry.created_by,
        instruction_is=found.entry_is,
        comment="" if entry is None else entry.comment,
        created=None if entry is None else entry.created,
        sum_exact=found.sum_exact,
    )


def _images(
    stacks: Sequence[Stack], made: Mapping[str, Layer], inventory: Inventory, images: Sequence[Image], rules: StoreRules
) -> tuple[ImageNode, ...]:
    stack_of = {stack.image.id: tuple(made[chain] for chain in stack.chain) for stack in stacks}
    containers: dict[str, list[Container]] = {}
    for container in inventory.containers:
        containers.setdefault(container.image_id, []).append(container)
    folded = _intermediates(images)

    upto: dict[str | None, tuple[int, int, bool]] = {None: (0, 0, True)}
    """For a layer and all below it: known bytes, layers of unknown size, and whether sums are exact."""
    for name, layer in made.items():
        size, unknown, exact = upto[None if layer.parent is None else layer.parent.chain_id]
        upto[name] = size + layer.known_size, unknown + (layer.size is None), exact and layer.sum_exact

    rows: list[ImageNode] = []
    for image in images:
        if not image.listed:
            continue
        layers = stack_of.get(image.id, ())
        size, unknown, exact = upto[layers[-1].chain_id if layers else None]
        if (unknown or image.diff_ids is None) and rules.image_size_is_layers and image.layers_size is not None:
            size = max(size, image.layers_size)  # the engine's own sum is still right
        rows.append(
            ImageNode(
                index=0,
                image=image,
                layers=layers,
                containers=tuple(containers.get(image.id, ())),
                intermediates=folded.get(image.id, ()),
                size=size,
                unique=0,
                shared=0,
                exact=exact and image.diff_ids is not None,
                sharing_exact=False,
                unknown_layers=unknown,
            )
        )
    rows.sort(key=lambda node: (-node.size, node.name, node.image.id))
    all_known = all(node.known or _stores_nothing(node.image) for node in rows)
    for index, node in enumerate(rows):
        node.index = index
        node.sharing_exact = node.exact and all_known
        for layer in node.layers:
            layer.images.append(node)
    for node in rows:
        # What an image has alone lies on top: whoever shares a layer shares those below it.
        node.unique = sum(layer.known_size for layer in takewhile(_not_shared, reversed(node.layers)))
        node.shared = (upto[node.layers[-1].chain_id][0] if node.layers else 0) - node.unique
    return tuple(rows)


def _not_shared(layer: Layer) -> bool:
    return len(layer.images) == 1


def _stores_nothing(image: Image) -> bool:
    """Is nothing of it unpacked? So it is with an image for other platforms only, whose layers no engine tells."""
    return bool(image.platforms) and all(platform.unpacked_size == 0 for platform in image.platforms)


def _intermediates(images: Sequence[Image]) -> dict[str, tuple[Image, ...]]:
    """Give every listed image the unlisted ancestors (by ParentId) that lie under it."""
    by_id = {image.id: image for image in images}
    found: dict[str, tuple[Image, ...]] = {}
    for image in images:
        if not image.listed or not image.parent_id:
            continue
        line: list[Image] = []
        seen = {image.id}
        parent = by_id.get(image.parent_id)
        while parent is not None and not parent.listed and parent.id not in seen:
            seen.add(parent.id)
            line.append(parent)
            parent = by_id.get(parent.parent_id)
        if line:
            found[image.id] = tuple(line)
    return found
