"""The fewest images whose removal frees a number of bytes: a knapsack on a forest.

Layers form a forest, an image stands on the layer that ends its stack, and a layer goes when every
image on it and above it goes. So for each layer there are two ways: all images above it go,
and it with them; or it stays, and its branches are independent of each other.

Images come in classes, those that are missed most first: one image of a class outweighs any number of
the classes after it. Two passes:

* **Steps.** For each branch, the upper hull of what it can free with 0, 1, 2 … images; the hulls of branches
  add up, and the whole one's steps are taken, the most bytes for an image first, class by class: O(n log n).
  A step is one image, or a family that only pays off together. The number taken of a class is
  the smallest possible when one image less could not be enough even by the hull, and otherwise
  too big by at most the last step less one image.
* **Exactly**, when the first pass leaves a doubt and the host or the answer is small enough (``MOST_WORK``): all
  undominated pairs (what it costs, what it frees) of each branch, put together branch by branch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from math import prod

from msgspec import Struct, field

from layerscope.core.removal.holders import Holders
from layerscope.core.runs import runs

MOST_WORK = 2_000_000
"""Pairs that the second pass may look at: about half a second."""


class _Node(Struct):
    """A run of layers that go together or not at all."""

    weight: int = 0
    """Bytes."""
    branches: list[int] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    """Rows whose stack ends in this run."""
    nailed: bool = False
    """An image that never goes needs it."""


class PlacedBlobs(Struct, frozen=True):
    """Compressed blobs of a containerd store, each where the forest of layers says that it goes."""

    alone: dict[int, int]
    """By row: bytes of the blobs that it alone holds."""
    above: dict[int, int]
    """By layer: bytes of the blobs that go at the latest when all images above it do."""
    whole: bool
    """Does the forest say all of it: do no blobs go before?"""


def place_content(holders: Holders) -> PlacedBlobs:
    """Return where blobs go: with the image that holds it alone, or with the highest layer below all that hold it.

    Images share blobs across the branches of the forest. Such a blob counts only when all of the
    branch goes, or not at all: what the forest says is never more than the truth.
    """
    users: dict[int, list[int]] = {}
    for image, blobs in enumerate(holders.contents):
        for blob in blobs:
            users.setdefault(blob, []).append(image)
    alone: dict[int, int] = {}
    above: dict[int, int] = {}
    whole = True
    for blob, images in users.items():
        size = holders.blob_sizes[blob]
        if len(images) < holders.blob_holding[blob] or not size:
            continue  # something that is no image holds it too: it stays
        if len(images) == 1:
            alone[images[0]] = alone.get(images[0], 0) + size
            continue
        first, last = (choose(holders.stacks[image] for image in images) for choose in (min, max))
        common = next((at for at, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), len(first))
        if common:
            layer = first[common - 1]
            above[layer] = above.get(layer, 0) + size
            whole = whole and holders.holding[layer] == len(images)
        else:
            whole = False
    return PlacedBlobs(alone, above, whole)


class Knapsack:
    """The layers of a host, in runs that only go as a whole; branches before what they stand on."""

    def __init__(self, holders: Holders, movable: Collection[int]) -> None:
        """``movable``: the numbers of all images, rows or not, that go when everything goes that may."""
        ends: dict[int, list[int]] = {}
        nailed: set[int] = set()
        for image, stack in enumerate(holders.stacks):
            if not stack or stack[-1] >= holders.counted:
                continue
            if image not in movable:
                nailed.add(stack[-1])
            elif image < holders.rows:
                ends.setdefault(stack[-1], []).append(image)
        placed = place_content(holders)
        self.nodes: list[_Node] = []
        self.roots: list[int] = []
        alone = [row for row in placed.alone if row in movable and row < holders.rows]
        leaf_of = {row: at for at, row in enumerate(alone)}
        self.nodes += [_Node(placed.alone[row], [], [row]) for row in alone]
        self.roots += [leaf_of[row] for row in alone if not holders.stacks[row]]
        node_of: dict[int, int] = {}
        layers = holders.layers[: holders.counted]
        found = runs({layer: layer.parent for layer in layers}, {layers[number] for number in nailed.union(ends)})
        for run in sorted(found, key=lambda run: run[-1].index, reverse=True):  # children before parents
            top, here = run[-1], len(self.nodes)
            branches = [node_of[child.index] for child in top.children]
            weight = sum(layer.weight + placed.above.get(layer.index, 0) for layer in run)
            rows = ends.get(top.index, [])
            branches += [leaf_of[row] for row in rows if row in leaf_of]
            rows = [row for row in rows if row not in leaf_of]
            self.nodes.append(_Node(weight, branches, rows, top.index in nailed))
            node_of[run[0].index] = here
            if run[0].parent is None:
                self.roots.append(here)

    def fewest(self, target: int, classes: Sequence[Collection[int]]) -> tuple[list[int], bool]:
        """Return the rows that free ``target`` bytes at the least cost; is it certain that there is nothing better?

        ``classes``: the rows that may go, those that are missed most first; all other rows stay. If even all
        of them are too few, they are returned.
        """
        found, numbers, certain = self._in_steps(target, classes)
        if certain:
            return found, True
        weights = [prod(len(later) + 1 for later in classes[at + 1 :]) for at in range(len(classes))]
        cost = {row: weight for rows, weight in zip(classes, weights, strict=True) for row in rows}
        limit = sum(cost[row] for row in found) - 1
        last = max(at for at, number in enumerate(numbers) if number)
        pairs = prod(number + 1 for number in numbers[:last]) * (len(classes[last]) + 1 if last else numbers[0])
        if min(limit, pairs) * len(cost) > MOST_WORK:
            return found, False
        return self._exactly(target, cost, limit) or found, True

    def _in_steps(self, target: int, classes: Sequence[Collection[int]]) -> tuple[list[int], list[int], bool]:
        """Return the rows, how many they are in each class, and whether that is certain to be the least."""
        decided: list[int] = []
        numbers: list[int] = []
        doubts = 0
        for at, rows in enumerate(classes):
            later = {row for those in classes[at + 1 :] for row in those}
            found, _, bound = self._steps(target, rows, later.union(decided))
            if found and later:
                alone, gain, _ = self._steps(target, rows, decided)
                if gain >= target and len(alone) == len(found):
                    found = alone  # as few will do without any of the later classes
            doubts += bound >= target
            decided += found
            numbers.append(len(found))
        # With images of several classes, other ones of the first might need fewer of the second.
        return decided, numbers, not doubts and sum(map(bool, numbers)) < 2

    def _steps(self, target: int, counted: Collection[int], free: Collection[int]) -> tuple[list[int], int, int]:
        """Return the rows of ``counted`` for a target when ``free`` go too, and what they free.

        Also a bound: what any rows that are one less free, at most.
        """
        hulls: list[_Hull] = []
        for node in self.nodes:
            hull = _joined([hulls[branch] for branch in node.branches])
            hull.stuck |= node.nailed or any(image not in counted and image not in free for image in node.images)
            if not hull.stuck:
                hull.finish(node.weight, [image for image in node.images if image in counted])
            hulls.append(hull)
        whole = _joined([hulls[root] for root in self.roots])
        found: list[int] = []
        gain, bound = whole.sure, 0
        for step in whole.steps:
            if gain >= target:
                break
            bound = gain + step.gain * (step.count - 1) // step.count
            gain += step.gain
            found += step.images()
        return found, gain, bound

    def _exactly(self, target: int, cost: dict[int, int], limit: int) -> list[int] | None:
        """Return the rows that free the target at the least cost, None when it takes more than ``limit``."""
        curves: list[_Curve] = []
        for node in self.nodes:
            curve = _side_by_side([curves[branch] for branch in node.branches], target, limit)
            stuck = node.nailed or any(image not in cost for image in node.images)
            curves.append(curve.on(node, None if stuck else cost, target, limit))
        whole = _side_by_side([curves[root] for root in self.roots], target, limit)
        return whole.take(len(whole.points) - 1) if whole.points[-1][1] >= target else None


# -- the hull ------------------------------------------------------------------------------


class _Step(Struct, eq=False):
    """Images that go together, and what that frees once the steps before it are taken."""

    gain: int
    count: int
    parts: tuple[list[int], list[_Step]]

    def images(self) -> list[int]:
        found: list[int] = []
        stack = [self]
        while stack:
            own, steps = stack.pop().parts
            found += own
            stack += steps
        return found


def _per_image(step: _Step) -> float:
    return step.gain / step.count


class _Hull(Struct):
    """What a branch frees: ``sure`` at no cost, then step by step, each with less for an image than the one before."""

    sure: int = 0
    steps: list[_Step] = field(default_factory=list)
    total: int = 0
    """All of its layers."""
    idle: list[int] = field(default_factory=list)
    """Counted images in no step yet."""
    stuck: bool = False

    def finish(self, weight: int, images: list[int]) -> None:
        """Put a run of layers under it, on which ``images`` end: when all go, the run does."""
        self.total += weight
        self.idle += images
        more = self.total - self.sure - sum(step.gain for step in self.steps)
        if more == 0:
            return
        if not self.idle and not self.steps:
            self.sure = self.total
            return
        step = _Step(more, len(self.idle), (self.idle, []))
        self.idle = []
        while self.steps and (not step.count or step.gain * self.steps[-1].count >= self.steps[-1].gain * step.count):
            before = self.steps.pop()
            step = _Step(before.gain + step.gain, before.count + step.count, ([], [before, step]))
        self.steps.append(step)


def _joined(branches: list[_Hull]) -> _Hull:
    if len(branches) == 1:
        return branches[0]  # nothing else needs it any more
    joined = _Hull(
        sure=sum(hull.sure for hull in branches),
        steps=[step for hull in branches for step in hull.steps],
        total=sum(hull.total for hull in branches),
        idle=[image for hull in branches for image in hull.idle],
        stuck=any(hull.stuck for hull in branches),
    )
    joined.steps.sort(key=_per_image, reverse=True)  # stable: the steps of a branch stay in order
    return joined


# -- the pairs -----------------------------------------------------------------------------


class _Curve(Struct, eq=False):
    """What a branch frees at what cost, and how."""

    points: list[tuple[int, int]]
    """(cost, bytes), both rising; the first is (0, 0). Bytes beyond the target are cut off: more is no better."""
    cost: int | None
    """Of all its images; None when one of them stays."""
    total: int
    """Bytes of all its layers."""
    parts: tuple[_Curve, ...] = ()
    images: Sequence[int] = ()
    """Those whose stacks end in the branch's lowest run."""
    whole: bool = False
    """The last point is for all images, with the run that the parts stand on."""

    def on(self, node: _Node, cost: dict[int, int] | None, target: int, limit: int) -> _Curve:
        """Return the curve of the branches of a node with the node under them; ``cost`` is None if it cannot go."""
        total = self.total + node.weight
        if cost is None or self.cost is None:
            return _Curve(self.points, None, total, (self,))
        price = self.cost + sum(cost[image] for image in node.images)
        gain = min(total, target)
        points, whole = self.points, price <= limit and gain > self.points[-1][1]
        if whole:
            points = [point for point in points if point[0] < price] + [(price, gain)]
        return _Curve(points, price, total, (self,), node.images, whole)

    def take(self, point: int) -> list[int]:
        """Return the images of one of the points."""
        found: list[int] = []
        stack: list[tuple[_Curve, tuple[int, int] | None]] = [(self, self.points[point])]
        while stack:
            curve, wanted = stack.pop()
            if wanted is None or (curve.whole and wanted == curve.points[-1]):
                found += curve.images
                stack += [(part, None) for part in curve.parts]
            elif len(curve.parts) == 1:
                stack.append((curve.parts[0], wanted))
            elif curve.parts:
                stack += zip(curve.parts, _split(wanted, *curve.parts), strict=True)
        return found


