from __future__ import annotations

from dev.fuzz import fuzz


def test_what_is_mutated_gives_a_document_or_one_line_and_its_status() -> None:
    found = fuzz(150, 7)
    assert sum(found.values()) == 150
    assert {"scan 0", "scan 2", "answer 0", "answer 3"} <= set(found), found
