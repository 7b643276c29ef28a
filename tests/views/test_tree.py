"""The tree: each layer once, each image once, sums that add up, and folding that hides exactly what it should."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from layerscope.core.graph import LayerGraph, union
from layerscope.views.names import amount
from layerscope.views.tree import Folding, Tree
from tests.views.forests import chain, host, hosts, image_id


def drawn(tree: Tree) -> list[str]:
    """The tree as one would print it."""
    return [
        f"{row.guides}{row.marker} {row.label}  own {row.own} of {row.total}  ×{row.images}  {row.detail}".rstrip()
        for row in tree.rows
    ]


def test_runs_are_one_row_and_images_are_the_leaves() -> None:
    # a 80, b 90 + 1; on them x 40 + 2, or c 10 + 2 and d 20 + 3; q 60
    tree = Tree(host("ab", "abcd", "abx", "abx", "q", ""))
    assert drawn(tree) == [
        "▾ ADD b /  own 171 of 248  ×4  2 layers",
        "├─   i0:ab  own None of None  ×1",
        "├─ ▾ ADD x /  own 42 of 42  ×2",
        "│  ├─   i2:abx  own None of None  ×1",
        "│  └─   i3:abx  own None of None  ×1",
        "└─   i1:abcd  own 35 of 35  ×1  +2 layers",
        "  i4:q  own 60 of 60  ×1  +1 layer",
        "  i5:  own None of None  ×1  no layers",
    ]


def test_folding_hides_what_stands_on_a_row_and_says_who() -> None:
    tree = Tree(host("ab", "abcd", "abx", "abx", "q"))
    before = drawn(tree)
    assert tree.toggle(0)
    assert drawn(tree) == [
        "▸ ADD b /  own 171 of 248  ×4  2 layers · i0:ab, i2:abx and 2 more",
        "  i4:q  own 60 of 60  ×1  +1 layer",
    ]
    assert tree.toggle(0)
    assert drawn(tree) == before
    assert not tree.toggle(1)  # an image: nothing stands on it


def test_a_run_can_be_taken_apart() -> None:
    tree = Tree(host("ab", "abx", "abx"))
    assert tree.toggle_apart(0)
    assert [line.partition("  own")[0] for line in drawn(tree)][:4] == [
        "▾ ADD b /",
        "├─   ADD a /",
        "├─   ADD b /",
        "├─   i0:ab",
    ]
    assert tree.toggle_apart(0)
    assert len(tree.rows) == 5


def test_unknown_sizes_are_shown_as_such() -> None:
    tree = Tree(host("Z", "aB", "a"))
    texts = {row.label: (amount(row.own, row.own_unknown), amount(row.total, row.total_unknown)) for row in tree.rows}
    assert texts["ADD a /"] == ("80 B", "≥80 B")
    assert texts["i0:Z"] == texts["i1:aB"] == ("?", "?")


def test_the_cursor_finds_its_way() -> None:
    graph = host("ab", "abcd", "abx", "abx", "q")
    tree = Tree(graph)
    tree.fold_all()
    assert [row.key for row in tree.rows] == [("run", chain("ab")), ("image", image_id(4))]
    deep = graph.image_by_id[image_id(3)]
    at = tree.reveal_image(deep)
    assert at is not None
    assert tree.rows[at].image is deep
    assert tree.rows[tree.parent(at)].key == ("run", chain("abx"))
    assert tree.rows[tree.parent(tree.parent(at))].key == ("run", chain("ab"))
    assert tree.parent(0) == 0
    tree.fold_all()
    layer = graph.layer_by_chain[chain("abc")]
    at = tree.reveal_layer(layer)
    assert at is not None
    assert layer in tree.rows[at].layers


def test_folding_outlives_a_graph() -> None:
    folding = Folding()
    Tree(host("ab", "abc", "abd"), folding).toggle(0)
    after = Tree(host("ab", "abc", "abd", "abe"), folding)
    assert not after.rows[0].open


def test_a_filter_makes_a_tree_of_its_own() -> None:
    graph = host("ab", "abc", "abd", "q")
    tree = Tree(graph, images=[graph.image_by_id[image_id(1)], graph.image_by_id[image_id(2)]])
    top = tree.rows[0]
    assert (top.images, top.total, len(tree.rows)) == (2, 80 + 91 + 12 + 22, 3)


def test_marks_are_counted_upwards() -> None:
    tree = Tree(host("ab", "abc", "abx", "abx"))
    tree.mark({image_id(0), image_id(3)})
    assert [(row.label, tree.marked(row)) for row in tree.rows] == [
        ("ADD b /", 2), ("i0:ab", 1), ("ADD x /", 1), ("i2:abx", 0), ("i3:abx", 1), ("i1:abc", 0),
    ]  # fmt: skip
    tree.mark(())
    assert not any(map(tree.marked, tree.rows))


# -- on any host ---------------------------------------------------------------------------


@given(hosts)
def test_each_layer_and_each_image_is_there_once(graph: LayerGraph) -> None:
    tree = Tree(graph)
    rows = tree.rows
    assert sorted(layer.index for row in rows for layer in row.layers) == [layer.index for layer in graph.layers]
    assert sorted(row.image.index for row in rows if row.image) == [node.index for node in graph.images]
    assert sum(row.own or 0 for row in rows) == graph.totals.footprint == tree.scale
    for index, row in enumerate(rows):
        if not row.layers:
            continue
        under = [other.image for other in rows[index : tree.end(index)] if other.image is not None]
        assert row.images == len(under)
        assert {id(node) for node in under} == {id(node) for node in row.layers[-1].images}
        below = {layer.index for layer in graph.layers if layer.depth < row.layers[0].depth}
        above = [layer for layer in union(under) if layer.index not in below]
        assert row.total == sum(layer.known_size for layer in above)
        assert row.total_unknown == sum(layer.size is None for layer in above)
    for parent in (row for row in rows if row.foldable):
        children = [row.total for row in rows if row.parent is parent and row.total is not None]
        assert children == sorted(children, reverse=True)


@given(hosts, st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=12))
def test_folding_bit_by_bit_gives_what_drawing_it_anew_gives(graph: LayerGraph, steps: list[tuple[int, bool]]) -> None:
    tree = Tree(graph)
    for index, apart in steps:
        if tree.rows:
            at = index % len(tree.rows)
            tree.toggle_apart(at) if apart else tree.toggle(at)
        assert drawn(tree) == drawn(Tree(graph, tree.folding))
        depths = [row.depth for row in tree.rows]
        assert all(after <= before + 1 for before, after in pairwise(depths))
        assert all(len(row.guides) == row.depth * 3 for row in tree.rows)
