"""Dates that reproducible builders write are no age."""

from datetime import UTC, datetime

import pytest

from layerscope.core.ages import made, why_no_age

NOW = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp())


def at(year: int, month: int = 1, day: int = 1, second: int = 0) -> int:
    return int(datetime(year, month, day, 0, 0, second, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("created", "word"),
    [
        (None, "no creation date"),
        (-62_135_596_800, "1970"),  # year 1, as older engines send it
        (0, "1970"),
        (1, "1970"),
        (at(1980), "1980"),
        (at(1980, second=1), "1980"),
        (NOW + 3_600, "future"),
    ],
)
def test_a_date_that_says_nothing_is_no_age_and_says_why(created: int | None, word: str) -> None:
    assert word in why_no_age(created, NOW)
    assert made(created, NOW) is None


@pytest.mark.parametrize("created", [at(1970, 1, 2), at(1979, 12, 31), at(1980, 1, 2), at(2024, 2, 29), NOW, NOW + 60])
def test_any_other_date_is_one(created: int) -> None:
    assert why_no_age(created, NOW) == ""
    assert made(created, NOW) == created
