"""Removal by keyboard: nothing happens unasked, what was said beforehand comes of it, the end is the truth."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Static

from layerscope.core.build import build_graph
from layerscope.core.removal.measured import UNKNOWN, Freed
from layerscope.core.removal.plan import plan
from layerscope.inventory import BuildCacheRecord, Container, Inventory
from layerscope.tui.dialogs.confirm import ConfirmScreen
from layerscope.tui.dialogs.plan import PlanScreen
from layerscope.tui.dialogs.removing import RemovingScreen
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.summary import Summary
from layerscope.units import format_size
from tests.core.contents import with_content
from tests.hosts import SMALL, image_id
from tests.tui.conftest import by_size
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.remover import BUSY, Engine
from tests.tui.test_marks import DIALOGS, HOST, scene_of

RULE = "conflict: unable to delete 6ac1 (cannot be forced) - image is being used by running container 77aa"


async def mark(pilot: Pilot[Any], *names: str) -> None:
    """Mark images by keyboard, found by name."""
    for name in names:
        node = next(n for n in scene_of(pilot).graph.images if n.name == name)
        pilot.app.main.images_pane.go_to(node)  # type: ignore[attr-defined]
        await press(pilot, "space")


def said(pilot: Pilot[Any]) -> str:
    screen = pilot.app.screen
    assert isinstance(screen, PlanScreen | RemovingScreen)
    return str(screen.said.render())


def notes(pilot: Pilot[Any]) -> str:
    screen = pilot.app.screen
    assert isinstance(screen, PlanScreen | RemovingScreen)
    return "\n".join(
        f"{line.row.sign} {line.row.name}: {line.row.note}" for line in screen.rows.rows if not line.number
    )


def question(pilot: Pilot[Any]) -> str:
    return str(pilot.app.screen.query_one("#question", Static).render())


def told(pilot: Pilot[Any]) -> str:
    return " ".join(toast.message for toast in pilot.app._notifications)


@pytest.mark.parametrize("no", ["n", "enter", "escape", "q", "d", "space", "Y"])
async def test_nothing_but_y_removes(no: str) -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", no)
        assert engine.asked == []
        if no in {"n", "enter", "escape", "q"}:
            assert isinstance(app.screen, MainScreen)
        assert len(scene_of(pilot).marks) == (no != "space"), "Space takes the mark off there"


async def test_what_was_predicted_is_freed_and_the_screen_shows_it() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "node-app:1", "committed:1")
        scene = scene_of(pilot)
        before = scene.graph.totals.footprint
        will = plan(scene.graph, scene.marks.ids)
        await press(pilot, "d", "y")
        size = format_size(will.frees)
        assert said(pilot).startswith(f"predicted {size} · freed {size}")
        assert len(said(pilot).splitlines()) == 1, "nothing to explain"
        await press(pilot, "enter")
        assert isinstance(app.screen, MainScreen)
        assert scene.graph.totals.footprint == before - will.frees
        assert not scene.marks.ids
        assert f"freed this session: {size}" in app.main.query_one(MarkLine).line


async def test_what_is_blocked_is_named_with_the_rule_and_never_asked_for() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "py-app:2", "committed:1")
        await press(pilot, "d")
        assert "py-app:2: stays, container run1 (running, 5s): image is being used by running container" in notes(pilot)
        await press(pilot, "y", "enter")
        assert engine.asked == ["committed:1"]


async def test_what_is_only_untagged_is_listed_before_and_told_after() -> None:
    engine = Engine(with_child(inventory(HOST)))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "nginx:1", "committed:1")
        assert "1 only untagged" in app.main.query_one(MarkLine).line
        await press(pilot, "d")
        why = "it stays for image child:1, made from it: image has dependent child images"
        shown = rows(pilot)
        names = "with 2 more names (nginx:stable and registry.local:5000/team/nginx:1)"
        assert f"– nginx:1: only untagged, {names}: {why}" in shown
        assert "1 image is only untagged and frees nothing: what was made from it stays." in said(pilot)
        assert "Remove 1 image and untag 1?" in str(app.screen.query_one("#question", Static).render())
        await press(pilot, "y")
        assert "– nginx:1: only untagged" in rows(pilot)
        assert said(pilot).startswith("predicted 4.2 MB · freed 4.2 MB")
        assert len(said(pilot).splitlines()) == 1, "it was said beforehand: there is nothing to explain"
        await press(pilot, "enter")
        assert all(node.name != "nginx:1" for node in scene_of(pilot).graph.images)
        assert not scene_of(pilot).marks.ids


async def test_what_is_only_untagged_can_be_all_there_is_to_do() -> None:
    engine = Engine(with_child(inventory(HOST)))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "nginx:1")
        await press(pilot, "d")
        assert said(pilot).startswith("No image goes.")
        assert "Untag 1 image?" in str(app.screen.query_one("#question", Static).render())
        await press(pilot, "y")
        assert engine.asked == ["nginx:1"]
        assert said(pilot) == "predicted 0 B · freed 0 B by the engine's own total"


async def test_bytes_that_only_leave_the_total_are_not_said_to_be_freed() -> None:
    """A base that loses its name leaves the engine's total with its layers, if its child has others (--squash)."""
    engine = Engine(with_child(inventory(HOST), of="committed:1", squashed=True))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y")
        assert said(pilot) == "predicted 0 B · freed 0 B by the engine's own total"


