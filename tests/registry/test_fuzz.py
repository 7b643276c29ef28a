from __future__ import annotations

from dev.fuzz_registry import fuzz


def test_what_is_mutated_is_read_or_refused_in_a_line() -> None:
    found = fuzz(600, 13)
    assert found["read"] > 50
    assert found["odd"] > 100
    assert sum(found.values()) == 600
