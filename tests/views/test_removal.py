"""How a removal is put: when a key is too little, and what is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from layerscope.core.build import build_graph
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.views.removal import MANY, MUCH, needs_typing, what_is_asked
from tests.core.removals import Host, Made, image_id


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