def with_child(full: Inventory, of: str = "nginx:1", *, squashed: bool = False) -> Inventory:
    """The host with an image made from another one."""
    base = next(image for image in full.images if of in image.tags)
    child = replace(base, id=f"sha256:{'c' * 64}", tags=("child:1",), digests=(), parent_id=base.id)
    if squashed:
        other = next(image for image in full.images if "deb:base" in image.tags)
        child = replace(other, id=child.id, tags=child.tags, digests=(), parent_id=base.id)
    return replace(full, images=(*full.images, child))


def rows(pilot: Pilot[Any]) -> str:
    """The list of a dialog with the notes that stand under an image."""
    screen = pilot.app.screen
    assert isinstance(screen, PlanScreen | RemovingScreen)
    return "\n".join(f"{row.sign} {row.name}: {row.note}" for row in screen.rows.images)


async def test_when_everything_is_blocked_there_is_nothing_to_say_yes_to() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "py-app:2")
        await press(pilot, "d", "y")
        assert isinstance(app.screen, PlanScreen)
        await press(pilot, "enter")
        assert engine.asked == []


@pytest.mark.parametrize("typed", ["32", "remove"])
async def test_much_is_removed_only_when_it_is_typed(typed: str) -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "d", "y", "enter")
        assert isinstance(app.screen, PlanScreen)
        assert engine.asked == []
        await press(pilot, "backspace", "3", "1", "enter")
        assert engine.asked == []
        await press(pilot, "backspace", "backspace", *typed, "enter")
        assert len(engine.asked) == 32


async def test_enter_alone_is_no_also_where_one_has_to_type() -> None:
    engine = Engine(inventory(HOST))
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "d", "enter")
        assert isinstance(app.screen, MainScreen)
        assert engine.asked == []


async def test_a_refused_image_is_told_in_the_engines_words_and_the_rest_goes_on() -> None:
    engine = Engine(inventory(HOST), refuses={"node-app:1": RULE})
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "node-app:1", "svc:latest", "committed:1")
        scene = scene_of(pilot)
        others = [n.id for n in scene.marks.images if n.name != "node-app:1"]
        part = format_size(plan(scene.graph, others).frees)
        await press(pilot, "d", "y")
        assert sorted(engine.asked) == ["committed:1", "node-app:1", "svc:latest"]
        assert f"✗ node-app:1: refused: {RULE}" in notes(pilot)
        assert f"freed {part}" in said(pilot)
        assert f"1 image was refused: what went was to free {part}." in said(pilot)
        await press(pilot, "escape")
        assert [n.name for n in scene.marks.images] == ["node-app:1"], "what stayed is still marked"


async def test_esc_stops_between_two_images() -> None:
    engine = Engine(inventory(HOST))
    engine.gate = threading.Event()
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "node-app:1", "svc:latest", "committed:1")
        await pilot.press("d")
        await pilot.pause()
        await pilot.press("y")
        while not engine.asked:
            await pilot.pause(0.01)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, RemovingScreen), "the one under way is waited for"
        engine.gate.set()
        await settled(pilot)
        assert len(engine.asked) == 1
        assert notes(pilot).count("not tried") == 2
        assert "2 images were not tried" in said(pilot)


async def test_a_difference_is_never_passed_over() -> None:
    engine = Engine(inventory(HOST), pulls_meanwhile=1_000_000)
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y")
        assert "predicted 4.2 MB · freed 3.2 MB" in said(pilot)
        assert "not accounted for" in said(pilot)


