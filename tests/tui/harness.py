"""What tests of the interface share: hosts, a backend that does as a test says, an app that is the same every time.

    app = make_app(inventory("docker-28.5-overlay2"))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "enter")

In a snapshot: ``assert snap(app, SIZES[0], "down", "enter")`` (a fixture; see conftest.py).
"""

import asyncio
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any
from unittest import mock

from msgspec.structs import replace
from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen

from layerscope.core.removal.carry_out import Remover
from layerscope.errors import BackendError
from layerscope.inventory import DiskUsage, Engine, Inventory
from layerscope.sources.backend import Backend, SavedBackend
from layerscope.sources.open import load_sample
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.session import Session
from tests.replay import recorded_inventory

SIZES = ((80, 24), (120, 36), (200, 50))
"""The terminals that everything has to look right on."""
NOW = 1_795_431_000
"""The clock of every app here: just after the recordings were made."""
ENDLESS = frozenset({"follow"})
"""Groups of workers that run as long as the app does."""

EMPTY = Inventory(Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///var/run/docker.sock"), ())
"""An engine without images."""


@cache
def inventory(name: str) -> Inventory:
    """Return the scan of a recorded engine (a name of ``replay.NAMES``), as from a file: its ages never change."""
    found = recorded_inventory(name)
    engine = replace(found.engine, host="unix:///var/run/docker.sock")
    return replace(found, engine=engine, taken_at=NOW, from_file=True)


@cache
def sample() -> Inventory:
    """Return the bundled sample host."""
    return load_sample()


def partly(found: Inventory, read: int, *, complete: bool = False) -> Inventory:
    """Return a scan that has read the layers of the first images only; complete: of the others it never will."""
    note = "history was refused: 500 Server Error" if complete else ""
    images = tuple(
        image if place < read else replace(image, diff_ids=None, history=None, note=note)
        for place, image in enumerate(found.images)
    )
    return replace(found, images=images, complete=complete)


def make_app(source: Inventory | Backend, **settings: Any) -> LayerscopeApp:
    """Return an app on an inventory or a backend, with a clock that stands still and nothing that moves."""
    backend = SavedBackend(lambda: source) if isinstance(source, Inventory) else source
    settings.setdefault("clock", lambda: float(NOW))
    theme = settings.pop("theme", None)
    app = LayerscopeApp(Session(lambda: backend, **settings), theme=theme)
    app.animation_level = "none"
    return app


async def settled(pilot: Pilot[Any], patience: float = 60.0) -> None:
    """Wait until workers, debounce timers and messages have come to rest; a scan that is held is not waited for."""
    until = time.monotonic() + patience
    quiet = 0
    while quiet < 2:  # what ends in one round may have started something
        await _idle(until)
        pilot.app.screen._on_timer_update()  # what is to be drawn is drawn now, not at the next sixtieth of a second
        await _idle(until)
        paint(pilot.app.screen)
        busy = _busy(pilot)
        quiet = 0 if busy else quiet + 1
        if busy:
            assert time.monotonic() < until, f"still busy: {busy}"
            await asyncio.sleep(0.005)


_paint = Screen._compositor_refresh


def paint_later(screen: Screen[Any]) -> None:
    """Stand in for ``Screen._compositor_refresh``: what is dirty is painted by :func:`settled`, all at once."""
    if screen is screen.app.screen:
        screen._dirty_widgets.clear()
        screen.app._update_mouse_over(screen)
    else:
        _paint(screen)


def paint(screen: Screen[Any]) -> None:
    """Paint what was put off by :func:`paint_later`."""
    if screen._compositor._dirty_regions:
        _paint(screen)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys, waiting after each for what it sets off, as a person does."""
    for key in keys:
        await _press_at_once(pilot.app, key)
        await settled(pilot)


async def _press_at_once(app: App[Any], key: str) -> None:
    """Send a key as ``Pilot.press`` does, which would wait for a sleeping process afterwards."""
    with mock.patch("textual.app.wait_for_idle", _no_wait):
        await app._press_keys([key])


async def _no_wait(_: float = 0) -> None:
    await asyncio.sleep(0)


async def _idle(until: float) -> None:
    """Wait until nothing on the event loop can go on: all messages are handled, whatever is left waits for a time."""
    loop: Any = asyncio.get_running_loop()
    await asyncio.sleep(0)
    while loop._ready:
        assert time.monotonic() < until, "messages without an end"
        await asyncio.sleep(0)


def _busy(pilot: Pilot[Any]) -> list[object]:
    app = pilot.app
    backend = app.session.backend if isinstance(app, LayerscopeApp) else None
    fake = backend if isinstance(backend, FakeBackend) else None
    held = fake is not None and fake.idle
    workers = [w for w in app.workers if not w.is_finished and w.group not in ENDLESS]
    pumps = chain([app], *(screen.walk_children(with_self=True) for screen in app.screen_stack))
    soon = [
        timer
        for pump in pumps
        for timer in pump._timers
        if timer._repeat == 0 and timer._interval <= 0.5 and timer._task is not None and not timer._task.done()
    ]
    untold = [fake] if fake is not None and fake.untold else []
    moving = [*app.animator._animations, *app.animator._scheduled]
    return [*([] if held else workers), *soon, *untold, *moving]


# -- a backend that does what a test tells it ---------------------------------------------


@dataclass
class _Progress:
    done: int
    total: int
    phase: str


@dataclass
class _Part:
    inventory: Inventory


@dataclass
class _End:
    inventory: Inventory | None = None
    error: BackendError | None = None


class FakeBackend:
    """An engine whose every word a test chooses; its methods for tests may be called from any thread.

    Held, a scan waits and does in turn what :meth:`progress`, :meth:`part`, :meth:`finish` and :meth:`fail` say;
    otherwise it ends at once. While the app follows it, :meth:`change` and :meth:`lose` tell of the engine.
    """

    def __init__(self, found: Inventory = EMPTY, *, held: bool = False, live: bool = True) -> None:
        self.inventory = replace(found, from_file=not live)
        self.live = live
        self.held = held
        self.no_removal = "this one is only looked at"
        self.warnings: tuple[str, ...] = ()
        self.scans = 0
        """Scans that were begun."""
        self.cancelled = 0
        """Scans that were cancelled."""
        self.quick_usage = False
        self.asked_usage = 0
        self.usage_answer: DiskUsage | BackendError = BackendError("the engine gives no disk usage here", "")
        self.closed = False
        self._steps: queue.Queue[_Progress | _Part | _End] = queue.Queue()
        self._events: list[Inventory | str] = []
        self._untold = 0
        self._woken = threading.Condition()
        self._waiting = False
        self._followed = 0

    # for tests

    @property
    def idle(self) -> bool:
        """True while a held scan waits to be told how to go on."""
        return self._waiting and not self._steps.unfinished_tasks

    @property
    def untold(self) -> bool:
        """True while a change is on its way to a follower."""
        return self._untold > 0

    def progress(self, done: int, total: int, phase: str) -> None:
        """Let the held scan tell how far it is."""
        self._steps.put(_Progress(done, total, phase))

    def part(self, found: Inventory) -> None:
        """Let the held scan hand out what it has so far."""
        self._steps.put(_Part(replace(found, complete=False, from_file=False)))

    def finish(self, found: Inventory | None = None) -> None:
        """Let the held scan end, with another inventory if one is given."""
        self._steps.put(_End(found))

    def fail(self, cause: str, hint: str = "") -> None:
        """Let the held scan (or the next one, when none is held) fail."""
        self.held = True
        self._steps.put(_End(error=BackendError(cause, hint)))

    def change(self, found: Inventory) -> None:
        """The engine changed: whoever follows it gets this."""
        self.inventory = replace(found, from_file=not self.live)
        self._tell(self.inventory)

    def lose(self, why: str) -> None:
        """The engine was lost for a reason; ``""``: it is there again."""
        self._tell(why)

    def _tell(self, event: Inventory | str) -> None:
        with self._woken:
            self._events.append(event)
            self._untold += 1
            self._woken.notify_all()

    # the Backend protocol

    def scan(
        self,
        progress: Callable[[int, int, str], None],
        partial: Callable[[Inventory], None],
        cancelled: Callable[[], bool],
    ) -> Inventory:
        self.scans += 1
        while self.held:
            self._waiting = True
            try:
                step = self._steps.get(timeout=0.01)
            except queue.Empty:
                if cancelled() or self.closed:
                    self.cancelled += 1
                    raise BackendError("the scan was cancelled") from None
                continue
            finally:
                self._waiting = False
            self._steps.task_done()  # not before it waits no more: what was taken and not begun would look like a pause
            match step:
                case _Progress(done, total, phase):
                    progress(done, total, phase)
                case _Part(found):
                    partial(found)
                case _End(found, error):
                    if error is not None:
                        raise error
                    self.inventory = replace(found, from_file=not self.live) if found else self.inventory
                    break
        return self.inventory

    def look_again(self) -> Inventory:
        return self.inventory

    def remover(self) -> Remover | None:
        return None

    def blobs(self) -> dict[str, int] | None:
        content = self.inventory.content
        return None if content is None or content.blobs is None else {blob.digest: blob.size for blob in content.blobs}

    def facts(self) -> dict[str, object]:
        return {}

    def usage(self, *, whole: bool = False) -> Inventory:
        self.asked_usage += 1
        if isinstance(self.usage_answer, BackendError):  # another one each time: an exception keeps where it was raised
            raise BackendError(self.usage_answer.cause, self.usage_answer.hint)
        return replace(self.inventory, usage=self.usage_answer)

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
        with self._woken:
            self._followed += 1
            number = self._followed
            self._woken.notify_all()
        state("")
        while True:
            with self._woken:
                self._woken.wait_for(lambda: self.closed or number != self._followed or self._events)
                if self.closed or number != self._followed:  # one follower at a time, as with a real engine
                    return
                event = self._events.pop(0)
            if isinstance(event, str):
                state(event)
            else:
                self.inventory = event
                changed(event)
            with self._woken:
                self._untold -= 1

    def close(self) -> None:
        with self._woken:
            self.closed = True
            self._woken.notify_all()


Before = Callable[[Pilot[Any]], Awaitable[None]]
