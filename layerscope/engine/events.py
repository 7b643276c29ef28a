"""Live changes: the engine's event stream, told as "something about images changed".

Events only say *that* something changed; what it is now is asked of the engine
(:func:`layerscope.engine.refresh.refresh`), so a lost or unknown event costs
nothing but a moment. Names: moby ``api/types/events``; Podman says ``remove``
and ``died`` where moby says ``delete``, ``destroy`` and ``die``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from layerscope.engine.connect import Connection
from layerscope.engine.errors import EngineError
from layerscope.engine.explain import explain

_IMAGE = {"pull", "tag", "untag", "delete", "remove", "import", "load", "loadfromarchive", "create", "build", "prune"}
_CONTAINER = {"create", "destroy", "remove", "start", "die", "died", "commit", "rename", "prune", "pause", "unpause"}
_BUILDER = {"prune"}
_OF_INTEREST = {"image": _IMAGE, "container": _CONTAINER, "builder": _BUILDER}

QUIET = 0.25
"""Seconds without another event after which a burst is over."""
AT_MOST = 1.0
"""Seconds after which a burst that does not end is told of all the same."""
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait before each new try to reach an engine that was lost; the last one again and again."""


class Watcher:
    """Follows one engine's events in the calling thread until :meth:`stop`."""

    def __init__(self, conn: Connection, changed: Callable[[], None], state: Callable[[str], object]) -> None:
        """``changed`` is called after each burst of events and after each reconnection.

        ``state`` is called with ``""`` when the engine is followed, else with why not, in one line.
        """
        self.conn = conn
        self.changed = changed
        self.state = state
        self._stopped = threading.Event()
        self._stream: Any = None
        self._first = 0.0
        self._latest = 0.0
        self._lock = threading.Lock()
        self._noted = threading.Event()

    def run(self) -> None:
        """Follow the engine; return once stopped. Nothing is raised: a lost engine is told and tried again."""
        teller = threading.Thread(target=self._tell, name="layerscope-events", daemon=True)
        teller.start()
        tries = 0
        while not self._stopped.is_set():
            try:
                self._stream = self.conn.client.events(decode=True, filters={"type": list(_OF_INTEREST)})
                if self._stopped.is_set():
                    break
                self.state("")
                if tries:
                    self._note()  # whatever happened meanwhile was not told
                tries = 0
                for event in self._events():
                    if _matters(event):
                        self._note()
                why = "the engine closed its event stream"
            except EngineError as error:
                why = error.cause
            except Exception as error:  # docker-py lets anything through
                why = explain(error, self.conn.endpoint).cause
            if self._stopped.is_set():
                break
            pause = BACK_OFF[min(tries, len(BACK_OFF) - 1)]
            tries += 1
            self.state(why)
            self._stopped.wait(pause)
        self.stop()
        teller.join(timeout=1)

    def _events(self) -> Iterator[Any]:
        try:
            yield from self._stream
        finally:
            self._close_stream()

    def stop(self) -> None:
        """End :meth:`run`, from any thread."""
        self._stopped.set()
        self._noted.set()
        self._close_stream()

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(Exception):  # ssh streams cannot be closed; a dead socket is closed already
                stream.close()

    def _note(self) -> None:
        with self._lock:
            now = time.monotonic()
            self._first = self._first or now
            self._latest = now
            self._noted.set()

    def _tell(self) -> None:
        """Tell of a burst once it is over, or has lasted."""
        while not self._stopped.is_set():
            self._noted.wait()
            if self._stopped.wait(QUIET / 5):
                return
            with self._lock:
                now = time.monotonic()
                due = now - self._latest >= QUIET or now - self._first >= AT_MOST
                if due:
                    self._first = 0.0
                    self._noted.clear()
            if due:
                self.changed()


def _matters(event: Any) -> bool:
    if not isinstance(event, dict):
        return False
    kind = event.get("Type")
    action = str(event.get("Action") or event.get("status") or "").split(":")[0]
    return action in _OF_INTEREST.get(kind, ()) if isinstance(kind, str) else False
