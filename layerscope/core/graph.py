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
from layerscope.core.sizes.evidence import usage_of
from layerscope.core.sizes.ledger import Certainty, Settled, Stack
from layerscope.core.sizes.resolve import settle
from layerscope.core.sizes.sums import GROUND, Bound, Bounds, Height, Tally, Unknowns, ratio_bound
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
    weight: int = 0
    """What it adds to a sum that is shown as "at least"; see :attr:`layerscope.core.sizes.ledger.Settled.weight`."""
    height: Height = GROUND
    """Its bytes and those of all below it; see :mod:`layerscope.core.sizes.sums`."""
    children: list[Layer] = field(default_factory=list)
    images: list[ImageNode] = field(default_factory=list)
    """The listed images that need this layer, in the order of :attr:`LayerGraph.images`."""

    def __repr__(self) -> str:
        # The default one would print the whole graph, round and round.
        return f"<Layer {self.chain_id[:19]} {self.size_is} {self.size}>"

    @property
    def known_size(self) -> int:
        """The size, or what the engine's sums leave for it (see :attr:`weight`) where it is not known."""
        return self.weight if self.size is None else self.size

    @property
    def below(self) -> Height:
        """The height of what it stands on."""
        return GROUND if self.parent is None else self.parent.height

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
    """Bytes of all its layers, exact if ``exact``; else a lower bound."""
    unique: int
    """Bytes of the layers that no other listed image needs, exact if ``sharing_exact``; ``unique_bound`` says more."""
    shared: int
    """Bytes of the layers that other listed images need too, exact if ``sharing_exact``; else a lower bound."""
    exact: bool
    """False when the engine's figures do not determine the sum of its layers, or its layers are not known."""
    sharing_exact: bool
    """Are ``unique`` and ``shared`` exact too? Not while another image's layers are not known."""
    unknown_layers: int
    """Layers whose size is not known."""
    unique_bound: Bound = "?"
    """What ``unique`` is to the truth: it may be less while there are images whose layers are not known."""

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
    def height(self) -> Height:
        """That of its top layer."""
        return self.layers[-1].height if self.layers else GROUND

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
    """Layers that keep the sums from being exact: neither their sizes nor sums that settle them are known."""
    unknown_images: int
    """Images whose layers are not known at all (not scanned yet, or refused)."""
    engine_listed: int | None
    """Sum of what ``docker images`` prints; other than ``listed`` where the engine adds other units to it."""
    listed_bound: Bound = ""
    """``≥`` where ``listed`` is only a lower bound."""
    footprint_bound: Bound = ""
    saved_bound: Bound = ""
    footprint_most: int | None = None
    """The footprint is at most this; None: nobody knows."""

    @property
    def ratio(self) -> float | None:
        """How many times over the footprint is used; None for an empty store."""
        return self.listed / self.footprint if self.footprint else None

    @property
    def ratio_bound(self) -> Bound:
        """What :attr:`ratio` is to the truth: of bounds there is no exact ratio."""
        return ratio_bound(self.listed_bound, self.footprint_bound)


