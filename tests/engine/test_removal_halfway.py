"""A removal on a real engine that does not go as planned: it dies, or others remove and use what is marked.

By keyboard. Whatever comes between, each image has what became of it beside it, nothing is said to be freed that
was not measured, and the screen ends in what the engine lists.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.measured import UNKNOWN, Freed
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.backend import LiveBackend
from layerscope.engine.connect import connect
from layerscope.engine.remove import EngineRemover
from layerscope.engine.wire import Wire
from layerscope.inventory import Inventory
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs.plan import PlanScreen
from layerscope.tui.dialogs.removing import RemovingScreen
from layerscope.tui.scene import Scene
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.session import Session
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.summary import Summary
from layerscope.units import format_size
from tests.engine.corpus import archive, layer, steps
from tests.engine.private import PrivateEngine, why_not
from tests.engine.registry import serve
from tests.engine.test_removal_by_keyboard import come_to_rest

pytestmark = [pytest.mark.engine, pytest.mark.engine_long]

SIZES = {"a": 90_000, "b": 70_000, "c": 50_000, "d": 30_000}
"""Bytes of the layer that only image ``x:1`` has; all of them stand on that of ``keep:1``."""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PrivateEngine]:
    """An engine of our own with small images; ``c:1`` has a second name."""
    if reason := why_not():
        pytest.skip(f"no engine: {reason}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    base = layer("base", size=200_000)
    images = {"keep:1": [base]} | {f"{name}:1": [base, layer(name, size=size)] for name, size in SIZES.items()}
    with PrivateEngine() as private:
        with closing(docker.DockerClient(private.host, version="auto")) as client:
            for tag, layers in images.items():
                history = steps(*(f"COPY {number} /" for number in range(len(layers))))
                client.images.load(archive([tag], layers, history))
            client.images.get("c:1").tag("c", "also")
        yield private


@pytest.fixture
def other(engine: PrivateEngine) -> Iterator[docker.APIClient]:
    """Another client of the engine."""
    with docker.APIClient(engine.host, version="auto") as client:
        yield client


class Remover(EngineRemover):
    """Tells of each step a test too, in the thread that removes."""

    staged: Callable[[Step], None]

    def remove(
        self, plan: RemovalPlan, progress: Callable[[Step], None], cancelled: Callable[[], bool]
    ) -> tuple[Step, ...]:
        def told(step: Step) -> None:
            progress(step)
            self.staged(step)

        return super().remove(plan, told, cancelled)


class Staged(LiveBackend):
    """A live engine, of which a test can hold back the news and follow the removals."""

    def __init__(self, host: str, staged: Callable[[Step], None] = lambda step: None) -> None:
        super().__init__(connect(host))
        self.staged = staged
        self.news = threading.Event()
        self.news.set()

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
        def slowly(inventory: Inventory) -> None:
            self.news.wait(60)
            changed(inventory)

        super().follow(slowly, state)

    def remover(self) -> Remover:
        remover = Remover(self.connection)
        remover.staged = self.staged
        return remover

    def close(self) -> None:
        self.news.set()
        super().close()


def app_on(backend: Staged) -> LayerscopeApp:
    return LayerscopeApp(Session(lambda: backend))


async def marked(pilot: Pilot[Any], *names: str) -> Scene:
    """Wait for the engine's images, mark these by keyboard and open the dialog."""
    main = pilot.app.main  # type: ignore[attr-defined]
    await come_to_rest(pilot, lambda: main.scene is not None and main.live.followed)
    scene = main.scene
    assert isinstance(scene, Scene)
    for row, node in enumerate(scene.graph.images):  # the biggest first, as in the list
        if node.name in names:
            await pilot.press("home", *["down"] * row, "space")
            await pilot.pause()
    assert {node.name for node in scene.marks.images} == set(names)
    await pilot.press("d")
    await come_to_rest(
        pilot, lambda: isinstance(pilot.app.screen, PlanScreen) and scene.graph.inventory.usage is not None
    )
    return scene


