"""The forest of layers with its unbranched runs put together: what the tree and the map are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from weakref import WeakKeyDictionary

from msgspec import Struct, field

from layerscope.core.graph import ImageNode, Layer, LayerGraph, union
from layerscope.core.parts import Parts
from layerscope.core.runs import runs
from layerscope.views.names import repository


class Run(Struct, eq=False):
    """A run of layers (:mod:`layerscope.core.runs`) with what stands on it. Compares by identity."""

    layers: tuple[Layer, ...]
    """Oldest first, never empty."""
    parent: Run | None
    depth: int
    """Runs below it."""
    images: list[ImageNode]
    """Those that end with its last layer."""
    children: list[Run] = field(default_factory=list)
    """What stands on it, most bytes first."""
    own: int = 0
    """Bytes of its layers; a lower bound when ``unknown``."""
    unknown: int = 0
    """How many of its layers keep that from being exact; 0 where the engine's sums settle what they weigh together."""
    total: int = 0
    """Bytes of its layers and of all that stands on them, each layer once."""
    total_unknown: int = 0
    missing: int = 0
    """How many of these layers have no size at all, so that nothing of them is in ``total``."""
    count: int = 0
    """Images that need it."""

    @property
    def top(self) -> Layer:
        """The newest layer: where it branches, or where images end."""
        return self.layers[-1]

    @property
    def key(self) -> str:
        """The chain ID of its newest layer: names the run from one scan to the next."""
        return self.layers[-1].chain_id

    @property
    def biggest(self) -> Layer:
        """The layer that weighs most, the newest of several."""
        return max(reversed(self.layers), key=lambda layer: layer.known_size)

    @property
    def members(self) -> list[ImageNode]:
        """The images that need it, as :meth:`walk` meets them."""
        return list(self.walk())

    def walk(self) -> Iterator[ImageNode]:
        """Yield the images that need it: those that end with it, then those further up, the heaviest branch first."""
        waiting = [self]
        while waiting:
            run = waiting.pop()
            yield from run.images
            waiting.extend(reversed(run.children))


class Forest:
    """The runs of a graph, or of some of its images alone."""

    def __init__(self, graph: LayerGraph, images: Sequence[ImageNode] | None = None) -> None:
        """Take the images to show; None is all of them. With some, sizes and counts are as if they were alone."""
        self.graph = graph
        self.images = graph.images if images is None else images
        layers = graph.layers if images is None else union(images)
        self._ends: dict[int, list[ImageNode]] = {}
        self.bare: list[ImageNode] = []
        """Images without layers, or whose layers are not known."""
        for node in self.images:
            if node.layers:
                self._ends.setdefault(node.layers[-1].index, []).append(node)
            else:
                self.bare.append(node)
        self.roots: list[Run] = []
        self.run_of: dict[int, Run] = {}
        """By :attr:`Layer.index`."""
        self._build(layers)
        self.total = sum(run.total for run in self.roots)
        """Bytes of all layers, each once: the footprint of the images."""
        self.layers = len(layers)
        self._repositories: dict[Run, str] = {}

    def _build(self, layers: Sequence[Layer]) -> None:
        ends, run_of = self._ends, self.run_of
        made: list[Run] = []
        for stack in runs({layer: layer.parent for layer in layers}, {nodes[0].layers[-1] for nodes in ends.values()}):
            below = stack[0].parent
            parent = None if below is None else run_of[below.index]
            run = Run(tuple(stack), parent, 0 if parent is None else parent.depth + 1, [])
            (self.roots if parent is None else parent.children).append(run)
            made.append(run)
            for layer in stack:
                run_of[layer.index] = run
        for run in reversed(made):  # children before parents
            weight = self.graph.weigh(run.layers)
            run.own = weight.low
            run.unknown = 0 if weight.exact else sum(not layer.sum_exact for layer in run.layers)
            run.images = ends.get(run.top.index, [])
            run.missing = 0 if weight.exact else sum(layer.size is None for layer in run.layers)
            run.total, run.total_unknown, run.count = run.own, run.unknown, len(run.images)
            for child in run.children:
                run.total += child.total
                run.total_unknown += child.total_unknown
                run.missing += child.missing
                run.count += child.count
            if len(run.children) > 1:
                run.children.sort(key=_weight)
        self.roots.sort(key=_weight)

    def carried_over(self, graph: LayerGraph, touched: Iterable[ImageNode]) -> Forest:
        """Return it for a graph of the very same layers and rows, of which some have other names or containers."""
        self.graph, self.images, self._repositories = graph, graph.images, {}
        return self

    def end_of(self, node: ImageNode) -> Run | None:
        """Return the run that an image ends with; None when it has no layers or is not shown."""
        return self.run_of.get(node.layers[-1].index) if node.layers else None

    def repository_of(self, run: Run) -> str:
        """Return the repository that every image that needs a run is of; empty when there is none."""
        if not self._repositories:  # once for all runs, when it is first asked
            for one in reversed(dict.fromkeys(self.run_of.values())):  # children before parents
                names = {repository(node) for node in one.images}
                names.update(self._repositories[child] for child in one.children)
                self._repositories[one] = names.pop() if len(names) == 1 else ""
        return self._repositories[run]

    def counts(self, nodes: Iterable[ImageNode]) -> dict[Run, int]:
        """Return for each run that some images need how many of them do."""
        found: dict[Run, int] = {}
        for node in nodes:
            run = self.end_of(node)
            if run is not None and node in run.images:
                while run is not None:
                    found[run] = found.get(run, 0) + 1
                    run = run.parent
        return found


def _weight(run: Run) -> tuple[int, int, str]:
    return -run.total, -run.count, run.layers[0].chain_id


def forest_of(graph: LayerGraph) -> Forest:
    """Return the forest of all images of a graph, worked out once for as long as the graph lives."""
    found: Forest | None = graph.worked_out.get("forest")
    if found is None:
        found = graph.worked_out["forest"] = Forest(graph)
    return found


def parts_of(graph: LayerGraph) -> Parts:
    """Return what sums over some of a graph's images are read from, worked out once for as long as the graph lives."""
    found: Parts | None = graph.worked_out.get("parts")
    if found is None:
        walked = (node for root in forest_of(graph).roots for node in root.walk())
        found = graph.worked_out["parts"] = Parts(graph, walked)
    return found


_ORIGINS: WeakKeyDictionary[LayerGraph, list[ImageNode]] = WeakKeyDictionary()


def origin_of(graph: LayerGraph, layer: Layer) -> ImageNode:
    """Return the image that a layer comes from: of those that need it, the one with the fewest layers.

    That is the base image where it is still there, else what is nearest to it. Of equals a tagged one, then
    the oldest.
    """
    found = _ORIGINS.get(graph)
    if found is None:
        by_depth = sorted(graph.images, key=lambda n: (len(n.layers), n.dangling, n.image.created or 0, n.id))
        first: dict[int, ImageNode] = {}
        for node in by_depth:
            for above in reversed(node.layers):  # below one that was met before, all were
                if above.index in first:
                    break
                first[above.index] = node
        found = _ORIGINS[graph] = [first[here.index] for here in graph.layers]
    return found[layer.index]
