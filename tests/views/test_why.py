"""Why so much is listed and so little is on disk: the sum has to come out, whatever host it is."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.units import Units, format_size
from layerscope.views.why import why
from tests.hosts import HOSTILE, SMALL
from tests.replay import NAMES, recorded_inventory


def test_the_sum_of_a_small_host_by_hand() -> None:
    # 117 MB are in all four images: listed four times, stored once; 30 MB + 1500 B of app in two or three of them
    found = why(build_graph(SMALL))
    assert [(term.sign, term.size) for term in found.terms] == [("", "572 MB"), ("−", "418 MB"), ("=", "155 MB")]
    assert found.terms[0].words == "4 images as listed, each in full"
    assert found.question == "Why 572 MB are listed, and 155 MB are on disk"
    assert found.most.startswith("most of it: 117 MB that 4 images share saves 351 MB · ")


@pytest.mark.parametrize("name", NAMES)
def test_on_recordings_the_sum_is_that_of_the_header(name: str) -> None:
    graph = build_graph(recorded_inventory(name))
    for units in Units:
        sizes = [term.size for term in why(graph, units).terms]
        totals = (graph.totals.listed, graph.totals.listed - graph.totals.footprint, graph.totals.footprint)
        known = graph.totals.exact and graph.totals.content_known
        assert sizes == [("" if known else "≥") + format_size(size, units) for size in totals]


def test_a_host_that_shares_nothing_says_so() -> None:
    found = why(build_graph(replace(SMALL, images=SMALL.images[:1])))
    assert (found.terms, found.most) == ((), "")
    assert found.question == "117 MB on disk, and not more is listed: no image shares a layer"


def test_what_is_not_known_is_a_bound_and_hostile_text_is_clean() -> None:
    found = why(build_graph(HOSTILE))
    lines = [found.question, found.most, *(term.words for term in found.terms)]
    assert "≥" in found.question
    assert all(line.isprintable() for line in lines)
