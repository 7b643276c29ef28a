"""Sizes of layers: what is called exact is true, whatever the engine left out, on hosts whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.chain import EMPTY_DIFF_ID
from layerscope.core.graph import Layer, LayerGraph
from layerscope.inventory import Engine, HistoryEntry, Image, Inventory, StoreKind
from tests.core.hosts import PLAIN, THOROUGH, Host, buildah, classic, commit, forgetful, hosts, inventory, squash
from tests.core.model import path_of

# -- on generated hosts ------------------------------------------------------------------------

SURE = ("graphdriver", "containerd", "podman")
"""Stores on which no layer that weighs nothing can hide behind another rule."""


def check_truth(host: Host, graph: LayerGraph) -> None:
    sizes, makers = host.sizes(), host.makers()
    for layer in (*graph.layers, *graph.hidden_layers):
        path = path_of(layer)
        if layer.size_is == "exact":
            assert layer.size == sizes[path]
        if layer.instruction_is == "exact":
            assert layer.instruction in makers[path]
        assert (layer.size is None) == (layer.size_is == "unknown")
        assert (layer.instruction is None) == (layer.instruction_is == "unknown")
        assert layer.size_from or layer.size_is != "inferred"


@given(hosts())
@THOROUGH
def test_exact_is_true(host: Host) -> None:
    check_truth(host, build_graph(inventory(host)))


@given(st.data(), hosts())
@THOROUGH
def test_exact_is_true_whatever_is_left_out_and_never_another_size_when_more_is_known(
    data: st.DataObject, host: Host
) -> None:
    whole = build_graph(inventory(host))
    part = build_graph(data.draw(forgetful(inventory(host))))
    check_truth(host, part)
    known = {layer.chain_id: layer.size for layer in whole.layers if layer.size_is == "exact"}
    for layer in part.layers:
        if layer.size_is == "exact":
            assert known.get(layer.chain_id) == layer.size


@given(hosts(builders=PLAIN, stores=SURE, packed=False) | hosts(builders=(classic, commit), stores=["graphdriver"]))
@THOROUGH
def test_all_sizes_are_right_where_builders_leave_no_doubt_though_some_by_their_word_alone(host: Host) -> None:
    graph = build_graph(inventory(host))
    assert all(layer.size == host.sizes()[path_of(layer)] for layer in graph.layers if layer.size is not None)
    assert all(node.exact for node in graph.images)


@given(hosts(builders=(*PLAIN, classic, commit, buildah, squash), stores=["containerd", "podman"], packed=False))
@THOROUGH
def test_all_is_exact_where_even_an_empty_layer_weighs_something(host: Host) -> None:
    graph = build_graph(inventory(host))
    assert {layer.size_is for layer in graph.layers} <= {"exact"}


# -- by hand -----------------------------------------------------------------------------------

A, B, C, D, E = (f"sha256:{letter * 64}" for letter in "abcde")
BUILDKIT = "buildkit.dockerfile.v0"


def run(size: int, text: str = "RUN make # buildkit") -> HistoryEntry:
    return HistoryEntry(text, size, 1_700_000_000, BUILDKIT)


def sh(size: int, text: str = "make") -> HistoryEntry:
    """A RUN of the classic builder: with size 0 it says nothing about a layer."""
    return HistoryEntry(f"/bin/sh -c {text}", size, 1_700_000_000)


def image(
    name: str, diff_ids: Sequence[str], history: Sequence[HistoryEntry] | None, total: int | None = None, **more: object
) -> Image:
    entries = None if history is None else tuple(history)
    return Image(f"sha256:{name}", (f"{name}:1",), layers_size=total, diff_ids=tuple(diff_ids), history=entries, **more)  # type: ignore[arg-type]


def layers(*images: Image, kind: StoreKind = "graphdriver") -> Sequence[Layer]:
    engine = Engine("docker", "28.5.2", "1.51", "overlay2", kind, "unix:///var/run/docker.sock")
    return build_graph(Inventory(engine, images)).layers


def told(*images: Image, kind: StoreKind = "graphdriver") -> str:
    """The sizes of all layers: ``5``, ``~5`` where inferred, ``?`` where unknown."""
    return " ".join(
        {"exact": "", "inferred": "~", "unknown": "?"}[layer.size_is] + ("" if layer.size is None else str(layer.size))
        for layer in layers(*images, kind=kind)
    )


def test_an_instruction_goes_with_the_layer_that_it_made() -> None:
    found = layers(image("app", [A, B, C], [run(5), run(0, "ENV A=1"), run(0, "WORKDIR /srv"), run(7, "COPY")], 12))
    assert [(layer.size, layer.instruction, layer.instruction_is) for layer in found] == [
        (5, "RUN make # buildkit", "exact"),
        (0, "WORKDIR /srv", "inferred"),  # that an ENV makes no layer is its text's word
        (7, "COPY", "inferred"),
    ]
    assert {layer.created for layer in found} == {1_700_000_000}
    assert {layer.comment for layer in found} == {BUILDKIT}


def test_entries_that_weigh_nothing_at_the_top_leave_no_doubt() -> None:
    """Whichever of them made the layer, and even if none did: nothing is left of the total."""
    found = layers(image("app", [A, B, C], [sh(5), sh(7), sh(0, "true"), sh(0, "mkdir /a")], 12))
    assert [(layer.size, layer.size_is) for layer in found] == [(5, "exact"), (7, "exact"), (0, "exact")]
    assert found[2].instruction is None


def test_one_in_the_middle_does_as_a_layer_without_an_entry_may_weigh_nothing_too() -> None:
    doubtful = image("app", [A, B, C], [sh(5), sh(0), sh(7)], 12)
    assert told(doubtful) == "5 ~0 ~7"
    assert layers(doubtful)[1].size_from == "the history of app:1, if each layer has an entry in it"


def test_another_image_settles_it() -> None:
    doubtful = image("app", [A, B, C], [sh(5), sh(0), sh(7)], 12)
    assert told(doubtful, image("base", [A, B], [sh(5), sh(0)], 5)) == "5 0 7"


def test_sizes_that_are_only_inferred_have_an_exact_sum_where_the_engine_gives_it() -> None:
    doubtful = image("app", [A, B, C], [sh(5), sh(0), sh(7)], 12)
    assert [layer.sum_exact for layer in layers(doubtful)] == [True, True, True]
    apart = layers(doubtful, image("other", [A, B, D], None))
    assert [(layer.size, layer.sum_exact) for layer in apart] == [(5, True), (0, False), (7, False), (None, False)]
    halved = layers(doubtful, image("base", [A, B], None))
    assert [layer.sum_exact for layer in halved] == [True, False, False]


def test_a_guess_makes_nothing_exact() -> None:
    doubtful = image("app", [A, B, C], [sh(5), sh(0), sh(7)], 12)
    assert told(doubtful, image("other", [A, B, D], None, 14)) == "5 ~0 ~7 ~9"
    assert told(doubtful, image("other", [A, B, C, D, E], None, 12)) == "5 ~0 ~7 0 0"
    assert told(image("app", [A, B, C], [run(-1), sh(0), sh(7)], 12)) == "~5 ~0 ~7"


def test_layers_without_an_entry_share_what_is_left_of_the_total() -> None:
    """rules_oci appends layers and writes no history."""
    base = image("base", [A], [run(5)], 5)
    assert told(base, image("one", [A, B], [run(5)], 12)) == "5 7"
    assert told(base, image("two", [A, B, C], [run(5)], 12)) == "5 ? ?"
    assert told(base, image("two", [A, B, C], [run(5)], 5)) == "5 0 0"
    assert told(base, image("two", [A, B, C], None, 5)) == "5 0 0"
    assert told(base, image("two", [A, B, C], [run(5)], 12), image("one", [A, B], [run(5)], 9)) == "5 4 3"


def test_what_is_left_of_a_total_is_counted_on_the_topmost_layer_of_unknown_size() -> None:
    assert [layer.weight for layer in layers(image("app", [A, B, C], [], 17))] == [0, 0, 17]
    assert [layer.weight for layer in layers(image("app", [A, B], [run(5)], 17), image("base", [A], [run(5)], 5))] == [
        5,
        12,
    ]


def test_a_total_is_taken_apart_beside_images_without_one() -> None:
    told_alone = told(image("app", [A, B], [run(-1), run(7)], 12))
    assert told_alone == "~5 ~7"
    beside = layers(image("app", [A, B], [run(-1), run(7)], 12), image("deep", [C, D, E, A], None))
    assert [layer.size for layer in beside if layer.size is not None] == [5, 7]


def test_nothing_that_is_left_between_two_sums_is_exact() -> None:
    found = layers(image("app", [A, B], [run(-1), run(12)], engine_size=12), kind="podman")
    assert [(layer.size, layer.size_is, layer.size_from) for layer in found] == [
        (0, "exact", "the engine's sums over the images that have it"),
        (12, "exact", ""),
    ]


def test_a_total_that_is_filled_leaves_nothing_as_surely_as_what_fills_it() -> None:
    app = image("app", [A, B, C], [sh(7), sh(0, "mkdir /a"), sh(0, "true")], 7)
    found = layers(app, image("base", [A], [], 7), kind="podman")
    assert [(layer.size, layer.size_is) for layer in found] == [(7, "inferred"), (0, "inferred"), (0, "inferred")]
    assert found[1].size_from == "the engine's size of app:1, which leaves nothing for it"
    doubtful, longer = image("app", [A, B, C], [sh(5), sh(0), sh(7)], 12), image("other", [A, B, C, D, E], None, 12)
    for kind in ("containerd", "podman"):
        found = layers(doubtful, longer, kind=kind)
        assert [(layer.size, layer.size_is) for layer in found[3:]] == [(0, "inferred"), (0, "inferred")]
        found = layers(image("app", [A, D, C], [], 1), image("one", [A], [run(1)], 1), kind=kind)
        assert [(layer.size, layer.size_is) for layer in found] == [(1, "exact"), (0, "inferred"), (0, "inferred")]
    sure = layers(image("app", [A, B], [run(5)], 5), kind="containerd")
    assert [(layer.size, layer.size_is) for layer in sure] == [(5, "exact"), (0, "exact")]


def test_totals_are_taken_apart_both_ways() -> None:
    bare = image("bare", [A, B], [], 9)
    assert told(bare, image("app", [A, B, C], [run(2), run(7), run(4)], 13)) == "2 7 4"
    assert told(bare, image("app", [A, C], [run(2), run(4)], 6)) == "2 7 4"
    assert layers(bare, image("base", [A], [], 2))[1].size_from == "the engine's size of bare:1, less the layers below"


def test_what_histories_prove_stays_exact_whatever_is_said_of_another_image_of_the_same_layers() -> None:
    assert told(image("sized", [A, B], [run(10), run(5)]), image("odd", [A, B], None, 20)) == "10 5"


def test_one_byte_is_a_weight() -> None:
    """Two entries that weigh something for one layer were squashed into it."""
    assert told(image("app", [A], [sh(1), sh(7)], 8)) == "8"
    assert told(image("app", [A], [sh(0), sh(1), sh(1)], 2)) == "2"


def test_an_image_without_a_name_is_meant_by_the_start_of_its_id() -> None:
    bare = replace(image("bare", [A, B], [], 9), id=f"sha256:{'0123456789abcdef' * 4}", tags=())
    why = layers(bare, image("base", [A], [], 2))[1].size_from
    assert why == "the engine's size of 0123456789ab, less the layers below"


def test_a_size_that_the_engine_does_not_give_is_not_bytes_without_an_entry() -> None:
    assert told(image("app", [A, B], [run(-1), run(7)], 12)) == "~5 ~7"
    assert told(image("app", [A, B], [run(-1), run(7)])) == "? ~7"


def test_the_steps_of_a_classic_build_tell_which_of_them_made_layers() -> None:
    history = [sh(5), sh(0, "true"), sh(0, "mkdir /a"), sh(7)]
    stacks = [[A], [A], [A, B], [A, B, C]]
    steps = [
        image(
            f"s{n}",
            stack,
            history[: n + 1],
            sum(entry.size for entry in history[: n + 1]),
            parent_id=f"sha256:s{n - 1}",
        )
        for n, stack in enumerate(stacks)
    ]
    found = layers(*steps)
    assert [(layer.size, layer.size_is) for layer in found] == [(5, "exact"), (0, "exact"), (7, "exact")]
    assert [layer.instruction for layer in found] == [f"/bin/sh -c {text}" for text in ("make", "mkdir /a", "make")]
    assert told(steps[3]) == "5 ~0 ~7"


def test_one_more_entry_and_one_more_layer_than_the_parent_belong_together() -> None:
    """Though it weighs nothing, so that sizes say nothing about it (moby ``NewChildImage``)."""
    base = image("base", [A], [sh(5)], 5)
    for parent, known in (("sha256:base", "exact"), ("", "inferred")):
        child = image("app", [A, B], [sh(5), sh(0, "mkdir /a")], 5, parent_id=parent)
        assert [layer.instruction_is for layer in layers(base, child)] == ["exact", known]


def test_a_parent_whose_own_history_is_short_does_not_end_where_its_layers_do() -> None:
    """The child's entry takes the layer that the parent has no entry for: moby counts layers off, no more."""
    base = image("base", [A, B], [sh(5)], 8)
    child = image("app", [A, B, C], [sh(5), sh(3)], 15, parent_id="sha256:base")
    assert told(base, child) == "5 3 7"


