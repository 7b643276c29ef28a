"""``docker layerscope``: what docker asks of a plugin, and the command line that it hands over."""

from __future__ import annotations

import json
import subprocess
import sys

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
