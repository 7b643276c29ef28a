"""Leaving in an orderly way: what must not be cut in its middle says so, and is told when the program is to end.

Whoever ends the program calls :func:`leave`, which waits for a moment, not forever: an engine may be frozen.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 1.2
"""Seconds that work under way has to come to a stop."""

_leaving = threading.Event()
_changed = threading.Condition()
_count = 0


def is_leaving() -> bool:
    """Is the program about to end? Begin nothing then that could be left half done."""
    return _leaving.is_set()


@contextmanager
def under_way() -> Iterator[None]:
    """Mark work that :func:`leave` waits for, such as one image's removal and its lines in the log."""
    global _count  # noqa: PLW0603 (one program, one count)
    with _changed:
        _count += 1
    try:
        yield
    finally:
        with _changed:
            _count -= 1
            _changed.notify_all()


def leave(patience: float = PATIENCE) -> bool:
    """Say that the program ends, and wait up to ``patience`` seconds for what is under way; was it done by then?"""
    _leaving.set()
    until = time.monotonic() + patience
    with _changed:
        return _changed.wait_for(lambda: _count == 0, max(0.0, until - time.monotonic()))


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End the process with :func:`end_at_once` when what is run exits."""
    try:
        yield
    except SystemExit as end:
        end_at_once(end.code)
        raise


def end_at_once(status: object) -> None:
    """End the process with an exit status; return where there is something to wait for, or to tell.

    Python would take apart all that was read, object by object: a tenth of the time of a report. What was registered
    for the end is done, and what was written is out, before.
    """
    waits = any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
    watched = sys.getprofile() is not None or sys.gettrace() is not None  # whoever does has something to tell
    if waits or watched or not (status is None or isinstance(status, int)):
        return
    try:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):  # Python tells it in its own way
        return
    os._exit(status or 0)