async def agreed(pilot: Pilot[Any]) -> RemovingScreen:
    """Say yes; wait until it is over."""
    await pilot.press("y")
    await come_to_rest(
        pilot, lambda: isinstance(pilot.app.screen, RemovingScreen) and pilot.app.screen.came is not None
    )
    screen = pilot.app.screen
    assert isinstance(screen, RemovingScreen)
    return screen


def beside(screen: PlanScreen | RemovingScreen) -> dict[str, str]:
    """What is said of each image."""
    return {row.name: f"{row.sign} {row.note}" for row in screen.rows.images}


def said(screen: PlanScreen | RemovingScreen) -> list[str]:
    return str(screen.said.render()).splitlines()


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "layerscope" / "removals.jsonl").read_text().splitlines()]


def listed(client: docker.APIClient) -> dict[str, set[str]]:
    return {row["Id"]: set(row["RepoTags"] or ()) for row in client.images()}


async def ends_in_the_truth(pilot: Pilot[Any], scene: Scene, client: docker.APIClient) -> None:
    """Back on the main screen, what is shown is what the engine lists, and stays so."""
    main = pilot.app.main  # type: ignore[attr-defined]

    def shown() -> dict[str, set[str]]:
        return {node.id: set(node.image.tags) for node in scene.graph.images}

    def drawn() -> bool:  # the list follows the graph by a message
        return {node.id for node in main.images_pane.images.rows} == set(shown())

    def done() -> bool:
        return shown() == listed(client) and drawn() and main.live.followed and not main.live.lost

    await come_to_rest(pilot, done)
    if not isinstance(pilot.app.screen, MainScreen):
        await pilot.press("escape")
        await pilot.pause()
    assert isinstance(pilot.app.screen, MainScreen)
    assert main.query_one(Summary).state[0] in {"live", "news"}
    assert {node.id for node in main.images_pane.images.rows} == set(listed(client))


