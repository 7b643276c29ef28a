"""Answers read into records: quickly, and as carefully as one by one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from layerscope.engine.records import Intern, history_entries

ROW = {"CreatedBy": "RUN a", "Size": 1, "Created": 1, "Comment": "", "Id": "<missing>"}
ODD: tuple[dict[str, Any], ...] = (
    ROW,
    {**ROW, "Size": True},
    {**ROW, "Size": 1.0},
    {**ROW, "Created": True},
    {**ROW, "Comment": []},
    {**ROW, "Id": "sha256:1"},
    {**ROW, "Size": None},
)


def test_rows_that_are_nearly_equal_are_told_apart() -> None:
    alone = [history_entries([row], Intern()) for row in ODD]
    for order in permutations(range(len(ODD)), 3):
        intern = Intern()
        for number in order:
            found = history_entries([ODD[number]], intern)
            assert repr(found) == repr(alone[number])


def test_equal_rows_are_one_entry() -> None:
    first = history_entries([ROW, dict(ROW)], Intern())
    assert first is not None
    assert first[0] is first[1]
