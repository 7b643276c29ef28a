"""Results that Textual and Rich keep so as not to work them out twice, thrown away where they have become many.

Each of their ``functools`` caches has a bound, but together these are 170,000 results, of regions and pieces of text
that were on screen once: a session that runs for days would grow by tens of megabytes until all of them are full.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

EVERY = 60.0
"""Seconds between two looks."""
MOST = 1_000
"""Results that a cache may have at a look. To work so many out again takes a few milliseconds."""
_CACHE: type[Any] = type(lru_cache(id))
_OF = ("textual", "rich")


def forget() -> int:
    """Empty the caches that have more than :data:`MOST` results; return how many results went."""
    gone = 0
    for cache in _caches():
        kept: int = cache.cache_info().currsize
        if kept > MOST:
            cache.cache_clear()
            gone += kept
    return gone


def _caches() -> Iterator[Any]:
    """Yield the caches of functions and methods of the two libraries, as far as they are imported."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _OF:
            for value in list(vars(module).values()):
                if isinstance(value, _CACHE):
                    yield value
                elif isinstance(value, type) and value.__module__ == name:
                    yield from (inner for inner in map(_function, list(vars(value).values())) if inner is not None)


def _function(value: Any) -> Any:
    """Return a class's attribute where it is a cache, also as a class method, a static method or a property."""
    inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
    return inner if isinstance(inner, _CACHE) else None
