"""What a plan promises: the bytes of a set, to the byte; what stays, and for whom; never a word that is not known."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.graph import Layer
from layerscope.core.removal.holders import holders_of
from layerscope.core.removal.marks import FEW, Marks
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.core.removal.simulation import Removal
from layerscope.inventory import (
    BuildCacheRecord,
    Container,
    DiskUsage,
    Engine,
    HistoryEntry,
    Image,
    Inventory,
    Platform,
    StoreKind,
)
from layerscope.output.plan_json import plan_dict
from tests.core.removals import Host, Made, Path, hosts_and_sets, image_id, letter_of, paths, remove, weigh
from tests.hosts import MB, SMALL, layer_digest
from tests.hosts import image_id as small_id
from tests.replay import recorded_inventory


def path(layer: Layer | None) -> Path:
    """A layer's name in the model."""
    return () if layer is None else (*path(layer.parent), letter_of(layer.diff_id))


def plan_for(host: Host, names: list[str]) -> RemovalPlan:
    return plan(build_graph(host.inventory), map(image_id, names))


def plan_of_small(*names: str, inventory: Inventory = SMALL) -> RemovalPlan:
    return plan(build_graph(inventory), map(small_id, names))


# --- against the model --------------------------------------------------------


@given(hosts_and_sets())
def test_what_goes_and_what_it_frees_is_what_sets_and_loops_say(drawn: tuple[Host, list[str]]) -> None:
    host, names = drawn
    must = remove(host, names)
    found = plan_for(host, names)
    assert {n.id for n in found.removed} | {i.id for i in found.parents} == set(map(image_id, must.gone))
    assert {one.image.id for one in found.untagged} == set(map(image_id, must.untagged))
    assert {n.id for n in found.blocked_images} == set(map(image_id, set(names) - must.gone - must.untagged))
    assert sorted(map(path, found.freed)) == sorted(must.freed)
    assert found.frees == must.frees
    assert found.frees_hidden == sum(map(weigh, must.hidden))
    assert sorted(path(kept.layer) for kept in found.kept) == sorted(must.kept)
    assert found.keeps == sum(map(weigh, must.kept))
    assert found.listed == sum(weigh(p) for name in names for p in _paths(host, name))
    assert found.exact


def _paths(host: Host, name: str) -> list[Path]:
    stack = host.rows[name].stack
    return [tuple(stack[: end + 1]) for end in range(len(stack))]


@given(hosts_and_sets())
def test_a_kept_layer_names_exactly_those_who_need_it(drawn: tuple[Host, list[str]]) -> None:
    host, names = drawn
    gone = remove(host, names).gone
    for kept in plan_for(host, names).kept:
        staying = [i for i in host.images if i.name not in gone and i.stack.startswith("".join(path(kept.layer)))]
        assert {n.id for n in kept.images} | {i.id for i in kept.parents} == {image_id(i.name) for i in staying}
        assert len(kept.containers) == sum(len(i.states) for i in staying)


@given(hosts_and_sets())
def test_keepers_are_the_rows_that_stay_with_the_bytes_they_keep(drawn: tuple[Host, list[str]]) -> None:
    host, names = drawn
    must = remove(host, names)
    keep = Counter(
        {
            image_id(name): sum(weigh(p) for p in _paths(host, name) if p in must.kept)
            for name in host.rows
            if name not in must.gone and must.kept.intersection(_paths(host, name))
        }
    )
    keepers = plan_for(host, names).keepers()
    assert {node.id: size for node, size in keepers} == keep
    assert [size for _, size in keepers] == sorted(keep.values(), reverse=True)


@given(hosts_and_sets(number=2))
def test_a_bigger_set_never_frees_less(drawn: tuple[Host, list[str], list[str]]) -> None:
    host, names, more = drawn
    small, big = plan_for(host, names), plan_for(host, list({*names, *more}))
    assert small.frees <= big.frees
    assert {layer.chain_id for layer in small.freed} <= {layer.chain_id for layer in big.freed}


@given(hosts_and_sets())
def test_all_images_together_account_for_the_whole_footprint(drawn: tuple[Host, list[str]]) -> None:
    host, _ = drawn
    found = plan_for(host, list(host.rows))
    assert found.frees + found.keeps == found.graph.totals.footprint


