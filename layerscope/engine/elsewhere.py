"""Engines that answer at other places on this machine than the one that was asked: where people's programs put them."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

from layerscope.engine.endpoint import DEFAULT_HOST
from layerscope.errors import Elsewhere

MOST = 3
"""Engines that are named."""


def engines_elsewhere(asked: Path | None) -> tuple[Elsewhere, ...]:
    """Return the engines whose sockets answer, but for the one at ``asked``; none where that is no socket here."""
    if asked is None:
        return ()
    found: dict[str, Elsewhere] = {}
    for path, name in other_sockets():
        if path != asked and answers(path):
            found.setdefault(os.path.realpath(path), Elsewhere(f"unix://{path}", name))
    return tuple(found.values())[:MOST]


def other_sockets() -> list[tuple[Path, str]]:
    """Return where engines listen, each with the name of what puts it there; whether one does is not looked at."""
    return list(_sockets())


def _sockets() -> Iterator[tuple[Path, str]]:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    home = Path("~").expanduser()
    named = os.environ.get("CONTAINER_HOST", "")
    if named.startswith("unix://"):
        yield Path(named.removeprefix("unix://")), "CONTAINER_HOST"
    yield Path(DEFAULT_HOST.removeprefix("unix://")), "Docker"
    yield runtime / "docker.sock", "rootless Docker"
    yield home / ".docker/run/docker.sock", "Docker Desktop"
    yield home / ".docker/desktop/docker.sock", "Docker Desktop"
    yield home / ".orbstack/run/docker.sock", "OrbStack"
    yield home / ".rd/docker.sock", "Rancher Desktop"
    yield from ((path, "Colima") for path in _any(home / ".colima", "*/docker.sock"))
    yield from ((path, "Lima") for path in _any(home / ".lima", "*/sock/docker.sock"))
    yield runtime / "podman/podman.sock", "rootless Podman"
    yield Path("/run/podman/podman.sock"), "Podman"
    machines = home / ".local/share/containers/podman/machine"
    yield from ((path, "Podman machine") for path in (machines / "podman.sock", *_any(machines, "*/podman.sock")))


def _any(folder: Path, pattern: str) -> list[Path]:
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def answers(path: Path) -> bool:
    """Does somebody listen on a socket?"""
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return False
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(0.5)
            probe.connect(str(path))
    except OSError:
        return False
    return True
