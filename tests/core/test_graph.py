"""The graph of a host: who shares what, and what it all weighs; against sets and loops, and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.chain import EMPTY_DIFF_ID, chain_ids
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.removal.holders import holders_of
from layerscope.inventory import Container, Engine, HistoryEntry, Image, Inventory, Platform, StoreKind
from tests.core.hosts import THOROUGH, Host, forgetful, hosts, inventory
from tests.core.model import figures, path_of, paths
from tests.picking import shuffled
from tests.strategies import inventories

# -- against the model -------------------------------------------------------------------------


def check_figures(host: Host, graph: LayerGraph) -> None:
    """What is called exact equals the truth; what is not, and is no guess, is no more than the truth."""
    built = {image.id: image.diff_ids for image in host.images}
    truth = figures({node.id: built[node.id] for node in graph.images}, host.sizes())
    known = {node.id: built[node.id] for node in graph.images if node.known}
    sharers = figures(known, host.sizes()).sharers
    assert {path_of(layer): {node.id for node in layer.images} for layer in graph.layers} == sharers
    assert {node.id: [path_of(layer) for layer in node.layers] for node in graph.images if node.known} == {
        name: paths(diff_ids) for name, diff_ids in known.items()
    }

    totals = graph.totals
    ours = (totals.listed, totals.footprint, totals.saved)
    true = (truth.listed, truth.footprint, truth.saved)
    for node in graph.images:
        assert not node.exact or node.size == truth.size[node.id]
        assert not node.sharing_exact or (node.unique, node.shared) == (truth.unique[node.id], truth.shared[node.id])
    if totals.exact:
        assert ours == true
        assert all(node.sharing_exact for node in graph.images)
    assert all(one <= other for one, other in zip(ours, true, strict=True))
    for node in graph.images:
        assert node.size <= truth.size[node.id]
        assert node.shared <= truth.shared[node.id]


@given(hosts())
@THOROUGH
def test_figures_are_those_of_the_model(host: Host) -> None:
    check_figures(host, build_graph(inventory(host)))


@given(st.data(), hosts())
@THOROUGH
def test_figures_that_are_not_exact_are_lower_bounds(data: st.DataObject, host: Host) -> None:
    check_figures(host, build_graph(data.draw(forgetful(inventory(host)))))


@given(st.data(), hosts())
@THOROUGH
def test_the_order_of_images_does_not_matter(data: st.DataObject, host: Host) -> None:
    whole = data.draw(forgetful(inventory(host)))
    other = replace(whole, images=tuple(shuffled(data.draw, whole.images)))
    assert told(build_graph(whole)) == told(build_graph(other))


TEXTS = st.sampled_from(["RUN make # buildkit", "ENV A=1", "/bin/sh -c make", "bash", ""])
COMMENTS = st.sampled_from(["", "buildkit.dockerfile.v0", "merge sha256:1 to sha256:2"])
ENTRIES = st.builds(HistoryEntry, TEXTS, st.sampled_from([-1, 0, 0, 1, 2, 5]), st.sampled_from([None, 1]), COMMENTS)
IDS = [f"sha256:{number}" for number in range(6)]
CONTRADICTIONS = st.builds(
    Image,
    id=st.sampled_from(IDS),
    tags=st.sampled_from([(), ("a:1",)]),
    layers_size=st.none() | st.integers(0, 9),
    parent_id=st.sampled_from(["", *IDS]),
    listed=st.booleans(),
    diff_ids=st.none() | st.lists(st.sampled_from(["sha256:a", "sha256:b", EMPTY_DIFF_ID]), max_size=4).map(tuple),
    history=st.none() | st.lists(ENTRIES, max_size=5).map(tuple),
)
"""Few values in all fields, so that images share layers and say other things about them."""
KINDS = st.sampled_from(["graphdriver", "containerd", "podman"])
HOSTS = st.builds(
    lambda kind, images: Inventory(Engine("docker", "", "", "", kind, ""), tuple(images)),
    KINDS,
    st.lists(CONTRADICTIONS, max_size=6, unique_by=lambda image: image.id),
)


@given(HOSTS | inventories, st.randoms())
@THOROUGH
def test_whatever_an_engine_says_there_is_a_graph_and_it_adds_up(odd: Inventory, random: Random) -> None:
    """Contradictions, sizes of -1, parents in circles, digests that are none."""
    graph = build_graph(odd)
    shuffled = list(odd.images)
    random.shuffle(shuffled)
    assert told(build_graph(replace(odd, images=tuple(shuffled)))) == told(graph)
    for node in graph.images:
        assert node.unique + node.shared <= node.size
        assert not node.sharing_exact or node.unique + node.shared == node.size
        assert node.unknown_layers == sum(layer.size is None for layer in node.layers)
    for layer in (*graph.layers, *graph.hidden_layers):
        assert layer.size is None or layer.size >= 0
        assert layer.depth == (layer.parent.depth + 1 if layer.parent else 0)
    own = (layer for layer in graph.layers if layer.index not in graph.elsewhere)  # not in a read-only store
    assert graph.totals.footprint >= sum(layer.weight for layer in own)


def told(graph: LayerGraph) -> object:
    """All that a graph says, without the positions of layers."""
    return (
        graph.totals,
        [(node.id, node.size, node.unique, node.shared, node.exact, node.sharing_exact) for node in graph.images],
        {
            layer.chain_id: (
                layer.size,
                layer.size_is,
                layer.size_from,
                layer.sum_exact,
                layer.instruction,
                layer.instruction_is,
                [node.id for node in layer.images],
            )
            for layer in (*graph.layers, *graph.hidden_layers)
        },
    )


# -- by hand -----------------------------------------------------------------------------------

A, B, C, D, E = (f"sha256:{letter * 64}" for letter in "abcde")
BUILDKIT = "buildkit.dockerfile.v0"


def run(size: int, text: str = "RUN make # buildkit", comment: str = BUILDKIT) -> HistoryEntry:
    return HistoryEntry(text, size, 1_700_000_000, comment)


def env() -> HistoryEntry:
    return run(0, "ENV A=1")


def image(name: str, diff_ids: Sequence[str] | None, history: Sequence[HistoryEntry] | None, **more: object) -> Image:
    """An image by its short name, which is its tag too; its total is what its history shows."""
    total = None if history is None else sum(entry.size for entry in history if entry.size > 0)
    more = {"tags": (f"{name}:1",), "layers_size": total, "engine_size": total, **more}
    diffs, entries = (None if value is None else tuple(value) for value in (diff_ids, history))
    return Image(f"sha256:{name}", diff_ids=diffs, history=entries, **more)  # type: ignore[arg-type]


def graph_of(*images: Image, kind: StoreKind = "graphdriver", containers: Sequence[Container] = ()) -> LayerGraph:
    engine = Engine("docker", "28.5.2", "1.51", "overlay2", kind, "unix:///var/run/docker.sock")
    return build_graph(Inventory(engine, images, tuple(containers)))


def row(graph: LayerGraph, name: str) -> ImageNode:
    return graph.image_by_id[f"sha256:{name}"]


def users(graph: LayerGraph) -> list[str]:
    """For each layer, from the bottom, the images that need it: ``"app base"``."""
    return [" ".join(sorted(node.id[7:] for node in layer.images)) for layer in graph.layers]


def test_two_applications_on_one_base() -> None:
    graph = graph_of(
        image("base", [A], [run(100), env()]),
        image("app", [A, B], [run(100), env(), run(7)]),
        image("web", [A, C], [run(100), env(), run(30)]),
    )
    assert users(graph) == ["app base web", "app", "web"]
    assert [(node.id[7:], node.size, node.unique, node.shared) for node in graph.images] == [
        ("web", 130, 30, 100),
        ("app", 107, 7, 100),
        ("base", 100, 0, 100),
    ]
    totals = graph.totals
    assert (totals.listed, totals.footprint, totals.saved, totals.exact) == (337, 137, 200, True)
    assert (totals.images, totals.layers, totals.unknown_layers, totals.unknown_images) == (3, 3, 0, 0)
    assert totals.engine_listed == 337
    assert [layer.saves for layer in graph.layers] == [200, 0, 0]
    assert [layer.parent and layer.parent.diff_id for layer in graph.layers] == [None, A, A]
    assert [child.diff_id for child in graph.roots[0].children] == [B, C]
    assert repr(graph.images[0]) == "<ImageNode 'web:1' sha256:web 130>"  # not all that hangs on it


def test_an_image_whose_layers_begin_another_s_shares_all_it_has() -> None:
    graph = graph_of(image("short", [A], [run(5)]), image("long", [A, B], [run(5), run(3)]))
    assert users(graph) == ["long short", "long"]
    assert (row(graph, "short").unique, row(graph, "long").unique) == (0, 3)


def test_the_same_diff_on_other_parents_is_stored_again() -> None:
    graph = graph_of(
        image("one", [A, C], [run(5), run(20)]),
        image("two", [B, C], [run(6), run(20)]),
        image("three", [C], [run(20)]),
    )
    assert graph.totals.footprint == 5 + 6 + 3 * 20
    assert {layer.chain_id for layer in graph.layers if layer.diff_id == C} == {
        C,
        *(chain_ids([parent, C])[1] for parent in (A, B)),
    }
    assert graph.totals.saved == 0


def test_a_diff_twice_in_one_image_is_two_layers() -> None:
    graph = graph_of(image("twice", [A, B, B], [run(1), run(9), run(9)]))
    assert [layer.size for layer in graph.layers] == [1, 9, 9]
    assert graph.totals.footprint == 19


def test_shared_empty_layers_weigh_nothing_and_are_shared_all_the_same() -> None:
    history = [run(5), run(0, "WORKDIR /srv"), run(0)]
    graph = graph_of(
        image("one", [A, EMPTY_DIFF_ID, B], history), image("two", [A, EMPTY_DIFF_ID, C], [*history[:2], run(2)])
    )
    assert users(graph) == ["one two", "one two", "one", "two"]
    assert [layer.size for layer in graph.layers] == [5, 0, 0, 2]
    assert graph.totals.exact


def test_an_image_without_layers_is_a_row_of_nothing() -> None:
    node = row(graph_of(image("empty", [], [env()])), "empty")
    assert (node.size, node.unique, node.shared, node.exact, node.known, node.layers) == (0, 0, 0, True, True, ())


def test_an_empty_store() -> None:
    graph = graph_of()
    assert (graph.totals.images, graph.totals.footprint, graph.totals.exact, graph.totals.ratio) == (0, 0, True, None)
    assert graph.totals.engine_listed == 0


def test_build_intermediates_belong_to_their_image_and_share_nothing() -> None:
    one, two, three = (f"/bin/sh -c step {number}" for number in (1, 2, 3))
    steps = [run(5, one, ""), run(0, two, ""), run(7, three, "")]
    graph = graph_of(
        image("step1", [A], steps[:1], tags=(), listed=False),
        image("step2", [A, B], steps[:2], tags=(), listed=False, parent_id="sha256:step1"),
        image("built", [A, B, C], steps, parent_id="sha256:step2"),
    )
    node = row(graph, "built")
    assert [layer.size for layer in node.layers] == [5, 0, 7]
    assert (node.unique, node.shared, graph.totals.images) == (12, 0, 1)
    assert [parent.id for parent in node.intermediates] == ["sha256:step2", "sha256:step1"]
    assert users(graph) == ["built"] * 3


def test_intermediates_below_a_listed_image_are_its_own() -> None:
    one, two, three = (run(1, f"/bin/sh -c step {number}", "") for number in (1, 2, 3))
    graph = graph_of(
        image("step", [A], [one], tags=(), listed=False),
        image("base", [A, B], [one, two], parent_id="sha256:step"),
        image("app", [A, B, C], [one, two, three], parent_id="sha256:base"),
    )
    assert {node.name: [parent.id for parent in node.intermediates] for node in graph.images} == {
        "base:1": ["sha256:step"],
        "app:1": [],
    }


def test_what_only_intermediates_need_is_apart() -> None:
    graph = graph_of(
        image("step", [A, B], [run(5, "/bin/sh -c a", ""), run(9, "/bin/sh -c b", "")], tags=(), listed=False),
        image("squashed", [A, C], [run(5, "/bin/sh -c a", ""), run(2, "", "merge sha256:1 to sha256:2")]),
    )
    assert [layer.diff_id for layer in graph.layers] == [A, C]
    assert [(layer.diff_id, layer.size, layer.images) for layer in graph.hidden_layers] == [(B, 9, [])]
    assert graph.totals.footprint == 7
    assert graph.layers[0].children == [graph.layers[1]]


def test_parents_that_go_round_in_a_circle_end() -> None:
    graph = graph_of(
        image("a", [A], [run(1)], tags=(), listed=False, parent_id="sha256:b"),
        image("b", [A], [run(1)], tags=(), listed=False, parent_id="sha256:a"),
        image("c", [A], [run(1)], parent_id="sha256:b"),
    )
    assert [parent.id for parent in row(graph, "c").intermediates] == ["sha256:b", "sha256:a"]


def test_containers_are_with_their_image_or_orphans() -> None:
    boxes = [
        Container("1", "web-1", "sha256:app", "app:1", "running"),
        Container("2", "web-2", "sha256:app", "app:1", "exited"),
        Container("3", "late", "sha256:gone", "gone:1", "exited"),
    ]
    graph = graph_of(image("app", [A], [run(5)]), containers=boxes)
    assert row(graph, "app").containers == (boxes[0], boxes[1])
    assert graph.orphan_containers == (boxes[2],)


def test_an_image_without_history_has_the_sizes_that_others_settle_and_its_total_settles_the_rest() -> None:
    base = image("base", [A], [run(5)])
    graph = graph_of(base, image("bare", [A, B], [], layers_size=12))
    assert [(layer.size, layer.size_is) for layer in graph.layers] == [(5, "exact"), (7, "exact")]
    assert graph.layers[1].instruction is None
    graph = graph_of(base, image("bare", [A, B, C], [], layers_size=12, engine_size=12))
    assert [layer.size for layer in graph.layers] == [5, None, None]
    node = row(graph, "bare")
    assert (node.size, node.unique, node.exact, node.unknown_layers) == (12, 7, True, 2)
    assert (graph.totals.footprint, graph.totals.exact, graph.totals.unknown_layers) == (12, True, 0)


def test_a_refused_history_leaves_layers_of_unknown_size() -> None:
    graph = graph_of(
        image("good", [A], [run(4096)]),
        image("long", [A, B], None, note="unable to find the size of the layer", layers_size=None),
        kind="containerd",
    )
    node = row(graph, "long")
    assert [(layer.size, layer.size_is) for layer in node.layers] == [(4096, "exact"), (None, "unknown")]
    assert (node.size, node.exact, node.known, node.unknown_layers) == (4096, False, True, 1)
    assert not graph.totals.exact


def test_while_an_image_is_not_scanned_nothing_unique_is_certain() -> None:
    graph = graph_of(image("app", [A, B], [run(5), run(3)]), image("late", None, None, layers_size=40))
    app, late = row(graph, "app"), row(graph, "late")
    assert (app.size, app.exact, app.sharing_exact) == (8, True, False)
    assert (late.size, late.exact, late.known) == (40, False, False)
    totals = graph.totals
    assert (totals.listed, totals.footprint, totals.saved, totals.exact, totals.unknown_images) == (48, 8, 0, False, 1)
    whole = graph_of(image("app", [A, B], [run(5), run(3)]), image("late", [A, C], [run(5), run(35)]))
    assert row(whole, "app").sharing_exact
    assert row(whole, "app").unique == 3


def test_an_image_of_another_platform_that_is_not_unpacked_leaves_no_doubt_about_the_others() -> None:
    foreign = image("arm", None, None, platforms=(Platform("sha256:1", "linux/arm64", "image", True, 9, 0),))
    assert row(graph_of(image("app", [A], [run(4096)]), foreign, kind="containerd"), "app").sharing_exact


def test_of_records_with_one_id_the_first_counts() -> None:
    graph = graph_of(image("app", [A], [run(5)]), image("app", [A], [run(5)], tags=("other:1",)))
    assert [(node.name, node.unique) for node in graph.images] == [("app:1", 5)]
    assert graph.totals.images == 1


def test_of_unlisted_records_with_one_id_the_first_counts() -> None:
    """The simulation once took both, and fell over the layers of the second."""
    first = image("step", [A], [run(5)], listed=False)
    graph = graph_of(image("app", [A, B], [run(5), run(6)]), first, replace(first, diff_ids=(C,)))
    assert graph.unlisted == (first,)
    assert len(holders_of(graph).images) == 2


def test_the_graph_keeps_the_stacks_of_unlisted_images_too() -> None:
    graph = graph_of(
        image("step", [A, C], [run(5), run(7)], listed=False),
        image("app", [A, B], [run(5), run(6)]),
        image("unread", None, None),
    )
    stacks = {image.id: graph.stacks.get(image.id) for image in graph.inventory.images}
    step, app = graph.unlisted[0], row(graph, "app")
    assert stacks[app.id] is app.layers
    assert [layer.diff_id for layer in stacks[step.id] or ()] == [A, C]
    assert (stacks[step.id] or ())[0] is app.layers[0]
    assert stacks[row(graph, "unread").id] is None


def test_hidden_layers_are_numbered_after_the_others() -> None:
    graph = graph_of(image("step", [C, B], [run(5), run(7)], listed=False), image("app", [A, B], [run(5), run(6)]))
    every = (*graph.layers, *graph.hidden_layers)
    assert [layer.index for layer in every] == [0, 1, 2, 3]
    assert [layer.diff_id for layer in graph.hidden_layers] == [C, B]


def test_a_diff_id_that_is_another_layer_s_chain_id_breaks_nothing() -> None:
    crossed = chain_ids([A, B])[1]
    for pair in ([[A, B], [crossed, C]], [[crossed, C], [A, B]]):
        graph = graph_of(*(image(f"i{n}", diffs, [run(5), run(6)]) for n, diffs in enumerate(pair)))
        assert len(graph.layers) == 3
        assert graph.totals.images == 2


def test_rows_are_biggest_first_and_ties_by_name() -> None:
    graph = graph_of(*(image(name, [A], [run(5)]) for name in ("b", "c", "a")), image("z", [B], [run(6)]))
    assert [node.name for node in graph.images] == ["z:1", "a:1", "b:1", "c:1"]
    assert [node.index for node in graph.images] == [0, 1, 2, 3]
    assert [layer.index for layer in graph.layers] == [0, 1]


def test_totals_of_a_selection_are_as_if_it_were_alone() -> None:
    graph = graph_of(
        image("base", [A], [run(100)]), image("app", [A, B], [run(100), run(7)]), image("web", [C], [run(30)])
    )
    totals = graph.totals_of([row(graph, "base"), row(graph, "app")])
    assert (totals.images, totals.layers, totals.listed, totals.footprint, totals.saved) == (2, 2, 207, 107, 100)
