"""Marks: the set of images that a user is putting together, with its figures at any moment.

A mark costs time in proportion to the layers of the image marked, whatever else
is on the host; the figures are then read off. They are those of
:func:`layerscope.core.removal.plan.plan` for the same set, and :meth:`Marks.plan` makes the whole plan.
"""

from __future__ import annotations

from collections.abc import Iterable, KeysView
from typing import TYPE_CHECKING

from msgspec import Struct

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.removal.holders import holders_of
from layerscope.core.removal.simulation import Removal
from layerscope.core.sizes.sums import Bound

if TYPE_CHECKING:
    from layerscope.core.removal.plan import RemovalPlan

FEW = 32
"""Up to this many marks, sorting their layers costs less than going through all of the host."""


class Figures(Struct, frozen=True):
    """What the marked set comes to. Bytes in the store's unit."""

    marked: int
    """How many images are marked."""
    blocked: int
    """How many of them the engine would refuse to remove: they stay, and so do their layers."""
    untagged: int
    """How many of them only lose their names, and free nothing."""
    listed: int
    """Sum of the sizes of all marked images."""
    frees: int
    """Bytes that go; see :attr:`layerscope.core.removal.plan.RemovalPlan.frees`."""
    content: int | None
    """Bytes of compressed blobs that go besides, once the build cache is pruned; None where that is not known."""
    kept: int
    """Bytes of the marked images' layers that stay, each once."""
    keeper: ImageNode | None
    """The image that keeps most of ``kept``; None when no row keeps any."""
    keepers: int
    """How many rows keep some of it. Marked ones are among them when they are blocked."""
    exact: bool
    """False when ``frees`` may be off: the plan says why."""
    bound: Bound
    """What ``frees`` is to what would come back: at least or at most that, where it is not exact."""