def test_a_parent_with_another_history_says_nothing_of_this_one() -> None:
    base = image("base", [A], [sh(5)])
    assert told(image("app", [A, B], [sh(0, "mkdir /a"), sh(0, "true")], parent_id="sha256:base"), base) == "5 ?"
    assert told(image("app", [A, B], [sh(5), sh(0)], parent_id="sha256:base"), base) != "5 ?"


def test_a_parent_with_more_layers_is_not_what_an_image_begins_with() -> None:
    other = image("other", [B, D], [run(7)])
    alone, child = (image("app", [A], [sh(0, "true")], parent_id=parent) for parent in ("", "sha256:other"))
    assert [layer.size_from for layer in layers(child, other)] == [layer.size_from for layer in layers(alone, other)]


def test_a_parent_of_which_sizes_are_told_otherwise_is_the_beginning_all_the_same() -> None:
    base = image("base", [A], [sh(-1)])
    assert told(image("app", [A, B], [sh(5), sh(7)], 12, parent_id="sha256:base"), base) == "5 7"


def test_images_that_are_each_others_parents_are_read_as_if_they_had_none() -> None:
    history = [sh(5), sh(0, "one"), sh(0, "two"), sh(7)]
    circle = [image(f"i{n}", [A, B, C], history, 12, parent_id=f"sha256:i{(n + 1) % 3}") for n in range(3)]
    alone = image("i0", [A, B, C], history, 12)
    assert told(*circle) == told(alone) == told(image("i0", [A, B, C], history, 12, parent_id="sha256:i0"))


