"""No sequence of keys, resizes and changes of the host ends the program, loses the main screen or shuts one in."""

from __future__ import annotations

import random

import pytest

from dev.monkey import run


@pytest.fixture(autouse=True, scope="module")
def painted_at_rest() -> None:
    """Every frame is painted here."""


async def test_two_thousand_random_keys() -> None:
    """Other keys each time: ``python -m dev.monkey --seed`` runs those of a failure again."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    report = await run(seed, lambda so_far: so_far.keys < 2_000)
    assert report.keys >= 2_000
    assert report.resizes > 10
    assert report.events > 10