class Marks:
    """The marked images of a graph. Outlives the graph: see :meth:`rebase`."""

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self._ids: dict[str, None] = {}
        self._missing: dict[str, None] = {}
        self._removal = Removal(holders_of(graph))
        self._figures: Figures | None = None
        self._listed = 0

    @property
    def ids(self) -> KeysView[str]:
        """IDs of the marked images, in the order in which they were marked; ``in`` and ``len`` are quick."""
        return self._ids.keys()

    @property
    def images(self) -> list[ImageNode]:
        """The marked images, in the order in which they were marked."""
        return [self.graph.image_by_id[image_id] for image_id in self._ids]

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, node: ImageNode) -> bool:
        return node.id in self._ids

    def mark(self, node: ImageNode) -> None:
        """Mark an image of the graph; nothing happens if it is."""
        if node.id not in self._ids:
            self._ids[node.id] = None
            self._removal.add(node.index)
            self._listed += node.size
            self._figures = None

    def unmark(self, node: ImageNode) -> None:
        """Take the mark off an image; nothing happens if it has none."""
        if node.id in self._ids:
            del self._ids[node.id]
            self._removal.discard(node.index)
            self._listed -= node.size
            self._figures = None

    def toggle(self, nodes: Iterable[ImageNode]) -> bool:
        """Mark these images, or unmark them if all of them are marked; return True when they are marked now."""
        nodes = list(nodes)
        marking = any(node.id not in self._ids for node in nodes)
        for node in nodes:
            if marking:
                self.mark(node)
            else:
                self.unmark(node)
        return marking

    def mark_layer(self, layer: Layer) -> None:
        """Mark every image that must go for a layer to go: all that need it."""
        for node in layer.images:
            self.mark(node)

    def clear(self) -> None:
        """Take all marks off."""
        self._ids.clear()
        self._missing.clear()
        self._restart()

    def rebase(self, graph: LayerGraph) -> tuple[str, ...]:
        """Carry the marks over to a newer graph of the same host; return the IDs of marked images that are gone.

        While a scan is under way an image that is not there yet may only not have been listed: its
        mark comes back with it.
        """
        wanted = {**self._ids, **self._missing}
        self.graph = graph
        known = graph.image_by_id
        self._ids = {image_id: None for image_id in wanted if image_id in known}
        absent = {image_id: None for image_id in wanted if image_id not in known}
        self._missing = {} if graph.inventory.complete else absent
        self._restart()
        return tuple(absent) if graph.inventory.complete else ()

    def gone(self, layer: Layer) -> bool:
        """Would this layer of the graph go with the marked images?"""
        return not self._removal.held[layer.index]

    def goes(self, node: ImageNode) -> bool:
        """Would this image go: is it marked, and nothing keeps the engine from removing it?"""
        return bool(self._removal.gone[node.index])

    @property
    def figures(self) -> Figures:
        """What the marked set comes to, worked out when first asked for after a change."""
        if self._figures is None:
            removal = self._removal
            keeper, keepers = self._keeper()
            self._figures = Figures(
                marked=len(self._ids),
                blocked=len(self._ids) - removal.listed_gone - removal.listed_untagged,
                untagged=removal.listed_untagged,
                listed=self._listed,
                frees=removal.frees,
                content=removal.frees_content if self.graph.content is not None else None,
                kept=removal.kept,
                keeper=keeper,
                keepers=keepers,
                exact=not removal.doubtful,
                bound=removal.bound,
            )
        return self._figures

    @property
    def held_by_cache(self) -> int | None:
        """At most this much of ``frees`` stays until the build cache is pruned; None where that cannot be told.

        See :attr:`layerscope.core.removal.plan.RemovalPlan.held_by_cache`.
        """
        return None if self._removal.holders.cached is None else self._removal.frees_cached

    def plan(self) -> RemovalPlan:
        """Return the whole plan for the marked images."""
        from layerscope.core.removal.plan import plan_of  # noqa: PLC0415 - not before it is asked for

        return plan_of(self.graph, self._removal)

    def refusal(self) -> str:
        """Return what keeps the first of those that stay from being removed, as a plan says it; empty where all go."""
        from layerscope.core.removal.plan import refusal_of  # noqa: PLC0415 - not before it is asked for

        return refusal_of(self.graph, self._removal)

    def _restart(self) -> None:
        self._removal = Removal(holders_of(self.graph))
        self._listed = 0
        self._figures = None
        for image_id in self._ids:
            node = self.graph.image_by_id[image_id]
            self._removal.add(node.index)
            self._listed += node.size

    def _keeper(self) -> tuple[ImageNode | None, int]:
        """Return the row that keeps most of the marked layers, and how many rows keep any.

        A row keeps the marked layers at the bottom of its stack. So all keepers stand on the
        roots that are marked and stay, and the one that keeps most on the heaviest marked stack that stays.
        """
        removal = self._removal
        if not removal.kept:
            return None, 0
        holders, wanted = removal.holders, removal.wanted
        keeper: ImageNode | None = None
        for layer in self._heaviest_first():
            if wanted[layer] and removal.held[layer]:
                images = [node for node in holders.layers[layer].images if not removal.gone[node.index]]
                if images:  # one that itself only loses its name is no answer where there is another
                    keeper = next((node for node in images if not removal.untagged(node.index)), images[0])
                    break
        # Every row that goes is marked, so each that has layers stands on one of the marked roots.
        on_roots = sum(len(layer.images) for layer in self.graph.roots if wanted[layer.index])
        going = removal.listed_gone - sum(removal.gone[row] for row in holders.bare)
        return keeper, on_roots - going

    def _heaviest_first(self) -> Iterable[int]:
        """Give the marked layers, and maybe others, by the bytes of the stack that each ends, the heaviest first."""
        removal = self._removal
        if len(removal.chosen) > FEW:
            return removal.holders.by_weight
        stacks = removal.holders.stacks
        return sorted({layer for row in removal.chosen for layer in stacks[row]}, key=removal.holders.rank.__getitem__)
