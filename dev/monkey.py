"""A monkey at the keyboard: random keys, pastes and resizes on a live engine that changes, fails and is lost.

usage: python -m dev.monkey [--minutes M | --keys N] [--seed S]      (2,000 keys unless told)

The engine is the fake one of the tests: nothing real is asked or removed, and nothing is saved. At the end of each
round of 200 keys, Escape must lead back to the one main screen, or `r` where no scan ever came.

Memory is told each minute, and what Python's own caches hold of what they may hold (``functools.lru_cache``, which
Textual and Rich have some hundred of): it must stay flat once they are full, which takes half of 30 minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace
from textual import events
from textual.geometry import Size
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import Screen

from layerscope import tui
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import RemovalPlan
from layerscope.errors import BackendError
from layerscope.inventory import Container, Inventory
from layerscope.sources.scanfile import ScanFileNotSaved
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs import export
from layerscope.tui.dialogs.error import ErrorScreen
from layerscope.tui.dialogs.plan import PlanScreen
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.session import Session
from tests.tui.harness import NOW, inventory, settled
from tests.tui.remover import Engine

HOST = "docker-28.5-overlay2"
FULL, MOST_GROWN = 30.0, 0.05
"""Minutes from which on memory is held to be flat in the second half, and what it may grow by."""
_CACHE = type(functools.lru_cache(id))
PATIENCE = 60
"""Seconds that anything may take on a busy machine."""
UNMARKED = "·"
"""The sign of a row of the plan's dialog that was taken out of the set."""
ROUND = 200
"""Keys between two looks at whether one comes back to the main screen."""
NAMED = (
    *("up", "down", "left", "right", "pageup", "pagedown", "home", "end", "tab", "shift+tab"),
    *("enter", "escape", "backspace", "delete", "space", "f1", "insert"),
    *(f"ctrl+{letter}" for letter in "abcdefghijklmnoprstuvwxy"),
)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /&*?\\.,:;-_<>=+!@#$%^()[]{}|~'\"é日\u202e"
OFTEN = ("d", "y", "space", "asterisk", "enter", "escape", "f", "slash", "ampersand", "i", "E", "C", "r", "p", "ctrl+p")
ROWS = (
    ("escape", "escape", "1", "space", "d", "y"),
    ("escape", "escape", "1", "asterisk", "d", *"remove", "enter"),
    ("f", *"500M", "enter", "d", "y"),
    ("p", "y"),
    ("E", "enter", "enter"),
)
"""Keys that mean something in a row."""
SIZES = (*(((80, 24), (60, 15), (59, 15), (40, 10), (20, 5), (1, 1)) * 3), (120, 36), (200, 50), (300, 100))
"""Small ones more often: a frame of 300x100 costs as much as twenty."""


class Hostile(Engine):
    """An engine that fails at random, and that sees to it that only what was shown is removed."""

    def __init__(self, found: Inventory, rng: random.Random) -> None:
        super().__init__(found, cache=(4_194_304,))
        self.full = found
        self.rng = rng
        self.dialogs: Callable[[], tuple[Screen[Any], ...]] = tuple
        """Gives those that were opened last."""
        self.removals = 0

    @property
    def untold(self) -> bool:
        """As of any fake engine; but where not even the first scan came, nobody follows it."""
        return self._followed > 0 and super().untold

    def _fails(self, chance: float) -> None:
        if self.rng.random() < chance:
            raise self.rng.choice(
                (BackendError("the engine was lost", "start it"), TypeError("a fault"), OSError("dead"))
            )

    def scan(self, *told: Any, **options: Any) -> Inventory:
        self._fails(0.1)
        return super().scan(*told, **options)

    def look_again(self) -> Inventory:
        self._fails(0.1)
        return super().look_again()

    def usage(self) -> Inventory:
        self._fails(0.2)
        return super().usage()

    def remove(self, plan: RemovalPlan, *told: Any) -> tuple[Step, ...]:
        self.removals += 1
        shown = [dialog for dialog in self.dialogs() if isinstance(dialog, PlanScreen) and dialog.plan is plan]
        if not shown:
            raise SystemExit("a plan was carried out that no dialog had shown")
        rows = {row.id for row in shown[0].rows.images if row.sign != UNMARKED}
        if not {node.id for node in (*plan.removed, *(one.image for one in plan.untagged))} <= rows:
            raise SystemExit("an image was removed that the dialog did not list as one that goes")
        self._fails(0.2)
        return super().remove(plan, *told)

    def prune_build_cache(self) -> int | None:
        self._fails(0.3)
        return super().prune_build_cache()

    def event(self) -> None:
        """Let something happen on the host."""
        rng, full = self.rng, self.full
        self.dead = False
        match rng.randrange(6):
            case 0:
                self.lose(rng.choice(("connection reset", "")))
            case 1:
                self.change(full)
            case 2:
                self.change(replace(full, images=()))
            case 3:
                node = rng.choice(full.images)
                used = Container(f"{rng.getrandbits(256):064x}", "newcomer", node.id, "x", "running")
                self.change(replace(full, containers=(*full.containers, used)))
            case 4:
                names = (*rng.choice(full.images).tags, "keep-me:forever", "evil\x1b[2J\n:1")
                first = full.images[0]
                self.change(replace(full, images=(replace(first, tags=names[: rng.randrange(4)]), *full.images[1:])))
            case _:
                self.change(replace(full, images=tuple(rng.sample(full.images, rng.randrange(len(full.images) + 1)))))


