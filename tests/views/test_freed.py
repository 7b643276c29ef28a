"""What a session freed: only what was measured, and a bound where the build cache may still hold some of it."""

from __future__ import annotations

from layerscope.inventory import BuildCacheRecord, DiskUsage
from layerscope.units import Units
from layerscope.views.marks import Freed, freed_part


def said(freed: Freed) -> str:
    return " / ".join(wording for part in freed_part(freed, Units.SI) for wording in part.wordings)


def cache(*sizes: int, shared: bool = False) -> DiskUsage:
    records = (BuildCacheRecord("", (), "", "", False, shared, size) for size in sizes)
    return DiskUsage(None, build_cache=tuple(records))


def test_what_is_back_is_a_figure_and_what_may_be_held_a_bound() -> None:
    assert said(Freed()) == ""
    assert said(Freed(5_000_000)) == "freed this session: 5.0 MB / freed 5.0 MB"
    assert said(Freed(5_000_000, 2_000_000)) == (
        "freed this session: ≥3.0 MB, ≤2.0 MB more after a cache prune / freed ≥3.0 MB"
    )
    assert said(Freed(5_000_000, 5_000_000)) == "freed this session: ≤5.0 MB, after a cache prune"


def test_removals_add_up_and_nothing_counts_below_zero() -> None:
    assert Freed(10, 4).and_then(7, 9) == Freed(17, 11), "no more is held than was freed"
    assert Freed(10, 4).and_then(-3, 2) == Freed(10, 4), "what others pulled meanwhile takes nothing back"


def test_a_prune_settles_what_the_cache_held_as_far_as_the_engine_says() -> None:
    assert Freed(10, 4).after_prune(cache()) == Freed(10, 0)
    assert Freed(10, 4).after_prune(cache(3)) == Freed(10, 3), "some of it was in use"
    assert Freed(10, 4).after_prune(cache(30)) == Freed(10, 4)
    assert Freed(10, 4).after_prune(cache(30, shared=True)) == Freed(10, 0), "those are layers of images"
    assert Freed(10, 4).after_prune(None) == Freed(10, 4)
    assert Freed(10, 4).after_prune(DiskUsage(None)) == Freed(10, 4)
