"""LayerGraph: the whole store as a forest of layers with images as its leaves.

Everything a view, a report or a removal plan needs to know about sharing is read
from here; :mod:`layerscope.core.build` makes one. All sizes are bytes in the store's
unit (``graph.rules.unit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from weakref import ref

from msgspec import Struct, field

from layerscope.core.content import ContentGraph, ContentUse, LayersState
from layerscope.core.layerstate import layers_state
from layerscope.core.seen import NOTHING_SEEN, Seen
from layerscope.core.sizes.ledger import Certainty, Naming, Words
from layerscope.core.sizes.sums import GROUND, Bound, Bounds, Height, Tally, Unknowns
from layerscope.core.stores import STORES, DiskRule, StoreRules, disk_rule
from layerscope.core.totals import Added, Totals
from layerscope.inventory import Container, Image, Inventory


class Layer(Struct, eq=False):
    """One stored layer: a chain ID. Read-only once the graph is built; compares by identity."""

    index: int
    """Position in :attr:`LayerGraph.layers`; the hidden layers are numbered after those."""
    chain_id: str
    diff_id: str
    parent: Layer | None
    depth: int
    """0 for the first layer of a stack."""
    size: int | None
    """Bytes in the store's unit; None: not known."""
    size_is: Certainty
    words: Words | None
    """See :attr:`size_from`."""
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
    def size_from(self) -> str:
        """In words, where the size comes from, when it is not simply the layer's own history entry.

        It may name an image: hostile text, clean before showing.
        """
        return "" if self.words is None else str(self.words)

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


class ImageNode(Struct, eq=False):
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
    content: ContentUse | None = None
    """Its compressed blobs; None where the store keeps none, or does not tell."""

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


