"""Pins: one list for all hosts, that sessions share without losing anything of each other's."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import ImageNode
from layerscope.state import pins as pins_module
from layerscope.state.pins import Pins, PinsError
from tests.hosts import SMALL, image_id

GRAPH = build_graph(SMALL)

PINNER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from layerscope.state.pins import Pins
pins = Pins(Path(sys.argv[1]))
for number in range(60):
    node = SimpleNamespace(id=f"sha256:{number}", image=SimpleNamespace(tags=(f"{sys.argv[2]}:{number}",)))
    pins.toggle([node])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "pins.json"


def node(name: str) -> ImageNode:
    return GRAPH.image_by_id[image_id(name)]


def kept(path: Path) -> set[str]:
    return set(json.loads(path.read_text()))


def test_two_sessions_that_pin_at_once_lose_nothing(path: Path) -> None:
    sessions = [subprocess.Popen([sys.executable, "-c", PINNER, str(path), name]) for name in ("one", "two")]
    assert [session.wait(60) for session in sessions] == [0, 0]
    assert kept(path) == {f"{name}:{number}" for name in ("one", "two") for number in range(60)}


def test_what_another_session_has_unpinned_since_does_not_come_back(path: Path) -> None:
    one, two = Pins(path), Pins(path)
    one.toggle([node("base")])
    two.load()
    assert two.toggle([node("base")]) is False
    one.toggle([node("app1")])
    assert kept(path) == set(node("app1").image.tags)


def test_what_could_not_be_kept_is_kept_with_the_next_that_can(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{")
    pins = Pins(path)
    with pytest.raises(PinsError, match="damaged"):
        pins.toggle([node("base")])
    path.unlink()
    pins.toggle([node("app1")])
    assert kept(path) == {*node("base").image.tags, *node("app1").image.tags}


def test_a_session_that_hangs_with_the_file_is_waited_for_a_moment_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pins_module, "PATIENCE", 0.1)
    pins = Pins(path)
    pins.toggle([node("base")])
    with path.with_name("pins.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(PinsError, match="another session"):
            pins.toggle([node("app1")])
    assert node("app1") in pins, "it holds for this session"
    pins.toggle([node("app2")])
    assert set(node("app1").image.tags) < kept(path)


def test_a_name_is_pinned_on_every_host_and_so_is_what_is_rebuilt(path: Path) -> None:
    pins = Pins(path)
    pins.toggle([node("app1")])
    rebuilt = tuple(
        replace(image, id="sha256:" + "9" * 64) if image.id == image_id("app1") else image for image in SMALL.images
    )
    elsewhere = build_graph(replace(SMALL, images=rebuilt, engine=replace(SMALL.engine, host="tcp://elsewhere:2375")))
    assert pins.ids(elsewhere) == {"sha256:" + "9" * 64}


def test_what_is_no_file_is_told_as_that(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(PinsError, match="pins cannot be read: not a regular file"):
        Pins(path).load()
