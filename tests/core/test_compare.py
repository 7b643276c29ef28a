"""Comparing images: worked by hand, and against sets of layers on hosts of every kind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.compare import Amount, Comparison, relatives
from layerscope.core.graph import ImageNode, LayerGraph
from tests.core.hosts import THOROUGH, Host, forgetful, hosts, inventory
from tests.core.model import Path, paths
from tests.picking import pick, some
from tests.views.forests import host

# -- by hand -----------------------------------------------------------------------------------


def compared(graph: LayerGraph, *names: str) -> Comparison:
    """Compare the images with these stacks."""
    return Comparison(graph, [node for node in graph.images if node.name.partition(":")[2] in names])


def stack(layers: tuple[object, ...]) -> str:
    return "".join(str(getattr(layer, "instruction", "")).removeprefix("ADD ").removesuffix(" /") for layer in layers)


def named(comparison: Comparison, places: tuple[int, ...]) -> list[str]:
    return [comparison.images[at].name.partition(":")[2] for at in places]


def drawn(comparison: Comparison) -> list[str]:
    """Each stretch: its layers, who has it, who ends with it, its bytes and those up to it."""
    return [
        f"{'  ' * s.depth}{stack(s.layers)} {','.join(named(comparison, s.images))} "
        f"end {','.join(named(comparison, s.ends))} {s.own.size} {s.total.size}"
        for s in comparison.walk()
    ]


# a 80, b 90 + 1, c 10 + 2, d 20 + 3, x 40 + 2, y 50 + 2 or 50 + 3, q 60


def test_a_trunk_and_its_branches() -> None:
    graph = host("abcd", "abxy", "abx", "ab", "q")
    four = compared(graph, "abcd", "abxy", "abx", "ab")
    assert [node.name for node in four.images] == ["i1:abxy", "i2:abx", "i0:abcd", "i3:ab"]  # the biggest first
    assert drawn(four) == [
        "ab abxy,abx,abcd,ab end ab 171 171",
        "  x abxy,abx end abx 42 213",
        "    y abxy end abxy 53 266",
        "  cd abcd end abcd 35 206",
    ]
    assert four.trunk is not None
    assert (stack(four.trunk.layers), four.trunk.own) == ("ab", Amount(171))
    assert [four.shared(0, at) for at in range(4)] == [Amount(266), Amount(213), Amount(171), Amount(171)]
    assert [four.alone(at) for at in range(4)] == [Amount(53), Amount(0), Amount(35), Amount(0)]
    assert (four.totals.listed, four.totals.footprint, four.totals.saved) == (856, 301, 555)


def test_where_each_leaves_and_by_what() -> None:
    four = compared(host("abcd", "abxy", "abx", "ab"), "abcd", "abxy", "abx", "ab")
    told = [[(stack((d.layer,)), named(four, d.left)) for d in four.departures(at)] for at in range(len(four.images))]
    assert told == [
        [("x", ["abcd", "ab"]), ("y", ["abx"])],
        [("x", ["abcd", "ab"])],
        [("c", ["abxy", "abx", "ab"])],
        [],  # it ends where the others go on
    ]


def test_images_that_share_nothing_have_no_trunk() -> None:
    two = compared(host("ab", "q"), "ab", "q")
    assert two.trunk is None
    assert two.shared(0, 1) == Amount(0)
    assert two.alone(1) == Amount(60)
    assert [d.left for d in two.departures(1)] == [(0,)]


def test_an_image_without_layers_shares_nothing_and_leaves_no_trunk() -> None:
    three = compared(host("ab", "abx", ""), "ab", "abx", "")
    assert (three.trunk, three.bare, three.unread) == (None, (2,), ())
    assert (three.shared(0, 2), three.size(2), three.alone(2)) == (Amount(0), Amount(0), Amount(0))
    assert three.way(2) == []


def test_the_same_layers_twice_leave_nobody() -> None:
    twins = compared(host("ab", "ab"), "ab")
    assert twins.trunk is not None
    assert twins.trunk.ends == (0, 1)
    assert [twins.departures(at) for at in (0, 1)] == [[], []]
    assert [twins.alone(at) for at in (0, 1)] == [Amount(0), Amount(0)]


def test_one_image_is_all_its_own() -> None:
    one = compared(host("ab", "abx"), "abx")
    assert one.trunk is None  # there is nobody to have it in common with
    assert (one.alone(0), one.departures(0)) == (Amount(213), [])


def test_none_at_all() -> None:
    none = Comparison(host("ab"), [])
    assert (none.images, none.trunk, list(none.walk()), none.totals.footprint) == ((), None, [], 0)


def test_of_a_layer_of_unknown_size_the_rest_is_a_lower_bound() -> None:
    two = compared(host("ab", "aB", "aBc", sizes={"a": 80}), "ab", "aBc")
    assert two.shared(0, 1) == Amount(80)  # it is on top of what they share
    aB, aBc = (compared(host("a", "aB", "aBc"), "aB", "aBc").shared(*pair) for pair in ((0, 1), (1, 1)))
    assert aB == Amount(80, "≥")
    assert aBc is not None
    assert aBc.bound == "≥"
    trunk = compared(host("a", "aBx", "aBy"), "aBx", "aBy").trunk
    assert trunk is not None
    assert (len(trunk.layers), trunk.own) == (2, Amount(80, "≥")), "one known layer does not make the sum exact"


def test_what_an_unread_image_shares_is_not_known() -> None:
    whole = host("ab", "abx", "abc").inventory
    images = (replace(whole.images[0], diff_ids=None, history=None, note="refused"), *whole.images[1:])
    graph = build_graph(replace(whole, images=images))
    three = Comparison(graph, graph.images)
    assert [three.images[at].name for at in three.unread] == ["i0:ab"]
    unread = three.unread[0]
    assert three.trunk is not None  # of those that are known
    assert len(three.trunk.images) == 2
    assert three.shared(0, unread) is None
    assert three.alone(unread) == Amount(0, "?")
    assert three.alone(0) == Amount(42, "≤")  # the unread one may have it too


def test_relatives_share_most_and_come_in_that_order() -> None:
    graph = host("abxy", "abx", "abc", "a", "q", "abxz")
    node = next(node for node in graph.images if node.name == "i0:abxy")
    assert [other.name for other in relatives(node, 9)] == ["i5:abxz", "i1:abx", "i2:abc", "i3:a"]
    assert [other.name for other in relatives(node, 2)] == ["i5:abxz", "i1:abx"]
    assert [other.name for other in relatives(node, 2, {graph.images[-1].id, node.id})] == []
    assert relatives(next(n for n in graph.images if n.name == "i4:q"), 5) == []


# -- against sets of layers --------------------------------------------------------------------


def has(graph: LayerGraph, node: ImageNode) -> set[str]:
    return {layer.chain_id for layer in node.layers}


def check(graph: LayerGraph, comparison: Comparison) -> None:
    """The structure, from sets of chain IDs alone."""
    images = comparison.images
    sets = [has(graph, node) for node in images]
    everybody = {at for at, node in enumerate(images) if node.known}
    holders = {
        chain: frozenset(at for at, layers in enumerate(sets) if chain in layers) for chain in set().union(*sets)
    }
    # every layer is in one stretch, and a stretch is all that its images and nobody else have of one stack
    seen = [layer.chain_id for stretch in comparison.walk() for layer in stretch.layers]
    assert sorted(seen) == sorted(holders)
    for stretch in comparison.walk():
        assert {holders[layer.chain_id] for layer in stretch.layers} == {frozenset(stretch.images)}
        assert all(set(stretch.images) > set(child.images) for child in stretch.children)
        assert set(stretch.ends) == {at for at in stretch.images if images[at].layers[-1] is stretch.layers[-1]}
    common = set.intersection(*(sets[at] for at in everybody)) if len(everybody) > 1 else set()
    trunk = comparison.trunk.layers if comparison.trunk is not None else ()
    assert {layer.chain_id for layer in trunk} == common
    assert [layer.depth for layer in trunk] == list(range(len(trunk)))  # oldest first, from the very bottom
    for at in sorted(everybody):
        company, told = everybody, []
        for layer in images[at].layers:
            if holders[layer.chain_id] != company:
                told.append((layer.chain_id, tuple(sorted(company - holders[layer.chain_id]))))
                company = set(holders[layer.chain_id])
        assert [(d.layer.chain_id, d.left) for d in comparison.departures(at)] == told


def check_bytes(truth: dict[str, set[Path]], sizes: dict[Path, int], comparison: Comparison) -> None:
    """Every amount is what its bound says it is to the true sum over the intersection."""

    def fits(amount: Amount | None, layers: set[Path]) -> None:
        if amount is None:
            return
        true = sum(sizes[layer] for layer in layers)
        match amount.bound:
            case "":
                assert amount.size == true
            case "≥":
                assert amount.size <= true
            case "≤":
                assert amount.size >= true

    images = comparison.images
    for one, node in enumerate(images):
        for other, second in enumerate(images):
            amount = comparison.shared(one, other)
            assert (amount is None) is (one != other and not (node.known and second.known))
            assert amount == comparison.shared(other, one)
            fits(amount, truth[node.id] & truth[second.id])
        others = set().union(*(truth[second.id] for second in images if second is not node))
        fits(comparison.alone(one), truth[node.id] - others)


@st.composite
def chosen(draw: st.DrawFn, graph: LayerGraph) -> Comparison:
    picked = some(draw, graph.images)
    return Comparison(graph, picked)


def check_host(host: Host, graph: LayerGraph, comparison: Comparison) -> None:
    truth = {image.id: set(paths(image.diff_ids)) for image in host.images}
    check(graph, comparison)
    check_bytes(truth, host.sizes(), comparison)


@given(st.data(), hosts())
@THOROUGH
def test_it_agrees_with_sets(data: st.DataObject, host: Host) -> None:
    graph = build_graph(inventory(host))
    check_host(host, graph, data.draw(chosen(graph)))


@given(st.data(), hosts())
@THOROUGH
def test_it_is_honest_about_what_the_engine_left_out(data: st.DataObject, host: Host) -> None:
    graph = build_graph(data.draw(forgetful(inventory(host))))
    check_host(host, graph, data.draw(chosen(graph)))


@given(st.data(), hosts())
@THOROUGH
def test_relatives_agree_with_sets(data: st.DataObject, host: Host) -> None:
    graph = build_graph(inventory(host))
    if not graph.images:
        return
    node = pick(data.draw, graph.images)
    among = set(some(data.draw, [other.id for other in graph.images])) if data.draw(st.booleans()) else None

    def shares(other: ImageNode) -> int:
        return len(has(graph, node) & has(graph, other))

    able = [n for n in graph.images if n is not node and shares(n) and (among is None or n.id in among)]
    able.sort(key=lambda other: -shares(other))  # stable: then the graph's own order
    most = data.draw(st.integers(0, 6))
    assert relatives(node, most, among) == able[:most]
