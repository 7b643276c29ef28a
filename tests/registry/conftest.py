"""A real registry, and an engine to pull from it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.engine.private import PrivateEngine
from tests.engine.private import why_not as why_no_engine
from tests.registry.private import PrivateRegistry, why_not
from tests.registry.pulls import fill

GIVEN = os.environ.get("LAYERSCOPE_PULL_HOSTS", "").split()
"""Addresses of engines to pull on. Images are pulled and removed there."""


def _missing(reason: str, what: str) -> None:
    if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
        pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and {what} could not be started: {reason}")
    pytest.skip(f"no {what}: {reason}")


@pytest.fixture(scope="session")
def registry() -> Iterator[PrivateRegistry]:
    """A registry with the images of ``pulls.py``."""
    if reason := why_not():
        _missing(reason, "registry")
    with PrivateRegistry() as registry:
        fill(registry)
        yield registry


@pytest.fixture(scope="module", params=GIVEN or ["private"])
def pull_host(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of an engine that may be changed: those of LAYERSCOPE_PULL_HOSTS, or a private dockerd."""
    if request.param != "private":
        yield request.param
        return
    if reason := why_no_engine():
        _missing(reason, "engine")
    with PrivateEngine() as engine:
        yield engine.host