def test_images_on_one_base_are_read_as_each_would_be_without_the_others() -> None:
    """What the base leaves in doubt too, and where another history begins otherwise on the same layers."""
    begin = [sh(5), sh(0, "one"), sh(0, "two"), sh(7)]
    base = image("base", [A, B, C], begin, 12)
    apps = [image(f"app{n}", [A, B, C, f"sha256:d{n}"], [*begin, sh(n), sh(0)], 12 + n) for n in (1, 2, 3)]
    other = image("other", [A, B, C, "sha256:d9"], [sh(5), sh(0, "three"), sh(7), sh(9)], 21)
    assert [told(base, app) for app in (*apps, other)] == ["5 0 7 1", "5 0 7 2", "5 0 7 3", "5 0 7 9"]
    assert told(base, *apps, other) == "5 0 7 1 2 3 9"


def test_a_parent_that_is_no_beginning_of_the_image_says_nothing_about_it() -> None:
    """So it is after ``--squash``."""
    parent = image("parent", [A, B], [sh(5), sh(3)], 8)
    squashed = HistoryEntry("", 9, 1, "create new from sha256:1")
    history = [sh(0, "#(nop) ENV A=1"), sh(0, "#(nop) ENV B=2"), squashed, sh(0)]
    assert told(parent, image("app", [C, D], history, 9, parent_id="sha256:parent")) == "5 3 ~9 ~0"


