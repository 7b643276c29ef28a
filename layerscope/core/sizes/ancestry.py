"""What the engine's own account of builds says of a history: how many layers the images that it began with had made.

The classic builder and ``docker commit`` add one entry to the history of the image below, which made a layer when there
is one more (moby ``internal/image/image.go``, NewChildImage), and the engine keeps which image that was: ``ParentId``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from layerscope.core.sizes.begun import BOTTOM, Start
from layerscope.core.sizes.ledger import Stack


class Ancestry:
    """The images that others were made from, and how many layers each one's history made."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._by_id = {stack.image.id: stack for stack in stacks}
        self._parents = {stack.image.parent_id for stack in stacks}
        self._made = {stack.image.id: 1 for stack in stacks if not stack.chain}
        """By image ID, as a bit mask: see :attr:`layerscope.core.sizes.assign.Assignment.made`."""
        self._since: dict[str, int] = {}
        """By image ID how many facts there were when that was found out last."""
        self._bases: dict[str, Stack | None] = {}

    def narrow(self, stack: Stack, made: int, facts: int) -> bool:
        """Take that an image's history made one of so many layers; True when that is news, fact number ``facts``.

        Of an image that no other was made from, nothing is.
        """
        if stack.image.id not in self._parents:
            return False
        before = self._made.get(stack.image.id)
        made = made if before is None else before & made  # it only narrows, or this might never end
        if not made or made == before:
            return False
        self._made[stack.image.id] = made
        self._since[stack.image.id] = facts
        return True

    def gates(self, stack: Stack) -> tuple[Mapping[int, int], Start]:
        """Return, for numbers of first entries, how many layers these may have made (a bit mask).

        With it goes from where on to read: where one that comes before in the order of reading leaves no doubt,
        those below it say nothing more.
        """
        gates: dict[int, int] = {}
        for above in self._line(stack):
            made = self._made.get(above.image.id)
            if made is not None:
                gates[len(above.sizes)] = made
                added = len(stack.path) - len(above.path)
                first = above.image.id == stack.image.parent_id
                if first and len(above.sizes) + 1 == len(stack.sizes) and added in {0, 1}:
                    gates[len(stack.sizes)] = made << added
                if above.path and above.order < stack.order and not made & (made - 1):
                    return gates, Start(len(above.sizes), made.bit_length() - 1)
        return gates, BOTTOM

    def since(self, stack: Stack) -> int:
        """Return the number of the fact with which what :meth:`gates` says of a stack changed last."""
        return max((self._since.get(above.image.id, 0) for above in self._line(stack)), default=0)

    def _line(self, stack: Stack) -> Iterator[Stack]:
        """Yield the ancestors with which an image begins, the nearest first: each once, whatever is said of parents."""
        seen = {stack.image.id}
        above = self._base(stack)
        while above is not None and above.image.id not in seen:
            seen.add(above.image.id)
            yield above
            above = self._base(above)

    def _base(self, stack: Stack) -> Stack | None:
        """Return the nearest ancestor with which an image begins."""
        if not stack.image.parent_id:
            return None
        if stack.image.id not in self._bases:
            self._bases[stack.image.id] = self._nearest(stack)
        return self._bases[stack.image.id]

    def _nearest(self, stack: Stack) -> Stack | None:
        parent = self._by_id.get(stack.image.parent_id)
        seen = {stack.image.id}
        while parent is not None and parent.image.id not in seen:
            if _begins(stack, parent):
                return parent
            seen.add(parent.image.id)
            parent = self._by_id.get(parent.image.parent_id)
        return None


def _begins(stack: Stack, parent: Stack) -> bool:
    """Are the parent's layers and history the beginning of this image's?"""
    ours, theirs = stack.image.history or (), parent.image.history
    if theirs is None or len(theirs) > len(ours) or len(parent.path) > len(stack.path):
        return False
    return stack.diff_ids[: len(parent.diff_ids)] == parent.diff_ids and (
        ours[: len(theirs)] == theirs
        or all(
            one is other
            or (one.created_by, one.comment, one.created) == (other.created_by, other.comment, other.created)
            for one, other in zip(theirs, ours, strict=False)
        )
    )