def _side_by_side(branches: Iterable[_Curve], target: int, limit: int) -> _Curve:
    """Return the curve of branches that are independent of each other; short ones are put together first."""
    tie = count()
    heap = [(len(curve.points), next(tie), curve) for curve in branches]
    heapify(heap)
    while len(heap) > 1:
        one, two = heappop(heap)[2], heappop(heap)[2]
        points = _best(one.points, two.points, target, limit)
        price = None if one.cost is None or two.cost is None else one.cost + two.cost
        heappush(heap, (len(points), next(tie), _Curve(points, price, one.total + two.total, (one, two))))
    return heap[0][2] if heap else _Curve([(0, 0)], 0, 0)


def _best(one: list[tuple[int, int]], two: list[tuple[int, int]], target: int, limit: int) -> list[tuple[int, int]]:
    """Return the undominated sums of two lists of points."""
    most: dict[int, int] = {}
    for cost, gain in one:
        for price, more in two:
            both = cost + price
            if both > limit:
                break
            value = gain + more
            if value > most.get(both, -1):
                most[both] = value
    points: list[tuple[int, int]] = []
    for both in sorted(most):
        value = min(most[both], target)
        if not points or value > points[-1][1]:
            points.append((both, value))
    return points


def _split(wanted: tuple[int, int], one: _Curve, two: _Curve) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the points of two branches that make up a point of both together."""
    gains = dict(two.points)
    for cost, gain in one.points:
        more = gains.get(wanted[0] - cost)
        if more is not None and gain + more >= wanted[1]:
            return (cost, gain), (wanted[0] - cost, more)
    raise AssertionError(wanted)
