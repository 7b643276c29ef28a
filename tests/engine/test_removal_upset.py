"""Removals that are upset, on a real engine: others remove, rename and use images in between.

Whatever happens, nothing else is hit, and the screen, the steps and the log say what is so.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.connect import connect
from layerscope.engine.remove import EngineRemover
from layerscope.engine.scan import scan
from layerscope.state.removal_log import RemovalLog
from tests.engine.corpus import archive, layer, steps
from tests.engine.private import PrivateEngine, why_not

pytestmark = pytest.mark.engine

NAMES = ("one:1", "two:1", "three:1", "four:1", "five:1")


@pytest.fixture(scope="module")
def running() -> Iterator[PrivateEngine]:
    if reason := why_not():
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and no engine could be started: {reason}")
        pytest.skip(f"no engine: {reason}")
    with PrivateEngine() as engine:
        yield engine


@pytest.fixture
def engine(running: PrivateEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PrivateEngine:
    """The engine with five images on one base, each with a layer of its own; three:1 has a second name."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    base = layer("base", size=300_000)
    with contextlib.closing(docker.DockerClient(running.host, version="auto")) as client:
        for row in client.api.containers(all=True):
            client.api.remove_container(row["Id"], force=True)
        for row in client.api.images():
            client.api.remove_image(row["Id"], force=True)
        for number, name in enumerate(NAMES, 1):
            made = archive([name], [base, layer(name, size=10_000 * number)], steps("ADD base /", f"COPY {name} /"))
            client.api.load_image(made)
        client.api.tag("three:1", "also", "3")
    return running


@pytest.fixture
def client(engine: PrivateEngine) -> Iterator[docker.APIClient]:
    """Another session."""
    with contextlib.closing(docker.APIClient(engine.host, version="auto")) as other:
        yield other


def planned(engine: PrivateEngine) -> RemovalPlan:
    with connect(engine.host) as connection:
        graph = build_graph(scan(connection))
    found = plan(graph, graph.image_by_id)
    assert len(found.removed) == len(NAMES)
    return found


def removed(engine: PrivateEngine, found: RemovalPlan, log: Path) -> dict[str, Step]:
    """Remove what was planned; return what became of each, by name."""
    with connect(engine.host) as connection:
        told = EngineRemover(connection, RemovalLog(log, connection.engine)).remove(
            found, lambda step: None, lambda: False
        )
    names = {node.id: name_of(node) for node in found.removed}
    return {names[step.image_id]: step for step in told}


def name_of(node: ImageNode) -> str:
    return next(tag for tag in node.image.tags if tag in NAMES)


def tags(client: docker.APIClient) -> set[str]:
    return {tag for row in client.images() for tag in row["RepoTags"] or ()}


def logged(log: Path) -> list[tuple[str, str]]:
    return [(line["image"], line["state"]) for line in map(json.loads, log.read_text().splitlines())]


def test_what_another_session_removes_renames_or_uses_after_the_plan(
    engine: PrivateEngine, client: docker.APIClient, tmp_path: Path
) -> None:
    found = planned(engine)
    client.remove_image("one:1")
    client.tag("five:1", "two", "1", force=True)  # a name moves on to another image: two:1 is <none> now
    used = client.create_container("three:1", ["/none"])["Id"]
    client.tag("four:1", "keep", "4")  # somebody wants to keep it by another name
    log = tmp_path / "log"
    told = removed(engine, found, log)

    assert {name: step.state for name, step in told.items()} == {
        "one:1": "gone",
        "two:1": "skipped",
        "three:1": "refused",
        "four:1": "skipped",
        "five:1": "skipped",
    }
    assert told["three:1"].words.startswith("image is being used by stopped container")
    for name in ("four:1", "five:1"):
        assert told[name].words.startswith("it has a name now that the plan did not show"), "the new name is not ours"
    left = {"three:1", "also:3", "four:1", "keep:4", "five:1", "two:1", "<none>:<none>"}  # the last was two:1
    assert tags(client) == left, "and not one name is lost"
    states = dict(logged(log))
    assert {name: states[node.id] for node in found.removed for name in [name_of(node)]} == {
        name: step.state for name, step in told.items()
    }
    client.remove_container(used)
