"""The images by repository: what one name's tags and left-overs take together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.sizes.sums import Tally
from layerscope.views.names import repository

NAMELESS = "<none>"


@dataclass(slots=True, eq=False)
class Group:
    """The images of one repository, as a row. Bytes in the store's unit, lower bounds unless ``exact``."""

    name: str
    """The repository, clean; ``<none>`` for images without any name."""
    images: list[ImageNode]
    """Never empty, in the order in which they were given."""
    listed: int
    """Each image in full."""
    footprint: int
    """Their layers, each once."""
    unique: int
    """Their layers that no image of another group (or that is not shown) needs: what goes when they all go."""
    exact: bool
    stack: list[Layer]
    """Their layers, each once, newest first: what stands on a layer before it."""
    containers: int
    tags: int
    content: int | None = None
    """Bytes of their compressed blobs, each once; None where there are none, or it is not known."""

    @property
    def id(self) -> str:
        """What names the row from one scan to the next."""
        return f"repository {self.name}"

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


def by_repository(images: Iterable[ImageNode], graph: LayerGraph | None = None) -> list[Group]:
    """Return the groups of some images, in the order in which their first images come.

    With their ``graph``, sums of layers are what the engine's figures determine of them, and content is in them.

    An image is in the group of the name it is listed by: that of its first tag, or of
    its first digest if it has no tag.
    """
    members: dict[str, list[ImageNode]] = {}
    for node in images:
        members.setdefault(repository(node) or NAMELESS, []).append(node)
    return [_group(name, nodes, graph) for name, nodes in members.items()]


def _group(name: str, images: list[ImageNode], graph: LayerGraph | None) -> Group:
    holders: dict[int, int] = {}
    found: dict[int, Layer] = {}
    footprint = unique = listed = 0
    stored, alone = Tally(), Tally()
    for node in images:
        listed += node.size
        for layer in node.layers:
            index = layer.index
            having = holders.get(index, 0) + 1
            holders[index] = having
            if having == 1:
                found[index] = layer
                footprint += layer.weight
                stored.add(layer.height, layer.below)
            if having == len(layer.images):
                unique += layer.weight
                alone.add(layer.height, layer.below)
    exact = all(layer.sum_exact for layer in found.values())
    content = None
    if graph is not None:
        whole, own = graph.unknowns.bounds(stored), graph.unknowns.bounds(alone)
        footprint, unique = max(footprint, whole.low), max(unique, own.low)
        exact = whole.exact and own.exact
        content = graph.content.sums(node.id for node in images).stored if graph.content is not None else None
    return Group(
        name=name,
        images=images,
        listed=listed,
        footprint=footprint,
        unique=unique,
        exact=all(node.exact for node in images) and exact,
        stack=[found[index] for index in sorted(found, reverse=True)],
        containers=sum(len(node.containers) for node in images),
        tags=sum(len(node.image.tags) for node in images),
        content=content,
    )


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
