"""Only the plan that was on screen can be confirmed, and a dialog can always be left, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input, Static

from layerscope.core.build import build_graph
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import RemovalPlan
from layerscope.inventory import Container, Inventory
from layerscope.tui.dialogs import plan as removal
from layerscope.tui.dialogs.plan import PlanScreen
from layerscope.tui.dialogs.removing import RemovingScreen
from layerscope.tui.dialogs.small import SmallScreen
from layerscope.tui.screens.asking import rebase
from layerscope.tui.screens.main import MainScreen
from tests.tui.harness import inventory, make_app, press, settled
from tests.tui.remover import Engine
from tests.tui.test_bursts import burst
from tests.tui.test_marks import HOST, scene_of
from tests.tui.test_removal import mark, notes, said, told, with_child

LONG = 60.0
"""Seconds that no test waits for."""


@pytest.fixture(autouse=True)
def _long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is armed again by itself: a test says when the pause is over."""
    monkeypatch.setattr(removal, "PAUSE", LONG)


def dialog(pilot: Pilot[Any]) -> PlanScreen:
    screen = pilot.app.screen
    assert isinstance(screen, PlanScreen)
    return screen


def question(pilot: Pilot[Any]) -> str:
    return str(dialog(pilot).query_one("#question", Static).render())


def is_armed(pilot: Pilot[Any]) -> bool:
    return "An answer is taken in a moment" not in question(pilot)


def renamed(full: Inventory, name: str, *tags: str) -> Inventory:
    return replace(full, images=tuple(replace(i, tags=tags) if name in i.tags else i for i in full.images))


def used(full: Inventory, name: str) -> Inventory:
    image = next(i for i in full.images if name in i.tags)
    newcomer = Container("c" * 64, "newcomer", image.id, name, "running")
    return replace(full, containers=(*full.containers, newcomer))


def without(full: Inventory, name: str) -> Inventory:
    return replace(full, images=tuple(i for i in full.images if name not in i.tags))


CHANGES: dict[str, tuple[Callable[[Inventory], Inventory], str]] = {
    "one is used": (lambda full: used(full, "svc:latest"), "svc:latest would stay now"),
    "one is gone": (lambda full: without(full, "svc:latest"), "svc:latest is not there any more"),
    "one is named": (
        lambda full: renamed(full, "svc:latest", "svc:latest", "keep-me:forever"),
        "svc:latest has other names now: svc:latest and keep-me:forever",
    ),
    "one is a base": (lambda full: with_child(full, of="svc:latest"), "svc:latest would only be untagged now"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_plan_that_changed_cannot_be_confirmed_before_it_was_seen(change: str) -> None:
    act, words = CHANGES[change]
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d")
        assert is_armed(pilot)
        engine.change(act(inventory(HOST)))
        await settled(pilot)
        assert words in said(pilot)
        await press(pilot, "y", "y", "y")
        assert engine.asked == []
        assert not is_armed(pilot)
        dialog(pilot)._arm()
        await press(pilot, "y")
        assert "committed:1" in engine.asked
        assert not any(isinstance(screen, PlanScreen) for screen in app.screen_stack)


async def test_another_key_after_a_change_disarms_again() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d")
        engine.change(used(inventory(HOST), "svc:latest"))
        await settled(pilot)
        dialog(pilot)._arm()
        await press(pilot, "x", "y")
        assert engine.asked == []
        assert not is_armed(pilot)
        await press(pilot, "n")
        assert isinstance(app.screen, MainScreen)
        assert engine.asked == []


async def test_a_number_that_was_being_typed_is_no_answer_to_what_is_new() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "d", "3")
        engine.change(without(inventory(HOST), "svc:latest"))
        await settled(pilot)
        number = dialog(pilot)._number
        await press(pilot, *str(number), "enter")
        assert engine.asked == []
        assert dialog(pilot).query_one(Input).value == "", "what came too early is not kept"
        dialog(pilot)._arm()
        await press(pilot, *str(number), "enter")
        assert len(engine.asked) == number


async def test_enter_with_nothing_typed_is_no_also_after_a_change() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "d")
        engine.change(without(inventory(HOST), "svc:latest"))
        await settled(pilot)
        await press(pilot, "enter")
        assert isinstance(app.screen, MainScreen)
        assert engine.asked == []


