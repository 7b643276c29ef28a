"""What changed on a live engine, in one short line: by name when it is one thing, in numbers when it is several."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from layerscope.core.graph import LayerGraph
from layerscope.inventory import Container
from layerscope.text import clean, fit, fit_name
from layerscope.units import Units, count, format_number, format_size, natural_list
from layerscope.views.names import image_label

if TYPE_CHECKING:
    from layerscope.core.changes import Changes

ROOMS = (48, 30, 20, 12)
"""Cells that a name may have, most first; under the last it says too little to be worth the room."""


class News(NamedTuple):
    """Something that happened on a live engine."""

    at: float
    """Unix seconds."""
    wordings: tuple[str, ...]
    """The same in ever fewer cells. Clean, one line each."""


def time_of_day(at: float) -> str:
    """Return the local time of day, ``14:05:09``."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def format_span(seconds: float) -> str:
    """Return how long something lasts so far: ``14 s``, ``3 min``, ``2 h 5 min``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    return f"{format_number(hours)} h {minutes} min" if hours else f"{minutes} min"


def describe(old: LayerGraph, new: LayerGraph, units: Units) -> tuple[str, ...]:
    """Return what changed, longest wording first: ``+ app:1 · +31.0 MB on disk``, ``+3 images, +31.0 MB on disk``.

    Empty when nothing that is shown did.
    """
    from layerscope.core.changes import changes  # noqa: PLC0415 - only where an engine is followed

    found = changes(old, new)
    told = [list(_parts(found, old, new, units, room)) for room in ROOMS]
    wordings = [" · ".join(parts) for parts in told]
    if len(told[0]) > 1:  # rather the first of them in full than all of them cut
        wordings = [*wordings[:2], *(f"{parts[0]} · and {format_number(len(parts) - 1)} more" for parts in told)]
    return tuple(dict.fromkeys(line for line in wordings if line))


def _parts(found: Changes, old: LayerGraph, new: LayerGraph, units: Units, room: int) -> Iterator[str]:
    def name(graph: LayerGraph, image_id: str) -> str:
        return fit_name(image_label(graph.image_by_id[image_id]), room)

    if found.added or found.removed:
        sign = "+" if found.added else "−"
        graph, ids = (new, found.added) if found.added else (old, found.removed)
        if len(found.added) + len(found.removed) == 1:
            nothing = "nothing more" if found.added else "nothing less"
            yield f"{sign} {name(graph, ids[0])} · {_on_disk(found, units, nothing)}"
        else:
            yield f"{_images(found)}, {_on_disk(found, units, 'nothing more or less')}"
    elif found.footprint:
        yield _on_disk(found, units, "")
    yield from _tags(found, old, new, name, room)
    for containers, verb in ((found.created, "created"), (found.gone, "removed")):
        if containers:
            yield f"{_containers(containers, room)} {verb}"
    if found.altered:
        states = {container.state for container in found.altered}
        state = clean(states.pop(), 12) if len(states) == 1 else "changed"
        yield f"{_containers(found.altered, room)} {state or 'changed'}"


def _on_disk(found: Changes, units: Units, nothing: str) -> str:
    return f"{format_size(found.footprint, units, signed=True) if found.footprint else nothing} on disk"


def _images(found: Changes) -> str:
    more, less = len(found.added), len(found.removed)
    if more and less:
        return f"+{format_number(more)} −{format_number(less)} images"
    return f"+{count(more, 'image')}" if more else f"−{count(less, 'image')}"


def _tags(
    found: Changes, old: LayerGraph, new: LayerGraph, name: Callable[[LayerGraph, str], str], room: int
) -> Iterator[str]:
    """Tags that came and went; one that another image has now was not lost, it moved there."""
    taken = {tag for image_id in found.added for tag in new.image_by_id[image_id].image.tags}
    told = []
    for image_id in found.retagged:
        before, after = old.image_by_id[image_id].image.tags, new.image_by_id[image_id].image.tags
        told.append((image_id, [t for t in after if t not in before], [t for t in before if t not in after]))
        taken.update(told[-1][1])
    told = [(i, gained, lost) for i, gained, lost in told if gained or not set(lost) <= taken]
    if len(told) > 1:
        yield f"other tags on {count(len(told), 'image')}"
    for image_id, gained, lost in told[:1] if len(told) == 1 else ():
        what = name(old, image_id)
        if gained:
            renamed = bool(lost) and len(lost) == len(old.image_by_id[image_id].image.tags)
            yield f"{what} {'renamed' if renamed else 'tagged'} {_some(gained, room)}"
        elif new.image_by_id[image_id].image.tags:
            yield f"{what} no longer tagged {_some(lost, room)}"
        else:
            yield f"{what} untagged"


def _some(tags: list[str], room: int) -> str:
    return natural_list([fit_name(clean(tags[0], 400), room)], more=len(tags) - 1)


def _containers(containers: tuple[Container, ...], room: int) -> str:
    if len(containers) > 1:
        return count(len(containers), "container")
    return f"container {fit(clean(containers[0].name, 200), room)}"
