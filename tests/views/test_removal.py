"""How a removal is put: when a key is too little, and what is asked."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal.carry_out import CarriedOut
from layerscope.core.removal.measured import Freed, Measured
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.inventory import BuildCacheRecord
from layerscope.units import Units
from layerscope.views.removal import MANY, MUCH, needs_typing, plan_said, what_is_asked
from layerscope.views.removed import came_said
from tests.core.contents import with_content
from tests.core.removals import Host, Made, image_id
from tests.hosts import SMALL
from tests.hosts import image_id as small_id


def of(*images: Made) -> RemovalPlan:
    return plan(build_graph(Host(images).inventory), [image_id(made.name) for made in images])


def some(number: int) -> list[Made]:
    return [Made(f"i{at}", "ab"[at % 2]) for at in range(number)]


@pytest.mark.parametrize(("number", "typed"), [(MANY, False), (MANY + 1, True)])
def test_more_than_ten_images_are_typed(number: int, typed: bool) -> None:
    assert needs_typing(of(*some(number))) is typed


def test_those_that_only_lose_their_names_count_too() -> None:
    line = (*some(MANY - 1), Made("base", "x"), Made("child", "xy", parent="base", states=("running",)))
    assert not needs_typing(of(*line))
    found = of(*line, Made("other", "y"))
    assert (len(found.removed), len(found.untagged)) == (MANY, 1)
    assert needs_typing(found)


@pytest.mark.parametrize("figure", ["frees", "listed"])
def test_more_than_ten_gigabytes_are_typed(figure: str) -> None:
    found = of(*some(1))
    assert not needs_typing(replace(found, **{figure: MUCH}))
    assert needs_typing(replace(found, **{figure: MUCH + 1}))


def test_what_is_asked_names_both() -> None:
    base, child = Made("base", "x"), Made("child", "xy", parent="base", states=("running",))
    assert what_is_asked(of(*some(2))) == "remove 2 images"
    assert what_is_asked(of(Made("a", "a"), base, child)) == "remove 1 image and untag 1"
    assert what_is_asked(of(base, child)) == "untag 1 image"
    assert what_is_asked(of(Made("a", "a", states=("running",)))) == ""


# -- content of a containerd store -------------------------------------------------------------


def containerd_plan(**content: object) -> RemovalPlan:
    graph = build_graph(with_content(replace(SMALL, containers=()), **content))
    return plan(graph, [small_id("old")])


def carried(found: RemovalPlan, left: int | None) -> list[str]:
    measured = Measured(found, found.frees, Freed(found.frees, found.frees), 0, held_at_most=True, content=left)
    return [said.text for said in came_said(CarriedOut(found, (), measured, None, None, ""), Units.SI)]


def test_what_a_plan_says_of_content_and_what_came_of_it() -> None:
    found = containerd_plan()
    assert found.content is not None
    said = " ".join(one.text for one in plan_said(found, Units.SI))
    assert "frees 1.0 MB unpacked" in said
    assert "The disk gets back" in said
    exactly = found.content.at_once.most
    assert any(
        line.startswith("content: predicted ") and "by the engine's list" in line for line in carried(found, exactly)
    )
    assert any("Others came or went" in line for line in carried(found, exactly - 1))
    assert any("not measured" in line for line in carried(found, None))


def test_content_that_the_build_cache_may_hold_is_an_interval_with_its_reason() -> None:
    record = BuildCacheRecord("x", (), "regular", "", False, False, 1)
    found = containerd_plan(build_cache=(record,))
    assert found.content is not None
    assert not found.content.at_once.exact
    said = " ".join(one.text for one in plan_said(found, Units.SI))
    assert "at once: the build cache may hold" in said
    lines = carried(found, found.content.at_once.least)
    assert any("is held by the build cache until it is pruned" in line for line in lines)