@given(hosts_and_sets())
def test_an_engine_accepts_the_removals_in_the_order_of_the_plan(drawn: tuple[Host, list[str]]) -> None:
    host, names = drawn
    found = plan_for(host, names)
    left = {image_id(i.name): i for i in host.images}
    for node in found.removed:
        record = left[node.id]
        assert not record.states
        if host.store == "graphdriver":
            assert all(other.parent != record.name for other in left.values()), "has dependent child images"
        del left[node.id]
        parent = left.get(image_id(record.parent)) if record.parent else None
        while parent and not (parent.tagged or parent.states):
            if host.store != "containerd" and any(other.parent == parent.name for other in left.values()):
                break
            del left[image_id(parent.name)]
            parent = left.get(image_id(parent.parent)) if parent.parent else None


# --- marks --------------------------------------------------------------------


@given(hosts_and_sets(number=4), st.randoms(use_true_random=False))
def test_marks_put_together_step_by_step_are_the_plan_made_from_scratch(
    drawn: tuple[Host, ...], random: object
) -> None:
    host, *steps = drawn
    weights = [weigh(path) for image in host.images for path in paths(image.stack)]
    records = (BuildCacheRecord("", (), "", "", False, n % 3 > 0, size) for n, size in enumerate(weights[::2]))
    inventory = replace(host.inventory, usage=DiskUsage(None, build_cache=tuple(records)))
    graph = build_graph(inventory)
    marks = Marks(graph)
    marked: list[str] = []
    for names in steps:
        for name in names:  # type: ignore[attr-defined]
            node = graph.image_by_id[image_id(name)]
            if node in marks and random.random() < 0.7:  # type: ignore[attr-defined]
                marks.unmark(node)
                marked.remove(name)
            elif node not in marks:
                marks.mark(node)
                marked.append(name)
            _same(marks, plan(graph, map(image_id, marked)))
    marks.rebase(build_graph(inventory))
    _same(marks, plan(marks.graph, map(image_id, marked)))


def _same(marks: Marks, scratch: RemovalPlan) -> None:
    figures = marks.figures
    keepers = [pair for pair in scratch.keepers() if figures.kept]
    assert list(marks.ids) == [node.id for node in scratch.images]
    assert figures.marked == len(scratch.images)
    assert (figures.listed, figures.frees, figures.kept) == (scratch.listed, scratch.frees, scratch.keeps)
    assert figures.blocked == len(scratch.blocked_images)
    assert figures.untagged == len(scratch.untagged)
    assert figures.exact == scratch.exact
    assert figures.keepers == len(keepers)
    assert (figures.keeper is None) == (not keepers)
    if figures.keeper:
        assert dict(keepers)[figures.keeper] == keepers[0][1]
    assert plan_dict(marks.plan()) == plan_dict(scratch)
    assert {n.id for n in marks.images if marks.goes(n)} == {n.id for n in scratch.removed}
    assert [layer for layer in marks.graph.layers if marks.gone(layer)] == list(scratch.freed)
    assert marks.held_by_cache == scratch.held_by_cache
    assert marks.refusal() == next((one.by for one in (*scratch.blocked, *scratch.untagged)), "")


def test_many_marks_are_the_plan_made_from_scratch_too() -> None:
    graph = build_graph(big_host(120, 500))
    marks = Marks(graph)
    for count, node in enumerate(graph.images[: 2 * FEW], 1):
        marks.mark(node)
        if count > FEW - 2:
            _same(marks, plan(graph, marks.ids))


@pytest.mark.parametrize("store", ["graphdriver", "containerd", "podman"])
def test_each_mark_and_each_that_is_taken_off_is_in_the_figures(store: StoreKind) -> None:
    graph = build_graph(replace(SMALL, engine=replace(SMALL.engine, store_kind=store)))
    marks = Marks(graph)
    for change in (marks.mark, marks.unmark):
        for node in graph.images:
            change(node)
            _same(marks, plan(graph, marks.ids))


