"""Find: a few letters lead to a row, by name, tag, ID or instruction, in every list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual import events

from layerscope.core.graph import ImageNode
from layerscope.tui.panes.tree import TreePane
from tests.hosts import HOSTILE
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.looking import (
    HOST,
    answer,
    count,
    here,
    in_sight,
    line,
    lit,
    main,
    pane,
    prompt,
    scene,
    shown,
    table,
    type_in,
)

SIZE = (120, 36)


async def test_letters_lead_to_the_best_hit_and_esc_leads_back() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "slash")
        start = here(pilot)
        await type_in(pilot, "ngi")
        assert here(pilot) == "nginx:1"
        assert lit(table(pilot), table(pilot).cursor) == "ngi"
        assert pane(pilot).stack.border_title == "Layers of nginx:1", "the other panes follow while one types"
        await press(pilot, "backspace", "backspace", "backspace")
        assert here(pilot) == start, "without letters the cursor is where the find began"
        await type_in(pilot, "redis")
        await press(pilot, "escape")
        assert here(pilot) == start
        assert not prompt(pilot).display
        assert not table(pilot).spots
        assert table(pilot).has_focus


async def test_letters_need_not_stand_together() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "nap1")
        assert here(pilot) == "node-app:1"
        assert lit(table(pilot), table(pilot).cursor) == "nap1"


async def test_enter_keeps_the_hits_for_n_and_N() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "bb:")
        hits = [index for index, name in enumerate(shown(pilot)) if name.startswith("bb:")]
        assert count(pilot) == f"1 of {len(hits)}"
        await press(pilot, "enter")
        assert table(pilot).has_focus
        visited = [table(pilot).cursor]
        for _ in hits[1:]:
            await press(pilot, "n")
            visited.append(table(pilot).cursor)
        assert visited == hits, "in the order of the rows"
        assert f"{len(hits)} of {len(hits)}" in str(table(pilot).border_subtitle)
        await press(pilot, "n")
        assert table(pilot).cursor == hits[0], "and around"
        await press(pilot, "N")
        assert table(pilot).cursor == hits[-1]
        await press(pilot, "escape")
        assert table(pilot).cursor == hits[-1], "the hits go, the cursor stays"
        assert not table(pilot).spots
        await press(pilot, "n")
        assert table(pilot).cursor == hits[0], "n looks for the same again"


async def test_enter_alone_finds_the_same_again() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "redis")
        await press(pilot, "enter", "escape", "g", "slash")
        assert "redis" in answer(pilot)
        await press(pilot, "enter")
        assert here(pilot) == "redis:1"


async def test_up_and_down_walk_the_hits_from_the_prompt() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "py")
        first = here(pilot)
        await press(pilot, "down")
        assert here(pilot) != first
        assert count(pilot).startswith("2 of ")
        await press(pilot, "up")
        assert here(pilot) == first


async def test_what_is_not_there_moves_nothing() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "down", "slash")
        start = here(pilot)
        await type_in(pilot, "zzz")
        assert count(pilot) == "no match"
        assert here(pilot) == start
        await press(pilot, "down", "enter", "n")
        assert here(pilot) == start


@pytest.mark.parametrize(
    ("typed", "name", "what"),
    [("stable", "nginx:1", "in tag  nginx:stable"), ("team/ng", "nginx:1", "in tag  registry.local:5000/team/nginx:1")],
)
async def test_every_tag_is_looked_at(typed: str, name: str, what: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, typed)
        assert here(pilot) == name
        assert what in answer(pilot)
        assert lit(table(pilot), table(pilot).cursor) == "+2", "the tags that are not shown"


async def test_an_id_is_found_by_its_beginning() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        node = next(row for row in table(pilot).rows if row.name == "redis:1")
        await press(pilot, "slash")
        await type_in(pilot, node.id.removeprefix("sha256:")[:6])
        assert table(pilot).row is node
        assert "in ID" in answer(pilot)
        assert lit(table(pilot), table(pilot).cursor) == "ID"


async def test_an_image_is_found_by_what_made_its_layers() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "a.bin")
        node = table(pilot).row
        assert isinstance(node, ImageNode)
        assert "a.bin" not in node.name
        found = pane(pilot).stack
        assert "a.bin" in found.row.instruction, "the layers pane is on the layer"
        assert lit(found, found.cursor).startswith("a.bin")
        assert f"in layer {found.row.depth + 1}" in answer(pilot)
        assert lit(table(pilot), table(pilot).cursor) == "layer"
        texts = ["".join(layer.instruction or "" for layer in row.layers) for row in table(pilot).rows]
        assert count(pilot) == f"1 of {sum('a.bin' in text for text in texts)}"


async def test_find_is_in_the_list_that_has_the_focus() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        image = here(pilot)
        await press(pilot, "right", "slash")
        await type_in(pilot, "bookworm")
        stack = pane(pilot).stack
        assert stack.row.instruction.startswith("ADD bookworm.tar")
        assert lit(stack, stack.cursor) == "bookworm"
        assert here(pilot) == image
        await press(pilot, "enter", "right", "slash")
        await type_in(pilot, "svc")
        users = pane(pilot).users
        assert users.row.name == "svc:latest"
        assert lit(users, users.cursor) == "svc"
        await press(pilot, "enter", "escape")
        assert users.has_focus
        assert not users.spots


async def test_find_among_all_layers_by_instruction_and_chain_id() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "2", "slash")
        await type_in(pilot, "bookworm")
        layers = table(pilot, "all-layers")
        assert layers.row.instruction.startswith("ADD bookworm.tar")
        layer = layers.rows[-1]
        await press(pilot, "escape", "slash")
        await type_in(pilot, layer.chain_id.removeprefix("sha256:")[:8])
        assert layers.row is layer


async def test_find_in_the_tree_opens_what_is_folded_and_closes_it_again() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "3", "g", "z")
        tree = main(pilot).query_one(TreePane)
        folded = [row.key for row in tree.list.rows]
        await press(pilot, "slash")
        await type_in(pilot, "py:env")
        assert tree.image_here is not None
        assert tree.image_here.name == "py:envonly"
        assert len(tree.list.rows) > len(folded)
        await press(pilot, "escape")
        assert [row.key for row in tree.list.rows] == folded
        assert tree.list.cursor == 0
        await press(pilot, "slash")
        await type_in(pilot, "py:env")
        await press(pilot, "enter", "escape")
        assert tree.image_here.name == "py:envonly", "kept: its place is open"
        assert len(folded) < len(tree.list.rows)


async def test_hits_are_those_of_the_host_as_it_is_now() -> None:
    before = inventory(HOST)
    backend = FakeBackend(before)
    app = make_app(backend)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "redis:")
        await press(pilot, "enter")
        assert "1 of 1" in str(table(pilot).border_subtitle)
        new = replace(before.images[0], id="sha256:" + "9" * 64, tags=("redis:2",))
        backend.change(replace(before, images=(*before.images, new)))
        await settled(pilot)
        assert here(pilot) == "redis:1"
        assert " of 2" in str(table(pilot).border_subtitle)


async def test_hostile_names_are_found_and_shown_as_data() -> None:
    app = make_app(HOSTILE)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "cmd")
        row = table(pilot).cursor
        assert lit(table(pilot), row) == "cmd"
        assert "\x1b" not in line(table(pilot), row)
        await press(pilot, "backspace", "backspace", "backspace")
        await type_in(pilot, "[red]")
        assert count(pilot) != "no match"
        assert "\x1b" not in answer(pilot)


async def test_a_list_without_rows_finds_nothing() -> None:
    app = make_app(replace(inventory(HOST), images=()))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", "a", "enter", "n", "escape")
        assert table(pilot).has_focus


async def test_the_hit_is_in_sight_on_a_small_screen() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "slash")
        await type_in(pilot, "zero")
        assert here(pilot) == "zero:layers"
        assert in_sight(table(pilot))


def test_picture_of_hits(snap: Callable[..., Any]) -> None:
    assert snap(make_app(inventory(HOST)), SIZE, "slash", *"apt", "minus", *"get", "down", "down")


BURSTS = {
    "find": ("/redis:\rd", "redis:1", ""),
    "find and go on": ("/bb:\rnnN", "bb:ba", ""),
    "find and come back": ("/bb:\x1b", "node-app:1", ""),
    "filter": ("&dangling\r*", "<none>", "dangling"),
    "quit and remove are letters": ("&quiddity or redis\r", "redis:1", "quiddity or redis"),
}


@pytest.mark.parametrize("burst", BURSTS.values(), ids=BURSTS)
@pytest.mark.parametrize("split", [False, True], ids=["closed", "open"])
async def test_keys_typed_ahead_go_where_they_were_meant(burst: tuple[str, str, str], split: bool) -> None:
    typed, name, query = burst
    names = {
        "\r": "enter",
        "\x1b": "escape",
        "/": "slash",
        "&": "ampersand",
        ":": "colon",
        "*": "asterisk",
        " ": "space",
    }
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        if typed[0] in "/&" and split:
            await press(pilot, names[typed[0]])
            typed = typed[1:]
        for char in typed:  # all of them before the first is looked at, as a busy machine gets them
            app.post_message(events.Key(names.get(char, "space" if char == " " else char), char))
        await settled(pilot)
        if app.screen is not main(pilot):
            assert typed.endswith("d"), "only the d after Enter was a command"
            await press(pilot, "escape")
        assert not prompt(pilot).display
        assert here(pilot) == name
        assert (scene(pilot).query.text if scene(pilot).query else "") == query
        assert len(scene(pilot).marks.ids) == (2 if typed.endswith("*") else 0)