@pytest.mark.parametrize("answered", [True, False], ids=["between two images", "before its answer"])
async def test_an_engine_that_dies_halfway(
    engine: PrivateEngine, other: docker.APIClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    """Killed after the second image, or after it has removed the third and before it can say so."""
    with serve("pulled", [layer("base", size=200_000), layer("pulled", size=110_000)]) as name:
        pulled = f"{name}:1"
        other.pull(name, tag="1")
        done: list[str] = []

        def staged(step: Step) -> None:
            done.extend([step.image_id] if step.state == "removed" else [])
            if answered and len(done) == 2 and step.state == "removed":
                engine.kill()

        backend = Staged(engine.host, staged)
        ask = Wire.ask

        def asked(self: Wire, method: str, *question: Any) -> Any:
            answer = ask(self, method, *question)
            if not answered and method == "DELETE" and len(done) == 2:
                assert answer[0] == 200
                done.append("unheard of")
                engine.kill()
                raise ConnectionResetError
            return answer

        monkeypatch.setattr(Wire, "ask", asked)
        app = app_on(backend)
        async with app.run_test(size=(140, 36)) as pilot:
            scene = await marked(pilot, pulled, "a:1", "b:1", "d:1")
            will = plan(scene.graph, scene.marks.ids)
            assert [node.name for node in will.removed] == [pulled, "a:1", "b:1", "d:1"]
            ids = [node.id for node in will.removed]
            size = format_size(will.frees)
            screen = await agreed(pilot)

            socket = engine.host.removeprefix("unix://")
            nobody = f"nobody listens at {socket} (--host)"
            cut = nobody if answered else f"the engine at {socket} (--host) closed the connection without an answer"
            assert beside(screen) == {
                pulled: "✓ removed",
                "a:1": "✓ removed",
                "b:1": f"? not known: the engine was lost: {cut}",
                "d:1": "· not tried: the engine was lost",
            }
            assert said(screen) == [f"predicted {size} · freed: not measured ({nobody})"]
            assert screen.came is not None
            assert screen.came.measured.left is None
            assert scene.freed == UNKNOWN
            log = logged(tmp_path)
            assert [(line["state"], line["image"]) for line in log] == [
                *(("removing", ids[0]), ("removed", ids[0])),
                *(("removing", ids[1]), ("removed", ids[1])),
                *(("removing", ids[2]), ("lost", ids[2])),
            ]
            assert log[-1]["words"] == cut
            assert [line["tags"] for line in log[::2]] == [[pulled], ["a:1"], ["b:1"]]
            assert all(line["engine"] == engine.host and line["time"].endswith("Z") for line in log)

            await pilot.press("escape")
            await pilot.pause()
            assert app.main.query_one(Summary).state[0] == "stale"
            assert "engine lost, trying again" in app.main.query_one(MarkLine).line
            assert "freed" not in app.main.query_one(MarkLine).line

            engine.start()
            await ends_in_the_truth(pilot, scene, other)
            left = ids[2:] if answered else ids[3:]
            assert set(left) <= {node.id for node in scene.graph.images}
            assert not (set(ids) - set(left)) & {node.id for node in scene.graph.images}
            assert scene.marks.ids == set(left), "what did not go is still marked"

            rest = plan(scene.graph, left)  # what is left goes when asked for again
            await pilot.press("d")
            await come_to_rest(
                pilot, lambda: isinstance(app.screen, PlanScreen) and scene.graph.inventory.usage is not None
            )
            screen = await agreed(pilot)
            assert screen.came is not None
            assert screen.came.measured.left == rest.frees > 0
            assert scene.freed == Freed(rest.frees, None), "of the first removal it is not known"
            await ends_in_the_truth(pilot, scene, other)

        again = log[0]["pull_again"]
        assert again.startswith(f"docker pull {name}@sha256:")
        assert log[2]["pull_again"] is None, "it never came from a registry"
        other.pull(again.removeprefix("docker pull "))
        assert ids[0] in listed(other)


async def test_an_image_that_another_client_removes_before_its_turn(
    engine: PrivateEngine, other: docker.APIClient, tmp_path: Path
) -> None:
    """Between the dialog and the yes, before any news of it; and a second one while others are being removed."""

    def staged(step: Step) -> None:
        if step.image_id == first and step.state == "removing":
            other.remove_image("d:1")

    backend = Staged(engine.host, staged)
    app = app_on(backend)
    async with app.run_test(size=(140, 36)) as pilot:
        scene = await marked(pilot, "a:1", "b:1", "c:1", "d:1")
        will = plan(scene.graph, scene.marks.ids)
        first = will.removed[0].id
        backend.news.clear()
        other.remove_image("b:1")
        before = other.df()["LayersSize"]
        screen = await agreed(pilot)
        assert beside(screen) == {
            "a:1": "✓ removed",
            "b:1": "✓ was gone already",
            "c:1": "✓ removed",
            "d:1": "✓ was gone already",
        }
        assert screen.came is not None
        freed = before - other.df()["LayersSize"]
        assert screen.came.measured.left == freed < will.frees
        assert scene.freed == Freed(freed, freed)
        sizes = f"predicted {format_size(will.frees)} · freed {format_size(freed)}"
        assert said(screen) == [
            f"{sizes} by the engine's own total",
            "Some were gone already: another session or program removes images too.",
        ]
        backend.news.set()
        await ends_in_the_truth(pilot, scene, other)
        assert {node.name for node in scene.graph.images} == {"keep:1"}
        assert not scene.marks.ids
    became = {line["image"]: line["state"] for line in logged(tmp_path)}
    assert became == {node.id: "gone" if node.name in {"b:1", "d:1"} else "removed" for node in will.removed}


async def test_an_image_that_is_taken_into_use_before_its_turn(
    engine: PrivateEngine, other: docker.APIClient, tmp_path: Path
) -> None:
    """``b:1`` has one name: the engine refuses it. ``c:1`` has two: neither may be lost before it would."""
    backend = Staged(engine.host)
    app = app_on(backend)
    async with app.run_test(size=(140, 36)) as pilot:
        scene = await marked(pilot, "a:1", "b:1", "c:1", "d:1")
        will = plan(scene.graph, scene.marks.ids)
        ids = {node.name[0]: node.id for node in will.removed}
        backend.news.clear()
        users = [other.create_container(f"{name}:1", "true", name=f"takes-{name}")["Id"] for name in "bc"]
        before = other.df()["LayersSize"]
        screen = await agreed(pilot)
        short, rule = ids["b"].removeprefix("sha256:")[:12], "image is being used by stopped container"
        words = {
            "b": f"conflict: unable to delete {short} (must be forced) - {rule} {users[0][:12]}",
            "c": f"{rule}: takes-c (created)",
        }
        notes = beside(screen)
        assert {name[0]: note for name, note in notes.items()} == {
            "a": "✓ removed",
            "b": f"✗ refused: {words['b']}",
            "c": f"✗ refused: {words['c']}",
            "d": "✓ removed",
        }
        part = SIZES["a"] + SIZES["d"]
        assert screen.came is not None
        assert screen.came.measured.left == before - other.df()["LayersSize"] == part
        assert scene.freed == Freed(part, part)
        size, went = format_size(will.frees), format_size(part)
        assert said(screen) == [
            f"predicted {size} · freed {went} by the engine's own total",
            f"2 images were refused: what went was to free {went}.",
        ]
        assert listed(other)[ids["c"]] == {"c:1", "c:also"}
        assert {row["Id"] for row in other.containers(all=True)} == set(users)
        backend.news.set()
        await ends_in_the_truth(pilot, scene, other)
        assert scene.marks.ids == {ids["b"], ids["c"]}, "what stayed is still marked"
        blocked = {blocker.image.name: blocker.by for blocker in scene.marks.plan().blocked}
        assert {name[0]: by for name, by in blocked.items()} == {
            "b": "container takes-b (created)",
            "c": "container takes-c (created)",
        }
    became = {line["image"]: (line["state"], line.get("words")) for line in logged(tmp_path)}
    assert became == {
        **{ids[name]: ("removed", "") for name in "ad"},
        **{ids[name]: ("refused", words[name]) for name in "bc"},
    }


async def test_the_dialog_follows_the_engine(engine: PrivateEngine, other: docker.APIClient, tmp_path: Path) -> None:
    """Where there is time for the news, what is asked is what there is now; the rest is never asked for."""
    backend = Staged(engine.host)
    app = app_on(backend)
    async with app.run_test(size=(140, 36)) as pilot:
        scene = await marked(pilot, "a:1", "b:1", "d:1")
        ids = {node.name: node.id for node in scene.marks.images}
        dialog = app.screen
        assert isinstance(dialog, PlanScreen)
        other.remove_image("b:1")
        other.create_container("d:1", "true", name="takes-d")
        await come_to_rest(pilot, lambda: "b:1" not in beside(dialog) and beside(dialog)["d:1"].startswith("✗"))
        assert said(dialog)[0].startswith("The engine has changed: b:1 is not there any more; d:1 would stay now; ")
        assert beside(dialog).keys() == {"d:1", "a:1"}
        stays = r"✗ stays, container takes-d \(created, \d+s\): image is being used by stopped container"
        assert re.fullmatch(stays, beside(dialog)["d:1"])
        await come_to_rest(pilot, lambda: "in a moment" not in str(dialog.query_one("#question", Static).render()))
        screen = await agreed(pilot)
        assert beside(screen) == {"a:1": "✓ removed"}
        size = format_size(SIZES["a"])
        assert said(screen) == [f"predicted {size} · freed {size} by the engine's own total"]
        await ends_in_the_truth(pilot, scene, other)
        assert scene.marks.ids == {ids["d:1"]}
    assert {line["image"] for line in logged(tmp_path)} == {ids["a:1"]}
