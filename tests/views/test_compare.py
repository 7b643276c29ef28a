"""The rows of a comparison: each layer once, where each image leaves, and figures that promise no more than is true."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.build import build_graph
from layerscope.core.compare import Amount, Comparison
from layerscope.core.graph import LayerGraph
from layerscope.units import Units
from layerscope.views.aligned import Aligned, StretchFolding, presence
from layerscope.views.compare import FORMS, LETTERS, block, called, choose, form_for, lanes, letter, pair, percent, sums
from tests.hosts import HOSTILE
from tests.views.forests import host, hosts


def drawn(aligned: Aligned) -> list[str]:
    """The rows as one would print them."""
    comparison = aligned.comparison
    columns = lanes(len(comparison.images), 40)
    found = []
    for row in aligned.rows:
        signs = "".join(sign for sign, _ in presence(row, comparison, columns))
        size = "" if row.amount is None else f"{row.amount.bound}{row.amount.size}"
        words = " · ".join(filter(None, (row.says, row.name, row.layers, row.by)))
        found.append(f"{size:>4} {signs:<9} {'  ' * row.depth}{row.marker} {words}")
    return found


def compared(graph: LayerGraph) -> Comparison:
    return Comparison(graph, graph.images)


def test_the_trunk_is_on_top_and_each_leaves_where_it_does() -> None:
    aligned = Aligned(compared(host("abcd", "abxy", "abx", "ab")))
    # A abxy, B abx, C abcd, D ab
    assert drawn(aligned) == [
        " 171 █ █ █ █   ▾ common to all 4 · 2 layers",
        "  80 █ █ █ █   │ ADD a /",
        "  91 █ █ █ █   └ ADD b /",
        "     │ │ │ ▀     D ends here: nothing of its own · i3:ab",
        "  42 █ █ · ·     A B leave here · ADD x /",
        "     │ ▀ · ·     B ends here: nothing of its own · i2:abx",
        "  53 █ · · ·       A leaves here · i1:abxy · ADD y /",
        "  35 · · █ ·   ▾ C leaves here · i0:abcd · 2 layers",
        "  12 · · █ ·   │ ADD c /",
        "  23 · · █ ·   └ ADD d /",
    ]


def test_what_is_folded_shows_the_layer_by_which_it_leaves() -> None:
    aligned = Aligned(compared(host("abcd", "abxy")), room=3)
    assert [line[15:] for line in drawn(aligned)] == [
        "▸ common to both · 2 layers · ADD b /",  # of the trunk the heaviest
        "▸ A leaves here · i1:abxy · 2 layers · ADD x /",
        "▸ B leaves here · i0:abcd · 2 layers · ADD c /",
    ]


def test_the_longest_are_folded_first_and_only_until_the_rest_fits() -> None:
    comparison = compared(host("abcccc", "abxy"))
    assert [row.open for row in Aligned(comparison, room=7).rows if row.kind == "stretch"] == [True, True, False]
    assert [row.open for row in Aligned(comparison, room=6).rows if row.kind == "stretch"] == [False, True, False]


def test_nothing_in_common_and_nothing_at_all_is_said() -> None:
    assert drawn(Aligned(compared(host("ab", "abx", "q", "")))) == [
        "                 no layer is common to all 4",
        " 171 █ █ · ·   ▾ A B share no layer with the rest · 2 layers",
        "  80 █ █ · ·   │ ADD a /",
        "  91 █ █ · ·   └ ADD b /",
        "     │ ▀ · ·     B ends here: nothing of its own · i0:ab",
        "  42 █ · · ·       A leaves here · i1:abx · ADD x /",
        "  60 · · █ ·     C shares no layer with the rest · i2:q · ADD q /",
        "     · · · –     D: no layers · i3:",
    ]


def test_twins_and_the_majority() -> None:
    lines = [line[15:].strip() for line in drawn(Aligned(compared(host("ax", "ax", "ay", "axq"))))]
    assert lines == [
        "common to all 4 · ADD a /",
        "A C D go on · ADD x /",
        "C ends here: the same layers as D · i0:ax",
        "D ends here: the same layers as C · i1:ax",
        "A leaves here · i3:axq · ADD q /",
        "B leaves here · i2:ay · ADD y /",
    ]


def test_what_is_said_of_many_is_said_once() -> None:
    rows = Aligned(compared(host(*["a"] * 5, *["b"] * 6, *[""] * 7))).rows
    assert [" · ".join(filter(None, (row.says, row.by))) for row in rows] == [
        "no layer is common to all 18",
        "A B C D E F share no layer with the rest · ADD b /",
        "A B C D E F end here: the same layers",
        "G H I J K share no layer with the rest · ADD a /",
        "G H I J K end here: the same layers",
        "L M N O P Q R: no layers",
    ]


def test_folding_is_kept_and_everything_can_be_folded() -> None:
    folding = StretchFolding()
    comparison = compared(host("abcd", "abxy"))
    aligned = Aligned(comparison, folding)
    assert aligned.toggle(0)
    assert not aligned.rows[0].open
    assert drawn(Aligned(comparison, folding)) == drawn(aligned)
    assert not aligned.set_open(0, False)
    aligned.fold_all(True)
    assert len(aligned.rows) == 9
    layer = aligned.rows[2]
    assert layer.layer is not None
    assert aligned.heading(2) == 0
    assert aligned.index_of_layer(layer.layer) == 2
    aligned.fold_all(False)
    assert len(aligned.rows) == 3
    assert aligned.index_of_layer(layer.layer) == 0


@given(hosts, st.integers(0, 30))
def test_every_layer_is_there_once_and_every_image_has_its_place(graph: LayerGraph, room: int) -> None:
    comparison = compared(graph)
    folded, everything = Aligned(comparison, room=room), Aligned(comparison)
    layers = []
    for row in everything.rows:
        if row.kind == "stretch" and row.stretch is not None:
            layers += [layer.chain_id for layer in row.stretch.layers]
            assert row.open is (len(row.stretch.layers) > 1)
    assert sorted(layers) == sorted(layer.chain_id for layer in graph.layers)
    assert len({row.key for row in everything.rows}) == len(everything.rows)
    assert len(folded.rows) <= max(room, len([row for row in everything.rows if row.kind != "layer"]))
    for at, node in enumerate(comparison.images):
        index = folded.index_of_image(at)
        assert index is not None, node
        assert at in folded.rows[index].images
        columns = lanes(len(comparison.images), 100)
        for row in everything.rows:
            if row.kind == "layer" and row.layer is not None:
                text = "".join(sign for sign, _ in presence(row, comparison, columns))
                assert (text[at * columns.step] == "█") is (row.layer in node.layers)


# -- what is compared --------------------------------------------------------------------------


def names(images: Sequence[object]) -> list[str]:
    return [getattr(node, "name", "").partition(":")[2] for node in images]


def test_the_marked_are_compared_biggest_first() -> None:
    graph = host("ab", "abxy", "q")
    ids = [node.id for node in graph.images if node.name != "i2:q"]
    chosen = choose(graph, list(reversed(ids)), graph.images[-1])
    assert (names(chosen.images), chosen.title(40), chosen.by_marks) == (["abxy", "ab"], "2 marked images", True)


def test_without_a_marked_set_one_is_compared_with_its_closest() -> None:
    graph = host("abxy", "abx", "a", "q")
    by_name = {node.name.partition(":")[2]: node for node in graph.images}
    chosen = choose(graph, (), by_name["abxy"])
    assert names(chosen.images) == ["abxy", "abx", "a"]
    assert chosen.title(80) == "nothing marked: i0:abxy and the 2 that share most with it"
    chosen = choose(graph, [by_name["abx"].id], by_name["q"])
    assert names(chosen.images) == ["abx", "abxy", "a"]
    assert chosen.title(80) == "only i1:abx is marked: it and the 2 that share most with it"
    lonely = choose(graph, (), by_name["q"])
    assert (names(lonely.images), lonely.title(80)) == (
        ["q"],
        "nothing marked: i3:q, and it shares no layer with any other",
    )
    assert choose(graph, (), None).images == ()


@given(st.integers(8, 200))
def test_a_title_is_never_too_long_and_its_name_is_clean(room: int) -> None:
    graph = build_graph(HOSTILE)
    for node in graph.images:
        title = choose(graph, (), node).title(room)
        assert len(title) <= room
        assert title.isprintable()


def test_an_image_that_is_not_read_says_so() -> None:
    graph = build_graph(HOSTILE)
    unread = next(node for node in graph.images if not node.known)
    assert choose(graph, (), unread).title(300).endswith("and it has layers that are not known")


# -- letters, columns and cells ----------------------------------------------------------------


def test_letters_end_and_then_numbers_are_told() -> None:
    assert (letter(0), letter(51), letter(52)) == ("A", "z", "")
    assert called((0, 2)) == "A C"
    assert called((60,)) == "1 image"
    assert called(tuple(range(9))) == "9 images"


@given(st.integers(1, 300), st.integers(3, 200))
def test_columns_fit_and_what_has_none_is_counted(images: int, room: int) -> None:
    found = lanes(images, room)
    assert found.width <= room
    assert len(found.heading) == found.width
    assert found.images + found.more == images
    assert found.images == min(images, len(LETTERS)) or found.width == room
    cells = found.joined(("█", str(at % 2)) for at in range(found.images))
    assert sum(len(text) for text, _ in cells) == found.width - 2 * bool(found.more)


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_a_percentage_is_all_or_nothing_only_when_it_is(part: int, whole: int) -> None:
    part = min(part, whole)
    text = percent(part, whole)
    assert (text == "100%") is (part == whole > 0)
    assert (text == "0%") is (part == 0 < whole)
    assert (block(part, whole) == " ") is (part == 0)


def test_blocks_rise_by_quarters() -> None:
    assert [block(part, 100) for part in (1, 25, 26, 50, 51, 75, 76, 100, 101)] == list("░░▒▒▓▓███")


def test_the_matrix_takes_the_fullest_form_that_fits() -> None:
    assert [form_for(4, room, Units.SI) for room in (44, 43, 36, 35, 28, 27)] == [
        "block and bytes",
        "bytes",
        "bytes",
        "block and part",
        "block and part",
        "block",
    ]


def cells(comparison: Comparison, form: str, *places: tuple[int, int]) -> list[str]:
    return ["".join(text for text, _ in pair(comparison, *at, form, Units.SI)) for at in places]  # type: ignore[arg-type]


def test_a_cell_says_what_the_rows_image_shares() -> None:
    three = compared(host("abxy", "ab", "q"))  # 266, 171, 60
    ways = ((0, 0), (0, 1), (1, 0), (0, 2))
    assert cells(three, "block and bytes", *ways) == ["266 B  ", "171 B ▓", "171 B █", "–  "]
    assert cells(three, "bytes", *ways) == ["266 B", "171 B", "171 B", "–"]
    assert cells(three, "block and part", *ways) == ["100%  ", "64% ▓", "100% █", "–  "]
    assert cells(three, "block", *ways) == ["█", "▓", "█", "·"]


def test_bounds_are_shown_and_what_is_not_known() -> None:
    two = compared(host("aB", "aBc", sizes={"a": 80}))
    assert two.shared(0, 1) == Amount(0, "≥")
    assert cells(two, "bytes", (0, 1)) == ["?"]
    assert sums(two, Units.SI) == "listed ? · on disk ? · sharing saves ?"
    mixed = compared(host("a", "aB", "aBc"))
    assert sums(mixed, Units.SI).startswith("listed ≥")
    unread = compared(build_graph(HOSTILE))
    assert cells(unread, "block", (0, len(unread.images) - 1)) == ["?"]


@given(hosts)
def test_no_cell_is_wider_than_its_column(graph: LayerGraph) -> None:
    comparison = compared(graph)
    for form, width in {**FORMS, "block": 1}.items():
        for row in range(len(comparison.images)):
            for column in range(len(comparison.images)):
                assert len(cells(comparison, form, (row, column))[0]) <= width
