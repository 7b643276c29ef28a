"""What earlier scans of an engine came to: points of a line, the last look, and which steps were the biggest.

Bytes are in the store's unit; ``content`` is what a containerd store keeps compressed besides. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from layerscope.core.bounds import bounds_of
from layerscope.core.graph import LayerGraph
from layerscope.core.seen import ScanStep

Change = tuple[int | None, int | None]
"""Between what a number of bytes changed, below 0: it fell. None: there is no such end that anybody knows."""
_UNKNOWN: Change = (None, None)
_BARS = "▁▂▃▄▅▆▇█"


class Point(Struct, frozen=True):
    """One scan that was kept."""

    at: int
    footprint: int
    """At least this."""
    most: int | None
    """And at most this; None: nobody knew."""
    content: int | None
    """None where the store has none, or did not tell."""

    @property
    def exact(self) -> bool:
        """Was the footprint known to the byte?"""
        return self.most == self.footprint

    @property
    def disk(self) -> int:
        """Layers and content together, at least."""
        return self.footprint + (self.content or 0)

    @property
    def disk_most(self) -> int | None:
        """And at most; None: nobody knew."""
        return None if self.most is None else self.most + (self.content or 0)


class Record(Struct, frozen=True):
    """One scan that was kept, with what its images were told by."""

    point: Point
    step: ScanStep | None
    """What differs from the record before; None where this or an earlier record is damaged."""
    names: Mapping[str, tuple[str, ...]]
    """By ID the names of the images that came or went with it."""


class Look(Struct, frozen=True):
    """What was there when somebody looked last."""

    point: Point
    images: frozenset[str]
    """IDs."""


class SinceLook(Struct, frozen=True):
    """What is otherwise since the last look."""

    seconds: int
    """Never negative: a look in the future, by a clock that was wrong, is :attr:`clock_back`."""
    clock_back: bool
    change: Change
    """Bytes on disk more or less."""
    came: int
    went: int


def point_of(graph: LayerGraph, at: int) -> Point:
    """Return what a graph comes to, taken at ``at``."""
    totals = graph.totals
    most = totals.footprint_most if totals.footprint_bound else totals.footprint
    return Point(at, totals.footprint, most, None if graph.content is None else graph.content.size)


def change_between(before: Point, after: Point) -> Change:
    """Return what the disk changed by from one scan to another."""
    if (before.content is None) != (after.content is None):
        return _UNKNOWN
    return (
        None if before.disk_most is None else after.disk - before.disk_most,
        None if after.disk_most is None else after.disk_most - before.disk,
    )


def since_look(look: Look, graph: LayerGraph, now: int) -> SinceLook:
    """Return what is otherwise in ``graph`` than when somebody looked last."""
    images = graph.image_by_id.keys()
    least, most = change = change_between(look.point, point_of(graph, now))
    if least is None or least != most:
        change = _by_layers(look, graph) or change
    return SinceLook(
        seconds=max(0, now - look.point.at),
        clock_back=look.point.at > now,
        change=change,
        came=len(images - look.images),
        went=len(look.images - images),
    )


def _by_layers(look: Look, graph: LayerGraph) -> Change | None:
    """Return what came with new images, where none went: what is not known of the footprint was there before.

    None where that does not tell: an image of a containerd store may get more layers, and one whose layers are not
    known may have those that seem new.
    """
    if graph.inventory.engine.store_kind == "containerd" or not look.images <= graph.image_by_id.keys():
        return None
    if not all(node.known for node in graph.images):
        return None
    new = [layer for layer in graph.layers if all(node.id not in look.images for node in layer.images)]
    return bounds_of(graph, new)


def sparkline(values: Sequence[int], width: int) -> str:
    """Return values, oldest first, as a line of at most ``width`` cells; of several in one cell the last is drawn.

    The lowest is the lowest bar, also where all are the same.
    """
    if width < 1 or not values:
        return ""
    cells = min(width, len(values))
    picked = [values[(at + 1) * len(values) // cells - 1] for at in range(cells)]
    low, high = min(picked), max(picked)
    if low == high:
        return _BARS[0] * cells
    return "".join(_BARS[(value - low) * (len(_BARS) - 1) // (high - low)] for value in picked)


def biggest_steps(records: Sequence[Record], most: int) -> list[tuple[Record, Change]]:
    """Return at most so many records that surely changed the disk most from the one before, biggest first."""
    steps = [(after, change_between(before.point, after.point)) for before, after in pairwise(records)]
    found = [step for step in steps if _surely(step[1])]
    found.sort(key=lambda step: -_surely(step[1]))
    return found[:most]


def _surely(change: Change) -> int:
    """Return by how many bytes it rose or fell at least."""
    low, high = change
    return max(low or 0, 0) or max(-(high or 0), 0)