@pytest.mark.parametrize("name", ["docker-28.5-containerd", "docker-28.5-overlay2", "podman-5.8"])
def test_rows_that_are_chosen_and_given_up_leave_nothing_behind(name: str) -> None:
    graph = build_graph(recorded_inventory(name))
    removal = Removal(holders_of(graph))
    chosen: set[Layer] = set()
    for node in graph.images:
        removal.add(node.index)
        chosen.update(node.layers)
        assert removal.covered >= sum(layer.weight for layer in chosen)
    for node in graph.images:
        removal.discard(node.index)
    assert (removal.covered, removal.kept, removal.frees_disk) == (0, 0, 0)
    counts = removal.listed_gone, removal.listed_untagged, removal.obscure_gone, removal.partial_gone
    assert counts == (0, 0, 0, 0)


def test_marking_a_layer_marks_what_must_go_for_it() -> None:
    graph = build_graph(SMALL)
    marks = Marks(graph)
    deps = next(layer for layer in graph.layers if layer.size == 30 * MB)
    marks.mark_layer(deps)
    assert set(marks.ids) == {small_id("app1"), small_id("app2"), small_id("old")}


def test_marks_outlive_a_scan_that_has_not_listed_all_images_yet() -> None:
    marks = Marks(build_graph(SMALL))
    for node in marks.graph.images:
        marks.mark(node)
    assert marks.rebase(build_graph(replace(SMALL, images=(), complete=False))) == ()
    assert marks.figures.marked == 0
    assert marks.rebase(build_graph(SMALL)) == ()
    assert marks.figures.marked == 4
    assert marks.rebase(build_graph(replace(SMALL, images=SMALL.images[1:]))) == (small_id("base"),)
    assert len(marks) == 3
    marks.rebase(build_graph(SMALL))
    assert len(marks) == 3  # one that went and came again is another one


def test_toggling_several_marks_all_unless_all_are_marked() -> None:
    marks = Marks(build_graph(SMALL))
    first, *rest = marks.graph.images
    marks.mark(first)
    assert marks.toggle([first, *rest])
    assert len(marks) == 4
    assert not marks.toggle(rest)
    assert list(marks.ids) == [first.id]


# --- by hand ------------------------------------------------------------------


def test_two_siblings_free_what_neither_frees_alone() -> None:
    small = replace(SMALL, containers=())
    assert plan_of_small("app1", inventory=small).frees == 1_500
    assert plan_of_small("app1", "app2", inventory=small).frees == 1_500  # the untagged one has app2's layers
    assert plan_of_small("app1", "app2", "old", inventory=small).frees == 30 * MB + 1_500 + 6_600_000 + 999_950


def test_a_container_keeps_its_image_and_the_engine_is_quoted() -> None:
    found = plan_of_small("app2", "old")
    assert [node.name for node in found.removed] == ["<none>"]
    (blocker,) = found.blocked
    assert (blocker.image.name, blocker.by) == ("app:2", "container web (running)")
    assert blocker.rule == "image is being used by running container"
    assert found.frees == 999_950
    stopped = replace(SMALL, containers=(replace(SMALL.containers[0], state="exited"),))
    (blocker,) = plan_of_small("app2", inventory=stopped).blocked
    assert (blocker.by, blocker.rule) == ("container web (exited)", "image is being used by stopped container")


def test_without_its_containers_an_image_would_go() -> None:
    ids = [small_id("app2"), small_id("old")]
    found = plan(build_graph(SMALL), ids, without_containers=True)
    assert not found.blocked
    assert found.frees == 6_600_000 + 999_950


CLASSIC = (
    Made("base", "a"),
    Made("step1", "ab", tagged=False, parent="base"),
    Made("step2", "abc", tagged=False, parent="step1"),
    Made("app", "abcd", parent="step2"),
)


def test_what_others_were_made_from_only_loses_its_name_on_a_graphdriver() -> None:
    found = plan_for(Host(CLASSIC), ["base"])
    (one,) = found.untagged
    assert one.by == "image app:1, made from it"  # the row that one knows, not the step in between
    assert one.rule == "image has dependent child images"
    assert (found.removed, found.blocked, found.frees, found.untags) == ((), (), 0, ("base:1",))
    assert plan_dict(found)["only_untagged"] == [{"image": image_id("base"), "by": one.by, "rule": one.rule}]
    assert [node.name for node in plan_for(Host(CLASSIC, "containerd"), ["base"]).removed] == ["base:1"]