async def test_what_is_carried_out_is_the_plan_that_was_on_screen() -> None:
    """The host changes after the answer, before the worker begins."""
    engine = Engine(inventory(HOST))
    plans: list[RemovalPlan] = []

    def remove(plan: RemovalPlan, *_: object) -> tuple[Step, ...]:
        plans.append(plan)
        return ()

    engine.remove = remove  # type: ignore[method-assign,assignment]
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d")
        shown = dialog(pilot).plan
        burst(pilot, "y")
        scene_of(pilot).marks.clear()
        await settled(pilot)
        assert plans == [shown]


@pytest.mark.parametrize("key", ["down", "up", "pagedown", "c", "z"])
async def test_each_other_key_disarms(key: str) -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d")
        engine.change(used(inventory(HOST), "svc:latest"))
        await settled(pilot)
        dialog(pilot)._arm()
        burst(pilot, key, "y")
        await settled(pilot)
        assert engine.asked == []
        assert not is_armed(pilot)


async def test_a_mark_taken_off_is_a_change_of_the_plan_too() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d")
        burst(pilot, "space", "y", "y")
        await settled(pilot)
        assert engine.asked == []
        assert question(pilot) == "Remove 1 image? An answer is taken in a moment."
        dialog(pilot)._arm()
        await press(pilot, "y")
        assert len(engine.asked) == 1


async def test_what_the_engine_changed_is_still_told_after_a_mark_was_taken_off() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1", "nginx:1")
        await press(pilot, "d")
        engine.change(used(inventory(HOST), "svc:latest"))
        await settled(pilot)
        dialog(pilot).rows.go_to(next(i.id for i in inventory(HOST).images if "nginx:1" in i.tags))
        await press(pilot, "space", "y")
        assert "The engine has changed: svc:latest would stay now" in said(pilot)
        assert "nginx:1" not in said(pilot), "that was the user's own doing"
        assert engine.asked == []
        assert not is_armed(pilot)


async def test_the_engine_changes_after_a_mark_was_taken_off() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1", "nginx:1")
        await press(pilot, "d")
        dialog(pilot).rows.go_to(next(i.id for i in inventory(HOST).images if "nginx:1" in i.tags))
        await press(pilot, "space")
        engine.change(used(inventory(HOST), "svc:latest"))
        await settled(pilot)
        assert "The engine has changed: svc:latest would stay now" in said(pilot)
        assert "nginx:1" not in said(pilot)
        await press(pilot, "y")
        assert engine.asked == []


async def test_a_change_under_what_lies_over_the_dialog_is_seen_first() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d", "ctrl+p")
        plan = next(screen for screen in app.screen_stack if isinstance(screen, PlanScreen))
        engine.change(used(inventory(HOST), "svc:latest"))
        await settled(pilot)
        plan._arm()
        burst(pilot, "escape", "y")
        await settled(pilot)
        assert engine.asked == []
        assert not is_armed(pilot)


async def test_a_yes_to_a_scan_under_way_is_no_yes_to_the_whole_one() -> None:
    full = inventory(HOST)
    engine = Engine(full)
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        engine.change(replace(full, complete=False))
        await settled(pilot)
        await press(pilot, "d", "y")
        engine.change(full)
        await settled(pilot)
        await press(pilot, "y")
        assert engine.asked == []
        assert not is_armed(pilot)


async def test_keys_of_the_row_work_while_a_number_is_asked_for() -> None:
    app = make_app(Engine(used(inventory(HOST), "svc:latest")))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "d")
        assert dialog(pilot).typing
        dialog(pilot).rows.go_to(next(i.id for i in inventory(HOST).images if "svc:latest" in i.tags))
        await press(pilot, "x")
        assert app.clipboard == "docker rm -f " + "c" * 64 or "newcomer" in app.clipboard
        assert dialog(pilot).query_one(Input).value == ""
        await press(pilot, *"python")
        assert dialog(pilot).query_one(Input).value == "python", "all that follows a letter is for the line"
        await press(pilot, "ctrl+u", "h")
        assert isinstance(app.screen, MainScreen)


