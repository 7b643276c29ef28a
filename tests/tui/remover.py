"""An engine whose images can be removed, and that refuses, is lost or is used by others as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal.carry_out import Remover, Step
from layerscope.core.removal.plan import RemovalPlan
from layerscope.errors import BackendError
from layerscope.inventory import BuildCacheRecord, DiskUsage, Inventory
from tests.tui.harness import FakeBackend

BUSY = "the engine refused to give its disk usage (500): a disk usage operation is already running"
"""What engines up to 20.10 say while anybody else asks."""


class Engine(FakeBackend):
    """A live engine on a recorded scan: what is removed is gone from its lists and its totals."""

    def __init__(
        self,
        found: Inventory,
        *,
        refuses: Mapping[str, str] | None = None,
        dies_at: str = "",
        cache: tuple[int, ...] | None = (),
        pulls_meanwhile: int = 0,
    ) -> None:
        """``refuses``: names with the engine's words; ``dies_at``: the image at which it is lost.

        ``cache``: sizes of build cache records, None for an engine that does not tell; a record with the
        size of a layer is shared with it. ``pulls_meanwhile``: bytes that come by themselves while images are removed.
        """
        super().__init__(found)
        self.no_removal = ""
        self.warning = ""
        self.refuses = refuses or {}
        self.dies_at = dies_at
        self.cache = cache
        self.pulls = pulls_meanwhile
        self.dead = False
        self.asked: list[str] = []
        """Names of the images that were asked for, in turn."""
        self.pruned = 0
        self.prune_fails = False
        self.gate: threading.Event | None = None
        """When set, each removal waits for it."""
        self.busy: set[int] = set()
        """Which of the questions for the disk usage are refused, as another one is under way: 1 is the first."""
        self._drift = 0

    def usage(self, *, whole: bool = False) -> Inventory:
        return replace(self.inventory, usage=self._disk_usage())

    def _disk_usage(self) -> DiskUsage:
        if self.dead:
            raise BackendError("nobody listens on /var/run/docker.sock", "start the engine")
        self.asked_usage += 1
        if self.asked_usage in self.busy:
            raise BackendError(BUSY, "see the engine's log")
        graph = build_graph(self.inventory)
        total, sizes = graph.totals.footprint + self._drift, {layer.size for layer in graph.layers}
        if self.cache is None:
            return DiskUsage(total)
        records = (BuildCacheRecord(str(n), (), "regular", "", False, s in sizes, s) for n, s in enumerate(self.cache))
        return DiskUsage(total, build_cache=tuple(records))

    def look_again(self) -> Inventory:
        if self.dead:
            raise BackendError("nobody listens on /var/run/docker.sock", "start the engine")
        return self.inventory

    def remover(self) -> Remover | None:
        return self

    def remove(
        self, plan: RemovalPlan, progress: Callable[[Step], None], cancelled: Callable[[], bool]
    ) -> tuple[Step, ...]:
        steps = []
        untagged = {one.image.id for one in plan.untagged}
        for node in (*plan.removed, *(one.image for one in plan.untagged)):
            if self.dead or cancelled():
                step = Step(node.id, "skipped")
            else:
                progress(Step(node.id, "removing"))
                self.asked.append(node.name)
                if self.gate is not None:
                    self.gate.wait(60)
                step = self._untag(node.id) if node.id in untagged else self._remove(node.id, node.name, plan)
            steps.append(step)
            progress(step)
        return tuple(steps)

    def _remove(self, image_id: str, name: str, plan: RemovalPlan) -> Step:
        if name == self.dies_at:
            self.dead = True
            return Step(image_id, "lost", "the engine closed the connection")
        if name in self.refuses:
            return Step(image_id, "refused", self.refuses[name])
        if all(image.id != image_id for image in self.inventory.images):
            return Step(image_id, "gone")
        gone = {image_id}
        if name == plan.removed[-1].name:
            gone |= {parent.id for parent in plan.parents}
        self._drift += self.pulls
        self.pulls = 0
        self.inventory = replace(self.inventory, images=tuple(i for i in self.inventory.images if i.id not in gone))
        return Step(image_id, "removed")

    def _untag(self, image_id: str) -> Step:
        images = tuple(
            replace(i, tags=(), digests=(), listed=False) if i.id == image_id else i for i in self.inventory.images
        )
        self.inventory = replace(self.inventory, images=images)
        return Step(image_id, "untagged")

    def prune_build_cache(self) -> int | None:
        self.pruned += 1
        if self.prune_fails:
            self.dead = True
            raise BackendError("the engine closed the connection", "")
        kept = {record.size for record in self._disk_usage().build_cache or () if record.shared}
        self.cache = tuple(size for size in self.cache or () if size in kept)
        return 792_000_000  # layers that images keep are in it
