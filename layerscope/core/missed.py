"""Sharing that was missed: the same content stored more than once, because it stands on other layers.

A layer is stored by its chain ID (OCI image-spec, "Layer ChainID"): the same diff ID under another parent is stored
again. Equal diff IDs are equal content, so what all copies but the biggest weigh is there twice for sure.
That the same command was run again and made other content is only *likely* to be the same for its users. No file
is read for any of this. All sizes are bytes in the store's unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal
from weakref import WeakKeyDictionary

from msgspec import Struct

from layerscope.core.bounds import bounds_of
from layerscope.core.graph import Layer, LayerGraph
from layerscope.core.sizes.sums import Bounds

_RUN = re.compile(r"\s*(?:RUN\s|/bin/sh -c (?!#\(nop\)))")
"""A history entry that ran something: BuildKit writes RUN, the classic builder only the shell
(moby ``builder/dockerfile/dispatchers.go``: what ran nothing begins with ``#(nop)``)."""


class Missed(Struct, frozen=True):
    """One content that is stored several times."""

    is_: Literal["exact", "likely"]
    """``exact``: the copies have one diff ID. ``likely``: one command made them, and their diff IDs differ."""
    copies: tuple[Layer, ...]
    """The biggest first; of a ``likely`` one only the biggest of each diff ID."""
    size: Bounds
    """What the copies weigh but for the biggest."""

    @property
    def images(self) -> int:
        """How many images have one of the copies."""
        return len({node.index for layer in self.copies for node in layer.images})


class MissedSharing(Struct, frozen=True):
    """All of a host, what weighs most first."""

    exact: tuple[Missed, ...]
    likely: tuple[Missed, ...]
    size: Bounds
    """Of the exact part."""


_FOUND: WeakKeyDictionary[LayerGraph, MissedSharing] = WeakKeyDictionary()


def missed_sharing(graph: LayerGraph) -> MissedSharing:
    """Return what is stored more than once on a host; worked out once for as long as the graph lives."""
    found = _FOUND.get(graph)
    if found is None:
        found = _FOUND[graph] = _missed_sharing(graph)
    return found


def _missed_sharing(graph: LayerGraph) -> MissedSharing:
    by_diff: dict[str, list[Layer]] = {}
    for layer in graph.layers:
        by_diff.setdefault(layer.diff_id, []).append(layer)
    exact = _groups(graph, by_diff, "exact")
    by_command: dict[str, list[Layer]] = {}
    for copies in by_diff.values():
        biggest = min(copies, key=_biggest)
        if biggest.instruction is not None and _RUN.match(biggest.instruction):
            by_command.setdefault(biggest.instruction, []).append(biggest)
    extra = [layer for one in exact for layer in one.copies[1:]]
    return MissedSharing(exact, _groups(graph, by_command, "likely"), bounds_of(graph, extra))


def _groups(
    graph: LayerGraph, layers: Mapping[str, Sequence[Layer]], is_: Literal["exact", "likely"]
) -> tuple[Missed, ...]:
    found = []
    for copies in layers.values():
        if len(copies) < 2:
            continue
        ordered = sorted(copies, key=_biggest)
        size = bounds_of(graph, ordered[1:])
        if size != (0, 0):
            found.append(Missed(is_, tuple(ordered), size))
    found.sort(key=lambda one: (-one.size.low, _biggest(one.copies[0])))
    return tuple(found)


def _biggest(layer: Layer) -> tuple[int, str]:
    return -layer.known_size, layer.chain_id


def copies_of(found: MissedSharing) -> dict[str, int]:
    """Return by chain ID what the other copies of the same content weigh, of those that are stored again for sure."""
    again = {}
    for one in found.exact:
        weight = sum(layer.known_size for layer in one.copies)
        again.update({layer.chain_id: weight - layer.known_size for layer in one.copies})
    return again
