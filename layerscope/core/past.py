"""What earlier scans of an engine came to: points of a line, the last look, and which steps were the biggest.

Bytes are in the store's unit; ``content`` is what a containerd store keeps compressed besides. Times are Unix seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from layerscope.core.graph import LayerGraph
from layerscope.core.seen import Step
from layerscope.core.sizes.sums import Bound

_BOUNDS: Mapping[tuple[bool, bool], Bound] = {
    (True, True): "",
    (True, False): "≥",
    (False, True): "≤",
    (False, False): "?",
}
"""Of a change between two figures that are exact or at least what they say."""
_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Point:
    """One scan that was kept."""

    at: int
    footprint: int
    exact: bool
    """False: the footprint was at least this."""
    content: int | None
    """None where the store has none, or did not tell."""

    @property
    def disk(self) -> int:
        """Layers and content together."""
        return self.footprint + (self.content or 0)


@dataclass(frozen=True, slots=True)
class Record:
    """One scan that was kept, with what its images were told by."""

    point: Point
    step: Step | None
    """What differs from the record before; None where this or an earlier record is damaged."""
    names: Mapping[str, tuple[str, ...]]
    """By ID the names of the images that came or went with it."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was there when somebody looked last."""

    point: Point
    images: frozenset[str]
    """IDs."""


@dataclass(frozen=True, slots=True)
class SinceLook:
    """What is otherwise since the last look."""

    seconds: int
    """Never negative: a look in the future, by a clock that was wrong, is :attr:`clock_back`."""
    clock_back: bool
    change: int
    """Bytes on disk more or less."""
    bound: Bound
    """What :attr:`change` is to the truth."""
    came: int
    went: int


def point_of(graph: LayerGraph, at: int) -> Point:
    """Return what a graph comes to, taken at ``at``."""
    content = None if graph.content is None else graph.content.size
    return Point(at, graph.totals.footprint, not graph.totals.footprint_bound, content)


def since_look(look: Look, graph: LayerGraph, now: int) -> SinceLook:
    """Return what is otherwise in ``graph`` than when somebody looked last."""
    here = point_of(graph, now)
    known = (look.point.content is None) == (here.content is None)
    images = graph.image_by_id.keys()
    return SinceLook(
        seconds=max(0, now - look.point.at),
        clock_back=look.point.at > now,
        change=here.disk - look.point.disk if known else here.footprint - look.point.footprint,
        bound=_BOUNDS[look.point.exact, here.exact] if known else "?",
        came=len(images - look.images),
        went=len(look.images - images),
    )


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


def biggest_steps(records: Sequence[Record], most: int) -> list[tuple[Record, int]]:
    """Return at most so many records that changed the disk most from the one before, with the bytes; biggest first."""
    steps = [
        (after, after.point.disk - before.point.disk)
        for before, after in pairwise(records)
        if (before.point.content is None) == (after.point.content is None)
    ]
    found = [step for step in steps if step[1]]
    found.sort(key=lambda step: -abs(step[1]))
    return found[:most]