def test_what_was_made_from_it_is_called_by_its_tag_or_the_start_of_its_id_and_counted() -> None:
    unnamed = Made("x1", "abz", tagged=False, parent="base")
    (one,) = plan_for(Host((Made("base", "ab"), unnamed)), ["base"]).untagged
    assert one.by == f"image {image_id('x1').removeprefix('sha256:')[:12]}, made from it"
    assert len(one.by) == len("image 012345678901, made from it")
    several = tuple(Made(name, f"ab{name}", parent="base") for name in "cde")
    (one,) = plan_for(Host((Made("base", "ab"), *several)), ["base"]).untagged
    assert one.by in {f"image {name}:1 and 2 more, made from it" for name in "cde"}


@pytest.mark.parametrize(
    ("store", "running", "stopped"),
    [
        ("graphdriver", "image is being used by running container", "image is being used by stopped container"),
        ("containerd", "image is being used by running container", "image is being used by stopped container"),
        ("podman", "image is in use by a container", "image is in use by a container"),
    ],
)
def test_the_rule_is_in_the_words_of_the_engine(store: StoreKind, running: str, stopped: str) -> None:
    host = Host((Made("up", "a", states=("running",)), Made("down", "b", states=("exited",))), store)
    assert {b.image.name: b.rule for b in plan_for(host, ["up", "down"]).blocked} == {
        "up:1": running,
        "down:1": stopped,
    }


def test_with_a_container_too_it_keeps_its_name() -> None:
    used = tuple(replace(image, states=("exited",)) if image.name == "base" else image for image in CLASSIC)
    found = plan_for(Host(used), ["base"])
    assert not found.untagged
    assert [blocker.rule for blocker in found.blocked] == [
        "image is being used by stopped container",
        "image has dependent child images",
    ]


def test_a_line_of_bases_only_loses_its_names_where_its_end_is_in_use() -> None:
    line = (Made("a", "a"), Made("b", "ab", parent="a"), Made("c", "abc", parent="b", states=("running",)))
    found = plan_for(Host(line), ["a", "b", "c"])
    assert [one.image.name for one in found.untagged] == ["b:1", "a:1"]
    assert {kept.images[0].name for kept in found.kept} == {"c:1"}, "the reason comes first"
    assert [one.by for one in found.untagged] == ["image c:1, made from it", "image b:1, made from it"]
    marks = Marks(build_graph(Host(line).inventory))
    marks.mark(marks.graph.image_by_id[image_id("a")])
    assert marks.figures.keeper is marks.graph.image_by_id[image_id("c")]
    marks.toggle(marks.graph.images)
    assert (marks.figures.marked, marks.figures.blocked, marks.figures.untagged) == (3, 1, 2)


def test_build_parents_go_with_what_was_made_from_them() -> None:
    found = plan_for(Host(CLASSIC), ["app"])
    assert [image.id for image in found.parents] == [image_id("step2"), image_id("step1")]
    assert {path(layer) for layer in found.freed} == {tuple("ab"), tuple("abc"), tuple("abcd")}
    everything = plan_for(Host(CLASSIC), ["base", "app"])
    assert [node.name for node in everything.removed] == ["app:1", "base:1"]
    assert everything.frees == everything.graph.totals.footprint


@pytest.mark.parametrize(("store", "gone"), [("graphdriver", []), ("podman", []), ("containerd", ["step2", "step1"])])
def test_on_containerd_a_build_parent_goes_with_the_first_image_made_from_it(store: StoreKind, gone: list[str]) -> None:
    """Its manifest and configuration do; its layers stay for the image that was made from it as well."""
    found = plan_for(Host((*CLASSIC, Made("other", "abce", parent="step2")), store), ["app"])
    assert [image.id for image in found.parents] == [image_id(name) for name in gone]
    assert [path(layer) for layer in found.freed] == [tuple("abcd")]


def test_a_build_parent_with_a_container_stays_and_keeps_its_layers() -> None:
    used = tuple(replace(image, states=("exited",)) if image.name == "step1" else image for image in CLASSIC)
    found = plan_for(Host(used), ["app"])
    assert {path(layer) for layer in found.freed} == {tuple("abc"), tuple("abcd")}
    kept = {path(kept.layer): kept for kept in found.kept}
    assert [container.name for container in kept[tuple("ab")].containers] == ["step1-0"]
    assert [image.id for image in kept[tuple("ab")].parents] == [image_id("step1")]


