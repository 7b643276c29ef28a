"""Removals are asked of the engine that the plan was made on, and of no other one that answers at its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layerscope.core.build import build_graph
from layerscope.core.removal.carry_out import Step
from layerscope.core.removal.plan import plan
from layerscope.engine.connect import Connection
from layerscope.engine.remove import EngineRemover
from layerscope.inventory import Image, Inventory
from layerscope.state.removal_log import RemovalLog
from tests.engine.moby import VERSION, Answer, Moby, Record, serve

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
PODMAN = {"Version": "5.4.2", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}]}
HERE = {"Name": "here", "DockerRootDir": "/var/lib/containers/storage", "Driver": "overlay"}


@pytest.fixture(params=[False, True], ids=["docker", "podman"])
def podman(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def moby(podman: bool) -> Iterator[Moby]:
    with serve({A: Record(["a:1"]), B: Record([])}) as served:
        served.version = PODMAN if podman else VERSION
        served.info = {"ID": "first", "OSType": "linux", **HERE}
        yield served


@pytest.fixture
def remove(moby: Moby, conn: Connection, tmp_path: Path) -> Callable[[], list[Step]]:
    """Returns what becomes of both images."""
    images = [Image(which, tags=tuple(record.refs), diff_ids=(which,)) for which, record in moby.images.items()]
    found = plan(build_graph(Inventory(conn.engine, tuple(images))), [A, B])
    remover = EngineRemover(conn, RemovalLog(tmp_path / "removals.jsonl", conn.engine))
    return lambda: list(remover.remove(found, lambda step: None, lambda: False))


@pytest.mark.parametrize("podman", [True], indirect=True)
def test_podman_is_the_same_one_with_another_id_at_each_call(moby: Moby, remove: Callable[[], list[Step]]) -> None:
    moby.info["ID"] = "second"
    assert remove() == [Step(A, "removed", ""), Step(B, "removed", "")]
    assert moby.images == {}


@pytest.mark.parametrize("podman", [True], indirect=True)
@pytest.mark.parametrize("other", [{"Name": "there"}, {"DockerRootDir": "/root"}, {"Driver": "vfs"}])
def test_another_podman_is_told_by_its_host_folder_and_driver(
    moby: Moby, remove: Callable[[], list[Step]], other: dict[str, str]
) -> None:
    moby.info.update(other)
    why = f"another engine answers at {moby.host} than the one that was looked at; nothing was asked of it"
    assert remove() == [Step(A, "skipped", why), Step(B, "skipped", why)]
    assert moby.changes == []


@pytest.mark.parametrize("podman", [True], indirect=True)
def test_a_podman_that_has_none_of_the_images_may_be_another_one(moby: Moby, remove: Callable[[], list[Step]]) -> None:
    moby.images = {C: Record(["c:1"])}
    why = f"the engine at {moby.host} has none of these images any more; nothing was asked of it"
    assert remove() == [Step(A, "skipped", why), Step(B, "skipped", why)]
    assert moby.changes == []


def test_images_that_others_took_away_do_not_make_it_another_one(moby: Moby, remove: Callable[[], list[Step]]) -> None:
    del moby.images[A]
    assert remove() == [Step(A, "gone", ""), Step(B, "removed", "")]


@pytest.mark.parametrize("podman", [False], indirect=True)
def test_an_engine_with_an_id_is_known_by_it_though_all_images_are_gone(
    moby: Moby, remove: Callable[[], list[Step]]
) -> None:
    moby.info |= {"Name": "renamed", "DockerRootDir": "/moved"}
    moby.images.clear()
    assert remove() == [Step(A, "gone", ""), Step(B, "gone", "")]


@pytest.mark.parametrize(
    ("podman", "path"), [(False, "/info"), (True, "/info"), (True, "/images/json")], indirect=["podman"]
)
def test_an_engine_that_is_lost_before_the_first_image_is_told_as_that(
    moby: Moby, conn: Connection, remove: Callable[[], list[Step]], path: str
) -> None:
    def before(method: str, at: str) -> None:
        if at == path:
            raise ConnectionAbortedError

    moby.before = before
    cut = "closed the connection without an answer"
    for step in remove():
        assert step.state == "skipped"
        assert step.words.startswith("the engine was lost before anything was asked: the engine at ")
        assert step.words.endswith(cut)
    assert moby.changes == []


def test_an_engine_that_does_not_say_who_it_is_is_asked_nothing(moby: Moby, remove: Callable[[], list[Step]]) -> None:
    def before(method: str, path: str) -> None:
        if path == "/info":
            raise Answer(500, '{"message": "busy"}')

    moby.before = before
    why = f"the engine at {moby.host} refused to give its own facts (500): busy"
    assert {step.words for step in remove()} == {f"the engine was lost before anything was asked: {why}"}
    assert moby.changes == []


@pytest.mark.parametrize("body", [b"null", b"[]", b'{"ID": 7}'])
def test_what_says_nothing_of_itself_is_another_engine(
    moby: Moby, remove: Callable[[], list[Step]], body: bytes
) -> None:
    def before(method: str, path: str) -> None:
        if path == "/info":
            raise Answer(200, body)

    moby.before = before
    assert {step.words.partition(" at ")[0] for step in remove()} == {"another engine answers"}
    assert moby.changes == []
