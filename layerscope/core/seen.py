"""What earlier scans saw of images: since when each is there, and in which scans a container used it.

No engine says when an image was used last (moby#4237). Scans that were kept say when it was *seen* in use, and nothing
of the time between them. Times are Unix seconds by the clock of their scan; scans are in the order in which they
were made, which is not that of their times where a clock was put back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field


class ScanStep(Struct, frozen=True):
    """One scan, as what differs from the one before it."""

    at: int
    came: Mapping[str, bool]
    """ID of each image that is new, or whose use is: does a container use it?"""
    gone: Collection[str] = ()
    whole: bool = False
    """``came`` is all that there is, and what is not in it is gone."""


class Sighting(Struct, frozen=True):
    """What scans saw of one image."""

    first: int
    """The first scan that had it."""
    scans: int
    """How many had it."""
    used: int
    """In how many of these a container used it."""
    last_used: int | None
    """The last of these; None: it was never seen in use."""


class Seen(Struct, frozen=True):
    """What was seen of the images of one engine."""

    images: Mapping[str, Sighting] = field(default_factory=dict)
    since: int | None = None
    """The first scan of all; None: there was none."""
    scans: int = 0
    turned_back: int = 0
    """How often a scan was dated before the one before it."""

    def used_within(self, image_id: str, seconds: int, now: int) -> bool:
        """Was it seen in use in the last ``seconds``? A sighting that lies in the future counts: a clock was wrong."""
        found = self.images.get(image_id)
        return found is not None and found.last_used is not None and found.last_used >= now - seconds

    def unused_for(self, image_id: str, seconds: int, now: int) -> bool:
        """Has it been watched for at least ``seconds`` and not been seen in use in that time?"""
        found = self.images.get(image_id)
        if found is None or found.first > now - seconds:
            return False
        return found.last_used is None or found.last_used < now - seconds


NOTHING_SEEN = Seen()


class _Watched(Struct):
    first: int
    came: int
    used_from: int | None
    scans: int = 0
    used: int = 0
    last_used: int | None = None


def watch(steps: Iterable[ScanStep]) -> Seen:
    """Return what scans saw, in the order in which they were made; takes time in proportion to what changed."""
    here: dict[str, _Watched] = {}
    left: dict[str, _Watched] = {}
    before: int | None = None
    since: int | None = None
    number = turned = 0

    def unused(one: _Watched) -> None:
        if one.used_from is not None:
            one.used += number - one.used_from
            one.last_used = before
            one.used_from = None

    def leave(image_id: str) -> None:
        one = here.pop(image_id, None)
        if one is not None:
            unused(one)
            one.scans += number - one.came
            left[image_id] = one

    for step in steps:
        for image_id in [i for i in here if i not in step.came] if step.whole else step.gone:
            leave(image_id)
        for image_id, used in step.came.items():
            one = here.get(image_id)
            if one is None:
                one = left.pop(image_id, None) or _Watched(step.at, number, None)
                one.came = number
                here[image_id] = one
            if not used:
                unused(one)
            elif one.used_from is None:
                one.used_from = number
        turned += before is not None and step.at < before
        since = step.at if since is None else since
        before = step.at
        number += 1
    for image_id in list(here):
        leave(image_id)
    images = {i: Sighting(one.first, one.scans, one.used, one.last_used) for i, one in left.items()}
    return Seen(images, since, number, turned)