class LayerGraph:
    """The forest of stored layers and the images on it. :func:`layerscope.core.build.build_graph` makes it."""

    def __init__(
        self,
        inventory: Inventory,
        layers: tuple[Layer, ...],
        images: tuple[ImageNode, ...],
        hidden_layers: tuple[Layer, ...],
        unlisted: tuple[Image, ...],
        stacks: Mapping[str, tuple[Layer, ...]],
        content: ContentGraph | None = None,
        unknowns: Unknowns | None = None,
        namings: Mapping[str, Naming] | None = None,
    ) -> None:
        self.worked_out: dict[str, Any] = {}
        """What is worked out of it once, by name; here, as it may refer to the graph: a weak key would keep that."""
        self.inventory = inventory
        self.rules: StoreRules = STORES[inventory.engine.store_kind]
        self.disk_rule: DiskRule = disk_rule(inventory.engine)
        """How they lie on disk: only where that is once each are sums of them what the disk has."""
        self.unknowns = unknowns or Unknowns()
        """Those of the layers' heights."""
        self.namings: Mapping[str, Naming] = namings or {}
        """By image ID what images are called where layers are spoken of."""
        self.layers = layers
        """Every layer that a listed image needs; parents before children."""
        self.images = images
        """The rows of ``docker images``, biggest first."""
        self.hidden_layers = hidden_layers
        """Layers that only unlisted intermediates need: stored, but in no engine total and no footprint."""
        self.unlisted = unlisted
        """The images that are no rows, mostly steps of a build, in the engine's order."""
        self.stacks = stacks
        """By image ID the layers of every image, unlisted ones too, oldest first; none where they are not known."""
        self.content = content
        """Who keeps which blob, on a containerd store; None where there is no such store, or it was refused."""
        self.touched: tuple[ref[LayerGraph], tuple[str, ...]] | None = None
        """The graph that this one was made of in place, and the IDs of its rows that have changed since."""
        self.seen: Seen = NOTHING_SEEN
        """What earlier scans saw of its images; set by who has kept some."""
        self.layer_by_chain = {layer.chain_id: layer for layer in layers}
        self.image_by_id = {node.image.id: node for node in images}

    def touched_since(self, old: LayerGraph) -> tuple[str, ...] | None:
        """Return the IDs of the rows that may differ from those of ``old``, all else being the same; None: any may."""
        if self.touched is None or self.touched[0]() is not old:
            return None
        return self.touched[1]

    @cached_property
    def elsewhere(self) -> frozenset[int]:
        """Layers of read-only stores, by index: no bytes of this store."""
        return frozenset(layer.index for node in self.images if node.image.read_only for layer in node.layers)

    @cached_property
    def totals(self) -> Totals:
        """The sums of the whole host."""
        return self.totals_of(self.images)

    @cached_property
    def roots(self) -> tuple[Layer, ...]:
        """The layers without a parent."""
        return tuple(layer for layer in self.layers if layer.parent is None)

    @cached_property
    def distinct(self) -> bool:
        """Has every record of an image another ID?"""
        return len({image.id for image in self.inventory.images}) == len(self.inventory.images)

    @cached_property
    def plain(self) -> bool:
        """Is every size exact, and in a history of its own? Then no other figure of the engine's had a part in them."""
        return all(layer.words is None and layer.size_is == "exact" for layer in (*self.layers, *self.hidden_layers))

    @cached_property
    def orphan_containers(self) -> tuple[Container, ...]:
        """Containers whose image is no row here: gone, or an unlisted intermediate."""
        return tuple(c for c in self.inventory.containers if c.image_id not in self.image_by_id)

    def layers_state(self, node: ImageNode) -> LayersState:
        """Return what is known of the layers of a row, and why they are not known where they are not."""
        return layers_state(self._said.get(node.id, node.image), self.content)

    @cached_property
    def _said(self) -> Mapping[str, Image]:
        """By ID the images as the engine told them: a row may be without layers that are not stored."""
        return {image.id: image for image in reversed(self.inventory.images)}

    def weigh(self, layers: Iterable[Layer]) -> Bounds:
        """Return between what bounds the sum of some distinct layers lies."""
        tally, least = Tally(), 0
        for layer in layers:
            tally.add(layer.height, layer.below)
            least += layer.weight
        found = self.unknowns.bounds(tally)
        return found if found.exact else Bounds(max(found.low, least), found.high)

    def totals_of(self, images: Sequence[ImageNode]) -> Totals:
        """Return the sums of some images as if they were alone on the host."""
        images = [node for node in images if not node.image.read_only] if self.elsewhere else images
        layers, stored = _stored(images, self.elsewhere)
        stacked = Tally()
        listed = told = 0
        unknown_images = 0
        for node in images:
            if node.known:
                height = node.height
                stacked.add(height, GROUND)
                if node.exact:
                    listed += height.rest
                else:
                    told += node.size
            else:
                told += node.size
                unknown_images += 1
        sizes = [node.image.engine_size for node in images]
        return self.totals_from(
            images,
            Added(
                layers=len(layers),
                weight=lambda: sum([layer.weight for layer in layers]),
                unknown_layers=lambda: [layer.sum_exact for layer in layers].count(False),
                stored=stored,
                stacked=stacked,
                listed=listed + told,
                exact=all(node.exact for node in images),
                unknown_images=unknown_images,
                engine_listed=None if None in sizes else sum(size or 0 for size in sizes),
            ),
        )

    def totals_from(self, images: Sequence[ImageNode], added: Added) -> Totals:
        """Return the sums of some images that are in this store, of which everything was added up."""
        footprint = self.unknowns.bounds(added.stored)
        if not footprint.exact:
            footprint = Bounds(max(footprint.low, added.weight()), footprint.high)
        saved = self.unknowns.bounds(added.stacked.less(added.stored))
        content = None if self.content is None else self.content.sums(node.id for node in images)
        listed_bound: Bound = "" if added.exact else "≥"
        footprint_bound: Bound = "" if footprint.exact and not added.unknown_images else "≥"
        return Totals(
            images=len(images),
            layers=added.layers,
            listed=added.listed,
            footprint=footprint.low,
            saved=saved.low,
            exact=not listed_bound and not footprint_bound and saved.exact,
            unknown_layers=0 if footprint.exact else added.unknown_layers(),
            unknown_images=added.unknown_images,
            engine_listed=added.engine_listed,
            listed_bound=listed_bound,
            footprint_bound=footprint_bound,
            saved_bound="" if saved.exact and not added.unknown_images else "≥",
            footprint_most=None if added.unknown_images else footprint.high,
            keeps_content=self.rules.keeps_content,
            listed_content=None if content is None else content.listed,
            content=None if content is None else content.stored,
        )


def place(node: ImageNode) -> tuple[int, str, str]:
    """Return what rows are in the order of: the biggest first, then by name."""
    return -node.size, node.name, node.image.id


def union(images: Iterable[ImageNode]) -> tuple[Layer, ...]:
    """Return the distinct layers of some images, parents before children."""
    found: dict[int, Layer] = {}
    for node in images:
        for layer in reversed(node.layers):
            if layer.index in found:  # and so is all that it stands on
                break
            found[layer.index] = layer
    return tuple(found[index] for index in sorted(found))


def _stored(images: Iterable[ImageNode], without: frozenset[int]) -> tuple[list[Layer], Tally]:
    """Return the distinct layers of some images, but those ``without`` (by index), and their sum.

    Of a run of layers only its ends are left in the sum, so that only those are added.
    """
    found: dict[int, Layer] = {}
    tally = Tally()
    for node in images:
        below = GROUND
        for layer in reversed(node.layers):
            if layer.index in found:  # and so is all that it stands on
                below = layer.height
                break
            found[layer.index] = layer
        top = node.height
        if top is not below:
            tally.add(top, below)
    layers = list(found.values())
    if without:
        for layer in [layer for layer in layers if layer.index in without]:
            tally.add(layer.height, layer.below, -1)
        layers = [layer for layer in layers if layer.index not in without]
    return layers, tally


def may_hide_layers(image: Image) -> bool:
    """May an image need layers that are not known?

    Not one for other platforms only, none of it unpacked: its layers are not told, but none is stored.
    """
    if image.diff_ids is not None:
        return False
    return not image.platforms or any(platform.unpacked_size != 0 for platform in image.platforms)