def test_all_names_of_an_image_go() -> None:
    assert plan_of_small("app2", inventory=replace(SMALL, containers=())).untags == ("app:2", "app:latest")


def test_an_id_that_is_no_row_is_an_error() -> None:
    with pytest.raises(KeyError):
        plan(build_graph(Host(CLASSIC).inventory), [image_id("step1")])


# --- what is not known --------------------------------------------------------


def with_cache(*sizes: int, shared: bool = True) -> Inventory:
    records = tuple(
        BuildCacheRecord(str(n), (), "regular", "", in_use=False, shared=shared, size=size)
        for n, size in enumerate(sizes)
    )
    return replace(SMALL, containers=(), usage=DiskUsage(1, build_cache=records))


@pytest.mark.parametrize(
    ("inventory", "at_once", "after_prune"),
    [
        (replace(SMALL, containers=()), None, 7_599_950),  # the engine was asked for its total only
        (replace(SMALL, containers=(), usage=None), None, 7_599_950),
        (with_cache(), 7_599_950, None),
        (with_cache(999_950, 6_600_000, shared=False), 7_599_950, None),  # no image has those layers
        (with_cache(117 * MB, 30 * MB), 7_599_950, None),  # the cache has other layers
        (with_cache(117 * MB, 6_600_000), 999_950, 7_599_950),
        (with_cache(6_600_000, 999_950, 999_950), 0, 7_599_950),
    ],
)
def test_what_the_build_cache_may_hold_is_never_promised_at_once(
    inventory: Inventory, at_once: int | None, after_prune: int | None
) -> None:
    found = plan_of_small("app2", "old", inventory=inventory)
    assert (found.frees, found.frees_at_once, found.frees_after_prune) == (7_599_950, at_once, after_prune)
    marks = Marks(found.graph)
    marks.toggle(found.images)
    assert marks.held_by_cache == found.held_by_cache


def test_other_stores_keep_no_layers_in_their_build_cache() -> None:
    engine = replace(SMALL.engine, store_kind="containerd")
    found = plan_of_small("old", inventory=replace(SMALL, engine=engine, usage=None))
    assert (found.frees_at_once, found.frees_after_prune) == (found.frees, None)


def test_layers_that_a_container_of_a_removed_image_stands_on_are_named_and_stay() -> None:
    """``GraphDriver.Data.LowerDir``: nothing else of the set is lost to "at once" for it."""
    images = tuple(
        replace(image, cache_ids=tuple(f"folder of {diff}" for diff in image.diff_ids or ())) for image in SMALL.images
    )
    whole = plan_of_small("old", inventory=replace(with_cache(), images=images))
    assert whole.frees_at_once
    top = whole.freed[-1]
    orphan = Container("d" * 64, "left", small_id("gone"), "gone:1", "exited", cache_ids=(f"folder of {top.diff_id}",))
    found = plan_of_small("old", inventory=replace(with_cache(), images=images, containers=(orphan,)))
    assert found.exact
    assert found.frees_at_once == whole.frees_at_once - (top.size or 0)
    elsewhere = replace(orphan, cache_ids=("another folder",))
    found = plan_of_small("old", inventory=replace(with_cache(), images=images, containers=(elsewhere,)))
    assert found.frees_at_once == whole.frees_at_once


def test_a_container_whose_image_is_gone_may_hold_anything() -> None:
    orphan = Container("d" * 64, "left", small_id("gone"), "gone:1", "exited")
    found = plan_of_small("old", inventory=replace(with_cache(), containers=(orphan,)))
    assert found.unseen == (orphan,)
    assert found.frees_at_once is None
    assert found.exact  # every total of the engine's falls by that much