class LayerGraph:
    """The forest of stored layers and the images on it. Build it with :func:`build_graph`."""

    def __init__(
        self,
        inventory: Inventory,
        layers: tuple[Layer, ...],
        images: tuple[ImageNode, ...],
        hidden_layers: tuple[Layer, ...],
        unknowns: Unknowns | None = None,
    ) -> None:
        self.inventory = inventory
        self.rules: StoreRules = STORES[inventory.engine.store_kind]
        self.unknowns = unknowns or Unknowns()
        """Those of the layers' heights."""
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
        listed, stacked, stored = Tally(), Tally(), Tally()
        told = 0
        unknown_images = 0
        for node in images:
            if node.known:
                stacked.add(node.height, GROUND)
                if node.exact:
                    listed.add(node.height, GROUND)
                else:
                    told += node.size
            else:
                told += node.size
                unknown_images += 1
        for layer in layers:
            stored.add(layer.height, layer.below)
            stacked.add(layer.height, layer.below, -1)
        footprint = self.unknowns.bounds(stored)
        if not footprint.exact:
            footprint = Bounds(max(footprint.low, sum(layer.weight for layer in layers)), footprint.high)
        saved = self.unknowns.bounds(stacked)
        sizes = [node.image.engine_size for node in images]
        listed_bound: Bound = "" if all(node.exact for node in images) else "≥"
        footprint_bound: Bound = "" if footprint.exact and not unknown_images else "≥"
        return Totals(
            images=len(images),
            layers=len(layers),
            listed=listed.rest + told,
            footprint=footprint.low,
            saved=saved.low,
            exact=not listed_bound and not footprint_bound and saved.exact,
            unknown_layers=0 if footprint.exact else sum(not layer.sum_exact for layer in layers),
            unknown_images=unknown_images,
            engine_listed=None if None in sizes else sum(size or 0 for size in sizes),
            listed_bound=listed_bound,
            footprint_bound=footprint_bound,
            saved_bound="" if saved.exact and not unknown_images else "≥",
            footprint_most=None if unknown_images else footprint.high,
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

    settlement = settle(stacks, parents, rules, usage_of(inventory, rules))
    settled = settlement.layers
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
    rows = _images(stacks, made, inventory, images, rules, settlement.unknowns)
    return LayerGraph(inventory, tuple(layers), rows, tuple(hidden), settlement.unknowns)


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
        weight=found.weight,
        height=found.height,
    )


def _images(
    stacks: Sequence[Stack],
    made: Mapping[str, Layer],
    inventory: Inventory,
    images: Sequence[Image],
    rules: StoreRules,
    unknowns: Unknowns,
) -> tuple[ImageNode, ...]:
    stack_of = {stack.image.id: tuple(made[chain] for chain in stack.chain) for stack in stacks}
    containers: dict[str, list[Container]] = {}
    for container in inventory.containers:
        containers.setdefault(container.image_id, []).append(container)
    folded = _intermediates(images)

    upto: dict[str | None, tuple[int, int]] = {None: (0, 0)}
    """For a layer and all below it: bytes by their weights, and layers of unknown size."""
    for name, layer in made.items():
        least, unknown = upto[None if layer.parent is None else layer.parent.chain_id]
        upto[name] = least + layer.weight, unknown + (layer.size is None)

    rows: list[ImageNode] = []
    for image in images:
        if not image.listed:
            continue
        layers = stack_of.get(image.id, ())
        least, unknown = upto[layers[-1].chain_id if layers else None]
        between = unknowns.of(layers[-1].height if layers else GROUND)
        exact = between.exact
        size = between.low if exact else max(between.low, least)
        if (not exact or image.diff_ids is None) and rules.image_size_is_layers and image.layers_size is not None:
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
        for layer in node.layers:
            layer.images.append(node)
    for node in rows:
        # What an image has alone lies on top: whoever shares a layer shares those below it.
        own = list(takewhile(_not_shared, reversed(node.layers)))
        ground = own[-1].below if own else node.height
        alone = Tally()
        alone.add(node.height, ground)
        unique, shared = unknowns.bounds(alone), unknowns.of(ground)
        node.unique, node.shared = unique.low, shared.low
        if not unique.exact:
            node.unique = max(unique.low, sum(layer.weight for layer in own))
        if not shared.exact:
            node.shared = max(shared.low, sum(layer.weight for layer in node.layers[: len(node.layers) - len(own)]))
        node.sharing_exact = node.exact and unique.exact and shared.exact and all_known
        if node.known:
            node.unique_bound = ("" if unique.exact else "≥") if all_known else "≤" if unique.exact else "?"
        if not all_known and unique == Bounds(0, 0) and node.known:
            node.unique_bound = ""
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
