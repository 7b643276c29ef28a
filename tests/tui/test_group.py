"""Repositories: images folded under their names, counted as the sets that they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from layerscope.core.graph import ImageNode, union
from layerscope.views.images import Group
from tests.tui.harness import inventory, make_app, press, settled
from tests.tui.looking import HOST, heading, here, in_sight, line, pane, scene, shown, table, type_in

SIZE = (120, 36)


async def test_o_puts_images_under_their_repositories_and_takes_them_out() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        before = shown(pilot)
        await press(pilot, "o")
        groups = table(pilot).rows
        assert all(isinstance(row, Group) for row in groups), "all are folded"
        assert sorted(node.name for group in groups for node in group.images) == sorted(before)
        assert "17 repositories" in str(table(pilot).border_title)
        await press(pilot, "o")
        assert shown(pilot) == before


async def test_a_repository_is_counted_as_a_set() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o")
        graph = scene(pilot).graph
        for index, group in enumerate(table(pilot).rows):
            own = set(union(group.images))
            others = set(union(node for node in graph.images if node not in group.images))
            drawn = line(table(pilot), index)
            for size in (sum(node.size for node in group.images), sum(layer.known_size for layer in own)):
                assert scene(pilot).size(size) in drawn
            alone = own - others
            if all(layer.sum_exact for layer in alone):
                assert scene(pilot).size(sum(layer.known_size for layer in alone)) in drawn
            else:
                assert "?" in drawn or "≥" in drawn
        assert "▸ bb 11 images" in "\n".join(line(table(pilot), i) for i in range(len(table(pilot).rows)))


async def test_untagged_images_are_a_group_of_their_own() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o")
        (nameless,) = [row for row in table(pilot).rows if row.name == "<none>"]
        assert all(node.dangling for node in nameless.images)
        assert len(nameless.images) == sum(node.dangling for node in scene(pilot).graph.images)


@pytest.mark.parametrize(("open_", "close"), [("right", "left"), ("l", "h"), ("enter", "enter")])
async def test_fold_and_unfold(open_: str, close: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "down")
        folded = shown(pilot)
        group = table(pilot).row
        await press(pilot, open_)
        assert shown(pilot) == [*folded[:2], *(node.name for node in group.images), *folded[2:]]
        assert "▾" in line(table(pilot), 1)
        assert line(table(pilot), 2).split()[0] == ":2", "under its repository an image has only its tag"
        await press(pilot, close)
        assert shown(pilot) == folded
        assert table(pilot).cursor == 1


async def test_left_and_right_lead_through_the_groups_and_on_to_the_layers() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "down", "right", "right")
        assert here(pilot) == "py-app:2", "open: to its first image"
        await press(pilot, "right")
        assert pane(pilot).stack.has_focus, "an image: to its layers"
        await press(pilot, "left", "down", "left")
        assert shown(pilot)[table(pilot).cursor] == "[py-app]", "to the repository of the image"


async def test_z_opens_all_and_folds_all() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "o", "z")
        assert len(table(pilot).rows) == 36 + 17
        await press(pilot, "G")
        image = here(pilot)
        await press(pilot, "z")
        assert len(table(pilot).rows) == 17
        assert in_sight(table(pilot))
        assert image in {node.name for node in table(pilot).row.images}, "the cursor is on its repository"


async def test_the_panes_show_the_layers_of_the_whole_repository() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "down")
        group = table(pilot).row
        assert {layer.chain_id for layer in pane(pilot).stack.rows} == {n.chain_id for n in union(group.images)}
        assert pane(pilot).stack.border_title == "Layers of py-app"


async def test_a_mark_on_a_repository_marks_its_images() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "down", "space")
        group = next(row for row in table(pilot).rows if row.name == "py-app")
        assert set(scene(pilot).marks.ids) == {node.id for node in group.images}
        index = table(pilot).index_of(group.id)
        assert index is not None
        assert line(table(pilot), index).startswith("✓")
        table(pilot).move_to(index)
        await press(pilot, "right", "down", "space")
        assert len(scene(pilot).marks.ids) == 1
        assert line(table(pilot), index).startswith("~"), "some of them"
        table(pilot).move_to(index)
        await press(pilot, "space")
        assert len(scene(pilot).marks.ids) == 2, "the rest of them too"
        table(pilot).move_to(index)
        await press(pilot, "space")
        assert not scene(pilot).marks.ids


async def test_the_cursor_goes_along() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *["down"] * 13)
        assert here(pilot) == "redis:1"
        await press(pilot, "o")
        assert shown(pilot)[table(pilot).cursor] == "[redis]"
        await press(pilot, "o")
        assert here(pilot) == "redis:1"


async def test_groups_are_sorted_and_their_images_too() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "z")
        for _ in table(pilot).columns:
            order = table(pilot).sort
            groups = [row for row in table(pilot).rows if isinstance(row, Group)]
            flat = [row for row in table(pilot).rows if isinstance(row, ImageNode)]
            assert flat == [node for group in groups for node in group.images]
            if order.key in {"footprint", "unique", "containers", "layers"}:
                values = [getattr(group, order.key) for group in groups]
                assert values == sorted(values, reverse=True), order.key
            if order.key == "unique":
                assert all(g.images == sorted(g.images, key=lambda n: (-n.unique, -n.size)) for g in groups)
            await press(pilot, "s")
        while table(pilot).sort.key != "footprint":
            await press(pilot, "s")
        assert "ON DISK▾" in heading(table(pilot))
        await press(pilot, "o")
        assert "SIZE▾" in heading(table(pilot)), "of single images that is their size, and its column is there"


async def test_find_opens_the_repository_of_a_hit() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o")
        folded = shown(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "bb:many")
        assert here(pilot) == "bb:many"
        await press(pilot, "escape")
        assert shown(pilot) == folded
        await press(pilot, "slash")
        await type_in(pilot, "bb:many")
        await press(pilot, "enter", "escape")
        assert here(pilot) == "bb:many"
        assert len(shown(pilot)) == len(folded) + 11, "only that repository stays open"


async def test_repositories_of_what_passes_the_filter() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "ampersand")
        await type_in(pilot, "py")
        assert shown(pilot) == ["[py-app]", "[py]"]
        await press(pilot, "enter", "asterisk")
        assert {scene(pilot).graph.image_by_id[i].name for i in scene(pilot).marks.ids} == {
            *("py-app:1", "py-app:2", "py:1", "py:envonly")
        }


async def test_a_pivot_to_a_folded_image_opens_its_repository() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "o", "down", "right", "right", "enter", "enter", "down", "enter")
        assert table(pilot).has_focus
        there = here(pilot)
        assert there != "py-app:2"
        await press(pilot, "backspace")
        assert here(pilot) == "py-app:2"


@pytest.mark.parametrize("size", [(80, 24), SIZE], ids=["80x24", "120x36"])
def test_picture_of_repositories(snap: Callable[..., Any], size: tuple[int, int]) -> None:
    assert snap(make_app(inventory(HOST)), size, "o", "down", "space", "down", "right", "down", "space", "left")
