"""What ``plan -q`` prints, a real engine takes, line by line, as ``xargs docker rmi`` would hand it over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import docker
import docker.errors
import pytest
from click.testing import CliRunner

from layerscope.cli import cli
from tests.engine.corpus import fill
from tests.engine.private import PrivateEngine, why_not

pytestmark = [pytest.mark.engine, pytest.mark.engine_long]


@pytest.fixture
def host() -> Iterator[str]:
    reason = why_not()
    if reason:
        if os.environ.get("LAYERSCOPE_REQUIRE_ENGINE") == "1":
            pytest.fail(f"LAYERSCOPE_REQUIRE_ENGINE=1, and no engine could be started: {reason}")
        pytest.skip(f"no private engine: {reason}")
    with PrivateEngine() as engine:
        fill(engine.host)
        yield engine.host


def test_a_real_engine_takes_every_line(host: str, tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    done = CliRunner().invoke(cli, ["--host", host, "plan", "--filter", "unused", "-q"], env=environment)
    assert done.exit_code == 0
    names = done.stdout.split("\n")[:-1]
    with docker.APIClient(host, version="auto") as client:
        used = {row["ImageID"] for row in client.containers(all=True)}
        rows = [row for row in client.images() if row["Id"] not in used]
        assert any(not row["RepoTags"] or row["RepoTags"] == ["<none>:<none>"] for row in rows)
        assert any(len(row["RepoTags"] or ()) > 1 for row in rows)
        for name in names:
            client.remove_image(name)  # a refusal raises
        left = {row["Id"] for row in client.images()}
    assert left <= used


def test_an_engine_understands_every_line_of_the_demo(host: str, tmp_path: Path) -> None:
    """Of the sample's images it has none; but a name that it could not read it would refuse, not look for."""
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    done = CliRunner().invoke(cli, ["free", "3GB", "-q", "--demo"], env=environment)
    assert done.exit_code == 0
    names = done.stdout.split("\n")[:-1]
    assert len(names) > 10
    assert any(name.startswith("sha256:") for name in names)
    with docker.APIClient(host, version="auto") as client:
        with pytest.raises(docker.errors.APIError) as refused:
            client.remove_image("No:such:name")
        assert refused.value.status_code == 400
        for name in names:
            with pytest.raises(docker.errors.ImageNotFound):
                client.remove_image(name)
