"""``docker layerscope``: what docker asks of a plugin, and the command line that it hands over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from layerscope.plugin import arguments


def run(*args: str) -> subprocess.CompletedProcess[str]:
    code = "from layerscope.plugin import main; main()"
    return subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)


def test_docker_is_told_what_it_asks() -> None:
    done = run("docker-cli-plugin-metadata")
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert said["SchemaVersion"] == "0.1.0"
    assert said["Vendor"]
    assert said["ShortDescription"]


@pytest.mark.parametrize(
    ("typed", "ours", "set_"),
    [
        (["layerscope"], [], {}),
        (["layerscope", "report", "--json"], ["report", "--json"], {}),
        (["--context", "x", "layerscope", "report"], ["--context", "x", "report"], {}),
        (["-c=x", "layerscope"], ["--context", "x"], {}),
        (["-H", "tcp://h:1", "-D", "layerscope", "free", "1GB"], ["--host", "tcp://h:1", "free", "1GB"], {}),
        (["--config", "/c", "--tlsverify", "layerscope"], [], {"DOCKER_CONFIG": "/c", "DOCKER_TLS_VERIFY": "1"}),
        (["--tls=false", "-l", "debug", "layerscope", "-f", "x"], ["-f", "x"], {}),
        (["layerscope", "plan", "layerscope:1"], ["plan", "layerscope:1"], {}),
        (["report", "--demo"], ["report", "--demo"], {}),
    ],
)
def test_what_docker_hands_over_is_our_own_command_line(
    typed: list[str], ours: list[str], set_: dict[str, str]
) -> None:
    environment: dict[str, str] = {}
    assert arguments(typed, environment) == ours
    assert environment == set_


def test_an_option_without_a_counterpart_is_one_line_and_wrong_use() -> None:
    done = run("--tlscert", "x", "layerscope")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "DOCKER_CERT_PATH" in done.stderr


def test_its_version_is_the_programs() -> None:
    assert run("layerscope", "--version").stdout.startswith("layerscope ")


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker command here")
def test_docker_itself_finds_it_and_hands_its_options_over(tmp_path: Path) -> None:
    plugin = tmp_path / "cli-plugins/docker-layerscope"
    plugin.parent.mkdir()
    plugin.write_text(f"#!{sys.executable}\nfrom layerscope.plugin import main\nmain()\n")
    plugin.chmod(0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DOCKER_")}

    def docker(*args: str) -> subprocess.CompletedProcess[str]:
        env = {**kept, "DOCKER_CONFIG": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
        return subprocess.run(["docker", *args], env=env, capture_output=True, text=True, check=False)

    assert "What images really cost on disk" in docker("--help").stdout
    assert docker("layerscope", "--version").stdout.startswith("layerscope ")
    assert docker("context", "create", "far", "--docker", "host=unix:///no/far.sock").returncode == 0
    for options, socket in ((["--context", "far"], "/no/far.sock"), (["-H", "unix:///no/near.sock"], "/no/near.sock")):
        done = docker(*options, "layerscope", "report")
        assert done.returncode == 3
        assert f"there is no engine socket at {socket}" in done.stderr
    assert docker("layerscope", "report", "--demo", "--json").returncode == 0
    assert docker("layerscope", "--demo", "reprot").returncode == 2
