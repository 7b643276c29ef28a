"""A live engine as the interface knows it: the :class:`~layerscope.sources.backend.Backend` over a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from layerscope.engine.connect import Connection, connect
from layerscope.engine.errors import Cancelled, EngineError
from layerscope.engine.events import Watcher
from layerscope.engine.refresh import refresh
from layerscope.engine.scan import Progress, scan
from layerscope.engine.usage import disk_usage
from layerscope.inventory import DiskUsage, Inventory
from layerscope.sources.backend import BackendError, Remover


class LiveBackend:
    """One engine, reachable; closes its connections with :meth:`close`."""

    live = True

    def __init__(self, connection: Connection, *, read_only: bool = False) -> None:
        """Take an open connection; with ``read_only`` nothing is ever removed, and no code for it loaded."""
        self.connection = connection
        self.no_removal = "layerscope was started with --read-only" if read_only else ""
        self._latest: Inventory | None = None
        self._watcher: Watcher | None = None

    def scan(
        self,
        progress: Callable[[int, int, str], None],
        partial: Callable[[Inventory], None],
        cancelled: Callable[[], bool],
    ) -> Inventory:
        """Scan the engine; see :func:`layerscope.engine.scan.scan`. Raises BackendError."""

        def report(now: Progress) -> None:
            progress(now.done, now.total, now.phase)

        with _as_backend_error():
            self._latest = scan(self.connection, progress=report, partial=partial, cancelled=cancelled)
        return self._latest

    def look_again(self) -> Inventory:
        """Bring the last scan up to date; see :func:`layerscope.engine.refresh.refresh`. Raises BackendError."""
        with _as_backend_error():
            latest = scan(self.connection) if self._latest is None else refresh(self.connection, self._latest)
        self._latest = latest
        return latest

    def usage(self) -> DiskUsage:
        """Ask for the disk usage; see :func:`layerscope.engine.usage.disk_usage`. Raises BackendError."""
        with _as_backend_error():
            usage = disk_usage(self.connection)
        if self._latest is not None:
            self._latest = replace(self._latest, usage=usage)
        return usage

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
        """Follow the engine's events until :meth:`close`; see :class:`layerscope.engine.events.Watcher`."""

        def look_again() -> None:
            if self._latest is None:
                return
            try:
                fresh = refresh(self.connection, self._latest)
            except EngineError as error:
                state(error.cause)  # the event stream ends too, and brings us back here
                return
            self._latest = fresh
            changed(fresh)

        if self._watcher is not None:
            self._watcher.stop()
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


def open_backend(host: str | None, context: str | None, *, read_only: bool = False) -> LiveBackend:
    """Connect to the engine that ``docker --host … --context …`` would use. Raises BackendError."""
    with _as_backend_error():
        return LiveBackend(connect(host, context), read_only=read_only)


@contextmanager
def _as_backend_error() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise BackendError(error.cause, error.hint) from error
    except Cancelled as error:
        raise BackendError("the scan was cancelled before the engine had listed its images") from error
