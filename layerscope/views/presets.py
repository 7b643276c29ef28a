"""Ready-made sets of images that people clean up: what is left over, unused, old, superseded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.origin import origin_of
from layerscope.core.removal.marks import Marks
from layerscope.units import Units, format_number
from layerscope.views.names import bounded, repository
from layerscope.views.removal import Row

OLD = 30 * 86_400
"""Seconds after which an image is called old."""
KEPT = 2
"""Versions of a repository that are kept."""

COLUMNS: tuple[tuple[str, int], ...] = (("IMAGES", 7), ("ONLY HERE", 9))
"""Titles, each with its cells."""

Choose = Callable[[LayerGraph, int], Iterable[ImageNode]]


class Preset(Struct, frozen=True):
    """One ready-made set."""

    key: str
    """The digit that takes it."""
    name: str
    choose: Choose
    """Of a graph and the time now, in Unix seconds."""


class Found(Struct, frozen=True):
    """A preset on one host."""

    preset: Preset
    ids: tuple[str, ...]
    """Images without a container and without a pin."""
    row: Row


def _superseded(graph: LayerGraph, now: int) -> Iterable[ImageNode]:
    """Give the tagged images of each repository but the newest; one without an age stays, and is none of them."""
    groups: dict[str, list[tuple[int, ImageNode]]] = {}
    for node in graph.images:
        date = made(node.image.created, now)
        if date is not None and not node.dangling:
            groups.setdefault(repository(node), []).append((date, node))
    for dated in groups.values():
        dated.sort(key=lambda pair: (-pair[0], pair[1].index))
        yield from (node for _, node in dated[KEPT:])


def _older(graph: LayerGraph, now: int) -> Iterable[ImageNode]:
    dated = ((made(node.image.created, now), node) for node in graph.images)
    return (node for date, node in dated if date is not None and date < now - OLD)


PRESETS = (
    Preset("1", "dangling: without a name", lambda graph, _: (node for node in graph.images if node.dangling)),
    Preset(
        "2",
        "left over, and only on this machine",
        lambda graph, _: (n for n in graph.images if n.dangling and origin_of(graph, n).again == "only here"),
    ),
    Preset("3", "older than 30 days", _older),
    Preset("4", "all but the newest two of each repository", _superseded),
    Preset("5", "unused: all without a container", lambda graph, _: graph.images),
)


def presets(graph: LayerGraph, pinned: Collection[str], now: int, units: Units) -> list[Found]:
    """Return what each preset finds: never an image with a container, nor one whose ID is in ``pinned``."""
    return [_found(preset, graph, pinned, now, units) for preset in PRESETS]


def _found(preset: Preset, graph: LayerGraph, pinned: Collection[str], now: int, units: Units) -> Found:
    nodes = [node for node in preset.choose(graph, now) if not node.containers and node.id not in pinned]
    marks = Marks(graph)
    for node in nodes:
        marks.mark(node)
    figures = marks.figures
    frees = bounded(figures.frees, figures.bound, units)
    local = sum(origin_of(graph, node).again == "only here" for node in nodes)
    numbers = (format_number(len(nodes)), format_number(local)) if nodes else ("–", "–")
    row = Row(preset.key, preset.key, "mark" if nodes else "dim", preset.name, frees if nodes else "–", "", numbers)
    return Found(preset, tuple(node.id for node in nodes), row)
