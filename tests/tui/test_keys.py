"""Every binding is in the help, every action in the palette, and no key means two things in one place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widgets import OptionList

from layerscope.tui.commands import Commands
from layerscope.tui.dialogs.columns import ColumnsScreen
from layerscope.tui.dialogs.error import ErrorScreen
from layerscope.tui.dialogs.export import ExportScreen
from layerscope.tui.dialogs.help import SIGNS, HelpScreen, told_once
from layerscope.tui.dialogs.info import InfoScreen
from layerscope.tui.keys import TYPING, bindings_of, keys_of
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.room import NEXT, PREVIOUS
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, FakeBackend, inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"
VIEWS = {"1": "images", "2": "layers", "3": "tree", "4": "map", "5": "compare", "6": "engine"}

MEANT = {
    # The inner one gives way where it has nothing to do.
    ("ImageList", "fold", "ImagesPane", "side(-1)"),
    ("ImageList", "unfold", "ImagesPane", "side(1)"),
    ("EnginePane", "give_up", "MainScreen", "clear"),
    # On the line of the marked Esc leaves it; where it leads to, Esc clears.
    ("MarkLine", "leave", "MainScreen", "clear"),
}
"""Keys that are bound in a widget and again around it: (inner, its action, outer, its action)."""


def ours(node: DOMNode) -> dict[str, list[str]]:
    """Return the keys that classes of ours bind on a node, each with its actions."""
    found: dict[str, list[str]] = {}
    for owner in type(node).__mro__:
        if owner.__module__.startswith("layerscope"):
            for binding in owner.__dict__.get("BINDINGS", ()):
                for key in binding.key.split(","):
                    found.setdefault(key, []).append(binding.action)
    return found


async def test_every_binding_of_the_session_is_in_the_help() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "?")  # before any view but the first was looked at
        assert isinstance(app.screen, HelpScreen)
        told = {(title, key) for rows in app.screen.groups().values() for title, keys in rows.items() for key in keys}
        await press(pilot, "escape", *VIEWS)
        wanted = {(one.title, key) for one in bindings_of(app.main) for key in keys_of(one.binding)}
        assert not [one.binding for one in bindings_of(app.main) if not one.group]
        assert told == wanted
        assert len(wanted) > 50


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_the_help_can_be_read_to_its_end(size: tuple[int, int]) -> None:
    max_turns = {(80, 24): 6, (120, 36): 2, (200, 50): 0}
    app = make_app(inventory(HOST))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await press(pilot, "?")
        assert isinstance(app.screen, HelpScreen)
        page = app.screen.query_one("#help")
        turns = max_turns[size]
        seen = screen_text(app)
        for _ in range(turns):
            await press(pilot, "pagedown")
            seen += screen_text(app)
        assert page.scroll_y == page.max_scroll_y, "not at its end yet"
        for rows in app.screen.groups().values():
            for words in told_once(rows).values():
                assert words.split()[-1] in seen, words
        for sign, words in SIGNS:
            assert sign in seen
            assert words.split()[-1] in seen
        await press(pilot, "escape")
        assert app.screen is app.main


async def test_the_help_is_the_same_in_every_view_and_tells_no_key_twice() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        pages = []
        for key in VIEWS:
            await press(pilot, key, "question_mark")
            assert isinstance(app.screen, HelpScreen)
            pages.append(app.screen.groups())
            pages[-1] = {heading: list(rows.items()) for heading, rows in pages[-1].items()}  # type: ignore[assignment]
            await press(pilot, "escape")
        assert all(page == pages[0] for page in pages)
        await press(pilot, "1", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        groups = app.screen.groups()
        move = told_once(groups["Move"])
        assert move["→  l"] == "Unfold a repository; else: next pane"
        assert (move["Tab"], move["Shift-Tab"]) == (NEXT, PREVIOUS)
        assert next(iter(move)) == "↑  k"
        assert not any(words.endswith("…") for rows in groups.values() for words in rows)


async def test_tab_goes_from_pane_to_pane_and_round() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        places = []
        for key in ("tab", "tab", "tab", "shift+tab"):
            places.append(app.focused)
            await press(pilot, key)
        assert len(set(places[:3])) == 3
        assert places[3] is places[0]
        assert app.focused is places[2]


@pytest.mark.parametrize("key", VIEWS, ids=VIEWS.get)
async def test_every_action_on_view_is_in_the_palette(key: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, key)
        listed = {title: keys for title, keys, _ in Commands(app.screen).commands()}
        for one in bindings_of(app.main, shown=True):
            if one.binding.action != "command_palette" and one.possible:
                assert set(keys_of(one.binding)) <= set(listed[one.title]), one


async def test_the_views_together_have_every_action_in_the_palette() -> None:
    app = make_app(FakeBackend(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, *VIEWS)
        everything = {one.title for one in bindings_of(app.main) if one.binding.group is not TYPING}
        found: set[str] = set()
        for key in VIEWS:
            await press(pilot, key)
            found |= {title for title, _, _ in Commands(app.screen).commands()}
        assert everything - found == {"All commands", "Stop waiting for the engine"}


async def test_the_palette_runs_what_is_chosen() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "ctrl+p")
        assert isinstance(app.screen, CommandPalette)
        await press(pilot, *"mark all")
        first = app.screen.query_one(OptionList).get_option_at_index(0)
        assert str(first.prompt).startswith("Mark all shown")
        await press(pilot, "enter")
        await settled(pilot)
        assert app.screen is app.main
        assert app.main.scene is not None
        assert len(app.main.scene.marks) == len(app.main.scene.graph.images)


@pytest.mark.parametrize("key", VIEWS, ids=VIEWS.get)
async def test_no_key_means_two_things_in_one_place(key: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", key)
        assert app.main.query_one(MarkLine) in app.screen.focus_chain
        for widget in app.screen.focus_chain:
            bound: dict[str, tuple[str, str]] = {}
            for node in widget.ancestors_with_self:
                for pressed, actions in ours(node).items():
                    assert len(set(actions)) == 1, f"{pressed} is bound twice on {node}: {actions}"
                    here = (type(node).__name__, actions[0])
                    inner = bound.setdefault(pressed, here)
                    assert inner == here or (*inner, *here) in MEANT, f"{pressed}: {inner} hides {here}"


def no_engine() -> FakeBackend:
    backend = FakeBackend()
    backend.fail("nobody listens", "start the engine")
    return backend


MODALS: dict[type[Screen[Any]], tuple[str, ...]] = {
    HelpScreen: ("question_mark",),
    InfoScreen: ("i",),
    ExportScreen: ("E",),
    ColumnsScreen: ("C",),
}


@pytest.mark.parametrize("kind", [*MODALS, ErrorScreen], ids=lambda kind: kind.__name__)
async def test_a_box_names_its_own_keys(kind: type[ModalScreen[Any]]) -> None:
    app = make_app(no_engine() if kind is ErrorScreen else inventory(HOST), demo=lambda: inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, *MODALS.get(kind, ()))
        assert isinstance(app.screen, kind)
        box = app.screen.query_one(".box")
        lines = [line[box.region.x : box.region.right] for line in screen_text(app).splitlines()]
        lines = lines[box.region.y : box.region.bottom]
        text = lines[-1] if box.border_subtitle else "\n".join(lines)
        for one in bindings_of(app.screen):
            if one.node is app.screen and one.binding.show:
                names = keys_of(one.binding)
                words = [*names, f"{names[0]}:"]
                assert any(re.search(rf"(?<!\w){re.escape(name)} ", text) for name in words), (one.binding, text)


async def test_clicking_a_hint_presses_its_key() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        line = screen_text(app).splitlines()[-1]
        await pilot.click("#hints", offset=(line.index("? help"), 0))
        await settled(pilot)
        assert isinstance(app.screen, HelpScreen)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_help_and_quit_are_hinted_at_whatever_the_room(width: int) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        for key, name in VIEWS.items():
            await press(pilot, key)
            line = screen_text(app).splitlines()[-1]
            assert "? help" in line
            assert "q quit" in line
            assert ("Space mark" in line) == (name != "engine")


async def test_q_and_ctrl_q_leave() -> None:
    for key in ("q", "ctrl+q"):
        app = make_app(inventory(HOST))
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await pilot.press(key)
            await pilot.pause()
            assert not app.is_running
