"""Session: one user on one host. What was chosen, and the questions that wait for an engine; answers are messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from textual.screen import Screen
from textual.worker import get_current_worker

from layerscope.core.graph import LayerGraph
from layerscope.core.removal.marks import Marks
from layerscope.core.seen import NOTHING_SEEN
from layerscope.errors import BackendError
from layerscope.inventory import Inventory
from layerscope.sources.backend import SAMPLE_HOST, Backend, SavedBackend
from layerscope.sources.scanfile import ScanFileError
from layerscope.state.pins import Pins, PinsError
from layerscope.state.settings import SettingsFile
from layerscope.tui.background import fault, start_detached
from layerscope.tui.messages import (
    EngineChanged,
    EngineFollowed,
    GraphArrived,
    HistoryRead,
    NotKept,
    Refreshed,
    ScanFailed,
    ScanProgressed,
    ScanUnreadable,
    UsageAnswered,
    Warned,
)
from layerscope.tui.prepared import prepared
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import Sort
from layerscope.tui.widgets.summary import PAST
from layerscope.units import Units
from layerscope.views.changes import News
from layerscope.views.orders import IMAGE_ORDERS

if TYPE_CHECKING:
    from layerscope.core.pull import ImageCost, PullCost
    from layerscope.core.pulled import Pulled
    from layerscope.registry.look import Looked
    from layerscope.state.history import ScanHistory

PATIENCE = 10.0
"""Seconds to wait for the screen to take what changed."""
FEWEST = 3
"""Scans that make a line."""

Opener = Callable[[], Backend]
"""Connects or loads; blocks; raises :class:`~layerscope.sources.backend.BackendError`."""

QUICK = 2.0
"""Seconds: an engine that takes longer for its disk usage is asked for it only by who wants to know."""

Looker = Callable[[LayerGraph, Sequence[str], Mapping[str, object], Callable[[int, int], None], Event], "Looked"]
"""Asks registries what pulling some names would cost; see :func:`layerscope.registry.look.look_at`."""


class Session:
    """The backend, what the user chose, and the work that takes its time.

    Whoever needs one of these is given the session; nobody asks the app for them. Messages go to the
    screen that was named with :meth:`attach`, and workers run on it.
    """

    def __init__(
        self,
        opener: Opener,
        *,
        demo: Callable[[], Inventory] | None = None,
        units: Units | None = None,
        clock: Callable[[], float] = time.time,
        settings: SettingsFile | None = None,
        pins: Pins | None = None,
        history: ScanHistory | None = None,
        looker: Looker | None = None,
        image: str = "",
        open_at: Callable[[str], Backend] | None = None,
        opened: SavedBackend | None = None,
    ) -> None:
        """Take where to open the host. ``demo`` gives the sample host, where there is one to fall back on.

        ``settings`` has what the user chose before, which ``units`` overrules, and ``pins`` what is never proposed for
        removal; by default nothing is kept. ``history`` has the scans of before, and gets those of now. ``looker``
        asks registries before a pull. ``image`` is the name of the one to begin with. ``open_at`` opens an engine at
        another address. ``opened`` is a saved scan that was read already, in place of what ``opener`` would open.
        """
        self.opener = opener
        self.demo = demo
        self.open_at = open_at
        self.clock = clock
        self.backend: Backend | None = opened
        self._opened = opened
        self.pins = pins or Pins(None)
        self.history = history
        self._seen = NOTHING_SEEN
        self._looked = False
        self._latest: LayerGraph | None = None
        self._usage_took = 0.0
        """Seconds that the engine took for its disk usage when it was asked last."""
        self._file = settings or SettingsFile(None)
        self.settings, self._warning = self._file.load()
        self.units = units or self.settings.units or Units.SI
        self.said: dict[str, ImageCost] = {}
        """What pulls would cost that were looked at, by the image's IDs; until the image has come."""
        self._looker = looker
        self.unreadable = ""
        """What is wrong with a saved scan that was read on screen, in a line; empty when nothing is."""
        self.image = image
        """The name of the image to go to once it is there; empty for none, or when it was gone to."""
        self._screen: Screen[None] | None = None
        self._writing = Lock()

    def attach(self, screen: Screen[None]) -> None:
        """Send messages to ``screen`` from now on, first of all what could not be read of the session before."""
        self._screen = screen
        self._not_kept(self._warning)
        try:
            self.pins.load()
        except PinsError as error:
            self._not_kept(str(error))

    def first(self) -> LayerGraph | None:
        """Return what the first frame can show; None where it takes its time and has to be loaded."""
        found = self._opened.at_once() if self._opened is not None else None
        if found is None:
            return None
        try:
            return self._prepared(found)
        except Exception:  # a fault of ours: it is told of when it is met again in loading
            return None

    def close(self) -> None:
        """Let go of the engine."""
        self._keep_look()
        backend, self.backend = self.backend, None
        if backend is not None:
            backend.close()

    def scene_of(self, graph: LayerGraph, log: Sequence[News]) -> Scene:
        """Return a graph as a scene, to look at as the user looked at one last."""
        kept = self.settings
        order = Sort(kept.sort, kept.reverse) if kept.sort is not None and kept.sort in IMAGE_ORDERS else Sort("size")
        return Scene(graph, Marks(graph), self.units, image_sort=order, clock=self.clock, pins=self.pins, log=log)

    # -- what is kept for the next session ------------------------------------------------

    def keep(self, **chosen: Any) -> None:
        """Keep what the user chose, fields of Settings, for the next session."""
        now = replace(self.settings, **chosen)
        if now != self.settings:
            self.settings = now
            self.screen.run_worker(self._save(), group="settings", exit_on_error=False)

    def switch_units(self) -> Units:
        """Go from powers of 1000 to those of 1024, or back; keep that, and return it."""
        self.units = Units.BINARY if self.units is Units.SI else Units.SI
        self.keep(units=self.units)
        return self.units

    async def _save(self) -> None:
        self._not_kept(await asyncio.to_thread(self._write))

    def _write(self) -> str:
        with self._writing:  # what is written last is what was chosen last
            return self._file.save(self.settings)

    def _not_kept(self, why: str) -> None:
        if why:
            self.screen.post_message(NotKept(why))

    # -- the engine: everything that waits is in a thread ---------------------------------

    def load(self) -> None:
        """Connect if need be, scan, and post what comes; then follow the engine."""
        self._start("load", self._load)

    def follow(self) -> None:
        """Post what the engine becomes, until the backend is closed."""
        self._start("follow", self._follow)

    def ask_usage(self, *, whole: bool = False) -> None:
        """Ask the engine for its disk usage, and post the graph that knows it; ``whole``: of all of its disk."""
        self._start("usage", lambda: self._ask_usage(whole))

    def forget_usage(self) -> None:
        """Wait for the disk usage no longer."""
        self.screen.workers.cancel_group(self.screen, "usage")

    def open_elsewhere(self, host: str) -> None:
        """Turn to the engine at another address, and load it."""
        if self.open_at is not None:
            self.close()
            open_at = self.open_at
            self.opener = lambda: open_at(host)
            self.load()

    def open_demo(self) -> None:
        """Leave the engine alone and show the sample host."""
        if self.demo is not None:
            self.close()
            self.backend = SavedBackend(self.demo, SAMPLE_HOST)
            self.pins = Pins(None)
            self.load()

    # -- before a pull, and after it -------------------------------------------------------

    def look_at_registries(
        self, graph: LayerGraph, names: Sequence[str], progress: Callable[[int, int], None], stop: Event
    ) -> Looked:
        """Return what pulling ``names`` would cost. Blocks: call it in a thread. Raises BackendError."""
        from layerscope.registry.look import look_at  # noqa: PLC0415 - only before a pull

        backend = self.backend
        facts = backend.facts() if backend is not None else {}
        return (self._looker or look_at)(graph, names, facts, progress, stop)

    def said_before(self, cost: PullCost) -> None:
        """Remember what was said, to be held beside what comes."""
        for image in cost.images:
            if not image.already_here:
                self.said |= {image.image.config_digest: image, image.image.digest: image}

    def come(self, old: LayerGraph, new: LayerGraph) -> list[Pulled]:
        """Return what came, between two graphs, of the pulls that were looked at before."""
        if not self.said or old is new:
            return []
        from layerscope.core.pulled import has_come, pulled  # noqa: PLC0415 - only after a pull was looked at

        there = {image.image.name: image for key, image in self.said.items() if key in new.image_by_id}
        found = [pulled(image, old, new) for image in there.values() if has_come(image, old, new)]
        done = {one.said.image.name for one in found if one.grew is not None}
        self.said = {key: image for key, image in self.said.items() if image.image.name not in done}
        return [one for one in found if one.grew is not None]

    @property
    def screen(self) -> Screen[None]:
        """Where messages go."""
        assert self._screen is not None, "a session is attached before anything is asked of it"
        return self._screen

    def _start(self, group: str, work: Callable[[], None]) -> None:
        start_detached(self.screen, work, group)

    def _load(self) -> None:
        worker, screen = get_current_worker(), self.screen

        def arrived(inventory: Inventory) -> None:
            if not worker.is_cancelled:
                screen.post_message(GraphArrived(self._prepared(inventory)))

        def progressed(done: int, total: int, phase: str) -> None:
            if not worker.is_cancelled:
                screen.post_message(ScanProgressed(done, total, phase))

        screen.post_message(ScanProgressed(0, 0, "connecting" if self.backend is None else "images"))
        try:
            backend = self.backend
            if backend is None:
                backend = self.opener()
                if worker.is_cancelled:  # the user turned to something else, or left, while this one hung
                    return backend.close()
                self.backend = backend
                for words in backend.warnings:
                    screen.post_message(Warned(words))
            graph = self._prepared(backend.scan(progressed, arrived, lambda: worker.is_cancelled))
            if not worker.is_cancelled:
                screen.post_message(GraphArrived(graph))
        except BackendError as error:
            if not worker.is_cancelled:
                screen.post_message(ScanFailed(error.cause, error.hint, error.wrong_use, error.elsewhere))
            return
        except ScanFileError as error:
            self.unreadable = str(error)
            screen.post_message(ScanUnreadable())
            return
        except Exception as error:  # a fault of ours must be seen, not leave the screen waiting for ever
            screen.post_message(ScanFailed(fault(error), "save the scan with `layerscope export` and report this"))
            return
        if not worker.is_cancelled and self.backend is not None and self.backend.live:
            self._recall(graph)
            self._settle(graph)
            screen.call_later(self.follow)  # which may be asked from any thread, and waits for nothing

    def _prepared(self, inventory: Inventory) -> LayerGraph:
        graph = prepared(inventory)
        graph.seen = self._seen
        self._latest = graph if graph.inventory.complete else self._latest
        return graph

    def updated(self, shown: LayerGraph, inventory: Inventory) -> LayerGraph | None:
        """Return the graph that is shown, brought up to date; None where one is to be built, which takes its time."""
        if shown.inventory.serial > inventory.serial:
            return None
        from layerscope.core.update import updated  # noqa: PLC0415 - only where an engine is followed

        graph = updated(shown, inventory)
        self._latest = graph or self._latest
        return graph

    def _recall(self, graph: LayerGraph) -> None:
        """Tell what earlier scans came to, and keep this one: after it is on screen."""
        from layerscope.core.past import since_look, sparkline  # noqa: PLC0415 - after the first screen, all three
        from layerscope.state.history import HistoryError  # noqa: PLC0415
        from layerscope.views.history import since_look_words  # noqa: PLC0415

        history, engine, now = self.history, graph.inventory.engine, int(self.clock())
        if history is None or not graph.inventory.complete:
            return
        since: tuple[str, ...] = ()
        try:
            look = None if self._looked else history.last_look(engine)
            if look is not None:
                since = since_look_words(since_look(look, graph, now), self.units)
            history.keep(graph, look=True)
            points = [point.disk for point in history.line(engine)]
            self._looked, self._seen = True, history.seen(engine)
        except HistoryError as error:
            self.screen.post_message(NotKept(str(error)))
            return
        self.screen.post_message(
            HistoryRead(sparkline(points, PAST) if len(points) >= FEWEST else "", since, self._seen)
        )

    def _keep_look(self) -> None:
        """What was seen live is no news at the next start."""
        if self.history is not None and self._looked and self._latest is not None:
            from layerscope.state.history import HistoryError  # noqa: PLC0415

            with suppress(HistoryError):
                self.history.keep(self._latest, look=True)
        self._looked = False

    def _follow(self) -> None:
        screen = self.screen

        def changed(inventory: Inventory) -> None:
            taken: Future[bool] = Future()
            try:
                if screen.post_message(Refreshed(inventory, taken)) and taken.result(timeout=PATIENCE):
                    if self._latest is not None:
                        self._settle(self._latest)
                    return
            except TimeoutError:
                pass  # the screen is busy with something else: it gets a graph that it can take as it is
            graph = self._prepared(inventory)
            screen.post_message(EngineChanged(graph))
            self._settle(graph)

        def followed(why: str) -> None:
            screen.post_message(EngineFollowed(why))

        try:
            if self.backend is not None:
                self.backend.follow(changed, followed)
        except Exception as error:  # it must be seen that nothing is followed any more
            followed(fault(error))

    def _settle(self, graph: LayerGraph) -> None:
        """Ask for the disk usage where it can settle sums that are bounds, and the engine is quick about it."""
        backend = self.backend
        quick = backend is not None and backend.quick_usage and self._usage_took < QUICK
        inexact = graph.rules.total_is_footprint and graph.inventory.complete and not graph.totals.exact
        if quick and inexact and graph.inventory.usage is None:
            self.screen.call_later(self.ask_usage)

    def _ask_usage(self, whole: bool) -> None:
        worker, backend = get_current_worker(), self.backend
        if backend is None:
            return
        begun = time.monotonic()
        try:
            fresh = backend.usage(whole=True) if whole else backend.usage()
        except BackendError as error:
            if not worker.is_cancelled:
                self.screen.post_message(UsageAnswered(None, str(error)))
            return
        except Exception as error:
            self.screen.post_message(UsageAnswered(None, fault(error)))
            return
        self._usage_took = 0.0 if whole else time.monotonic() - begun
        if not worker.is_cancelled:
            self.screen.post_message(UsageAnswered(self._prepared(fresh)))
