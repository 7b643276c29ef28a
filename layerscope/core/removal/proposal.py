"""What to remove to free a number of bytes: the set that is missed least.

"Least" is decided in this order:

1. fewest images of running containers, then fewest of other containers (both only when asked for);
2. fewest images with a tag that no registry is known to have (``spare_local``): nothing brings those back;
3. fewest other images that have a tag;
4. fewest images that have none (dangling ones are leftovers: any number of them is less than one image with a name);
5. what frees more;
6. older ones rather than newer ones; one whose date is no age (:mod:`layerscope.core.ages`) is not older than any.

How good the answer is: :func:`propose` finds a set whenever there is one. When ``Proposal.fewest`` says so, no
other set has fewer images by the order above; that is so on hosts of some hundred images, and mostly on bigger
ones, unless a child does not stand on its parent's layers (``--squash``) or a sum is not exact. Otherwise there may
be more of a class than needed: of the first one by at most the members of one family less one (see
:mod:`layerscope.core.removal.knapsack`). Among sets with as many images the best is not searched for, but an image
is exchanged for one that frees more, or as much and is older, where one for one will do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.origin import origin_of
from layerscope.core.removal.holders import Holders, holders_of
from layerscope.core.removal.knapsack import Knapsack, place_content
from layerscope.core.removal.plan import RemovalPlan, plan_of
from layerscope.core.removal.simulation import Removal
from layerscope.core.runs import runs
from layerscope.core.sizes.sums import Bound
from layerscope.core.stores import RUNNING
from layerscope.inventory import Container

_NEVER = 2**62
"""A time that no date lies beyond, for a scan that does not tell when it was taken."""
_EXCHANGES = 100
"""How often an exchange for a better image is tried: few: each costs some tenths of a millisecond."""
_LOOKED_AT = 100
"""How many images are tried in the place of one."""


class Family(Struct, frozen=True):
    """A run of layers that only goes because all of several images go."""

    layers: tuple[Layer, ...]
    """Oldest first."""
    images: tuple[ImageNode, ...]
    size: int
    """Bytes of the layers: exact, or at least so many."""
    bound: Bound
    """What ``size`` is to the truth."""


class Proposal(Struct, frozen=True):
    """A set of images to remove for ``target`` bytes on disk. Nothing has been done.

    On a containerd store these are unpacked layers and the compressed blobs that go with them, once the build cache is
    pruned; the layers alone where the store does not tell its content.
    """

    target: int
    plan: RemovalPlan
    """For the set: what it frees on disk is at least ``target`` if that can be had, else ``most``."""
    most: int
    """Bytes that all images which may be proposed free together."""
    most_with_used: int
    """As ``most``, if images with containers went too (after their containers)."""
    most_with_pinned: int
    """As ``most``, if the pinned images went too."""
    fewest: bool
    """No set with fewer images of each class would do; False: there may be one."""
    spares_local: bool = True
    """Was what may exist only here missed more than what can be pulled again?"""

    @property
    def reached(self) -> bool:
        """Does the set free what was asked for?"""
        return self.most >= self.target

    @property
    def containers(self) -> tuple[Container, ...]:
        """Containers that have to be removed first, the images being proposed with their containers."""
        return tuple(container for node in self.plan.removed for container in node.containers)

    @property
    def families(self) -> list[Family]:
        """What only goes because several images go, those of most bytes first."""
        ends = {node.layers[-1] for node in self.plan.removed if node.layers}
        found = [
            _family(self.plan.graph, run)
            for run in runs({layer: layer.parent for layer in self.plan.freed}, ends)
            if run[-1].shared
        ]
        found.sort(key=lambda family: (-family.size, family.layers[-1].index))
        return found


def propose(
    graph: LayerGraph,
    target: int,
    *,
    pins: Collection[str] = (),
    include_used: bool = False,
    spare_local: bool = True,
) -> Proposal:
    """Return the images to remove for at least ``target`` bytes (in the store's unit, as ``RemovalPlan.frees``).

    ``pins``: IDs of images that are never proposed. An image with a container is not either,
    unless ``include_used``; then the plan is for after those containers have been removed.
    ``spare_local``: is an image that may exist only here missed more than one that can be pulled again?
    If so much cannot be had, the proposal is for what frees most. Layers of unknown size count as nothing.
    """
    holders = holders_of(graph)
    pinned = {graph.image_by_id[image_id].index for image_id in pins if image_id in graph.image_by_id}
    candidates = _candidates(holders, pinned, include_used)
    everything = _all_of(holders, candidates, include_used)
    most = everything.frees_disk
    order = _Order(graph, spare_local)
    chosen, fewest = _choose(order, everything, min(target, most))
    removal = _all_of(holders, chosen, include_used)
    _mend(removal, everything, min(target, most))
    _drop_needless(order, removal, min(target, most))
    _prefer_better(order, removal, everything, min(target, most))
    fewest = fewest and _proved(graph, holders, everything) and order.losses(removal.chosen) <= order.losses(chosen)
    removal.chosen = dict.fromkeys(sorted(removal.chosen, key=order.key))
    with_used = most if include_used else _all_of(holders, _candidates(holders, pinned, True), True).frees_disk
    with_pinned = (
        _all_of(holders, _candidates(holders, set(), include_used), include_used).frees_disk if pinned else most
    )
    return Proposal(
        target=target,
        plan=plan_of(graph, removal),
        most=most,
        most_with_used=with_used,
        most_with_pinned=with_pinned,
        fewest=fewest,
        spares_local=spare_local,
    )


def _family(graph: LayerGraph, run: Sequence[Layer]) -> Family:
    size = graph.weigh(run)
    return Family(tuple(run), tuple(run[-1].images), size.low, "" if size.exact else "≥")


def _candidates(holders: Holders, pinned: set[int], include_used: bool) -> list[int]:
    return [
        at
        for at in range(holders.rows)
        if at not in pinned
        and holders.images[at].diff_ids is not None
        and not holders.images[at].read_only
        and (include_used or not holders.containers[at])
    ]


def _all_of(holders: Holders, rows: Iterable[int], include_used: bool) -> Removal:
    removal = Removal(holders, without_containers=include_used, covers=False)
    for row in rows:
        removal.add(row)
    return removal


class _Order:
    """Who is missed most."""

    CLASSES = 5
    """Images of running containers, of others, with a name and maybe only here, with a name, without one."""

    def __init__(self, graph: LayerGraph, spare_local: bool) -> None:
        self.graph = graph
        self._spare_local = spare_local
        self._now = graph.inventory.taken_at or _NEVER
        self._classes: dict[int, int] = {}

    def class_of(self, row: int) -> int:
        """Return 0 for what is missed most."""
        found = self._classes.get(row)
        if found is None:
            found = self._classes[row] = self._class(self.graph.images[row])
        return found

    def _class(self, node: ImageNode) -> int:
        if node.containers:
            return 0 if any(container.state in RUNNING for container in node.containers) else 1
        if node.dangling:
            return 4
        return 2 if self._spare_local and origin_of(self.graph, node).again != "yes" else 3

    def made(self, row: int) -> float:
        """Return when it was made; a time that is not known counts as now: better spare than sorry."""
        created = made(self.graph.images[row].image.created, self._now)
        return float("inf") if created is None else created

    def key(self, row: int) -> tuple[int, float, int]:
        """What is missed least comes first."""
        return -self.class_of(row), self.made(row), row

    def losses(self, rows: Iterable[int]) -> list[int]:
        """Return how many rows there are of each class."""
        found = [0] * self.CLASSES
        for row in rows:
            found[self.class_of(row)] += 1
        return found


def _choose(order: _Order, everything: Removal, target: int) -> tuple[list[int], bool]:
    """Return the rows that free ``target``, class by class; and is each number the smallest possible?"""
    if target <= 0:
        return [], True
    holders = everything.holders
    forest = Knapsack(holders, {at for at in range(len(holders.images)) if everything.gone[at]})
    classes: list[set[int]] = [set() for _ in range(order.CLASSES)]
    for row in everything.chosen:
        if everything.gone[row]:
            classes[order.class_of(row)].add(row)
    return forest.fewest(target, classes)


def _mend(removal: Removal, everything: Removal, target: int) -> None:
    """Take along what else has to go where an image was not made on top of its parent's layers (``--squash``)."""
    holders = removal.holders
    while not removal.reaches(target):
        missing = [
            child
            for parent in range(len(holders.images))
            if everything.gone[parent]
            and not removal.gone[parent]
            and (parent in removal.chosen or parent >= holders.rows)
            for child in holders.children[parent]
            if child < holders.rows and child not in removal.chosen and everything.gone[child]
        ]
        for row in missing or [row for row in everything.chosen if row not in removal.chosen]:
            removal.add(row)


def _prefer_better(order: _Order, removal: Removal, everything: Removal, target: int) -> None:
    """Exchange rows for others of their class, one for one, that free more, or as much and are older."""
    others = [row for row in everything.chosen if everything.gone[row] and row not in removal.chosen]
    tries = _EXCHANGES
    for at in range(order.CLASSES):
        mine = sorted((r for r in removal.chosen if order.class_of(r) == at), key=lambda r: -order.made(r))
        rest = [r for r in others if order.class_of(r) == at]
        rest.sort(key=lambda r: (-order.graph.images[r].unique, order.made(r), r))
        for row in mine:
            best, better = (removal.surely, -order.made(row)), row
            removal.discard(row)
            for other in rest[:_LOOKED_AT]:
                if not tries:
                    break
                tries -= 1
                removal.add(other)
                here = (removal.surely, -order.made(other))
                if here > best and removal.reaches(target):
                    best, better = here, other
                removal.discard(other)
            removal.add(better)
            if better != row:
                rest[rest.index(better)] = row


def _proved(graph: LayerGraph, holders: Holders, everything: Removal) -> bool:
    """Does the forest of layers say all about what goes with what, and what it frees?

    It knows nothing of a child that does not stand on its parent's layers: there more has to go than the forest
    says. And it adds weights, which are right where the engine's figures settle them.
    """
    for child, parent in enumerate(holders.parents):
        below = holders.stacks[parent] if parent >= 0 else ()
        if holders.rules.child_image_blocks and everything.gone[child] and holders.stacks[child][: len(below)] != below:
            return False
    return all(layer.sum_exact for layer in graph.layers) and place_content(holders).whole


def _drop_needless(order: _Order, removal: Removal, target: int) -> None:
    """Leave out every row without which the target is reached all the same, those missed most first."""
    spare = removal.frees_disk - target
    for row in sorted(removal.chosen, key=order.key, reverse=True):
        if removal.gone[row] and order.graph.images[row].unique > spare:  # without what it alone has, it is too little
            continue
        removal.discard(row)
        if not removal.reaches(target):
            removal.add(row)
