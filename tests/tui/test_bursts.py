"""Keys that come in one write, as a paste or a slow line sends them: they edit as typed, in every prompt."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.command import CommandPalette
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input

from layerscope.tui.dialogs.columns import ColumnsScreen
from layerscope.tui.dialogs.info import InfoScreen
from layerscope.tui.dialogs.plan import PlanScreen
from layerscope.tui.screens.main import MainScreen
from tests.tui.harness import inventory, make_app, settled
from tests.tui.remover import Engine
from tests.tui.test_marks import HOST, scene_of


class paste(str):
    """Text that comes as a paste."""


BACK, CTRL_U, CTRL_W = "backspace", "ctrl+u", "ctrl+w"
EDITS = {
    "backspace": ([*"python", *[BACK] * 6, *"node"], "node"),
    "backspaces between": ([*"pyx", BACK, *"tho", "left", "left", BACK, "t", "end", "n"], "pytho" + "n"),
    "ctrl-u": ([*"python app", CTRL_U, *"node"], "node"),
    "ctrl-w": ([*"python app", CTRL_W, *"web"], "python web"),
    "home and delete": ([*"python", "home", "delete", "j"], "jython"),
    "a paste between": ([*"py", paste("thon"), BACK, *"de"], "pythode"),
}
PROMPTS = {
    "find": ["slash"],
    "filter": ["ampersand"],
    "free": ["f"],
    "save": ["E", CTRL_U, "end", CTRL_U],
    "palette": ["ctrl+p"],
    "remove": ["asterisk", "d"],
}


@pytest.fixture(autouse=True, scope="module")
def painted_at_rest() -> None:
    """Every frame is painted here."""


def burst(pilot: Pilot[Any], *keys: str) -> None:
    """Send keys without waiting for what they do."""
    for key in keys:
        if isinstance(key, paste):
            pilot.app.post_message(events.Paste(key))
            continue
        character = key if len(key) == 1 else None
        name = _character_to_key(key) if character else key
        pilot.app.post_message(events.Key(name, character or {"slash": "/", "ampersand": "&"}.get(key)))


def _same(key: str) -> str:
    return key


def _others(key: str) -> str:
    if isinstance(key, paste):
        return paste(str(key).translate(_LETTERS))
    return key if key in {BACK, CTRL_U, CTRL_W, "left", "home", "end", "delete"} else key.translate(_LETTERS)


_LETTERS = str.maketrans("chx ", "kuz.")


def typed(pilot: Pilot[Any]) -> str:
    line = pilot.app.focused
    assert isinstance(line, Input)
    return line.value


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_a_burst_edits_as_typed(prompt: str) -> None:
    # With the engine's total: what it tells when it is asked is a change of the plan, and takes back what was typed.
    app = make_app(Engine(Engine(inventory(HOST)).usage()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        before = PROMPTS[prompt]  # the first burst begins with the key that opens the prompt
        as_typed = _others if prompt == "remove" else _same  # there some letters are keys of the list above the line
        for keys, wanted in EDITS.values():
            burst(pilot, *before, *map(as_typed, keys))
            await settled(pilot)
            assert typed(pilot) == as_typed(wanted)
            before = ["end", CTRL_U]


async def test_what_follows_enter_acts_on_what_enter_did() -> None:
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        burst(pilot, "ampersand", *"nginx", "enter", "asterisk", "ampersand", CTRL_U, "enter", "d")
        await settled(pilot)
        assert isinstance(app.screen, PlanScreen)
        assert [node.name for node in scene_of(pilot).marks.images] == ["nginx:1"]


async def test_a_dialog_is_left_before_the_next_key_acts() -> None:
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        burst(pilot, "f", *"500M", "escape", "i", "escape", "C")
        await settled(pilot)
        assert isinstance(app.screen, ColumnsScreen)


@pytest.mark.parametrize("enters", [2, 3, 8])
async def test_a_command_of_the_palette_is_run_once(enters: int) -> None:
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        burst(pilot, "ctrl+p", *"everything about")
        await settled(pilot)
        burst(pilot, *["enter"] * enters)
        await settled(pilot)
        kinds = [type(screen) for screen in app.screen_stack]
        assert kinds.count(MainScreen) == 1
        assert kinds.count(InfoScreen) <= 1
        assert CommandPalette not in kinds


@pytest.mark.parametrize("late", ["busy", "listed", "no matches"])
async def test_what_is_told_when_the_palette_is_half_gone_is_told_nobody(
    late: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CommandPalette, "_NO_MATCHES_COUNTDOWN", 0.001)
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        burst(pilot, "ctrl+p")
        await settled(pilot)
        palette = app.screen
        assert isinstance(palette, CommandPalette)
        await palette.query("#--container").remove()
        if late == "busy":
            palette._show_busy = True
        elif late == "listed":
            palette._list_visible = not palette._list_visible
        else:
            palette._start_no_matches_countdown("zzz")
            await pilot.pause(0.05)
        await settled(pilot)
        assert app._exception is None


@pytest.mark.parametrize("key", ["pageup", "pagedown"])
async def test_a_page_in_a_palette_without_lines_is_survived(key: str) -> None:
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        burst(pilot, "ctrl+p", *"zzz", key, key, BACK, key, "ctrl+p")
        await settled(pilot)
        assert isinstance(app.screen, CommandPalette)


@pytest.mark.parametrize("action", ["columns", "info", "help", "remove"])
async def test_a_dialog_that_is_asked_for_twice_at_once_opens_once(action: str) -> None:
    """As a key and a command of the palette do that come in one burst."""
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        depth = len(app.screen_stack)
        for _ in range(2):
            assert await app.run_action(action, app.main)
        await settled(pilot)
        assert len(app.screen_stack) == depth + 1
        burst(pilot, "escape")
        await settled(pilot)
        assert isinstance(app.screen, MainScreen)
