"""A real engine for the tests that need one, a given one or a private one filled here; a connection to a fake one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from layerscope.engine.connect import Connection, connect
from tests.engine.corpus import fill
from tests.engine.moby import Moby
from tests.engine.private import PrivateEngine, debian_13, why_not

GIVEN = os.environ.get("LAYERSCOPE_TEST_HOSTS", "").split()
"""Addresses of engines to test on, as they are: nothing is added to them or removed."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine_host" in metafunc.fixturenames:
        metafunc.parametrize("engine_host", GIVEN or ["private", "private-containerd"], indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine_host(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a filled engine: one of LAYERSCOPE_TEST_HOSTS, or a private one; skips where there is none.

    ``private`` is the machine's own dockerd, ``private-containerd`` Debian 13's with a containerd image store.
    """
    if request.param not in ("private", "private-containerd"):
        yield request.param
        return
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and no engine could be started: {reason}")
        pytest.skip(f"no engine: {reason}; name one in LAYERSCOPE_TEST_HOSTS")
    containerd = request.param == "private-containerd"
    with PrivateEngine(root=debian_13() if containerd else None, containerd=containerd) as engine:
        fill(engine.host)
        yield engine.host


@pytest.fixture
def conn(moby: Moby) -> Iterator[Connection]:
    """A connection to the engine that a module's own ``moby`` serves."""
    with connect(moby.host) as connection:
        yield connection
