"""Images by repository: a group is a set, and what it frees is what the set frees."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph, union
from layerscope.core.origin import origin_of
from layerscope.core.update import updated
from layerscope.views.images import GROUP_ORDERS, NAMELESS, Group, by_repository, grouped_rows, sorted_groups, widest
from layerscope.views.orders import IMAGE_ORDERS, in_order
from tests.hosts import MB, SMALL
from tests.views.forests import host


def test_a_group_is_counted_as_a_set() -> None:
    groups = {group.name: group for group in by_repository(build_graph(SMALL).images)}
    app = groups["app"]
    assert (len(app.images), app.tags, app.containers) == (2, 3, 1)
    assert app.listed == 147_001_500 + 153_600_000
    assert app.footprint == 117 * MB + 30 * MB + 1_500 + 6_600_000
    # the 30 MB are also under the left-over, as is app:2's own layer; without it the whole of app would be app's
    assert app.unique == 1_500
    assert app.shared == app.footprint - 1_500
    named = replace(SMALL, images=tuple(image for image in SMALL.images if image.tags))
    assert {g.name: g.unique for g in by_repository(build_graph(named).images)}["app"] == 30 * MB + 1_500 + 6_600_000


def test_groups_are_named_by_the_name_that_is_listed() -> None:
    images = (
        replace(SMALL.images[0], tags=("localhost:5000/team/api:1", "other:1")),
        replace(SMALL.images[1], tags=(), digests=("localhost:5000/team/api@sha256:12",)),
        replace(SMALL.images[2], tags=("localhost:5000/team/api",)),
        replace(SMALL.images[3], tags=()),
    )
    groups = {
        group.name: len(group.images) for group in by_repository(build_graph(replace(SMALL, images=images)).images)
    }
    assert groups == {"localhost:5000/team/api": 3, NAMELESS: 1}


def test_rows_open_and_sort() -> None:
    graph = build_graph(SMALL)

    def shown(*open_: str, key: str = "size", reverse: bool = False) -> list[str]:
        groups = sorted_groups(by_repository(graph.images), key, reverse)
        rows = grouped_rows(groups, lambda group: group.name in open_)
        return [f"[{row.name}]" if isinstance(row, Group) else row.name for row in rows]

    assert shown() == ["[app]", "[<none>]", "[deb]"]
    assert shown("app", "gone") == ["[app]", "app:2", "app:1", "[<none>]", "[deb]"]
    assert shown(key="name") == ["[app]", "[deb]", "[<none>]"]
    assert shown(reverse=True) == ["[deb]", "[<none>]", "[app]"]
    assert shown(key="created") == ["[app]", "[<none>]", "[deb]"]


stacks = st.lists(st.text("abc", max_size=4), max_size=8)


@given(stacks, st.lists(st.sampled_from("xyz"), min_size=8, max_size=8), st.sampled_from(sorted(GROUP_ORDERS)))
def test_groups_agree_with_the_sets_of_their_layers(texts: list[str], repositories: list[str], key: str) -> None:
    graph = host(*texts)
    images = tuple(
        replace(node.image, tags=(f"{repositories[int(node.id[7:11])]}:{node.index}",)) for node in graph.images
    )
    graph = build_graph(replace(graph.inventory, images=images))
    check_groups(graph)
    rows = grouped_rows(sorted_groups(by_repository(graph.images), key), lambda group: True)
    assert {id(row) for row in rows if not isinstance(row, Group)} == {id(node) for node in graph.images}
    assert len(rows) == len(graph.images) + len(by_repository(graph.images))


def check_groups(graph: LayerGraph) -> None:
    for group in by_repository(graph.images):
        assert group.stack == list(reversed(union(group.images))), "each layer once, children before parents"
        own = {layer.index for layer in union(group.images)}
        others = {layer.index for layer in union(node for node in graph.images if node not in group.images)}
        assert group.footprint == sum(graph.layers[index].known_size for index in own)
        assert group.unique == sum(graph.layers[index].known_size for index in own - others)
        assert group.layers == len(own)
        assert group.listed == sum(node.size for node in group.images)
    found = by_repository(graph.images, graph)
    assert widest(by_repository(graph.images, graph)) == max((group.footprint for group in found), default=0)


def test_a_group_of_unknown_sizes_says_so() -> None:
    (group,) = by_repository(host("aZ", "a", tagged=False).images)
    assert (group.name, group.exact, group.id) == (NAMELESS, False, "repository <none>")


@given(stacks, st.data())
def test_what_is_known_of_groups_from_before_is_what_is_worked_out_afresh(
    drawn: list[str], data: st.DataObject
) -> None:
    graph = build_graph(big_host(40, 120)) if data.draw(st.booleans()) else host(*drawn)
    before: list[Group] = []
    for _ in range(3):
        some = [node for node in graph.images if data.draw(st.integers(0, 9)) > 0]
        data.draw(st.randoms()).shuffle(some)
        before = by_repository(some, graph, before)
        fresh = by_repository(some, graph)
        asked = data.draw(st.sets(st.sampled_from(SAID)))
        for group, same in zip(before, fresh, strict=True):
            assert [getattr(group, name) for name in asked] == [getattr(same, name) for name in asked]
            assert (group.name, group.images) == (same.name, same.images)


SAID = ["listed", "footprint", "unique", "exact", "stack", "containers", "tags", "content", "created", "again", "whole"]


def test_groups_of_another_graph_are_not_taken_for_these() -> None:
    graph = build_graph(SMALL)
    before = by_repository(graph.images, graph)
    assert {group.again for group in before if group.footprint} == {"only here"}
    pulled = tuple(replace(image, digests=("app@sha256:" + "1" * 64,)) for image in SMALL.images)
    after = updated(graph, replace(SMALL, images=pulled))  # made of the very same rows
    assert after is not None
    assert {group.again for group in by_repository(after.images, after, before)} == {"yes"}


def test_images_can_be_had_again_together_if_each_can() -> None:
    graph = build_graph(SMALL)
    for group in by_repository(graph.images, graph):
        found = {origin_of(graph, node).again for node in group.images}
        assert {group.again} == (found if len(found) == 1 else {None})


@given(st.data())
def test_some_images_are_in_order_as_if_they_alone_were_sorted(data: st.DataObject) -> None:
    graph = build_graph(big_host(30, 60, seed=data.draw(st.integers(1, 5))))
    key, reverse = data.draw(st.sampled_from(sorted(IMAGE_ORDERS))), data.draw(st.booleans())
    by, falls = IMAGE_ORDERS[key]
    for _ in range(2):
        some = [node for node in graph.images if data.draw(st.booleans())]
        assert in_order(graph, key, reverse, some) == sorted(some, key=by, reverse=falls is not reverse)
    assert in_order(graph, key, reverse) == sorted(graph.images, key=by, reverse=falls is not reverse)
