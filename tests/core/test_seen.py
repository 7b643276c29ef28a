"""What scans saw, against lists of whole scans."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.seen import NOTHING_SEEN, ScanStep, Seen, Sighting, watch

Scan = tuple[int, dict[str, bool]]
scans = st.lists(st.tuples(st.integers(0, 1000), st.dictionaries(st.sampled_from("abcd"), st.booleans())), max_size=12)


def steps(told: list[Scan], whole: list[bool]) -> list[ScanStep]:
    """Return scans as what differs from one to the next, some of them whole."""
    found, before = [], {}
    for (at, images), all_of_it in zip(told, whole, strict=False):
        if all_of_it:
            found.append(ScanStep(at, images, whole=True))
        else:
            came = {i: used for i, used in images.items() if before.get(i) is not used}
            found.append(ScanStep(at, came, [i for i in before if i not in images]))
        before = images
    return found


@given(scans, st.lists(st.booleans(), min_size=12, max_size=12))
def test_it_is_what_whole_scans_say(told: list[Scan], whole: list[bool]) -> None:
    found = watch(steps(told, whole))
    assert found.scans == len(told)
    assert found.since == (told[0][0] if told else None)
    assert found.turned_back == sum(b < a for (a, _), (b, _) in pairwise(told))
    having = {image for _, images in told for image in images}
    assert found.images.keys() == having
    for image in having:
        times = [at for at, images in told if image in images]
        used = [at for at, images in told if images.get(image)]
        assert found.images[image] == Sighting(times[0], len(times), len(used), used[-1] if used else None)


def test_use_within_a_span_is_what_was_seen_and_no_more() -> None:
    seen = Seen({"a": Sighting(100, 5, 2, 500), "b": Sighting(100, 5, 0, None), "new": Sighting(990, 1, 0, None)})
    assert seen.used_within("a", 500, 1000)
    assert not seen.used_within("a", 499, 1000)
    assert not seen.used_within("b", 10**6, 1000)
    assert not seen.used_within("other", 10**6, 1000)
    assert seen.unused_for("a", 499, 1000)
    assert not seen.unused_for("a", 500, 1000)
    assert seen.unused_for("b", 900, 1000)
    assert not seen.unused_for("b", 901, 1000)  # not watched for so long
    assert not seen.unused_for("new", 100, 1000)
    assert not NOTHING_SEEN.unused_for("a", 0, 1000)
    assert (NOTHING_SEEN.scans, NOTHING_SEEN.since, NOTHING_SEEN.turned_back) == (0, None, 0)


def test_a_sighting_in_the_future_counts_as_use_and_not_as_disuse() -> None:
    seen = Seen({"a": Sighting(100, 5, 2, 5000)})
    assert seen.used_within("a", 10, 1000)
    assert not seen.unused_for("a", 10, 1000)


def test_scans_of_the_same_second_are_in_order() -> None:
    assert watch([ScanStep(5, {"a": True}), ScanStep(5, {}), ScanStep(4, {})]).turned_back == 1
