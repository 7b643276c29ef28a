"""A live engine as the interface knows it: the :class:`~layerscope.sources.backend.Backend` over a connection."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Thread
from typing import TYPE_CHECKING

from msgspec.structs import replace

from layerscope.engine.connect import Connection, connect
from layerscope.engine.errors import Cancelled, EngineError
from layerscope.engine.memory import ImageMemory
from layerscope.engine.quirks import TYPED_USAGE_API
from layerscope.engine.refresh import refresh, unchanged
from layerscope.engine.scan import Progress, scan
from layerscope.engine.usage import disk_usage
from layerscope.errors import BackendError
from layerscope.inventory import DiskUsage, Inventory

if TYPE_CHECKING:
    from layerscope.core.removal.carry_out import Remover
    from layerscope.engine.early import Early
    from layerscope.engine.events import Watcher
    from layerscope.state.cache import ImageCache


class LiveBackend:
    """One engine, reachable; closes its connections with :meth:`close`."""

    live = True

    def __init__(self, connection: Connection, *, read_only: bool = False, cache: ImageCache | None = None) -> None:
        """Take an open connection; with ``read_only`` nothing is ever removed, and no code for it loaded.

        ``cache``: where what cannot change of images is kept; None: nowhere.
        """
        self.connection = connection
        self._memory = None if cache is None else ImageMemory(cache, connection.engine)
        self.no_removal = "layerscope was started with --read-only" if read_only else ""
        self._latest: Inventory | None = None
        self._serial = 0
        self._refreshing = Lock()
        self._keeping = Lock()
        """Held while :attr:`_latest` is replaced by what was made from it."""
        self._watcher: Watcher | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was passed over of docker's own configuration, a line each."""
        return self.connection.endpoint.warnings

    @property
    def quick_usage(self) -> bool:
        """From API 1.42 on containers and volumes are left out; see :func:`layerscope.engine.usage.disk_usage`."""
        return self.connection.api_at_least(TYPED_USAGE_API)

    def scan(
        self,
        progress: Callable[[int, int, str], object],
        partial: Callable[[Inventory], object],
        cancelled: Callable[[], bool],
        *,
        usage_within: float | None = None,
        whole: bool = False,
    ) -> Inventory:
        """Scan the engine; see :func:`layerscope.engine.scan.scan`. Raises BackendError.

        A second scan of one session is ``whole``: who asks again wants to know what the engine says now.
        """
        whole = whole or self._latest is not None

        def report(now: Progress) -> None:
            progress(now.done, now.total, now.phase)

        question = None if usage_within is None else _UsageQuestion(self.connection, usage_within)
        try:
            found = scan(
                self.connection,
                progress=report,
                partial=partial,
                cancelled=cancelled,
                memory=self._memory,
                whole=whole,
            )
        except Cancelled as error:
            raise BackendError("the scan was cancelled before the engine had listed its images") from error
        if question is not None:
            usage = question.answer()
            found = replace(found, usage=usage, usage_refused=question.refused if usage is None else "")
        with self._keeping:
            return self._keep(found)

    def look_again(self) -> Inventory:
        """Bring the last scan up to date; see :func:`layerscope.engine.refresh.refresh`. Raises BackendError."""
        return self._refresh()

    def usage(self, *, whole: bool = False) -> Inventory:
        """Return the latest inventory with the disk usage as it is now. Raises BackendError.

        What else was learned while the engine worked it out is in it; see :func:`layerscope.engine.usage.disk_usage`.
        """
        usage = disk_usage(self.connection, whole=whole)
        first = scan(self.connection, memory=self._memory) if self._latest is None else None
        with self._keeping:
            latest = self._latest or first
            assert latest is not None
            return self._keep(replace(latest, usage=usage))

    def blobs(self) -> Mapping[str, int] | None:
        """Return the bytes of every blob that the engine lists now; see :func:`layerscope.engine.references`."""
        if self.connection.engine.store_kind != "containerd":
            return None
        from layerscope.engine.references import list_blobs  # noqa: PLC0415 (HTTP/2: only where it is needed)

        return list_blobs(self.connection)

    def _refresh(self, *, whole: bool = False) -> Inventory:
        with self._refreshing:  # one after the other, or an older answer might be kept last
            old = self._latest
            if old is None:
                fresh = scan(self.connection, memory=self._memory)
            else:
                fresh = refresh(self.connection, old, self._memory, whole=whole)
            with self._keeping:
                now = self._latest
                if now is not None and old is not None and now is not old:  # the usage came meanwhile
                    fresh = replace(fresh, usage=now.usage if unchanged(old, fresh) else None)
                return self._keep(fresh)

    def _complete(self, changed: Callable[[Inventory], object]) -> None:
        """Ask, once all is shown, for what no memory has of images: when they were tagged last, and their folders."""
        latest = self._latest
        if latest is not None and any(image.remembered for image in latest.images):
            with suppress(EngineError):  # following the engine tells what is wrong with it
                changed(self._refresh(whole=True))

    def _keep(self, inventory: Inventory) -> Inventory:
        """Number an inventory, and have it as the latest; :attr:`_keeping` is held."""
        self._serial += 1
        self._latest = replace(inventory, serial=self._serial)
        return self._latest

    def facts(self) -> dict[str, object]:
        """Return the engine's ``/info``. Raises BackendError."""
        info = self.connection.ask("/info", "its own facts")
        return info if isinstance(info, dict) else {}

    def follow(self, changed: Callable[[Inventory], object], state: Callable[[str], object]) -> None:
        """Follow the engine's events until :meth:`close`; see :class:`layerscope.engine.events.Watcher`."""

        def look_again() -> None:
            if self._latest is None:
                return
            try:
                fresh = self._refresh()
            except EngineError as error:
                state(error.cause)  # the event stream ends too, and brings us back here
                return
            changed(fresh)

        from layerscope.engine.events import Watcher  # noqa: PLC0415 (not for a single scan)

        if self._watcher is not None:
            self._watcher.stop()
        Thread(target=self._complete, args=(changed,), name="complete", daemon=True).start()
        watcher = self._watcher = Watcher(self.connection, look_again, state)
        watcher.run()

    def remover(self) -> Remover | None:
        """Return what removes images on this engine; None when read-only."""
        if self.no_removal:
            return None
        from layerscope.engine.remove import EngineRemover  # noqa: PLC0415 (out of reach unless it is wanted)

        return EngineRemover(self.connection)

    def close(self) -> None:
        """Close the connections; what is still under way fails."""
        if self._watcher is not None:
            self._watcher.stop()
        self.connection.close()


