"""What came back: only what was measured is a figure, everything else a bound."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal.measured import UNKNOWN, Freed, fall, freed_by, on_disk
from layerscope.core.removal.plan import plan
from layerscope.inventory import BuildCacheRecord, DiskUsage
from tests.core.removals import Host, Made, image_id

IMAGES = (Made("a", "ab"), Made("b", "ac"))


def usage(total: int | None, *records: tuple[int, bool]) -> DiskUsage:
    cache = tuple(BuildCacheRecord(str(n), (), "regular", "", False, s, size) for n, (size, s) in enumerate(records))
    return DiskUsage(total, build_cache=cache)


def test_the_cache_counts_only_where_no_image_has_the_layer() -> None:
    assert on_disk(usage(100, (7, True), (5, False))) == 105
    assert on_disk(None) is on_disk(usage(None)) is on_disk(DiskUsage(100)) is None


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        (usage(100, (7, True)), usage(93, (7, False)), Freed()),  # the cache holds it
        (usage(93, (7, False)), usage(93), Freed(7, 7)),  # and has let go of it
        (usage(100), usage(120), Freed()),  # something came meanwhile
        (usage(100), DiskUsage(93), UNKNOWN),
        (None, usage(93), UNKNOWN),
    ],
)
def test_a_fall_is_measured_or_not_known(before: DiskUsage | None, after: DiskUsage | None, back: Freed) -> None:
    assert fall(before, after) == back


def test_bounds_add_up() -> None:
    assert Freed(3, 3) + Freed(0, 4) == Freed(3, 7)
    assert Freed(3, 3) + UNKNOWN == Freed(3, None)


def test_a_removal_is_a_bound_where_the_engine_does_not_tell_what_holds_it() -> None:
    on_graphdriver = plan(build_graph(Host(IMAGES).inventory), [image_id("a")])
    full, rest = usage(100), usage(90)
    assert freed_by(on_graphdriver, full, rest, 10) == Freed(10, 10)
    assert freed_by(on_graphdriver, replace(full, build_cache=None), rest, 10) == Freed(0, 10)
    assert freed_by(on_graphdriver, None, None, None) == UNKNOWN
    orphaned = plan(build_graph(Host(IMAGES, orphans=1).inventory), [image_id("a")])
    assert freed_by(orphaned, full, rest, 10) == Freed(0, 10), "a container may have it still"
    elsewhere = plan(build_graph(Host(IMAGES, "podman").inventory), [image_id("a")])
    assert freed_by(elsewhere, None, None, 10) == Freed(10, 10)
    host = Host(IMAGES, "podman").inventory
    told = replace(host, images=tuple(replace(image, history=None, note="history: no") for image in host.images))
    elsewhere = plan(build_graph(told), [image_id("a")])
    assert freed_by(elsewhere, None, None, 10) == Freed(10, None), "a layer of unknown size went too"
