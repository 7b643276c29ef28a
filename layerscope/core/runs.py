"""Runs: layers one on the other between which nothing branches off and no image ends.

All layers of a run are needed by the very same images, so they come and go together. The tree and the map
draw runs, a comparison aligns them, a removal takes them whole, and an inferred size
inside one does not matter where the sum of the run is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)


def runs(parents: Mapping[Node, Node | None], ends: Collection[Node]) -> list[list[Node]]:
    """Return the runs of a forest, each from the bottom, in the order of their first nodes.

    ``parents`` maps each node to what it stands on, parents first; None, or a node that is not in it, is the
    ground. ``ends``: the nodes that end an image's stack. Costs time in proportion to the nodes.
    """
    branches = Counter(parents.values())
    run_of: dict[Node, list[Node]] = {}
    found: list[list[Node]] = []
    for node, below in parents.items():
        run = run_of.get(below) if below is not None and below not in ends and branches[below] == 1 else None
        if run is None:
            run = []
            found.append(run)
        run.append(node)
        run_of[node] = run
    return found
