"""The last so many of each repository: by a date, or by version. What says nothing never decides."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

from layerscope.core.keep.versions import Version, version_of

Member = TypeVar("Member")


def last_by_date(members: Collection[tuple[Member, int | None]], number: int) -> list[Member]:
    """Return the ``number`` newest, those as new as the last of them, and those whose date (Unix seconds) is None.

    A date that is not known neither counts nor decides: such a member may be the newest, so it is among them.
    """
    known = sorted(((date, member) for member, date in members if date is not None), key=lambda pair: -pair[0])
    found = [member for member, date in members if date is None]
    if not known:
        return found
    limit = known[min(number, len(known)) - 1][0]
    return found + [member for date, member in known if date >= limit]


def last_by_version(members: Collection[tuple[Member, Sequence[str]]], number: int) -> list[Member]:
    """Return the members that have one of the ``number`` highest versions among their tags, and those without any.

    Equal versions (``1.2`` and ``1.2-alpine``) count as one.
    """
    highest: list[tuple[Member, Version | None]] = [
        (member, max((version for tag in tags if (version := version_of(tag))), default=None))
        for member, tags in members
    ]
    wanted = set(sorted({version for _, version in highest if version}, reverse=True)[:number])
    return [member for member, version in highest if version is None or version in wanted]