def test_the_empty_archive_weighs_nothing_on_a_graphdriver_whoever_tells() -> None:
    refused = image("app", [A, EMPTY_DIFF_ID], None)
    assert told(refused) == "? 0"
    assert told(refused, kind="containerd") == "? ?"
    assert layers(refused)[1].size_from == "the layer is an empty archive"
    assert told(image("app", [A, EMPTY_DIFF_ID, B], [sh(5), sh(0), sh(7)], 12)) == "5 0 7"


def test_a_total_of_containerd_may_hold_more_than_layers() -> None:
    """Under a committed layer lies the snapshot that its container started from (seen on 28.5: 20480 bytes)."""
    app = image("app", [A, B], [run(8192), run(4096)], 12288 + 20480)
    assert told(app, kind="containerd") == "8192 4096"
    bare = image("bare", [A, C], [run(8192)], 8192 + 4096 + 20480)
    assert told(app, bare, kind="containerd") == "8192 4096 ~24576"


def test_a_total_of_nothing_means_that_containerd_has_not_unpacked_the_top() -> None:
    app = image("app", [A, B], [run(8192), run(0)], 0)
    assert told(app, kind="containerd") == "8192 ?"
    unpacked = image("more", [A, B, C], [run(8192), run(4096), run(4096)], 16384)
    assert told(app, unpacked, kind="containerd") == "8192 4096 4096"
    assert told(image("bare", [A, B], [], 0), kind="containerd") == "? ?"


