"""Filter: the rows that pass while one types, what is wrong said where it stands, and nothing half-meant kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from layerscope.core.graph import union
from layerscope.tui.widgets.summary import Summary
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.looking import HOST, answer, count, here, line, main, pane, prompt, scene, shown, table, type_in

SIZE = (120, 36)


async def test_rows_are_filtered_while_one_types() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        everything = table(pilot).rows
        await press(pilot, "ampersand")
        await type_in(pilot, "unused >100MB")
        wanted = [row for row in everything if not row.containers and row.size > 100_000_000]
        assert table(pilot).rows == wanted
        said = f"{len(wanted)} of {len(everything)}"
        assert count(pilot) == said
        assert said in str(table(pilot).border_title)
        assert "no container uses it · size over 100 MB" in answer(pilot)
        assert prompt(pilot).display, "not a letter of it was a command"
        await press(pilot, "enter")
        assert not prompt(pilot).display
        assert table(pilot).has_focus
        assert "& unused >100MB" in str(table(pilot).border_title), "what is filtered by stays on screen"


@pytest.mark.parametrize("size", [(80, 24), SIZE])
async def test_the_header_says_how_much_of_the_host_is_shown(size: tuple[int, int]) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "py")
        part = sum(layer.known_size for layer in union(table(pilot).rows))
        header = main(pilot).query_one(Summary).render().plain
        assert "4 of 36" in header
        assert scene(pilot).size(part) in header.splitlines()[2]
        assert scene(pilot).size(scene(pilot).graph.totals.footprint) in header.splitlines()[2], (
            "the whole is still there"
        )


async def test_the_cursor_stays_on_its_image_and_comes_back_to_it() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, *["down"] * 13)
        assert here(pilot) == "redis:1"
        await press(pilot, "ampersand")
        await type_in(pilot, "-py")
        assert here(pilot) == "redis:1", "it passes"
        await type_in(pilot, " deb")
        assert here(pilot) == "deb:a", "it does not: the next one that does"
        assert pane(pilot).stack.border_title == "Layers of deb:a"
        await press(pilot, *["backspace"] * 4)
        assert here(pilot) == "redis:1", "and it passes again"


async def test_nobody_passes() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "nosuchimage")
        assert not table(pilot).rows
        assert "no image passes the filter" in line(table(pilot), 0)
        assert not pane(pilot).stack.rows
        await press(pilot, "enter", "enter", "down", "space", "slash", "a", "escape", "2", "3", "4", "1", "escape")
        assert len(table(pilot).rows) == 36


async def test_a_wrong_term_is_explained_where_it_stands_and_is_not_kept() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "dangling older:3x")
        assert prompt(pilot).line.wrong == ((9, 17, False),)
        below = answer(pilot)
        assert "not an age" in below
        assert below.index("^") == prompt(pilot).line.region.x + 9, "under the term"
        assert below.count("^") == len("older:3x")
        await press(pilot, "enter")
        assert prompt(pilot).display, "half of what was meant must not be kept: it would show, and mark, too much"
        assert "not kept yet" in answer(pilot)
        await press(pilot, "backspace", "y", "enter")
        assert not prompt(pilot).display
        assert scene(pilot).query is not None
        assert scene(pilot).query.text == "dangling older:3y"


async def test_a_likely_slip_is_a_word_all_the_same() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "dangeling")
        assert "did you mean dangling?" in answer(pilot)
        await press(pilot, "enter")
        assert not prompt(pilot).display
        assert not table(pilot).rows


async def test_a_word_like_a_term_is_explained_where_it_leaves_nothing() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "foo:bar")
        assert "no name has that, and “foo:” is no term" in answer(pilot)


async def test_esc_closes_the_topmost_thing_first() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "bb")
        await press(pilot, "enter", "slash")
        await type_in(pilot, "true")
        await press(pilot, "enter", "slash", "x")
        await press(pilot, "escape")
        assert not prompt(pilot).display
        assert scene(pilot).query is not None
        await press(pilot, "slash")
        await type_in(pilot, "true")
        await press(pilot, "enter", "escape")
        assert not table(pilot).spots
        assert scene(pilot).query is not None
        await press(pilot, "escape")
        assert scene(pilot).query is None
        assert len(table(pilot).rows) == 36
        await press(pilot, "escape")
        assert main(pilot).is_current, "nothing is left to close"


async def test_esc_brings_the_filter_before_back() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "py")
        await press(pilot, "enter")
        before = shown(pilot)
        await press(pilot, "backslash")  # as less has it on some keyboards
        assert prompt(pilot).text == "py", "to go on with"
        await type_in(pilot, "-app latest")
        assert shown(pilot) == ["py-app:2"]
        await press(pilot, "escape")
        assert shown(pilot) == before


async def test_an_empty_line_lifts_the_filter() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "py")
        await press(pilot, "enter", "ampersand", "ctrl+u", "enter")
        assert scene(pilot).query is None
        assert len(table(pilot).rows) == 36


async def test_tab_completes_a_term() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand", "u", "n", "tab")
        assert prompt(pilot).text == "unused "
        assert "unshared" in answer(pilot), "what else it may be"
        await press(pilot, "tab")
        assert prompt(pilot).text == "unshared "
        await press(pilot, "shift+tab")
        assert prompt(pilot).text == "unused "
        await type_in(pilot, "-dan")
        await press(pilot, "tab")
        assert prompt(pilot).text == "unused -dangling "
        await type_in(pilot, "old")
        await press(pilot, "tab")
        assert prompt(pilot).text == "unused -dangling older:"
        await press(pilot, "tab")
        assert prompt(pilot).text == "unused -dangling older:", "nothing to complete"
        assert prompt(pilot).line.has_focus


async def test_up_recalls_earlier_filters() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        for text in ("py", "unused", "py", "dangling"):
            await press(pilot, "ampersand", "ctrl+u")
            await type_in(pilot, text)
            await press(pilot, "enter")
        await press(pilot, "ampersand", "ctrl+u")
        await type_in(pilot, "dra")
        recalled = []
        for _ in range(4):
            await press(pilot, "up")
            recalled.append(prompt(pilot).text)
        assert recalled == ["dangling", "py", "unused", "unused"], "the newest first, each once"
        assert len(table(pilot).rows) == sum(not node.containers for node in scene(pilot).graph.images)
        await press(pilot, "down", "down", "down")
        assert prompt(pilot).text == "dra", "and back to what was being typed"


async def test_a_filter_is_of_the_host_not_of_one_view() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "2", "ampersand")
        await type_in(pilot, "py-app")
        wanted = {layer.chain_id for node in scene(pilot).shown_images() for layer in node.layers}
        assert {layer.chain_id for layer in table(pilot, "all-layers").rows} == wanted
        await press(pilot, "enter", "1")
        assert shown(pilot) == ["py-app:2", "py-app:1"]


async def test_a_change_of_the_host_is_filtered_too() -> None:
    before = inventory(HOST)
    backend = FakeBackend(before)
    app = make_app(backend)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "redis")
        await press(pilot, "enter")
        new = replace(before.images[0], id="sha256:" + "9" * 64, tags=("redis:2",))
        backend.change(replace(before, images=(*before.images, new)))
        await settled(pilot)
        assert sorted(shown(pilot)) == ["redis:1", "redis:2"]
        assert "2 of 37" in str(table(pilot).border_title)


async def test_a_click_beside_the_prompt_keeps_what_is_sound() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        await type_in(pilot, "py")
        await pilot.click("#images", offset=(10, 3))
        await settled(pilot)
        assert not prompt(pilot).display
        assert scene(pilot).query is not None
        assert scene(pilot).query.text == "py"
        await press(pilot, "ampersand")
        await type_in(pilot, " >5x")
        await pilot.click("#images", offset=(10, 3))
        await settled(pilot)
        assert not prompt(pilot).display
        assert scene(pilot).query.text == "py", "what was half typed is not kept"


async def test_pasted_control_characters_do_nothing() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "ampersand")
        prompt(pilot).line.insert_text_at_cursor("py\x1b[2J\u202e [red]x[/red]")
        await settled(pilot)
        await press(pilot, "enter")
        assert "\x1b" not in str(table(pilot).border_title)
        assert "[red]" in str(table(pilot).border_title)


def test_picture_of_a_filter(snap: Callable[..., Any]) -> None:
    assert snap(
        make_app(inventory(HOST)), SIZE, "ampersand", *"unused", "space", "greater_than_sign", *"100MB", "enter"
    )


@pytest.mark.parametrize("size", [(80, 24), SIZE], ids=["80x24", "120x36"])
def test_picture_of_a_wrong_term(snap: Callable[..., Any], size: tuple[int, int]) -> None:
    assert snap(make_app(inventory(HOST)), size, "ampersand", *"py", "space", *"older", "colon", *"3x")
