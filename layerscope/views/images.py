"""The images by repository: what one name's tags and left-overs take together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.origin import Again, origin_of
from layerscope.core.sizes.sums import GROUND, Tally
from layerscope.views.names import repository

NAMELESS = "<none>"


class _Sums(NamedTuple):
    """What the layers of a group come to."""

    stack: list[Layer]
    footprint: int
    unique: int
    exact: bool


class Group:
    """The images of one repository, as a row. Bytes in the store's unit, lower bounds unless ``exact``.

    What its layers come to is worked out when it is first asked for: most rows are never looked at.
    """

    def __init__(self, name: str, images: list[ImageNode], graph: LayerGraph | None) -> None:
        """With their ``graph``, sums of layers are what the engine's figures determine of them."""
        self.name = name
        """The repository, clean; ``<none>`` for images without any name."""
        self.images = images
        """Never empty, in the order in which they were given."""
        self._graph = graph
        self.listed = sum([node.size for node in images])
        """Each image in full."""

    @cached_property
    def _sums(self) -> _Sums:
        return _sums(self.images, self._graph)

    def knows(self, other: Group) -> None:
        """Take over what was worked out of the same images of the same graph."""
        if "_sums" in other.__dict__ and other._graph is self._graph and set(other.images) == set(self.images):
            for name, value in other.__dict__.items():
                self.__dict__.setdefault(name, value)

    @property
    def id(self) -> str:
        """What names the row from one scan to the next."""
        return f"repository {self.name}"

    @property
    def footprint(self) -> int:
        """Their layers, each once."""
        return self._sums.footprint

    @property
    def unique(self) -> int:
        """Their layers that no image of another group (or that is not shown) needs: what goes when they all go."""
        return self._sums.unique

    @cached_property
    def whole(self) -> bool:
        """Is the size of each image exact?"""
        return all(node.exact for node in self.images)

    @property
    def exact(self) -> bool:
        """Are the sums exact?"""
        return self.whole and self._sums.exact

    @property
    def stack(self) -> list[Layer]:
        """Their layers, each once, newest first: what stands on a layer before it."""
        return self._sums.stack

    @property
    def containers(self) -> int:
        """How many containers were made from them."""
        return sum([len(node.containers) for node in self.images])

    @property
    def tags(self) -> int:
        """How many tags they have."""
        return sum([len(node.image.tags) for node in self.images])

    @cached_property
    def content(self) -> int | None:
        """Bytes of their compressed blobs, each once; None where there are none, or it is not known."""
        if self._graph is None or self._graph.content is None:
            return None
        return self._graph.content.sums(node.id for node in self.images).stored

    @cached_property
    def again(self) -> Again | None:
        """Can they be had again; None: some can, or it is known of some."""
        if self._graph is None:
            return "not known"
        first = origin_of(self._graph, self.images[0]).again
        return first if all(origin_of(self._graph, node).again == first for node in self.images) else None

    @property
    def layers(self) -> int:
        """How many layers they have, each counted once."""
        return len(self.stack)

    @property
    def shared(self) -> int:
        """Their layers that others need too."""
        return self.footprint - self.unique

    @property
    def created(self) -> int | None:
        """When the newest was made, Unix seconds; of dates that are ages (:mod:`layerscope.core.ages`)."""
        dates = [date for node in self.images if (date := made(node.image.created, 2**62)) is not None]
        return max(dates, default=None)


def by_repository(
    images: Iterable[ImageNode], graph: LayerGraph | None = None, before: Iterable[Group] = ()
) -> list[Group]:
    """Return the groups of some images, in the order in which their first images come.

    With their ``graph``, sums of layers are what the engine's figures determine of them, and content is in them.
    What was worked out of groups from ``before`` is not worked out again.

    An image is in the group of the name it is listed by: that of its first tag, or of
    its first digest if it has no tag.
    """
    members: dict[str, list[ImageNode]] = {}
    for node in images:
        members.setdefault(repository(node) or NAMELESS, []).append(node)
    groups = [Group(name, nodes, graph) for name, nodes in members.items()]
    known = {group.name: group for group in before}
    for group in groups:
        if group.name in known:
            group.knows(known[group.name])
    return groups


