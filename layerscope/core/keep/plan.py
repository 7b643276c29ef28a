"""What keep rules come to: the images of each rule, what they free alone, and what the whole set really frees.

An image goes when a ``drop`` rule selects it and no ``keep`` rule does: keep wins, whatever the order, and so does a
pin. What no rule selects stays. What a rule frees alone is no part of a sum: layers that images of several rules share
go only when all of them do. So each rule also says what it adds to the rules before it, and those do add up. All bytes
are those of a disk, layers and content; what the engine would refuse (containers, children) is left out of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.removal.holders import holders_of
from layerscope.core.removal.plan import RemovalPlan, plan_of
from layerscope.core.removal.simulation import Removal
from layerscope.core.sizes.sums import Bound

Select = Callable[[LayerGraph], Collection[int]]
"""From a graph to the places (:attr:`ImageNode.index`) of the images that a rule selects."""


class Rule(Struct, frozen=True):
    """One rule. What it selects comes from outside: the filter language is not core's."""

    kind: Literal["keep", "drop"]
    says: str
    """The rule in words, one clean line."""
    select: Select
    line: int | None = None
    """Where it stands in its file."""


class RuleFigures(Struct, frozen=True):
    """What one rule comes to on a host."""

    rule: Rule
    images: tuple[ImageNode, ...]
    """Those that it selects."""
    decides: tuple[ImageNode, ...]
    """Of these: for a drop rule those that go by it, for a keep rule those that would go without any keep rule."""
    listed: int
    """Sum of the sizes of :attr:`decides`."""
    alone: int
    """What :attr:`decides` would free, were they all that goes."""
    alone_bound: Bound
    adds: int
    """Drop: what it frees on top of the drop rules before it. Keep: how much less the set frees by it, on top of the
    keep rules before it. Both add up over the rules, where all is exact."""


class KeepPlan(Struct, frozen=True):
    """What a set of rules comes to. Make one with :func:`keep_plan`."""

    rules: tuple[RuleFigures, ...]
    """Those that keep, then those that drop, each in their own order."""
    plan: RemovalPlan
    """For exactly the images that go by the rules."""
    frees: int
    """Bytes on disk, layers and content; a bound where the plan's figures are."""
    pinned: tuple[ImageNode, ...]
    """Images that a drop rule selects and that stay because they are pinned."""
    undecided: int
    """How many images no rule selects: they stay."""

    @property
    def summed(self) -> int:
        """What the drop rules free alone, added up: the promise that is not kept."""
        return sum(one.alone for one in self.rules if one.rule.kind == "drop")

    @property
    def idle(self) -> list[Rule]:
        """The rules that select no image: a slip, mostly."""
        return [one.rule for one in self.rules if not one.images]


def keep_plan(graph: LayerGraph, rules: Sequence[Rule], pins: Collection[str] = ()) -> KeepPlan:
    """Return what ``rules`` come to on a host; ``pins`` are IDs of images that stay.

    Takes time in proportion to the layers of the images that each rule selects.
    """
    rows = graph.images
    selected = {id(rule): set(rule.select(graph)) for rule in rules}
    keeps = [rule for rule in rules if rule.kind == "keep"]
    drops = [rule for rule in rules if rule.kind == "drop"]
    pinned = {node.index for node in rows if node.id in pins}
    dropped = set().union(*(selected[id(rule)] for rule in drops))
    kept = set().union(*(selected[id(rule)] for rule in keeps))
    figures: list[RuleFigures] = []

    removal = _removal(graph, dropped - pinned)
    for rule in keeps:
        decides = (selected[id(rule)] & dropped) - pinned
        before = removal.frees_disk
        for at in sorted(decides):
            removal.discard(at)
        figures.append(_figures(graph, rule, selected[id(rule)], decides, before - removal.frees_disk))
    removal = _removal(graph, (), covers=True)
    for rule in drops:
        decides = selected[id(rule)] - kept - pinned
        before = removal.frees_disk
        for at in sorted(decides):
            removal.add(at)
        alone = removal if before == 0 and len(removal.chosen) == len(decides) else None
        figures.append(_figures(graph, rule, selected[id(rule)], decides, removal.frees_disk - before, alone))
    return KeepPlan(
        rules=tuple(figures),
        plan=plan_of(graph, removal),
        frees=removal.frees_disk,
        pinned=tuple(rows[at] for at in sorted((dropped & pinned) - kept)),
        undecided=len(rows) - len(dropped | kept),
    )


def _removal(graph: LayerGraph, rows: Iterable[int], *, covers: bool = False) -> Removal:
    removal = Removal(holders_of(graph), covers=covers)
    for at in sorted(rows):
        removal.add(at)
    return removal


def _figures(
    graph: LayerGraph, rule: Rule, selected: set[int], decides: set[int], adds: int, alone: Removal | None = None
) -> RuleFigures:
    removal = alone or _removal(graph, decides)
    nodes = tuple(graph.images[at] for at in sorted(decides))
    return RuleFigures(
        rule=rule,
        images=tuple(graph.images[at] for at in sorted(selected)),
        decides=nodes,
        listed=sum(node.size + (node.content.size if node.content is not None else 0) for node in nodes),
        alone=removal.frees_disk,
        alone_bound=removal.bound,
        adds=adds,
    )