async def test_another_digest_is_another_name() -> None:
    full = inventory(HOST)
    engine = Engine(full)
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d")
        digests = ("r@sha256:" + "a" * 64,)
        changed = (replace(one, digests=digests) if "committed:1" in one.tags else one for one in full.images)
        engine.change(replace(full, images=tuple(changed)))
        await settled(pilot)
        assert "committed:1 has other names now: committed:1 and r@sha256" in said(pilot)
        await press(pilot, "y")
        assert engine.asked == []


async def test_a_change_while_the_dialog_opens_is_shown_by_it() -> None:
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        scene = scene_of(pilot)
        app.push_screen(PlanScreen(scene, scene.marks))
        rebase(app.main, scene, build_graph(used(inventory(HOST), "svc:latest")))
        await settled(pilot)
        assert "container newcomer" in notes(pilot)


# -- faults and leaving -----------------------------------------------------------------------


@pytest.mark.parametrize("error", [TypeError("no such thing\n[b]"), RecursionError("deep"), KeyError("x")])
async def test_a_fault_of_the_worker_is_shown_and_the_dialog_can_be_left(error: Exception) -> None:
    engine = Engine(inventory(HOST))

    def remove(*_: object) -> tuple[Step, ...]:
        raise error

    engine.remove = remove  # type: ignore[method-assign,assignment]
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y")
        assert isinstance(app.screen, RemovingScreen)
        assert f"a mistake in layerscope itself: {type(error).__name__}" in said(pilot)
        await press(pilot, "escape")
        assert isinstance(app.screen, MainScreen)
        assert app.main.live.lost, "what is shown may be stale"


async def test_a_fault_of_the_prune_is_shown_too() -> None:
    engine = Engine(inventory(HOST), cache=(4_194_304,))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y")
        engine.prune_build_cache = None  # type: ignore[method-assign,assignment]
        await press(pilot, "p", "y")
        assert "a mistake in layerscope itself: TypeError" in said(pilot)
        await press(pilot, "enter")
        assert isinstance(app.screen, MainScreen)


async def test_a_fault_while_following_is_shown_as_a_loss() -> None:
    engine = Engine(inventory(HOST))

    def follow(*_: object) -> None:
        raise ValueError("what")

    engine.follow = follow  # type: ignore[method-assign,assignment]
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert "ValueError: what" in app.main.live.lost


async def test_what_lies_over_a_dialog_is_not_left_in_its_place() -> None:
    """The marked images go while the terminal is too small: the dialog goes, once there is room again."""
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d")
        await pilot.resize_terminal(40, 10)
        await settled(pilot)
        assert isinstance(app.screen, SmallScreen)
        engine.change(without(inventory(HOST), "committed:1"))
        await settled(pilot)
        assert isinstance(app.screen, SmallScreen)
        await pilot.resize_terminal(120, 36)
        await settled(pilot)
        assert [type(screen) for screen in app.screen_stack] == [MainScreen]
        assert "gone" not in told(pilot)


async def test_room_again_that_the_warning_itself_was_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen once on a busy machine: it lay over the palette for ever, and no key takes it away."""
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "ctrl+p")
        await pilot.resize_terminal(40, 10)
        await settled(pilot)
        assert isinstance(app.screen, SmallScreen)
        monkeypatch.setattr(SmallScreen, "_look", lambda _: None)
        await pilot.resize_terminal(120, 36)
        await settled(pilot)
        assert isinstance(app.screen, CommandPalette)


async def test_room_again_under_the_palette_and_escape() -> None:
    app = make_app(Engine(inventory(HOST)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.resize_terminal(40, 10)
        await press(pilot, "ctrl+p")
        await pilot.resize_terminal(120, 36)
        await settled(pilot)
        await press(pilot, "escape")
        assert [type(screen) for screen in app.screen_stack] == [MainScreen]