class _UsageQuestion:
    """Asks for the disk usage beside the scan, so that it costs no time of its own where the engine is quick."""

    def __init__(self, connection: Connection, patience: float) -> None:
        self._connection = connection
        self._patience = patience
        self._answer: DiskUsage | None = None
        self.refused = f"the engine did not give its disk usage within {patience:.0f} seconds"
        """Why there is no answer, in one sentence, while there is none."""
        self._until = time.monotonic() + patience
        self._thread = Thread(target=self._ask, name="disk-usage", daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self._answer = disk_usage(self._connection, timeout=self._patience)
        except EngineError as error:
            self.refused = error.cause
        except Exception as error:  # the connection was closed under it: there is no total then
            self.refused = f"the engine's disk usage could not be asked for: {type(error).__name__}"

    def answer(self) -> DiskUsage | None:
        """Return the answer; None if there is none, or not in time."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        return self._answer


def open_backend(
    host: str | None,
    context: str | None,
    *,
    read_only: bool = False,
    cache: ImageCache | None = None,
    early: Early | None = None,
) -> LiveBackend:
    """Connect to the engine that ``docker --host … --context …`` would use; ``cache`` as LiveBackend takes it.

    ``early`` is as :func:`connect` takes it. Raises BackendError.
    """
    return LiveBackend(connect(host, context, early=early), read_only=read_only, cache=cache)
