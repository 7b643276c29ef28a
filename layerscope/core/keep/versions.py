"""The order of tags that are versions."""

from __future__ import annotations

import re

Version = tuple[tuple[int, ...], int, int]
"""Numbers without zeros at the end; 0 before a release and up, 9 for one; the number of the pre-release."""

_STAGES = {
    **dict.fromkeys(("dev", "snapshot", "nightly", "canary"), 0),
    **dict.fromkeys(("a", "alpha"), 1),
    **dict.fromkeys(("b", "beta"), 2),
    **dict.fromkeys(("pre", "preview"), 3),
    **dict.fromkeys(("c", "rc"), 4),
}
_RELEASE = 9
_VERSION = re.compile(
    r"v?(\d{1,9}(?:\.\d{1,9}){0,7})(?:[-_.+]?([a-z]+)[-_.]?(\d{0,9})(?:[-_.+].*)?|[-_+].*)?", re.ASCII
)


def version_of(tag: str) -> Version | None:
    """Return what a tag is worth in the order of versions; None for one that is no version, like ``latest``.

    ``1.2`` is ``1.2.0``; ``1.2-rc1`` comes before it, as in semantic versioning 2.0 (section 11). What else follows
    a hyphen names a variant (``1.2-alpine``) and decides nothing. Letters straight behind the number are no version
    (``3f2a9c`` is a commit) unless they are a stage (``1.2b1``).
    """
    found = _VERSION.fullmatch(tag.lower())
    if found is None:
        return None
    numbers = [int(part) for part in found[1].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    stage = _STAGES.get(found[2] or "")
    if stage is None:
        end = found.end(1)
        return None if found[2] and tag[end : end + 1].isalpha() else (tuple(numbers), _RELEASE, 0)
    return tuple(numbers), stage, int(found[3] or 0)
