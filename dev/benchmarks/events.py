"""What an event on the engine costs the interface, from the new inventory until it is drawn.

    python -m dev.benchmarks.events [--images 10000] [--layers 40000]
    python -m dev.benchmarks.events --flood 600 [--images 5000]

The interface runs without a terminal, 120x40, on the fake engine of the tests, which gives a generated host: what is
measured is processor time of the whole process, the best and the median of some rounds. Asking the engine again is
not in it. With ``--flood`` 100 events a second come for so many seconds, of which the engine is followed as a real
one is: at most one look a second. Exit status 1 where one of them takes more than its limit: 20 ms
an event that moves no layer; half a core and 5 MB in a flood.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot

from dev.benchmarks.generate import TAKEN_AT, big_host
from layerscope.engine.events import AT_MOST
from layerscope.inventory import Container, Image, Inventory
from layerscope.tui.app import LayerscopeApp
from tests.tui.harness import FakeBackend, make_app, settled

ROUNDS = 7
PER_SECOND = 100
MOST_MS, MOST_CORE, MOST_GROWTH = 20.0, 0.5, 5.0
PATIENCE = 300.0


class Host:
    """A host that changes; its inventories share all that did not change, as those of a refresh do."""

    def __init__(self, images: int, layers: int) -> None:
        self.now = big_host(images, layers)
        self.pick = random.Random(1)
        self.count = 0
        self.rows = [at for at, image in enumerate(self.now.images) if image.listed and image.tags]

    def image(self, change: Callable[[Image], Image | None]) -> Inventory:
        """Change one image that has a tag; None: it goes."""
        at = self.pick.choice(self.rows)
        new = change(self.now.images[at])
        images = list(self.now.images)
        images[at : at + 1] = [] if new is None else [new]
        return self._next(images=tuple(images))

    def tag(self) -> Inventory:
        """Give an image one more tag."""
        self.count += 1
        return self.image(lambda image: replace(image, tags=(*image.tags, f"zz/bench:{self.count}")))

    def untag(self) -> Inventory:
        """Take an image's tags away, but the first."""
        return self.image(lambda image: replace(image, tags=image.tags[:1]))

    def rename(self) -> Inventory:
        """Give an image another name."""
        self.count += 1
        return self.image(lambda image: replace(image, tags=(f"aa/bench:{self.count}", *image.tags[1:])))

    def start(self) -> Inventory:
        """Start a container."""
        self.count += 1
        image = self.now.images[self.pick.choice(self.rows)]
        box = Container(f"{self.count:064x}", f"box-{self.count}", image.id, image.tags[0], "running", TAKEN_AT)
        return self._next(containers=(*self.now.containers[-400:], box))

    def remove(self) -> Inventory:
        """Remove an image."""
        found = self.image(lambda image: None)
        self.rows = [at for at, image in enumerate(found.images) if image.listed and image.tags]
        return found

    def _next(self, **changed: Any) -> Inventory:
        self.now = replace(self.now, taken_at=self.now.taken_at + 1, serial=self.now.serial + 1, **changed)
        return self.now


async def shown(pilot: Pilot[Any], backend: FakeBackend, serial: int) -> None:
    """Wait until an inventory is drawn."""
    app = pilot.app
    assert isinstance(app, LayerscopeApp)
    until = time.monotonic() + PATIENCE
    while app.main.scene is None or app.main.scene.graph.inventory.serial < serial or backend.untold:
        if time.monotonic() > until:
            raise SystemExit(f"not shown within {PATIENCE:.0f} s")
        await asyncio.sleep(0.02)
    drawn = asyncio.Event()
    app.main.call_after_refresh(drawn.set)
    await drawn.wait()


async def each_event(images: int, layers: int) -> dict[str, list[float]]:
    """Return by kind of event the milliseconds of processor time until each of some is drawn."""
    host = Host(images, layers)
    backend = FakeBackend(host.now)
    found: dict[str, list[float]] = {}
    async with make_app(backend).run_test(size=(120, 40)) as pilot:
        await settled(pilot, PATIENCE)
        for event in (host.tag, host.untag, host.rename, host.start, host.remove):
            spent = found[event.__name__] = []
            for _ in range(ROUNDS):
                gc.collect()
                changed = event()
                at = time.process_time()
                backend.change(changed)
                await shown(pilot, backend, changed.serial)
                spent.append((time.process_time() - at) * 1000)
    return found


async def one_by_one(images: int, layers: int) -> int:
    """Measure each kind of event alone; return the exit status."""
    missed = 0
    print(f"{'ms of processor time until drawn':34}{'best':>8}{'median':>8}{'limit':>8}")
    for name, spent in (await each_event(images, layers)).items():
        limit = MOST_MS if name != "remove" else None
        wrong = limit is not None and statistics.median(spent) > limit
        missed += wrong
        told = "" if limit is None else f"{limit:8.0f}{'  !' * wrong}"
        print(f"{name:34}{min(spent):8.1f}{statistics.median(spent):8.1f}{told}", flush=True)
    return 1 if missed else 0


async def flood(images: int, layers: int, seconds: float) -> int:
    """Let events come for some time; return the exit status."""
    host = Host(images, layers)
    backend = FakeBackend(host.now)
    events = (host.tag, host.untag, host.rename, host.start)
    async with make_app(backend).run_test(size=(120, 40)) as pilot:
        await settled(pilot, PATIENCE)
        sizes: list[float] = []
        outside = 0.0  # what it takes to make up the events
        began, at = time.monotonic(), time.process_time()
        looks = 0
        while time.monotonic() - began < seconds:
            looks += 1
            made = time.process_time()
            for _ in range(round(PER_SECOND * AT_MOST)):
                host.pick.choice(events)()
            if looks % 10 == 1:
                gc.collect()
                sizes.append(_resident())
            outside += time.process_time() - made
            backend.change(host.now)
            await asyncio.sleep(max(0.0, began + looks * AT_MOST - time.monotonic()))
        await shown(pilot, backend, host.now.serial)
        spent = time.process_time() - at - outside
        core = spent / (time.monotonic() - began)
    third = sizes[len(sizes) // 3 :]
    growth = third[-1] - third[0]
    print(f"{images:,} images, {PER_SECOND} events a second for {seconds:.0f} s, one look a second ({looks})")
    print(f"of a core: {core:.2f} (limit {MOST_CORE}); memory after the first third: {growth:+.1f} MB")
    return 1 if core > MOST_CORE or abs(growth) > MOST_GROWTH else 0


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.events", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--images", type=int)
    parser.add_argument("--layers", type=int, help="four for each image, unless told")
    parser.add_argument("--flood", type=float, metavar="SECONDS")
    args = parser.parse_args()
    images = args.images or (5000 if args.flood else 10000)
    layers = args.layers or 4 * images
    return asyncio.run(flood(images, layers, args.flood) if args.flood else one_by_one(images, layers))


if __name__ == "__main__":
    sys.exit(main())
