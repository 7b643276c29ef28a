"""Python's collector of garbage, kept away while much is read or made that has no cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

FEW = 200_000
"""New objects up to which the collector may walk them later: it takes about 0.02 s. More are frozen."""


@contextmanager
def no_collector() -> Iterator[None]:
    """Keep the collector away: it would stop every thread to walk all that was read, for up to a second."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
        if gc.get_count()[0] > FEW:
            gc.freeze()  # there is nothing to be found among them later either
    finally:
        if was:
            gc.enable()


def collect_from_now_on() -> None:
    """Let the collector begin; what is there by now, all modules among it, stays to the end and is not walked."""
    gc.freeze()
    gc.enable()
