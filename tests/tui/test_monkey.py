"""No sequence of keys, resizes and changes of the host ends the program, loses the main screen or shuts one in."""

from __future__ import annotations

import random

import pytest

from dev.monkey import run

SEEDS = [1, random.SystemRandom().randrange(10**6)]
"""One that is always the same, and one that is another each time."""


@pytest.mark.parametrize("seed", SEEDS, ids=["the same keys", "other keys"])
async def test_two_thousand_random_keys(seed: int) -> None:
    print(f"seed {seed}")  # shown when it fails; python -m dev.monkey --seed runs it again
    report = await run(seed, lambda so_far: so_far.keys < 2_000)
    assert report.keys >= 2_000
    assert report.resizes > 10
    assert report.events > 10
