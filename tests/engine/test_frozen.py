"""A real dockerd that is frozen (SIGSTOP): it is told as stale, and the interface ends all the same."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from tests.engine.corpus import archive, layer, steps
from tests.engine.private import PrivateEngine, why_not
from tests.terminal.pty_session import Session, session

pytestmark = pytest.mark.engine

GENEROUS = 30.0
"""Seconds; what is meant is 2 to leave and 5 to be told, on a machine that has nothing else to do."""


@pytest.fixture(scope="module")
def running() -> Iterator[PrivateEngine]:
    if reason := why_not():
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and no engine could be started: {reason}")
        pytest.skip(f"no engine: {reason}")
    with PrivateEngine() as engine:
        with contextlib.closing(docker.APIClient(engine.host, version="auto")) as client:
            for name in ("one:1", "two:1"):
                client.load_image(archive([name], [layer(name, size=10_000)], steps(f"COPY {name} /")))
        yield engine


@pytest.fixture
def freeze(running: PrivateEngine) -> Iterator[Callable[[], None]]:
    yield lambda: os.kill(running._process.pid, signal.SIGSTOP)
    os.kill(running._process.pid, signal.SIGCONT)


def terminated(run: Session) -> int:
    os.kill(run.process.pid, signal.SIGTERM)
    return 143


def quits(run: Session) -> int:
    run.keys("\x11")
    return 0


@pytest.mark.parametrize("leave", [terminated, quits])
@pytest.mark.parametrize("when", ["connecting", "live", "asked for a removal"])
def test_the_interface_ends_while_the_engine_is_frozen(
    running: PrivateEngine, freeze: Callable[[], None], tmp_path: Path, when: str, leave: Callable[[Session], int]
) -> None:
    if when == "connecting":
        freeze()
    with session("--host", running.host, folder=tmp_path) as run:
        run.sees("connecting" if when == "connecting" else "two:1")
        if when != "connecting":
            run.sees("live")
            freeze()
        if when == "asked for a removal":
            run.keys(" d")
            run.sees("Remove 1 image?")
            run.keys("y")
            run.sees("Removal under way")
        began = time.monotonic()
        status = leave(run)
        assert run.status() == status
        took = time.monotonic() - began
        print(f"{when}, {leave.__name__}: {took:.2f} s")
        assert took < GENEROUS
        run.check_restored()


def test_an_engine_that_freezes_is_told_as_stale(
    running: PrivateEngine, freeze: Callable[[], None], tmp_path: Path
) -> None:
    with session("--host", running.host, folder=tmp_path) as run:
        run.sees("live")
        run.forget()
        freeze()
        began = time.monotonic()
        run.sees("stale")
        took = time.monotonic() - began
        print(f"stale after {took:.2f} s")
        assert took < GENEROUS
