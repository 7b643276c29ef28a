"""The map: every byte in one block, no hole between blocks, area that is bytes, arrows that lead everywhere."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from benchmarks.generate import big_host
from layerscope.core.graph import LayerGraph, build_graph
from layerscope.units import Units
from layerscope.views.forest import Forest, forest_of
from layerscope.views.map import Direction, Map, lay_out
from tests.hosts import HOSTILE
from tests.replay import NAMES, recorded_inventory
from tests.views.forests import chain, host, hosts

DIRECTIONS: tuple[Direction, ...] = ("left", "right", "up", "down")


def drawn(laid_out: Map) -> list[str]:
    return ["".join(span.text for span in line) for line in laid_out.paint()]


def test_a_base_is_on_the_left_and_what_stands_on_it_on_its_right() -> None:
    # a 500, on it b 300 and c 200 ; d 250 alone: 1250 bytes on 50 × 10 cells, 2.5 bytes each
    graph = host("a", "ab", "ac", "d", sizes={"a": 500, "b": 299, "c": 199, "d": 250})
    assert drawn(lay_out(Forest(graph), 50, 10)) == [
        " i0:a                     i1:ab                   ",
        " 500 B · 3 images         300 B                   ",
        " ADD a /                  ADD b /                 ",
        "                                                  ",
        "                         ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ",
        "                          i2:ac                   ",
        "                          200 B                   ",
        "▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ",
        " i3:d  250 B                                      ",
        "▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀ ",
    ]


def test_many_small_ones_are_one_block_that_zooms_in() -> None:
    graph = host("a", *("a" + letter for letter in "bcdefghijklmnopqrstuvwxyz"), sizes={"a": 2000, "b": 1000})
    forest = Forest(graph)
    whole = lay_out(forest, 40, 6)
    more = next(block for block in whole.blocks if block.run is None)
    assert more.label == f"… {len(more.rest)} more"
    assert more.size == sum(run.total for run in more.rest)
    inside = lay_out(forest, 120, 40, more.zoom)
    assert inside.size == more.size
    assert {id(node) for block in inside.blocks for node in block.members} == {id(node) for node in more.members}
    assert [label for _, label in inside.path] == ["everything", "i0:a"]


def test_zoom_fills_the_map_with_one_run_and_leads_back() -> None:
    graph = host("a", "ab", "abc", "abd", "q", sizes={"a": 50, "b": 30, "c": 20, "d": 10, "q": 9})
    forest = Forest(graph)
    inside = lay_out(forest, 60, 12, chain("ab"))
    assert inside.blocks[0].label == "i1:ab"
    assert [block.label for block in inside.blocks[1:]] == ["i2:abc", "i3:abd"]
    assert inside.path == (("", "everything"), (chain("a"), "i0:a"))
    assert lay_out(forest, 60, 12, "sha256:gone").blocks[0].label == "i0:a"


def test_arrows_go_to_what_touches_the_longest() -> None:
    graph = host("a", "ab", "ac", "d", sizes={"a": 500, "b": 299, "c": 199, "d": 250})
    here = lay_out(Forest(graph), 50, 10)
    at = {block.label: block.index for block in here.blocks}
    assert here.neighbour(at["i0:a"], "right") == at["i1:ab"]
    assert here.neighbour(at["i1:ab"], "down") == at["i2:ac"]
    assert here.neighbour(at["i2:ac"], "left") == at["i0:a"]
    assert here.neighbour(at["i0:a"], "down") == at["i3:d"]
    assert here.neighbour(at["i0:a"], "left") is None
    assert here.at(49, 6) == at["i2:ac"]


def test_what_weighs_nothing_or_nobody_knows_is_not_drawn_but_said() -> None:
    graph = host("A", "b", "bc", sizes={"b": 5, "c": -1})
    here = lay_out(Forest(graph), 30, 4)
    assert [block.label for block in here.blocks] == ["i1:b"]
    assert here.unknown == 1
    nothing = lay_out(Forest(host("A", "")), 30, 4)
    assert nothing.blocks == []
    assert drawn(nothing) == [" " * 30] * 4


def test_a_cursor_finds_its_run_again() -> None:
    graph = host("a", "ab", "abc", "q", sizes={"a": 500, "b": 300, "c": 1, "q": 90})
    forest = Forest(graph)
    here = lay_out(forest, 40, 8)
    for layer in graph.layers:
        index = here.index_of(forest.run_of[layer.index])
        assert index is not None
        assert here.blocks[index].run is not None


# -- on any host ---------------------------------------------------------------------------

sides = st.tuples(st.integers(1, 70), st.integers(1, 20))


@given(hosts, sides)
def test_blocks_cover_the_map_and_every_byte_is_in_one(graph: LayerGraph, side: tuple[int, int]) -> None:
    forest = Forest(graph)
    here = lay_out(forest, *side)
    assert sum(block.size for block in here.blocks) == here.size == graph.totals.footprint
    if here.size:
        covered = [
            (x, y)
            for block in here.blocks
            for x in range(block.x, block.x + block.width)
            for y in range(block.y, block.y + block.height)
        ]
        assert len(covered) == len(set(covered)) == side[0] * side[1]
        assert {here.at(x, y) for x, y in covered} == set(range(len(here.blocks)))
    for block in here.blocks:  # what one zooms into is what the block stands for
        inside = lay_out(forest, *side, block.zoom)
        wanted = block.run.total if block.run else sum(run.total for run in block.rest)
        assert inside.size == wanted


@given(hosts, sides, st.sampled_from(Units))
def test_every_line_is_as_wide_as_the_map(graph: LayerGraph, side: tuple[int, int], units: Units) -> None:
    lines = lay_out(Forest(graph), *side).paint(units)
    assert len(lines) == side[1]
    assert {sum(cell_len(span.text) for span in line) for line in lines} == {side[0]}


def test_hostile_names_are_shown_as_data() -> None:
    text = "".join(drawn(lay_out(forest_of(build_graph(HOSTILE)), 60, 10)))
    assert text.isprintable()
    assert "cmd|' /C calc'!A0␛]0;x␇␊[red]\\u202e" in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("side", [(80, 20), (120, 32), (200, 50)])
def test_on_real_hosts_area_is_bytes_and_arrows_lead_everywhere(name: str, side: tuple[int, int]) -> None:
    here = lay_out(forest_of(build_graph(recorded_inventory(name))), *side)
    check_area(here)
    check_arrows(here)


def check_area(here: Map) -> None:
    """Whole cells and a least width make a block off by some; none that one can see well is off by half."""
    cells = here.width * here.height
    for block in here.blocks:
        fair = cells * block.size / here.size
        if fair >= cells / 50:
            assert 0.5 < block.width * block.height / fair < 1.5, block.label


def check_arrows(here: Map) -> None:
    seen, waiting = {0}, [0]
    while waiting:
        index = waiting.pop()
        for direction in DIRECTIONS:
            beside = here.neighbour(index, direction)
            if beside is not None and beside not in seen:
                seen.add(beside)
                waiting.append(beside)
    assert len(seen) == len(here.blocks)


def test_a_big_host_is_laid_out_and_painted_at_once() -> None:
    forest = Forest(build_graph(big_host(2000, 8000)))
    spent = []
    for _ in range(3):
        begin = process_time()
        here = lay_out(forest, 200, 50)
        here.paint()
        spent.append(process_time() - begin)
    assert min(spent) < 0.05
    assert 50 < len(here.blocks) < 400
    check_area(here)
    check_arrows(here)
