"""The map: every byte in one block, no hole between blocks, area that is bytes, arrows that lead everywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.sources.open import load_sample
from layerscope.units import Units
from layerscope.views.blocks import name_of, percent, short_name
from layerscope.views.find import image_search
from layerscope.views.forest import Forest, forest_of
from layerscope.views.map import Direction, Map, lay_out
from layerscope.views.mapfind import spots_on
from layerscope.views.paint import GAP, Picture
from tests.hosts import HOSTILE
from tests.replay import NAMES, recorded_inventory
from tests.views.forests import chain, host, hosts

DIRECTIONS: tuple[Direction, ...] = ("left", "right", "up", "down")


def drawn(laid_out: Map, cursor: int | None = None, *, outlined: bool = False, signs: str = "") -> list[str]:
    """The lines of a map; ``signs`` has one for each block."""
    picture = Picture(laid_out, outlined=outlined)
    picture.signs = {index: sign for index, sign in enumerate(signs) if sign != " "}
    return ["".join(span.text for span in picture.line(y, cursor)) for y in range(laid_out.height)]


def fork() -> Forest:
    """On a 500 are b 300 and c 200 ; d 250 alone: 1250 bytes, on 50 × 10 cells 2.5 bytes each."""
    return Forest(host("a", "ab", "ac", "d", sizes={"a": 500, "b": 299, "c": 199, "d": 250}))


def test_a_base_is_on_the_left_and_what_stands_on_it_on_its_right() -> None:
    assert drawn(lay_out(fork(), 50, 10)) == [
        " i0:a                    ▏i1:ab                   ",
        " 500 B · 40 % · 3 images ▏300 B · 24 %            ",
        "                         ▏                        ",
        "                         ▏                        ",
        "                         ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁",
        "                         ▏i2:ac                   ",
        "                         ▏200 B · 16 %            ",
        "▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄▄",
        " i3:d  250 B                                      ",
        "                                                  ",
    ]


def test_without_colours_lines_part_the_blocks() -> None:
    assert drawn(lay_out(fork(), 50, 10), outlined=True) == [
        " i0:a                    │i1:ab                   ",
        " 500 B · 40 % · 3 images │300 B · 24 %            ",
        "                         │                        ",
        "                         │                        ",
        "                         ├────────────────────────",
        "                         │i2:ac                   ",
        "                         │200 B · 16 %            ",
        "─────────────────────────┴────────────────────────",
        " i3:d  250 B                                      ",
        "                                                  ",
    ]
    low = Picture(lay_out(Forest(host("a", "b", sizes={"a": 50, "b": 50})), 30, 2), outlined=True)
    assert [all(span.under for span in low.line(y) if span.text.strip()) for y in (0, 1)] == [True, False]


def test_the_block_of_the_cursor_is_framed_around_its_text() -> None:
    here = lay_out(fork(), 50, 10)
    assert [line[25:] for line in drawn(here, 2)[5:8]] == [
        "┏i2:ac ━━━━━━━━━━━━━━━━━┓",
        "┃200 B · 16 %           ┃",
        "┗━━━━━━━━━━━━━━━━━━━━━━━┛",
    ]
    flat = lay_out(Forest(host("a", "b", sizes={"a": 50, "b": 50})), 30, 2)
    assert drawn(flat, 0)[0] == "[i0:a  50 B                  ]"
    thin = lay_out(Forest(host("a", "ab", sizes={"a": 1, "b": 200})), 30, 4)
    assert [line[:2] for line in drawn(thin, 0)] == ["┏┓", "┃┃", "┃┃", "┗┛"], (
        "too small for text, and seen all the same"
    )


def test_marks_are_signs() -> None:
    lines = drawn(lay_out(fork(), 50, 10), signs="~✓ ✓")
    assert [lines[0][:8], lines[0][25:34], lines[5][25:31], lines[8][:7]] == [
        " ~ i0:a ",
        "▏✓ i1:ab ",
        "▏i2:ac",
        " ✓ i3:d",
    ]
    thin = lay_out(Forest(host("a", "ab", sizes={"a": 1, "b": 200})), 30, 4)
    assert drawn(thin, signs="~✓")[0].startswith("~ ▏✓ i1:ab")


def test_a_sign_takes_the_place_of_a_name_that_has_no_room_beside_it() -> None:
    block = lay_out(Forest(host("a", sizes={"a": 50})), 30, 3).blocks[0]
    assert [block.lines(room, sign="✓")[0][0][0] for room in (1, 4, 5, 6)] == ["✓", "✓", "✓", "✓ i0:a"]


def test_between_roots_is_a_gap() -> None:
    side = lay_out(Forest(host("a", "b", "c", sizes={"a": 50, "b": 30, "c": 20})), 60, 2)
    assert [block.outer for block in side.blocks] == [(True, True)] * len(side.blocks)
    for line in drawn(side):
        for block in side.blocks:
            right = block.x + block.width
            if right < side.width and block.y == 0:
                assert line[right - GAP : right] == " " * GAP
    inner = lay_out(fork(), 50, 10)
    assert [block.outer for block in inner.blocks] == [(False, True), (True, False), (True, True), (True, True)]


def test_many_small_ones_are_one_block_that_zooms_in() -> None:
    graph = host("a", *("a" + letter for letter in "bcdefghijklmnopqrstuvwxyz"), sizes={"a": 2000, "b": 1000})
    forest = Forest(graph)
    whole = lay_out(forest, 40, 6)
    more = next(block for block in whole.blocks if block.run is None)
    assert more.image is not None
    assert more.label == f"{more.image.name} and {len(more.rest) - 1} more"
    assert more.size == sum(run.total for run in more.rest)
    inside = lay_out(forest, 120, 40, more.zoom)
    assert inside.size == more.size
    assert {id(node) for block in inside.blocks for node in block.members} == {id(node) for node in more.members}
    assert [label for _, label in inside.path] == ["everything", "i0:a", more.label]


def named(*images: tuple[str, str], sizes: dict[str, int]) -> Forest:
    return Forest(tagged(*images, sizes=sizes))


def tagged(*images: tuple[str, str], sizes: dict[str, int]) -> LayerGraph:
    """A host of (tag, stack of layers)."""
    graph = host(*(stack for _, stack in images), sizes=sizes)
    inventory = graph.inventory
    given = {f"i{number}:{stack}": tag for number, (tag, stack) in enumerate(images)}
    renamed = tuple(replace(image, tags=(given[image.tags[0]],)) for image in inventory.images)
    return build_graph(replace(inventory, images=renamed))


def test_a_block_is_named_by_the_image_that_ends_there_or_nearest_above() -> None:
    sizes = {"a": 500, "b": 400, "c": 300, "d": 200, "e": 300, "f": 100}
    forest = named(("shop/api:1", "abc"), ("web:2", "abd"), ("shop/db:1", "ef"), ("shop/db:2", "e"), sizes=sizes)
    labels = [block.label for block in lay_out(forest, 120, 30).blocks]
    assert labels == ["shop/api:1 and 1 more", "shop/api:1", "web:2", "shop/db:2", "shop/db:1"]
    forest = named(("shop/db:1", "ab"), ("shop/db:2", "ac"), sizes=sizes)
    assert lay_out(forest, 120, 30).blocks[0].label == "shop/db · 2 images"


def test_what_has_no_room_is_put_together_by_repository() -> None:
    tags = [f"{name}:{number}" for name in ("api", "web", "db") for number in range(20)]
    stacks = [chr(0x4E00 + number) for number in range(60)]
    forest = named(*zip(tags, stacks, strict=True), sizes=dict.fromkeys(stacks, 100))
    whole = lay_out(forest, 40, 8)
    groups = {block.label: block for block in whole.blocks if block.run is None}
    assert all(label.split(" ")[0] in {"api", "web", "db"} for label in groups)
    assert len(groups) == 3
    for label, block in groups.items():
        inside = lay_out(forest, 40, 8, block.zoom)
        assert inside.size == block.size
        assert inside.path[-1] == (block.zoom, label)
        assert [root for root, _ in inside.path[:-1]] == [""]


@pytest.mark.parametrize(
    ("label", "width", "short"),
    [
        ("acme/shop-api:2.4.1", 19, "acme/shop-api:2.4.1"),
        ("acme/shop-api:2.4.1", 16, "…/shop-api:2.4.1"),
        ("acme/shop-api:2.4.1", 15, "shop-api:2.4.1"),
        ("acme/shop-api:2.4.1", 13, "shop-api:2.4…"),
        ("acme/shop-api:2.4.1", 11, "shop-api"),
        ("acme/shop-api:2.4.1", 7, "shop-a…"),
        ("node:18", 6, "node"),
        ("python:3.11", 4, "pyth"),
        ("<none> 4d3b8c1a22", 8, "<none>"),
        ("日本/日本日本:1", 3, "日 "),
    ],
)
def test_a_name_loses_its_path_then_its_tag_then_its_letters(label: str, width: int, short: str) -> None:
    assert short_name(label, width) == short
    assert cell_len(short) <= width


def test_twelve_cells_have_room_for_a_name_and_a_size() -> None:
    for height in (1, 2, 3):
        text = drawn(lay_out(Forest(host("a", sizes={"a": 12_300_000})), 12, height))
        assert "i0" in text[0]
        assert "12.3 MB" in "".join(text)


def test_an_image_does_not_seem_to_weigh_what_others_do_with_it_where_there_is_room_to_say_so() -> None:
    forest = named(("shop/api:1", "ab"), ("web:2", "ac"), sizes={"a": 500, "b": 4, "c": 3})
    block = lay_out(forest, 60, 12).blocks[0]
    for room in range(12, 60):
        assert "+1" in block.lines(room)[0][0][0] or "1 more" in block.lines(room)[0][0][0]


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(0, 9, "0 %"), (1, 1000, "<1 %"), (1, 200, "1 %"), (666, 1000, "67 %"), (999, 1000, ">99 %"), (9, 9, "100 %")],
)
def test_percent(part: int, whole: int, told: str) -> None:
    assert percent(part, whole) == told


def figures(forest: Forest, root: str) -> tuple[str, int]:
    """What the block of a root is called, and its bytes: worked out from the forest alone."""
    if not root:
        return "everything", forest.total
    run = next(run for run in forest.run_of.values() if run.key == root)
    return name_of(forest, run, ())[0], run.total


def test_the_name_and_the_sum_of_the_title_are_of_one_block_at_every_zoom() -> None:
    forest = Forest(build_graph(load_sample()))
    here = lay_out(forest, 118, 30)
    seen = 0
    while True:
        block = max(
            (b for b in here.blocks if b.run and b.run.children and b.zoom != here.root),
            default=None,
            key=lambda b: b.size,
        )
        if block is None:
            break
        here = lay_out(forest, 118, 30, block.zoom)
        assert here.path[-1] == (block.zoom, block.name)
        for root, name in here.path:
            there = lay_out(forest, 118, 30, root)
            assert (there.path[-1][1], there.size) == (name, there.size) == figures(forest, root)
            assert there.where(200).endswith(name)
            assert there.where(len(name) + 2).endswith(name)
            seen += 1
    assert seen > 5


def test_the_way_here_is_cut_in_its_middle() -> None:
    forest = Forest(host("a", "ab", "abc", "abcd", "abcde", "abcdef"))
    here = lay_out(forest, 60, 12, chain("abcd"))
    assert here.where(60) == "everything › i0:a › i1:ab › i2:abc › i3:abcd"
    assert here.where(40) == "everything › … › i2:abc › i3:abcd"
    assert here.where(8) == "i3:abcd"


def test_find_on_the_map_lights_the_block_that_holds_what_was_found() -> None:
    sizes = {"a": 500, "b": 400, "c": 300, "d": 200}
    graph = tagged(("base:1", "a"), ("shop/api:1", "ab"), ("web:2", "ac"), ("web:3", "d"), sizes=sizes)
    forest = Forest(graph)
    here = lay_out(forest, 120, 30)
    search = image_search(graph)

    def held(text: str) -> list[str]:
        return sorted(here.blocks[index].label for index in spots_on(here, graph, forest, search.find(text)))

    assert held("web") == ["web:2", "web:3"]
    assert held("base") == ["base:1"], "not the blocks of what stands on it"
    assert held("ADD c") == ["web:2"], "the layer with the instruction"
    assert held("nothing of the kind") == []


def test_zoom_fills_the_map_with_one_run_and_leads_back() -> None:
    graph = host("a", "ab", "abc", "abd", "q", sizes={"a": 50, "b": 30, "c": 20, "d": 10, "q": 9})
    forest = Forest(graph)
    inside = lay_out(forest, 60, 12, chain("ab"))
    assert inside.blocks[0].label == "i1:ab"
    assert [block.label for block in inside.blocks[1:]] == ["i2:abc", "i3:abd"]
    assert inside.path == (("", "everything"), (chain("a"), "i0:a"), (chain("ab"), "i1:ab"))
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


@given(hosts, sides, st.sampled_from(Units), st.booleans())
def test_every_line_is_as_wide_as_the_map(
    graph: LayerGraph, side: tuple[int, int], units: Units, outlined: bool
) -> None:
    here = lay_out(Forest(graph), *side)
    picture = Picture(here, units, outlined=outlined)
    picture.signs = dict.fromkeys(range(0, len(here.blocks), 2), "✓")
    for cursor in (None, *range(len(here.blocks))):
        widths = {sum(cell_len(span.text) for span in picture.line(y, cursor)) for y in range(side[1])}
        assert widths == {side[0]}


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


def test_a_big_host_is_laid_out_in_blocks_that_one_can_see() -> None:
    here = lay_out(Forest(build_graph(big_host(2000, 8000))), 200, 50)
    assert 50 < len(here.blocks) < 400
    check_area(here)
    check_arrows(here)
