"""A command that waits says for what, and one that is interrupted ends with 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from layerscope.cli import cli
from layerscope.commands import common
from tests.replay import replay

HOST = "docker-28.5-overlay2"


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def test_a_command_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "PATIENCE", 0.02)
    with replay(HOST, latency=0.2) as engine:
        done = run("--host", engine.host, "report")
    assert done.exit_code == 0
    assert done.stderr.count("layerscope: waiting for ") == 1
    assert "layerscope: waiting for the engine to answer" in done.stderr


@pytest.mark.parametrize("command", ["history", "free 1G", "export /dev/null", "nginx:latest", "pull-cost"])
def test_every_command_says_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    monkeypatch.setattr(common, "PATIENCE", 0.02)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with replay(HOST, latency=0.2) as engine:
        words = command.split()
        done = run("--host", engine.host, *words, *(["127.0.0.1:1/x:1"] if words == ["pull-cost"] else []))
    assert "layerscope: waiting for the engine to answer" in done.stderr
    assert ("waiting for registries" in done.stderr) <= (words == ["pull-cost"])


@pytest.mark.parametrize("command", ["report", "history", "diff -", "check RULES --since -", "check -", "keep -"])
def test_what_does_not_come_on_standard_input_is_what_is_waited_for(tmp_path: Path, command: str) -> None:
    (tmp_path / "rules.toml").write_text("[budget]\nlayers = 1\n")
    script = "import layerscope.commands.common as c; c.PATIENCE = 0.02; from layerscope.cli import main; main()"
    words = [str(tmp_path / "rules.toml") if word == "RULES" else word for word in command.split()]
    words += ["-f", "-"] if "-" not in words else []
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
    )
    assert process.stdin is not None
    assert process.stderr is not None
    what = "rules" if command in {"check -", "keep -"} else "a scan"
    said = process.stderr.readline()
    if b"rules.toml" in said:  # the machine is busy, and even a file takes long
        said = process.stderr.readline()
    assert said.decode() == f"layerscope: waiting for {what} on standard input …\n"
    process.stdin.write(b"[")
    process.stdin.close()
    assert process.stderr.read().startswith(b"layerscope: standard input: ")
    assert process.wait() == 2


@pytest.mark.parametrize("command", ["check", "keep"])
def test_a_file_of_rules_that_does_not_come_is_named(tmp_path: Path, command: str) -> None:
    (tmp_path / "rules.toml").write_text("[")
    script = f"""
import sys, layerscope.commands.common as common, layerscope.commands.{command} as command
common.PATIENCE, load = 0.02, command.load_rules
command.load_rules = lambda path: load(path if sys.stdin.readline() else "")
from layerscope.cli import main; main()"""
    with subprocess.Popen(
        [sys.executable, "-c", script, "--demo", command, str(tmp_path / "rules.toml")],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
    ) as process:
        assert process.stderr is not None
        assert process.stdin is not None
        assert process.stderr.readline().decode() == f"layerscope: waiting for {tmp_path / 'rules.toml'} …\n"
        process.stdin.write(b"go on\n")
    assert process.returncode == 2


def test_what_it_waits_for_is_what_it_waits_for_by_then(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(common, "PATIENCE", 0.5)
        with common.patience("for one thing") as waits:
            waits("for another")
            told, until = "", time.monotonic() + 60
            while not told and time.monotonic() < until:
                time.sleep(0.02)
                told = capfd.readouterr().err
    assert told == "layerscope: waiting for another …\n"


def test_a_quick_command_says_nothing() -> None:
    with replay(HOST) as engine:
        assert run("--host", engine.host, "report").stderr == ""


@pytest.mark.parametrize("command", ["report", "export", "plan"])
def test_a_command_that_is_interrupted_ends_with_130(tmp_path: Path, command: str) -> None:
    args = [command, *(["nginx"] if command == "plan" else [])]
    with replay(HOST, hang="/images/json") as engine:
        process = subprocess.Popen(
            [sys.executable, "-m", "layerscope", "--host", engine.host, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)},
        )
        until = time.monotonic() + 60
        while not any("/images/json" in path for path in engine.requests):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, wrong = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in wrong


def test_the_status_is_the_same_when_it_is_interrupted_while_something_is_imported() -> None:
    """Python marks an interrupt inside ``exec`` of a text, as dataclasses use it, and ends by the signal then."""
    code = """
import sys
from layerscope import cli
from layerscope.commands import report
report.run = lambda *_, **__: exec("raise KeyboardInterrupt")
sys.argv = ["layerscope", "--demo", "report"]
cli.main()
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 130


@pytest.mark.parametrize("module", ["layerscope.__main__", "layerscope.plugin"])
@pytest.mark.parametrize("how", ["os.kill(os.getpid(), 2)", "exec('raise KeyboardInterrupt')"])
def test_the_status_is_the_same_when_it_is_interrupted_while_it_is_loaded(module: str, how: str) -> None:
    code = f"""
import os, sys
from layerscope.commands import ahead
from {module} import main
ahead.ask_ahead = lambda words: {how}
sys.argv = ["layerscope", "--demo", "report"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