class MonkeyApp(LayerscopeApp):
    """Does not end, whatever is pressed."""

    CSS_PATH = Path(tui.__file__).with_name("app.tcss")
    quits = 0
    dialogs: tuple[Screen[Any], ...] = ()
    """The last ones that were opened."""

    def exit(self, *_: Any, **__: Any) -> None:
        self.quits += 1

    def push_screen(self, screen: Any, *args: Any, **options: Any) -> Any:
        self.dialogs = (*self.dialogs[-3:], screen)
        return super().push_screen(screen, *args, **options)


@dataclass
class Report:
    """What came of a run."""

    keys: int = 0
    resizes: int = 0
    events: int = 0
    removals: int = 0
    quits: int = 0


@contextmanager
def harmless(rng: random.Random) -> Iterator[None]:
    """Let nothing be written."""

    def save(_: Inventory, path: Path) -> None:
        if rng.random() < 0.5:
            raise ScanFileNotSaved(f"{path}: not saved: the disk is full")

    with patch.object(export, "save_inventory", save), patch.object(LayerscopeApp, "save_screenshot", lambda *_: "x"):
        yield


async def run(seed: int, goes_on: Callable[[Report], bool], told: Callable[[Report], object] = id) -> Report:
    """Press random keys in rounds while ``goes_on``; ``told`` hears of each round.

    Raises whatever a key led to, its seed in a note; AssertionError where there is no way back to the main screen.
    """
    rng = random.Random(seed)
    engine = Hostile(inventory(HOST), rng)
    app = MonkeyApp(Session(lambda: engine, clock=lambda: float(NOW)))
    engine.dialogs, app.animation_level = lambda: app.dialogs, "none"
    report, last = Report(), []
    try:
        with harmless(rng):
            async with app.run_test(size=(80, 24)) as pilot:
                await settled(pilot, PATIENCE)
                while goes_on(report):
                    await _round(pilot, engine, rng, report, last)
                    _check(app)
                    await _way_out(pilot)
                    report.removals, report.quits = engine.removals, app.quits
                    told(report)
                    last.clear()
    except BaseException as error:
        error.add_note(f"seed {seed}, key {report.keys}, the last keys: {' '.join(last[-60:])}")
        raise
    return report


async def _round(pilot: Pilot[Any], engine: Hostile, rng: random.Random, report: Report, last: list[str]) -> None:
    until = report.keys + ROUND
    while report.keys < until:
        chance = rng.random()
        if chance < 0.03:
            size = rng.choice(SIZES)
            last.append("{}x{}".format(*size))
            pilot.app._driver._size = Size(*size)  # type: ignore[union-attr]
            pilot.app.post_message(events.Resize(Size(*size), Size(*size)))
            report.resizes += 1
        elif chance < 0.06:
            last.append("event")
            engine.event()
            report.events += 1
        for _ in range(rng.choice((1, 1, 1, 2, 8))):  # some come in one write
            last.append(press_any(pilot, rng))
            report.keys += 1
        if rng.random() < 0.3:
            await handled(pilot)
        _check(pilot.app)


