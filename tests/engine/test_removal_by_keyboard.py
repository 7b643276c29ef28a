"""From the keyboard to a real engine and back: what the dialog predicts is what the engine gives back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from textual.pilot import Pilot

from layerscope.core.removal.plan import plan
from layerscope.engine.backend import open_backend
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs.removing import RemovingScreen
from layerscope.tui.session import Session
from layerscope.units import format_size
from tests.engine.corpus import archive, layer, steps
from tests.engine.private import PrivateEngine, why_not

pytestmark = pytest.mark.engine


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """An engine of our own, with images that share a base; one of them has a container."""
    if reason := why_not():
        pytest.skip(f"no engine: {reason}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    base, a, b, c = layer("base", size=400_000), layer("a", size=30_000), layer("b"), layer("c", size=7_000)
    images: dict[str, list[bytes]] = {
        "keep:1": [base],
        "app:1": [base, a, b],
        "app:2": [base, a, c],
        "used:1": [base, c],
    }
    with PrivateEngine() as engine:
        with contextlib.closing(docker.DockerClient(engine.host, version="auto")) as client:
            for tag, layers in images.items():
                history = steps(*(f"COPY {number} /" for number in range(len(layers))))
                client.images.load(archive([tag], layers, history))
            client.images.get("app:2").tag("also", "2")
            client.api.create_container("used:1", "true", name="holder")
        yield engine.host


async def come_to_rest(pilot: Pilot[Any], until: Any) -> None:
    for _ in range(600):
        if until():
            return
        await pilot.pause(0.05)
    raise AssertionError("it did not come to rest")


async def test_what_is_predicted_is_freed(host: str, tmp_path: Path) -> None:
    app = LayerscopeApp(Session(lambda: open_backend(host, None)))
    with docker.APIClient(host, version="auto") as client:
        before = client.df()["LayersSize"]
        async with app.run_test(size=(140, 36)) as pilot:
            await come_to_rest(pilot, lambda: app.main.scene is not None and app.main.live.followed)
            shown = app.main.scene
            assert shown is not None
            for row, node in enumerate(shown.graph.images):  # the biggest first, as in the list
                await pilot.press("home", *["down"] * row)
                await pilot.pause()
                if node.name != "keep:1":
                    await pilot.press("space")
            will = plan(shown.graph, shown.marks.ids)
            assert {node.name.split(":")[0] for node in will.removed} <= {"app", "also"}
            assert [blocker.image.name for blocker in will.blocked] == ["used:1"]
            await pilot.press("d")
            await pilot.pause(0.5)
            await pilot.press("y")
            await come_to_rest(pilot, lambda: isinstance(app.screen, RemovingScreen) and app.screen.came is not None)
            screen = app.screen
            assert isinstance(screen, RemovingScreen)
            assert screen.came is not None
            assert screen.came.measured.left == will.frees > 0
            size = format_size(will.frees)
            assert str(screen.said.render()).startswith(f"predicted {size} · freed {size}")
            await come_to_rest(pilot, lambda: len(shown.graph.images) == 2)
            await pilot.press("escape")
            assert {node.name for node in shown.graph.images} == {"keep:1", "used:1"}
        assert before - client.df()["LayersSize"] == will.frees
        assert {tag for row in client.images() for tag in row["RepoTags"]} == {"keep:1", "used:1"}
    log = [json.loads(line) for line in (tmp_path / "layerscope" / "removals.jsonl").read_text().splitlines()]
    assert [line["image"] for line in log if line["state"] == "removed"] == [node.id for node in will.removed]