def test_layers_that_are_not_known_are_doubts() -> None:
    app1 = SMALL.images[1]
    gone_dark = replace(SMALL, images=(*SMALL.images[:1], replace(app1, diff_ids=None), *SMALL.images[2:]))
    found = plan_of_small("old", inventory=gone_dark)
    assert not found.exact
    assert found.doubts == ("The layers of 1 image that would stay are not known: they may need some of these.",)
    found = plan_of_small("app1", inventory=gone_dark)
    assert found.doubts == ("The layers of 1 image of the set are not known: they are not counted.",)
    assert plan_of_small(inventory=gone_dark).exact  # nothing goes: that is certain

    foreign = replace(app1, diff_ids=None, platforms=(Platform("", "linux/arm64", "image", True, 5, 0),))
    only_blobs = replace(SMALL, images=(*SMALL.images[:1], foreign, *SMALL.images[2:]))
    assert plan_of_small("old", inventory=only_blobs).exact  # it has no layers here


def test_a_layer_of_unknown_size_makes_it_a_lower_bound() -> None:
    old = replace(SMALL.images[3], history=None, layers_size=None)
    found = plan_of_small("old", inventory=replace(SMALL, images=(*SMALL.images[:3], old)))
    assert (found.frees, found.exact) == (0, False)
    assert found.doubts == ("1 layer of unknown size would go too: at least this much comes back.",)


def test_other_platforms_that_are_stored_too_are_a_doubt() -> None:
    both = tuple(Platform("", name, "image", True, 5, 5) for name in ("linux/amd64", "linux/arm64"))
    old = replace(SMALL.images[3], platforms=both)
    found = plan_of_small("old", inventory=replace(SMALL, images=(*SMALL.images[:3], old)))
    assert found.doubts == ("1 image of the set: other platforms are stored too, and not counted.",)


def test_an_unfinished_scan_is_a_doubt() -> None:
    assert not plan_of_small("old", inventory=replace(SMALL, complete=False)).exact


# --- the contract -------------------------------------------------------------


def test_the_json_is_what_scripts_were_promised() -> None:
    found = json.loads(json.dumps(plan_dict(plan_of_small("app2", "old"))))
    base, deps, y = _chains("bdy")
    assert found["schema"] == "layerscope.plan/1"
    assert found["images"] == [small_id("app2"), small_id("old")]
    assert found["listed_bytes"] == 153_600_000 + 154_599_950
    assert found["frees_bytes"] == 999_950
    assert found["frees_after_build_cache_prune_bytes"] == 999_950
    assert found["exact"] is True
    assert found["blocked"] == [
        {
            "image": small_id("app2"),
            "by": "container web (running)",
            "rule": "image is being used by running container",
        }
    ]
    assert [(k["chain_id"], k["size_bytes"], k["images"]) for k in found["kept"]] == [
        (base, 117 * MB, [small_id("app2"), small_id("app1"), small_id("base")]),
        (deps, 30 * MB, [small_id("app2"), small_id("app1")]),
        (y, 6_600_000, [small_id("app2")]),
    ]
    assert found["kept_bytes"] == 153_600_000


def _chains(letters: str) -> list[str]:
    from layerscope.core.chain import chain_ids

    return list(chain_ids(map(layer_digest, letters)))


@pytest.mark.parametrize(
    "name", ["docker-20.10-overlay2", "docker-28.5-overlay2", "docker-28.5-containerd", "podman-5.8"]
)
def test_recorded_engines_add_up(name: str) -> None:
    graph = build_graph(recorded_inventory(name))
    everything = plan(graph, graph.image_by_id)
    assert everything.frees + everything.keeps == graph.totals.footprint
    assert {b.container.name for b in everything.blocked if b.container} == {
        c.name for node in graph.images for c in node.containers
    }


def test_the_bound_of_what_comes_back_points_the_right_way() -> None:
    """Not knowing what a staying image needs can only make it less; not knowing what a layer weighs, only more."""
    engine = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///d.sock")
    whole = Image("sha256:a", ("a:1",), layers_size=5, diff_ids=("sha256:d",), history=(HistoryEntry("RUN d", 5),))
    weightless = Image("sha256:b", ("b:1",), diff_ids=("sha256:e",), note="history: refused")
    unread = Image("sha256:c", ("c:1",), note="inspect: refused")

    def bound(images: tuple[Image, ...], *chosen: str) -> str:
        made = plan(build_graph(Inventory(engine, images)), [f"sha256:{name}" for name in chosen])
        assert made.exact is (made.bound == "")
        return made.bound

    assert bound((whole,), "a") == ""
    assert bound((whole, unread), "a") == "≤"
    assert bound((whole, weightless), "a", "b") == "≥"
    assert bound((whole, weightless, unread), "a", "b") == "?"
    assert bound((whole, unread), "a", "c") == "≥"


