"""Engines at the places where people's programs put them are found, named, and offered."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from layerscope.cli import unusable
from layerscope.engine import elsewhere, explain
from layerscope.engine.connect import connect
from layerscope.engine.elsewhere import engines_elsewhere
from layerscope.engine.errors import EngineError


@contextmanager
def listening(path: Path) -> Iterator[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield f"unix://{path}"


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose path is short: an address of a socket has 108 bytes at the most."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setenv("HOME", folder)
        monkeypatch.setenv("XDG_RUNTIME_DIR", f"{folder}/run")
        monkeypatch.delenv("CONTAINER_HOST", raising=False)
        monkeypatch.setattr(elsewhere, "DEFAULT_HOST", f"unix://{folder}/default.sock")
        yield Path(folder)


@pytest.mark.parametrize(
    ("at", "name"),
    [
        ("default.sock", "Docker"),
        ("run/docker.sock", "rootless Docker"),
        (".docker/run/docker.sock", "Docker Desktop"),
        (".docker/desktop/docker.sock", "Docker Desktop"),
        (".orbstack/run/docker.sock", "OrbStack"),
        (".rd/docker.sock", "Rancher Desktop"),
        (".colima/default/docker.sock", "Colima"),
        (".colima/work/docker.sock", "Colima"),
        (".lima/docker/sock/docker.sock", "Lima"),
        ("run/podman/podman.sock", "rootless Podman"),
        (".local/share/containers/podman/machine/podman.sock", "Podman machine"),
    ],
)
def test_engines_that_people_have_are_found_by_name(home: Path, at: str, name: str) -> None:
    with listening(home / at) as host:
        found = [one for one in engines_elsewhere(Path("/asked")) if one.host == host]
        assert [one.name for one in found] == [name]


def test_what_container_host_names_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(home / "mine.sock") as host:
        monkeypatch.setenv("CONTAINER_HOST", host)
        assert (host, "CONTAINER_HOST") in engines_elsewhere(Path("/asked"))


def test_the_one_that_was_asked_and_a_socket_that_nobody_listens_at_are_none(home: Path) -> None:
    asked = home / ".rd/docker.sock"
    with listening(asked), listening(home / ".orbstack/run/docker.sock"):
        pass
    with listening(home / ".colima/a/docker.sock") as host:
        assert host in [one.host for one in engines_elsewhere(Path("/asked"))]
        assert not [one for one in engines_elsewhere(home / ".colima/a/docker.sock") if one.host == host]
        assert not [one for one in engines_elsewhere(Path("/asked")) if "rd" in one.host]


def test_one_socket_by_two_names_is_one_engine(home: Path) -> None:
    with listening(home / ".colima/default/docker.sock"), ExitStack():
        (home / "default.sock").symlink_to(home / ".colima/default/docker.sock")
        assert len([one for one in engines_elsewhere(Path("/asked")) if str(home) in one.host]) == 1


def test_the_error_names_it_and_carries_it(home: Path) -> None:
    with listening(home / ".colima/default/docker.sock") as host, pytest.raises(EngineError) as caught:
        connect(f"unix://{home}/none.sock")
    assert f"Colima (`--host {host}`)" in caught.value.hint
    assert (host, "Colima") in caught.value.elsewhere


@pytest.mark.parametrize(
    ("prefix", "hint"),
    [
        ("/home/me/.local/share/pipx/venvs/layerscope", "`pipx inject layerscope paramiko`"),
        ("/home/me/.local/share/uv/tools/layerscope", "`uv tool install --with paramiko layerscope`"),
        ("/home/me/venv", "`pip install 'docker[ssh]'`"),
    ],
)
def test_what_ssh_needs_is_installed_where_the_program_is(
    monkeypatch: pytest.MonkeyPatch, prefix: str, hint: str
) -> None:
    monkeypatch.setattr("sys.prefix", prefix)
    assert hint in explain._ssh_parts_hint()


def test_windows_gets_a_sentence() -> None:
    assert unusable("win32").startswith("layerscope does not run on Windows itself; in WSL 2 it does")
    assert unusable("linux") == unusable("darwin") == ""
