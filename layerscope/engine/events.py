"""Live changes: the engine's event stream, told as "something about images changed".

Events only say *that* something changed; what it is now is asked of the engine
(:func:`layerscope.engine.refresh.refresh`), so a lost or unknown event costs
nothing but a moment. Names: moby ``api/types/events``; Podman says ``remove``
and ``died`` where moby says ``delete``, ``destroy`` and ``die``.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from layerscope.engine.connect import Connection
from layerscope.engine.errors import EngineError

_IMAGE = {"pull", "tag", "untag", "delete", "remove", "import", "load", "loadfromarchive", "create", "build", "prune"}
_CONTAINER = {"create", "destroy", "remove", "start", "die", "died", "commit", "rename", "prune", "pause", "unpause"}
_BUILDER = {"prune"}
_OF_INTEREST = {"image": _IMAGE, "container": _CONTAINER, "builder": _BUILDER}

QUIET = 0.25
"""Seconds without another event after which a burst is over."""
AT_MOST = 1.0
"""Seconds after which a burst that does not end is reported all the same."""
_TICK = 0.05
"""Seconds between two looks at an event stream."""
BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait before each new try to reach an engine that was lost; the last one again and again."""


PING_EVERY = 1.5
"""Seconds between two pings beside the event stream, on which a frozen engine is as silent as a quiet one."""


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
        self._first = 0.0
        self._latest = 0.0
        self._lock = threading.Lock()
        self._noted = threading.Event()

    def run(self) -> None:
        """Follow the engine; return once stopped. Nothing is raised: a lost engine is reported and tried again."""
        teller = threading.Thread(target=self._tell, name="layerscope-events", daemon=True)
        teller.start()
        tries = 0
        while not self._stopped.is_set():
            followed, why = self._follow(tries > 0)
            if self._stopped.is_set():
                break
            tries = 1 if followed else tries + 1
            self.state(why)
            self._stopped.wait(BACK_OFF[min(tries - 1, len(BACK_OFF) - 1)])
        self.stop()
        teller.join(timeout=1)

    def stop(self) -> None:
        """End :meth:`run`, from any thread, within moments."""
        self._stopped.set()
        self._noted.set()

    def _follow(self, again: bool) -> tuple[bool, str]:
        """Follow one event stream to its end; return whether it began, and why it ended.

        The stream is read in a thread of its own, so that neither a frozen engine nor :meth:`stop` waits for it.
        """
        stream = _Stream(self.conn, self._note)
        began = False
        while not stream.ended.wait(0 if self._stopped.is_set() else _TICK):
            if self._stopped.is_set():
                break
            if not stream.began.is_set():
                continue
            if not began:
                began = True
                self.state("")
                if again:
                    self._note()  # nothing was reported of what happened meanwhile
                pinged = time.monotonic()
            elif time.monotonic() >= pinged + PING_EVERY:
                try:
                    self.conn.ping()
                except EngineError as error:
                    stream.close()
                    return True, error.cause
                pinged = time.monotonic()
        stream.close()
        if stream.began.is_set() and not began and not self._stopped.is_set():  # it came and went between two looks
            began = True
            self.state("")
            if again:
                self._note()
        return began, stream.why

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


class _Stream:
    """One event stream, read in a thread until it ends or is closed."""

    def __init__(self, conn: Connection, note: Callable[[], None]) -> None:
        self.began = threading.Event()
        self.ended = threading.Event()
        self.why = "the engine closed its event stream"
        self._conn = conn
        self._note = note
        self._close: Callable[[], None] = lambda: None
        self._closed = False
        threading.Thread(target=self._read, name="layerscope-event-stream", daemon=True).start()

    def close(self) -> None:
        """Let go of it, from any thread."""
        self._closed = True
        self._close()

    def _read(self) -> None:
        query = [("filters", json.dumps({"type": list(_OF_INTEREST)}))]
        try:
            with self._conn.stream("/events", query) as lines:
                self._close = lines.close
                for line in lines:
                    if self._closed:
                        break
                    self.began.set()
                    if line.strip() and _matters(_event(line)):
                        self._note()
        except EngineError as error:
            self.why = error.cause
        finally:
            self.ended.set()


def _event(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _matters(event: Any) -> bool:
    if not isinstance(event, dict):
        return False
    kind = event.get("Type")
    action = str(event.get("Action") or event.get("status") or "").split(":")[0]
    return action in _OF_INTEREST.get(kind, ()) if isinstance(kind, str) else False