def test_what_is_only_inferred_is_never_called_exact() -> None:
    """A containerd total may hold more than layers: what follows from it alone is likely, and adds nothing to a sum."""
    engine = Engine("docker", "28.5.2", "1.51", "containerd", "containerd", "unix:///d.sock")
    image = Image("sha256:a", ("a:1",), layers_size=5, diff_ids=("sha256:d",), history=())
    graph = build_graph(Inventory(engine, (image,)))
    assert graph.layers[0].size_is == "inferred"
    made = plan(graph, ["sha256:a"])
    assert (made.frees, made.exact, made.bound) == (0, False, "≥")
    assert made.doubts == ("1 layer of unknown size would go too: at least this much comes back.",)
    marks = Marks(graph)
    marks.mark(graph.images[0])
    assert (marks.figures.exact, marks.figures.bound) == (False, "≥")
    marks.unmark(graph.images[0])
    assert marks.figures.exact


def test_what_is_marked_together_may_be_told_one_by_one() -> None:
    graph = build_graph(SMALL)
    marks = Marks(graph)
    assert marks.toggle(node for node in graph.images)
    assert marks.images == list(graph.images)
    assert not marks.toggle(node for node in graph.images)
    assert not marks.images


def test_a_build_parent_that_was_to_go_along_comes_back_with_the_mark() -> None:
    """A containerd store takes it with the first image that was made from it."""
    host = Host((Made("step", "a", tagged=False), Made("app", "ab", parent="step")), store="containerd")
    graph = build_graph(host.inventory)
    marks = Marks(graph)
    marks.toggle(graph.images)
    assert [image.id for image in marks.plan().parents] == [image_id("step")]
    marks.toggle(graph.images)
    assert marks.plan().parents == ()
    assert (marks.figures.frees, marks.plan().frees) == (0, 0)


def test_what_was_made_from_the_first_of_all_images_goes_before_it() -> None:
    host = Host((Made("base", "ab"), Made("made", "x", parent="base")))
    graph = build_graph(host.inventory)
    assert graph.images[0].id == image_id("base")
    found = plan(graph, [image_id("base"), image_id("made")])
    assert [node.id for node in found.removed] == [image_id("made"), image_id("base")]


def test_a_layer_that_only_a_build_parent_had_is_in_no_total() -> None:
    host = Host((Made("step", "x", tagged=False), Made("app", "ab", parent="step")))
    found = plan(build_graph(host.inventory), [image_id("app")])
    assert (found.frees, found.frees_hidden) == (sum(map(weigh, paths("ab"))), weigh(("x",)))


def test_marks_that_come_and_go_say_what_the_plan_says() -> None:
    """Three layers of one size, of which the build cache has two."""
    names = {"one": "ab", "two": "ai", "three": "ap", "base": "a"}
    assert {weigh(paths(stack)[-1]) for stack in names.values() if len(stack) > 1} == {2}
    inventory = Host(tuple(Made(name, stack) for name, stack in names.items())).inventory
    records = tuple(BuildCacheRecord(str(n), (), "regular", "", in_use=False, shared=True, size=2) for n in range(2))
    graph = build_graph(replace(inventory, usage=DiskUsage(1, build_cache=records)))
    marks = Marks(graph)
    for name in ("one", "two", "three", "two", "base", "one", "two", "base", "one", "three", "two", "one"):
        marks.toggle([graph.image_by_id[image_id(name)]])
        found = marks.plan()
        assert (marks.held_by_cache, marks.figures.frees) == (found.held_by_cache, found.frees)
        assert marks.figures.kept == found.keeps
        keepers = found.keepers()
        assert marks.figures.keeper is (keepers[0][0] if keepers else None)


def test_what_stays_is_told_the_biggest_first() -> None:
    graph = build_graph(Host((Made("one", "aeb"), Made("two", "aebc"))).inventory)
    found = plan(graph, [image_id("one")])
    sizes = [kept.layer.known_size for kept in found.kept]
    assert sizes == sorted(sizes, reverse=True) == sorted(map(weigh, paths("aeb")), reverse=True)
    assert sizes != [weigh(path) for path in paths("aeb")]
