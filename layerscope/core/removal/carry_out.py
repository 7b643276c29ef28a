"""Carry a removal plan out and measure what it did: ask for the engine's totals, remove, ask again, compare.

Nothing here knows docker or a screen: an engine is whatever can be asked
(:class:`Askable`), and what changes it is a :class:`Remover`. Every function blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Literal, Protocol

from msgspec import Struct

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.measured import Freed, Measured, bytes_gone, fall, measure
from layerscope.core.removal.plan import RemovalPlan, held_by_cache
from layerscope.errors import BackendError
from layerscope.inventory import DiskUsage, Inventory

StepState = Literal["removing", "removed", "untagged", "gone", "refused", "lost", "skipped"]
"""What became of an image: under way, removed, only some of its names removed, gone before it was asked for, refused,
not known because the engine was lost, not asked for."""


class Step(Struct, frozen=True):
    """How far the removal of one image is."""

    image_id: str
    state: StepState
    words: str = ""
    """Why, in the engine's own words; one line, cleaned."""


class Askable(Protocol):
    """An engine that can be asked what it has."""

    def look_again(self) -> Inventory:
        """Return what the engine has now. Raises BackendError."""
        ...

    def usage(self) -> Inventory:
        """Return what the engine had last, with its own disk usage as it is now. Raises BackendError."""
        ...

    def blobs(self) -> Mapping[str, int] | None:
        """Return the bytes of every blob that a containerd store lists now, by digest; None where none is told.

        Raises nothing.
        """
        ...


class Remover(Protocol):
    """What changes an engine. Every method blocks: call it in a worker thread. Nothing is ever forced."""

    def remove(
        self, plan: RemovalPlan, progress: Callable[[Step], object], cancelled: Callable[[], bool]
    ) -> tuple[Step, ...]:
        """Remove the images of ``plan.removed``, then untag those of ``plan.untagged``; return what became of each.

        One after the other, in that order. One of the first is never untagged instead, nor one of the second removed.
        ``progress`` hears of each image when it is begun and when it is done. ``cancelled`` is asked
        between images: what is left is then skipped, as it is when the engine is lost. A refused
        image does not stop the others. What was removed is in the log. Raises nothing for what an engine may do.
        """
        ...

    @property
    def warning(self) -> str:
        """Why what was removed is not in the log, in a line; empty when it is."""
        ...

    def prune_build_cache(self) -> int | None:
        """Remove what of the build cache is not in use; return the bytes by the engine's count, None without one.

        Raises :class:`~layerscope.errors.BackendError`.
        """
        ...


class CarriedOut(Struct, frozen=True):
    """What came of a removal."""

    plan: RemovalPlan
    steps: tuple[Step, ...]
    """What became of each image."""
    measured: Measured
    graph: LayerGraph | None
    """The host afterwards; None when the engine was lost."""
    lost: BackendError | None
    """Why, then."""
    unmeasured: str
    """Why the engine gave no totals, in a line; empty when it gave them, or was not asked."""

    @property
    def content_held(self) -> int:
        """Bytes of content that went from the images, and that the build cache may still hold: at most so many."""
        found, left = self.measured.part.content or self.plan.content, self.measured.content
        if found is None or left is None or left < found.at_once.least:
            return 0
        return max(0, found.at_once.most - left)


class CachePruned(Struct, frozen=True):
    """What came of pruning the build cache."""

    back: Freed
    """What came back on disk."""
    counted: int | None
    """Bytes by the engine's own count, which adds what images still have; None where it gave none."""
    wrong: str
    """Why it failed; empty when it did not. Clean before showing."""
    graph: LayerGraph | None
    lost: BackendError | None
    content: int | None = None
    """Bytes of the blobs that left the list of a store that keeps content; None elsewhere, and where it gave none."""


def carry_out(
    plan: RemovalPlan,
    engine: Askable,
    remover: Remover,
    *,
    progress: Callable[[Step], object],
    measuring: Callable[[], object],
    cancelled: Callable[[], bool],
) -> CarriedOut:
    """Remove what ``plan`` removes, and measure what came back.

    ``progress`` and ``cancelled``: as for :meth:`Remover.remove`. ``measuring`` is called when the last image is done.
    An engine that does not tell its totals is still removed from. Raises nothing for what an engine may do.
    """
    before = after = None
    graph: LayerGraph | None = None
    lost: BackendError | None = None
    unmeasured = ""
    held = plan.held_by_cache
    try:
        if _totals_help(plan.graph):
            told = engine.usage()
            before = told.usage
            if held is None:
                held = held_by_cache(build_graph(told), plan.freed)
    except BackendError as error:
        unmeasured = error.cause
    counts = plan.graph.rules.keeps_content
    blobs = engine.blobs() if counts else None
    steps = remover.remove(plan, progress, cancelled)
    measuring()
    rest = engine.blobs() if counts and blobs is not None else None
    try:
        graph, after, why = _look_again(engine, _totals_help(plan.graph))
        unmeasured = why or unmeasured
    except BackendError as error:
        lost, unmeasured = error, error.cause
    done = {step.image_id for step in steps if step.state in {"removed", "gone"}}
    measured = measure(plan, done, before, after, graph, held, (blobs, rest))
    return CarriedOut(plan, steps, measured, graph, lost, unmeasured)


def prune(engine: Askable, remover: Remover, *, content: bool = False) -> CachePruned:
    """Prune the build cache, and measure what came back. Raises nothing for what an engine may do.

    ``content``: the store keeps content, so that the blobs that it lists are the measure; its totals are none of it.
    """
    before = after = None
    graph: LayerGraph | None = None
    lost: BackendError | None = None
    counted: int | None = None
    wrong = ""
    blobs = engine.blobs() if content else None
    if not content:
        with suppress(BackendError):  # without it, what comes back is not measured
            before = engine.usage().usage
    try:
        counted = remover.prune_build_cache()
    except BackendError as error:
        wrong = str(error)
    rest = engine.blobs() if blobs is not None else None
    try:
        graph, after, _ = _look_again(engine, not content)
    except BackendError as error:
        lost = error
    return CachePruned(fall(before, after), counted, wrong, graph, lost, bytes_gone(blobs, rest))


def _totals_help(graph: LayerGraph) -> bool:
    """Are the engine's own totals of use: as the measure, or for what the build cache holds?"""
    return graph.rules.total_is_footprint or graph.rules.build_cache_holds_layers


def _look_again(engine: Askable, totals: bool) -> tuple[LayerGraph, DiskUsage | None, str]:
    """Return what is there now, the engine's totals, and why it gave none. Raises BackendError if it is lost."""
    found = engine.look_again()
    if not totals:
        return build_graph(found), None, ""
    try:
        found = engine.usage()
    except BackendError as error:  # busy with another session's question, say: what is there is known all the same
        return build_graph(found), None, error.cause
    return build_graph(found), found.usage, ""