async def test_an_engine_that_dies_halfway() -> None:
    engine = Engine(inventory(HOST), dies_at="svc:latest")
    app = make_app(engine)
    async with app.run_test(size=(220, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "svc:latest", "committed:1")
        await press(pilot, "d", "y")
        assert "svc:latest: not known: the engine was lost: the engine closed the connection" in notes(pilot)
        assert "not measured (nobody listens" in said(pilot)
        await press(pilot, "escape")
        assert app.main.query_one(Summary).state[0] == "stale"
        assert "nobody listens" in app.main.query_one(MarkLine).line
        assert scene_of(pilot).freed == UNKNOWN
        assert "freed this session: not measured" in app.main.query_one(MarkLine).line


@pytest.mark.parametrize("question", [2, 3], ids=["before", "after"])
async def test_an_engine_that_is_busy_with_another_session_is_not_lost(question: int) -> None:
    """It refuses to measure, and what went is known all the same. The first question is the dialog's."""
    engine = Engine(inventory(HOST))
    engine.busy = {question}
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y")
        assert engine.asked_usage == 3
        assert said(pilot) == f"predicted 4.2 MB · freed: not measured ({BUSY})"
        await press(pilot, "escape")
        assert not app.main.live.lost
        assert app.main.query_one(Summary).state[0] != "stale"
        assert all(node.name != "committed:1" for node in scene_of(pilot).graph.images)
        assert scene_of(pilot).freed.low == 0


async def test_a_build_cache_that_was_pruned_is_not_doubted_when_nothing_can_be_measured() -> None:
    engine = Engine(inventory(HOST), cache=(4_194_304,))
    engine.busy = {6}
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y", "p", "y")
        assert engine.pruned == 1
        assert engine.asked_usage == 6
        assert "The build cache was pruned" in said(pilot)
        assert not app.main.live.lost


async def test_the_dialog_follows_the_engine() -> None:
    """Another session removes one of the marked images, and a container takes another into use, while one reads."""
    full = inventory(HOST)
    engine = Engine(full)
    app = make_app(engine)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "node-app:1", "svc:latest", "committed:1")
        marked = {n.name: n.id for n in scene_of(pilot).marks.images}
        await press(pilot, "d")
        used = Container("c" * 64, "newcomer", marked["svc:latest"], "svc:latest", "running")
        left = tuple(image for image in full.images if image.id != marked["node-app:1"])
        engine.change(replace(full, images=left, containers=(*full.containers, used)))
        await settled(pilot)
        assert "The engine has changed" in said(pilot)
        assert "svc:latest: stays, container newcomer (running)" in notes(pilot)
        assert "node-app:1" not in notes(pilot)
        await press(pilot, "y")
        assert engine.asked == ["committed:1"]


async def test_the_build_cache_is_offered_and_never_taken_unasked() -> None:
    engine = Engine(inventory(HOST), cache=(4_194_304,))
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d")
        assert "until the build cache is pruned; then 4.2 MB do" in said(pilot)
        await press(pilot, "y")
        assert "predicted 4.2 MB · freed 4.2 MB" in said(pilot)
        assert "still on disk for the build cache" in said(pilot)
        assert "4.2 MB of it is still on disk for the build cache; it goes when that is pruned." in said(pilot)
        assert scene_of(pilot).freed == Freed(), "it is not back yet"
        await press(pilot, "p")
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "enter")
        assert engine.pruned == 0
        await press(pilot, "p", "y")
        assert engine.pruned == 1
        assert "The build cache was pruned: 4.2 MB came back (the engine counts 792 MB" in said(pilot)
        assert "still on disk" not in said(pilot)
        assert scene_of(pilot).freed == Freed(4_194_304, 4_194_304)


async def test_a_prune_frees_what_is_measured_and_not_what_the_plan_feared() -> None:
    """The cache could hold any layer of that size: it held the one of another image, which stays."""
    engine = Engine(inventory(HOST), cache=(4_194_304, 5_000_000))
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1", "node-app:1")
        freed = plan(scene_of(pilot).graph, scene_of(pilot).marks.ids).frees
        await press(pilot, "d", "y")
        assert scene_of(pilot).freed == Freed(freed - 4_194_304, freed - 4_194_304)
        await press(pilot, "p", "y")
        assert scene_of(pilot).freed == Freed(freed, freed), "the record that an image has stays"


async def test_where_the_engine_does_not_tell_of_its_cache_the_total_is_a_bound() -> None:
    engine = Engine(inventory(HOST), cache=None)
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y")
        assert "predicted 4.2 MB · freed 4.2 MB" in said(pilot)
        await press(pilot, "escape")
        assert scene_of(pilot).freed == Freed(0, 4_194_304)
        assert "freed this session: ≤4.2 MB" in app.main.query_one(MarkLine).line


async def test_a_prune_in_which_the_engine_dies_is_no_figure() -> None:
    engine = Engine(inventory(HOST), cache=(4_194_304,))
    engine.prune_fails = True
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, "committed:1")
        await press(pilot, "d", "y", "p", "y")
        assert "The prune did not end well, what came back is not measured: the engine closed" in said(pilot)
        await press(pilot, "escape")
        assert scene_of(pilot).freed == UNKNOWN
        assert app.main.query_one(Summary).state[0] == "stale"


