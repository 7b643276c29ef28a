"""Questions that are sent before the command line is read in full: only those that it turns out to mean."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from layerscope.cli import cli
from layerscope.commands import report
from layerscope.commands.ahead import Meant, ask_ahead, meant
from layerscope.engine import early
from layerscope.sources.open import Source
from tests.replay import replay

WORDS = (
    *("report", "report", "report", "plan", "export", "--", "-", "x", "img:1", "--help", "--version"),
    *("--json", "--csv", "--markdown", "--prometheus", "--no-total", "--no-cache", "--no-history", "--read-only"),
    *("-H", "--host", "-c", "--context", "-f", "--file", "--demo", "--units", "si", "-Hunix:///a", "-H=unix:///a"),
    *("unix:///a", "unix:///b", "work", "--host=unix:///a", "--context=work", "--host=", "--file=x", "--js", "--hos=x"),
)


@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_it_means_what_the_command_line_turns_out_to_mean(words: list[str]) -> None:
    guess = meant(words)
    if guess is None:
        return
    asked: list[Meant] = []

    def run(source: Source, *_: Any, total: bool, **__: Any) -> None:
        assert source.live
        asked.append(Meant(source.host, source.context, total))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "run", run)
        status = CliRunner().invoke(cli, words).exit_code
    assert (asked == [guess]) if status == 0 else (status == 2 and not asked)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("report", Meant(None, None, True)),
        ("-H unix:///a report --json --no-total", Meant("unix:///a", None, False)),
        ("report --json --context=work --no-cache", Meant(None, "work", True)),
        ("", None),
        ("--json", None),
        ("report report", None),
        ("report -f x", None),
        ("--demo report", None),
        ("-H a -H b report", None),
        ("-H a -c b report", None),
        ("report -H", None),
        ("report --no-such", None),
        ("-- report", None),
    ],
)
def test_what_it_takes_a_line_for(line: str, found: Meant | None) -> None:
    assert meant(line.split()) == found


def questions(path: Path, *args: str) -> Counter[str]:
    with replay("docker-28.5-overlay2") as engine:
        env = {**os.environ, **{f"XDG_{name}_HOME": str(path) for name in ("CACHE", "STATE")}}
        command = [sys.executable, "-m", "layerscope", "--host", engine.host, *args, "--json"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return Counter(engine.requests)


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    asked = questions(tmp_path / "a", "report")
    assert asked["/version"] == 1
    assert asked == questions(tmp_path / "b", "--units=si", "report")  # a line that is not understood ahead


def test_what_is_not_meant_is_let_go_of() -> None:
    with replay("docker-28.5-overlay2", hang="/info") as engine:
        ask_ahead(["-H", engine.host, "report", "--no-total"])
        ((_, ahead),) = early._ahead
        other = early.begin(engine.host, None, usage=True)
        assert other is not None
        assert other is not ahead
        assert ahead._closed
        other.close()
        ask_ahead(["-H", engine.host, "report", "--no-total"])
        ((_, ahead),) = early._ahead
        assert early.begin(engine.host, None, usage=False) is ahead
        ahead.close()


def test_an_engines_socket_does_not_become_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(number: int) -> None:
        if number == 1:
            raise OSError

    monkeypatch.setattr(os, "fstat", closed)
    ask_ahead(["-H", "unix:///a", "report"])
    assert not early._ahead