async def handled(pilot: Pilot[Any]) -> None:
    """Wait until what was sent was done; not until it was drawn, which costs ten times as much."""
    done = asyncio.Event()
    pilot.app.call_later(done.set)
    await asyncio.wait_for(done.wait(), PATIENCE)


def press_any(pilot: Pilot[Any], rng: random.Random) -> str:
    """Send one random key, or a paste, without waiting for what it does; return its name."""
    chance = rng.random()
    if chance < 0.02:
        pilot.app.post_message(events.Paste(rng.choice(("500M", "remove", "32", "nginx\nrm -rf", "\x1b[201~"))))
        return "paste"
    if chance < 0.05:
        row = rng.choice(ROWS)
        for part in row:
            _send(pilot, part)
        return " ".join(row)
    key = rng.choice(OFTEN) if chance < 0.4 else rng.choice(NAMED) if chance < 0.7 else rng.choice(LETTERS)
    _send(pilot, key)
    return key


def _send(pilot: Pilot[Any], key: str) -> None:
    named = {"space": " ", "asterisk": "*", "slash": "/", "ampersand": "&"}
    character = named.get(key, key if len(key) == 1 else None)
    pilot.app.post_message(events.Key(_character_to_key(key) if len(key) == 1 else key, character))


def _check(app: Any) -> None:
    if app._exception is not None:
        raise app._exception
    screens = [type(screen) for screen in app.screen_stack]
    assert screens.count(MainScreen) == 1, f"the stack is {screens}"
    assert screens[0] is MainScreen, f"the stack is {screens}"
    assert len(set(screens)) == len(screens), f"a screen is there twice: {screens}"


async def _way_out(pilot: Pilot[Any]) -> None:
    await pilot.resize_terminal(80, 24)
    await settled(pilot, PATIENCE)
    for _ in range(12):
        if isinstance(pilot.app.screen, MainScreen):
            return
        await pilot.press("r" if isinstance(pilot.app.screen, ErrorScreen) else "escape")
        await settled(pilot, PATIENCE)
        _check(pilot.app)
    raise AssertionError(f"no way out of {pilot.app.screen_stack}")


def main(args: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.monkey", description="Random keys on a fake engine.")
    parser.add_argument("--minutes", type=float, default=0.0)
    parser.add_argument("--keys", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=None)
    chosen = parser.parse_args(args)
    seed = chosen.seed if chosen.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    began = time.monotonic()
    sizes: list[tuple[float, int]] = []

    def goes_on(report: Report) -> bool:
        return time.monotonic() - began < 60 * chosen.minutes if chosen.minutes else report.keys < chosen.keys

    def told(report: Report) -> None:
        minutes = (time.monotonic() - began) / 60
        if not sizes or minutes - sizes[-1][0] >= 1:
            gc.collect()
            sizes.append((minutes, _resident()))
            print(f"{minutes:5.1f} min  {report.keys:,} keys  {sizes[-1][1]:,} kB  {_kept()}", flush=True)

    report = asyncio.run(run(seed, goes_on, told))
    print(report, f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:,} kB")
    half = [size for _, size in sizes[len(sizes) // 2 :]]
    grown = (half[-1] - half[0]) / half[0] if len(half) > 1 else 0.0
    print(f"memory in the second half: {grown:+.1%}")
    return 1 if chosen.minutes >= FULL and grown > MOST_GROWN else 0


def _kept() -> str:
    """Return how many objects there are, and how full the caches are that have a bound."""
    objects = gc.get_objects()
    caches = [one.cache_info() for one in objects if type(one) is _CACHE]
    bounded = [(cache.currsize, cache.maxsize) for cache in caches if cache.maxsize is not None]
    return (
        f"{len(objects):,} objects  caches {sum(now for now, _ in bounded):,} of {sum(most for _, most in bounded):,}, "
        f"{sum(now == most for now, most in bounded)} of {len(bounded)} full"
    )


def _resident() -> int:
    with Path("/proc/self/statm").open(encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