async def test_without_a_remover_it_is_said_why() -> None:
    for source in (inventory(HOST), FakeBackend(inventory(HOST))):
        app = make_app(source)
        async with app.run_test(size=(120, 36)) as pilot:
            await settled(pilot)
            await press(pilot, "space", "d")
            assert app.session.backend is not None
            assert f"Nothing can be removed: {app.session.backend.no_removal}." in question(pilot)
            await press(pilot, "y", "enter")
            assert isinstance(app.screen, MainScreen)


def pictured(*names: str, keys: tuple[str, ...] = ("d",)) -> Any:
    async def before(pilot: Pilot[Any]) -> None:
        await mark(pilot, *names)
        await press(pilot, *keys)

    return before


@pytest.mark.parametrize("size", DIALOGS, ids=by_size)
class TestPictures:
    def test_plain(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST))
        assert snap(make_app(engine), size, before=pictured("node-app:1", "nginx:1", "committed:1"))

    def test_blocked(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST))
        assert snap(make_app(engine), size, before=pictured("py-app:2", "web:1", "committed:1"))

    def test_only_untagged(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(with_child(inventory(HOST)))
        assert snap(make_app(engine), size, before=pictured("py-app:2", "nginx:1", "committed:1"))

    def test_all_blocked(self, snap: Any, size: tuple[int, int]) -> None:
        assert snap(make_app(Engine(inventory(HOST))), size, before=pictured("py-app:2"))

    def test_large(self, snap: Any, size: tuple[int, int]) -> None:
        assert snap(make_app(Engine(inventory(HOST))), size, "asterisk", "d", "3")

    def test_build_cache(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST), cache=(4_194_304,))
        assert snap(make_app(engine), size, before=pictured("node-app:1", "committed:1"))

    def test_build_cache_is_asked_for(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST), cache=(4_194_304,))
        assert snap(make_app(engine), size, before=pictured("committed:1", keys=("d", "y", "p")))

    def test_build_cache_pruned(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST), cache=(4_194_304,))
        assert snap(make_app(engine), size, before=pictured("committed:1", keys=("d", "y", "p", "y")))

    def test_refused(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST), refuses={"node-app:1": RULE})
        assert snap(make_app(engine), size, before=pictured("node-app:1", "committed:1", keys=("d", "y")))

    def test_done(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST))
        assert snap(make_app(engine), size, before=pictured("node-app:1", "committed:1", keys=("d", "y")))

    def test_done_with_a_difference(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST), pulls_meanwhile=1_000_000)
        assert snap(make_app(engine), size, before=pictured("node-app:1", "committed:1", keys=("d", "y")))

    def test_lost(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST), dies_at="committed:1")
        assert snap(make_app(engine), size, before=pictured("node-app:1", "committed:1", keys=("d", "y")))

    def test_freed_this_session(self, snap: Any, size: tuple[int, int]) -> None:
        engine = Engine(inventory(HOST))
        keys = ("d", "y", "enter")
        assert snap(make_app(engine), size, before=pictured("node-app:1", "committed:1", keys=keys))


class KeepsContent(Engine):
    """An engine with a containerd store, whose cache holds a part of the content until it is pruned."""

    listed: ClassVar[list[dict[str, int]]] = []

    def blobs(self) -> dict[str, int] | None:
        return self.listed.pop(0)


async def test_content_that_the_build_cache_holds_comes_back_with_it() -> None:
    record = BuildCacheRecord("x", (), "regular", "", False, False, 1)
    found = with_content(replace(SMALL, containers=()), build_cache=(record,))
    made = plan(build_graph(found), [image_id("old")])
    content = made.content
    assert content is not None
    least, most = content.at_once.least, content.at_once.most
    engine = KeepsContent(found)
    held = {"b": most - least, "c": 1}
    engine.listed = [held | {"a": least}, held, held, {"c": 1}]
    app = make_app(engine)
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        await mark(pilot, made.removed[0].name)
        await press(pilot, "d", "y")
        size = format_size(most - least)
        assert f"Up to {size} of content is held by the build cache until it is pruned." in said(pilot)
        freed = scene_of(pilot).freed
        await press(pilot, "p", "y")
        assert engine.pruned == 1
        assert f"The build cache was pruned: {size} of content came back (the engine counts 792 MB" in said(pilot)
        assert "until it is pruned" not in said(pilot)
        assert scene_of(pilot).freed == freed
