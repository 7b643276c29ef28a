"""Limits of CPU time that hold on a busy machine too, where the same work takes more of it (caches, shared cores)."""

from __future__ import annotations

from time import process_time

REFERENCE = 0.016
"""CPU seconds of :func:`_work` on the quiet machine on which the limits were set."""


def pace() -> float:
    """Return how many times slower than then plain Python is here and now; 1 at least."""
    return max(1.0, sorted(_work() for _ in range(7))[3] / REFERENCE)


def _work() -> float:
    start = process_time()
    found = {((n * 7919) % 10_007, n % 3): n for n in range(30_000)}
    sum(value for _, value in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
    return process_time() - start
