"""Hosts by the thousand from seeds, with honest, lying and blank histories, and what is wrongly called exact on each.

The hosts are those of :mod:`tests.core.hosts`, on an overlay2 engine that gives its own sums as engines do. *Lying*
histories have texts, comments and dates of other builders, at random; *blank* ones have none. Sizes stay as the engine
counts them, and so does which entries made layers: that is what an engine cannot be made to lie about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.plan import plan
from layerscope.inventory import DiskUsage, Inventory
from tests.core.hosts import ALL, NOTHING, Built, Host, Step, Yard, inventory, surplus
from tests.core.model import Path, figures, path_of, paths

TEXTS = ("", "RUN make # buildkit", "COPY a /b # buildkit", "ENV A=1", "/bin/sh -c #(nop) CMD x", "WORKDIR /w", "bash")
COMMENTS = (
    *("", "", "buildkit.dockerfile.v0", "buildkit.exporter.image.v0"),
    *("merge sha256:1 to sha256:2", "Imported from -"),
)
DATES = (None, 0, 315_532_801, 1_700_000_000)
KINDS = ("honest", "lying", "blank")


class _SeededYard(Yard):
    """Chooses by a seed, in place of hypothesis: the same seed is the same host."""

    def __init__(self, random: Random, weights: tuple[int, ...]) -> None:
        super().__init__(None, "graphdriver", weights)  # type: ignore[arg-type]
        self.random = random

    def pick(self, *values: str) -> str:
        return self.random.choice(values)

    def flip(self) -> bool:
        return self.random.random() < 0.5

    def times(self, most: int, least: int = 1) -> range:
        return range(self.random.randint(least, most))

    def diff(self) -> str:
        if self.random.randrange(4) == 0:
            return self.random.choice(sorted(self.weights))
        diff_id = self.fresh()
        self.weights[diff_id] = self.random.choice(self.choices)
        return diff_id


BUILDERS = tuple(builder for builder in ALL if builder is not surplus)
WEIGHTS = (0, 0, 5, 5, 7, 40, 333)


def host(seed: int, kind: str) -> Host:
    """Return the host of a seed; those of the three kinds differ only in their histories."""
    random = Random(seed)
    yard = _SeededYard(random, WEIGHTS)
    for _ in range(random.randint(1, 8)):
        base = random.choice([NOTHING, *yard.images])
        random.choice(BUILDERS)(yard, base)
    parents = {image.parent_id for image in yard.images}
    # Bases go, and their layers stay with what was built on them: no image ends where branches part.
    images = [image for image in yard.images if image.id in parents or random.random() < 0.7] or yard.images[-1:]
    if kind == "blank":
        images = [
            replace(image, history=tuple(Step("", step.layer, "", None) for step in image.history)) for image in images
        ]
    elif kind == "lying":
        images = _lying(images, random)
    return Host("graphdriver", yard.weights, tuple(images), {})


def _lying(images: list[Built], random: Random) -> list[Built]:
    lies: dict[Step, Step] = {}
    found = []
    for image in images:
        steps = []
        for step in image.history:  # the engine takes a parent only if its history is the beginning of the child's
            lie = Step(random.choice(TEXTS), step.layer, random.choice(COMMENTS), random.choice(DATES))
            steps.append(lies.setdefault(step, lie))
        if not image.parent_id and all(other.parent_id != image.id for other in images) and random.random() < 0.3:
            made = set(random.sample(range(len(steps)), min(len(steps), random.randint(0, len(image.diff_ids)))))
            steps = [replace(step, layer=place in made) for place, step in enumerate(steps)]
        found.append(replace(image, history=tuple(steps)))
    return found


def told(truth: Host, *, old: bool, usage: bool) -> Inventory:
    """Return what an engine says of a host: up to 20.10 (``old``) a SharedSize is over the rows alone."""
    said = inventory(truth)
    if not usage:
        return said
    sizes = truth.sizes()
    rows = [image for image in truth.images if truth.listed(image)]
    counted = rows if old else truth.images
    sharers: dict[Path, int] = {}
    for image in counted:
        for path in paths(image.diff_ids):
            sharers[path] = sharers.get(path, 0) + 1
    shared = tuple((image.id, sum(sizes[p] for p in paths(image.diff_ids) if sharers[p] > 1)) for image in rows)
    stored = {path for image in rows for path in paths(image.diff_ids)}
    return replace(said, usage=DiskUsage(sum(sizes[path] for path in stored), None, shared, ()))


@dataclass
class Result:
    """What came of many hosts."""

    hosts: int = 0
    footprint_exact: int = 0
    plans: int = 0
    plans_exact: int = 0
    layers: int = 0
    layers_exact: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.hosts} hosts, footprint exact on {self.footprint_exact}; {self.plans_exact} of {self.plans} plans "
            f"and {self.layers_exact} of {self.layers} layers exact; {len(self.wrong)} wrong {self.wrong[:5]}"
        )


def run(seeds: range, kind: str, *, usage: bool) -> Result:
    """Ask the product about hosts, and hold every figure against the truth."""
    result = Result()
    for seed in seeds:
        truth = host(seed, kind)
        graph = build_graph(told(truth, old=seed % 2 == 0, usage=usage))
        result.hosts += 1
        result.footprint_exact += not graph.totals.footprint_bound
        result.wrong += [f"{kind} {seed}: {what}" for what in (*_layers(truth, graph, result), *_sums(truth, graph))]
        result.wrong += [f"{kind} {seed}: {what}" for what in _plans(truth, graph, Random(seed), result)]
    return result


def _layers(truth: Host, graph: LayerGraph, result: Result) -> Iterator[str]:
    sizes = truth.sizes()
    for layer in (*graph.layers, *graph.hidden_layers):
        result.layers += 1
        if layer.size_is == "exact":
            result.layers_exact += 1
            if layer.size != sizes[path_of(layer)]:
                yield f"layer {layer.size} for {sizes[path_of(layer)]}"


def _sums(truth: Host, graph: LayerGraph) -> Iterator[str]:
    built = {image.id: image.diff_ids for image in truth.images}
    true = figures({node.id: built[node.id] for node in graph.images}, truth.sizes())
    for node in graph.images:
        yield from _held(f"{node.name} size", node.size, "" if node.exact else "≥", true.size[node.id])
        yield from _held(f"{node.name} unique", node.unique, node.unique_bound, true.unique[node.id])
        yield from _held(f"{node.name} shared", node.shared, "" if node.sharing_exact else "≥", true.shared[node.id])
    totals = graph.totals
    yield from _held("listed", totals.listed, totals.listed_bound, true.listed)
    yield from _held("footprint", totals.footprint, totals.footprint_bound, true.footprint)
    yield from _held("saved", totals.saved, totals.saved_bound, true.saved)
    if totals.footprint_most is not None and totals.footprint_most < true.footprint:
        yield f"footprint at most {totals.footprint_most} for {true.footprint}"


def _plans(truth: Host, graph: LayerGraph, random: Random, result: Result) -> Iterator[str]:
    sizes = truth.sizes()
    rows = [image for image in truth.images if truth.listed(image)]
    stored = {path for image in rows for path in paths(image.diff_ids)}
    for _ in range(3):
        ids = [node.id for node in random.sample(graph.images, random.randint(1, len(graph.images)))]
        found = plan(graph, ids)
        gone = {node.id for node in found.removed} | {image.id for image in found.parents}
        needed = {path for image in truth.images if image.id not in gone for path in paths(image.diff_ids)}
        result.plans += 1
        result.plans_exact += found.exact
        yield from _held(f"plan of {len(ids)}", found.frees, found.bound, sum(sizes[p] for p in stored - needed))


def _held(what: str, said: int, bound: str, true: int) -> Iterator[str]:
    if not {"": said == true, "≥": said <= true, "≤": said >= true, "~": True, "?": True}[bound]:
        yield f"{what} {bound}{said} for {true}"
