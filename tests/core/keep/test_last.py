"""The last so many, against counting those that are newer; and the order of versions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.keep.last import last_by_date, last_by_version
from layerscope.core.keep.versions import version_of


@given(st.lists(st.none() | st.integers(0, 5)), st.integers(1, 4))
def test_a_member_is_among_the_last_when_fewer_are_newer(dates: list[int | None], number: int) -> None:
    members = list(enumerate(dates))
    kept = set(last_by_date(members, number))
    for member, date in members:
        newer = sum(other is not None and date is not None and other > date for _, other in members)
        assert (member in kept) is (date is None or newer < number)


TAGS = ["latest", "1.0", "1.0.0", "v1.0-alpine", "1.1", "1.1-rc1", "2", "main", "2.0.1-slim", "3f2a9c"]


@given(st.lists(st.lists(st.sampled_from(TAGS), max_size=3), max_size=8), st.integers(1, 3))
def test_versions_that_are_equal_count_once(tags: list[list[str]], number: int) -> None:
    members = list(enumerate(tags))
    kept = set(last_by_version(members, number))
    best = {m: max(versions) for m, some in members if (versions := [v for t in some if (v := version_of(t))])}
    for member, _ in members:
        above = {version for version in best.values() if member in best and version > best[member]}
        assert (member in kept) is (member not in best or len(above) < number)


def test_versions_are_ordered_as_people_order_them() -> None:
    rising = ["0.9", "1.0.0-dev", "1.0.0-alpha", "1.0.0-alpha.2", "1.0b1", "1.0.0-rc1", "1.0.0-rc.2", "1.0", "1.0.1"]
    rising += ["1.2", "1.10", "2", "10.0", "20260101"]
    versions = [version_of(tag) for tag in rising]
    assert None not in versions
    assert versions == sorted(versions, key=lambda version: version or ((), 0, 0))
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize(
    ("one", "other"), [("1.2", "v1.2.0"), ("1.2", "1.2-alpine"), ("12", "12-slim-bookworm"), ("1.0", "1.0+build.7")]
)
def test_a_variant_decides_nothing(one: str, other: str) -> None:
    assert version_of(one) == version_of(other) is not None


@pytest.mark.parametrize("tag", ["latest", "", "3f2a9c", "main-2", "v", "x1.2", "1..2", "²", "1.2x"])
def test_what_is_no_version_has_none(tag: str) -> None:
    assert version_of(tag) is None


def test_what_has_no_version_is_kept_beside_the_highest() -> None:
    members = [("a", ["latest"]), ("b", ["1.2", "edge"]), ("c", ["1.1"]), ("d", ["1.2-alpine"]), ("e", [])]
    assert last_by_version(members, 1) == ["a", "b", "d", "e"]


def test_fewer_than_are_to_be_kept_all_stay() -> None:
    assert last_by_date([("a", 5), ("b", None), ("c", 7)], 3) == ["b", "c", "a"]
    assert last_by_date([("a", 5), ("b", None), ("c", 7)], 1) == ["b", "c"]
    assert last_by_date([("b", None)], 1) == ["b"]