def widest(groups: Iterable[Group]) -> int:
    """Return the biggest footprint of some groups, 0 for none."""
    most = 0
    for group in sorted(groups, key=lambda group: group.listed, reverse=True):
        if group.listed > most or not group.whole:  # what is shared makes it less, where sizes are exact
            most = max(most, group.footprint)
    return most


def _sums(images: list[ImageNode], graph: LayerGraph | None) -> _Sums:
    holders: dict[int, int] = {}
    found: dict[int, Layer] = {}
    stored = Tally()
    for node in images:
        if not node.layers:
            continue
        top, below = node.layers[-1], GROUND
        holders[top.index] = holders.get(top.index, 0) + 1
        for layer in reversed(node.layers):
            if layer.index in found:  # and so is all that it stands on
                below = layer.height
                break
            found[layer.index] = layer
        stored.add(top.height, below)
    stack = [found[index] for index in sorted(found, reverse=True)]
    own, alone = _alone(stack, holders)
    footprint, unique = sum([layer.weight for layer in stack]), sum([layer.weight for layer in own])
    if graph is None:
        return _Sums(stack, footprint, unique, all(layer.sum_exact for layer in stack))
    whole, part = graph.unknowns.bounds(stored), graph.unknowns.bounds(alone)
    return _Sums(stack, max(footprint, whole.low), max(unique, part.low), whole.exact and part.exact)


def _alone(stack: list[Layer], holders: dict[int, int]) -> tuple[list[Layer], Tally]:
    """Return the layers of a group that no other image needs, and their sum.

    ``stack`` has its layers, each before what it stands on; ``holders``: of how many of its images each is the top.
    In the sum of a run of layers only its ends are left, so that only those are added.
    """
    own: list[Layer] = []
    tally = Tally()
    standing: dict[int, int] = {}
    """On how many layers of ``own`` each is stood on by."""
    for layer in stack:
        index, parent = layer.index, layer.parent
        having = holders[index]
        alone = having == len(layer.images)
        factor = alone - standing.get(index, 0)
        if factor:
            tally.add(layer.height, GROUND, factor)
        if alone:
            own.append(layer)
        if parent is not None:
            holders[parent.index] = holders.get(parent.index, 0) + having
            if alone:
                standing[parent.index] = standing.get(parent.index, 0) + 1
    return own, tally


GROUP_ORDERS: Mapping[str, tuple[Callable[[Group], Any], bool]] = {
    "name": (lambda group: (group.name == NAMELESS, group.name.lower()), False),
    "size": (lambda group: group.listed, True),
    "footprint": (lambda group: (group.footprint, group.listed), True),
    "unique": (lambda group: (group.unique, group.listed), True),
    "shared": (lambda group: (group.shared, group.listed), True),
    "content": (lambda group: (-1 if group.content is None else group.content, group.listed), True),
    "containers": (lambda group: (group.containers, group.listed), True),
    "layers": (lambda group: (group.layers, group.listed), True),
    "created": (lambda group: group.created or 0, True),
}
"""By column, as :data:`layerscope.views.orders.IMAGE_ORDERS` for images."""


def sorted_groups(groups: Iterable[Group], key: str = "size", reverse: bool = False) -> list[Group]:
    """Return groups by ``key``, of :data:`GROUP_ORDERS`; those that compare equal as they come."""
    compare, biggest_first = GROUP_ORDERS[key]
    return sorted(groups, key=compare, reverse=biggest_first is not reverse)


def grouped_rows(groups: Iterable[Group], open_: Callable[[Group], bool]) -> list[Group | ImageNode]:
    """Return the rows of the grouped list: each group and, where it is open, its images after it."""
    rows: list[Group | ImageNode] = []
    for group in groups:
        rows.append(group)
        if open_(group):
            rows += group.images
    return rows
