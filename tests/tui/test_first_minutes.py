"""The first five minutes of a stranger on the sample host: each question is answered within three keys, at 80×24."""

from __future__ import annotations

import pytest

from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, make_app, press, sample, settled
from tests.tui.test_marks import scene_of

QUESTIONS = {
    "what fills my disk": ((), ("Sum of sizes", "25.9 GB", "On disk", "8.96 GB", "acme/…book:latest  2.13 GB")),
    "what can go safely": (("f",), ("The most that can be had is 3.86 GB", "28 of these exist only on this machine.")),
    "what comes back": (("d",), ("1 image goes · listed 2.13 GB · frees 2.3 MB",)),
    "who shares this base": (("tab", "end"), ("115 MB, used by 10 images", "saves 1.04 GB")),
    "why docker says something else": (
        ("6",),
        ("Why 25.9 GB are listed, and 8.96 GB are on disk",),
    ),
    "can I get it back": (("i",), ("Pull again      no: it exists only on this machine",)),
    "what blocks it": (("down", "d"), ("stays, container notebook-spike (exited,", "docker rm notebook-spike")),
}


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_is_answered_within_three_keys(question: str) -> None:
    keys, answers = QUESTIONS[question]
    assert len(keys) <= 3
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        shown = screen_text(app)
        for answer in answers:
            assert answer in shown


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_the_tree_opens_with_the_cursor_in_the_middle(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "3")
        tree = app.main.views.view.list
        middle = min(tree.cursor, tree.room // 2)
        assert tree.cursor - tree.top == middle
        assert "ADD bookworm.tar /" in screen_text(app)  # what the image stands on, up to its base


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_the_engine_page_is_moved_through_with_the_keys_of_a_list(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "6")
        page = app.main.views.view
        end = page.max_scroll_y
        for down, up in (("G", "g"), ("end", "home"), ("ctrl+d", "ctrl+u"), ("ctrl+f", "ctrl+b")):
            await press(pilot, down)
            assert page.scroll_y == end if down in {"G", "end"} else page.scroll_y > 0 or not end
            assert "does nothing here" not in screen_text(app)
            await press(pilot, up)
            assert page.scroll_y == 0


@pytest.mark.parametrize(("size", "words"), zip(SIZES, (None, "no", "only here"), strict=True))
async def test_pull_says_as_much_as_there_is_room_for(size: tuple[int, int], words: str | None) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        lines = screen_text(app).splitlines()
        assert ("PULL" in lines[5]) is (words is not None)
        if words is not None:
            end = lines[5].index("PULL") + 4
            assert lines[6][:end].rstrip().endswith(f" {words}")


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_a_wide_list_of_layers_shows_the_instruction_in_full(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "2")
        assert ("─ Instruction ─" in screen_text(app)) is (size == (200, 50))
        assert ("python3-statsmodels" in screen_text(app)) is (size == (200, 50))


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_nothing_on_the_map_is_a_name_of_three_letters(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "4")
        shown = screen_text(app)
        assert "hue" in shown.splitlines()[4]
        for cut in (" <no ", " sho ", " doc "):
            assert cut not in shown


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_what_local_only_images_count_is_a_switch_that_says_what_it_does(size: tuple[int, int]) -> None:
    app = make_app(sample())
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "f")
        assert "Ctrl-o count local-only like others" in screen_text(app)
        await press(pilot, "ctrl+o")
        assert "Ctrl-o spare local-only" in screen_text(app)
        await press(pilot, "escape")
        assert not scene_of(pilot).marks.ids