def test_where_empty_layers_weigh_something_an_entry_without_weight_made_none() -> None:
    history = [sh(8192), sh(0, "true"), run(0), sh(4096)]
    assert told(image("app", [A, B], history, 12288), kind="containerd") == "8192 4096"
    assert told(image("app", [A, B], history), kind="podman") == "8192 4096"


def test_on_a_file_system_where_they_do_not_the_text_is_believed() -> None:
    """xfs and btrfs: an empty directory takes no block. The total shows it."""
    app = image("app", [A, B, C], [run(8192), run(0, "WORKDIR /srv"), run(4096)], 12288)
    assert told(app, kind="containerd") == "8192 ~0 ~4096"


def test_podman_has_no_entry_for_the_bottom() -> None:
    assert told(image("app", [A, B, C], [run(2048), run(1024)]), kind="podman") == "? 2048 1024"
    assert told(image("app", [A, B, C], [run(2048), run(1024)]), kind="containerd") == "2048 1024 ?"


def test_text_that_cannot_be_right_is_read_against() -> None:
    """BuildKit makes entries empty when a base claims more layers than it has (``writer.go``)."""
    assert told(image("app", [A, B], [run(5), run(0), run(7)], 12)) == "5 7"
    lying = image("app", [A, B, C], [run(5), run(0), run(0), run(7)], 12)
    assert told(lying) == "5 ~0 ~7"
    assert layers(lying)[1].size_from == "the history of app:1, read against its text"


def test_one_image_s_text_casts_no_doubt_on_others() -> None:
    """It says that the base weighs nothing; the base itself, without any text, that it weighs 5."""
    lying = image("app", [A, B], [run(0), run(7), run(0, "ENV A=1")], 12)
    base = image("base", [A], [run(5)], 5)
    assert told(base, lying) == "5 7"
    assert told(lying, base) == "5 7"
    # here it lies twice, so that it adds up
    lying = image("app", [A, B, C], [run(0), run(5), run(0, "ENV A=1"), run(7)], 12)
    assert layers(lying, base)[0].size_is == "exact"


def test_nothing_is_exact_that_images_disagree_about() -> None:
    assert told(image("app", [A, B], [run(5), run(7)], 11)) == "~5 ~7"
    one, other = image("one", [A, B], [run(5), run(7)], 12), image("other", [A, C], [run(6), run(8)], 14)
    assert told(one, other) == "~5 7 ?"
    assert told(other, one) == "~5 ? 7"
    third = image("third", [A, D], [sh(0), sh(5)], 5)
    assert told(third, image("base", [A], [run(5)], 5)) == "5 0"
    assert told(one, other, third) == "~5 7 ? ~0"
    assert told(image("one", [A], [], 5), image("two", [A], [], 9)) == "?"
    assert told(image("app", [A, B, C], [run(5), run(0), run(7)], 11)) == "~5 ~0 ~7"
    assert told(image("app", [A, B, C], [run(5), run(0), run(7)]), image("bare", [A, B, C], None, 20)) == "5 ? ?"


def test_no_size_is_below_nothing() -> None:
    assert told(image("more", [A], None, 9), image("less", [A, B], None, 5)) == "9 ?"
    history = [run(-1), run(7), run(4)]
    crossed = image("app", [A, B, C], history), image("bare", [A, B], None, 5), image("side", [A, D], None, 1)
    assert told(*crossed) == "? ? ~4 ?"
