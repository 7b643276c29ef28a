"""Commands with what earlier runs remembered, and without: the same to the byte."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from layerscope.cli import cli
from tests.replay import NAMES, Replay, load_recording, replay

RULES = "[[keep]]\nlast = 1\nper = 'repository'\n[[drop]]\nfilter = 'unused'\n[budget]\nfootprint = '40GB'\n"


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.5)
    said = load_recording(request.param)
    info = {**said["info"], "Name": "build-01"}
    if request.param.startswith("docker"):
        info["ID"] = "ABCD:EFGH"
    with replay({**said, "info": info}) as served:
        yield served


def run(engine: Replay, *args: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["--host", engine.host, *args])
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout


def test_every_command_says_the_same(engine: Replay, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(RULES)
    rules = str(tmp_path / "rules")
    some = load_recording("docker-28.5-overlay2")["images_all0"][3]["RepoTags"][0]
    commands = [["report", form] for form in ("--json", "--csv", "--markdown", "--prometheus", "--units=si")]
    commands += [["plan", "--json", some], ["plan", "--filter", "unused", "--json"], ["free", "100MB", "--json"]]
    commands += [["keep", rules, "--json"], ["check", rules, "--format", "json"]]
    without = [run(engine, *command, "--no-cache") for command in commands]
    assert not (tmp_path / "XDG_CACHE_HOME").exists()
    first = [run(engine, *command) for command in commands]
    again = [run(engine, *command) for command in commands]
    assert first == without
    assert again == without
    assert {status for status, _ in without} <= {0, 1}


def test_a_saved_scan_is_what_the_engine_says_now(engine: Replay, tmp_path: Path) -> None:
    saved = []
    for number, more in enumerate((["--no-cache"], [], [])):
        assert run(engine, "export", str(tmp_path / f"{number}.gz"), *more)[0] == 0
        saved.append(gzip.decompress((tmp_path / f"{number}.gz").read_bytes()))
    assert saved[0] == saved[1] == saved[2]


@pytest.mark.parametrize("engine", ["docker-20.10-overlay2"], indirect=True)
def test_the_file_is_where_it_is_said_to_be_and_saves_the_questions(engine: Replay, tmp_path: Path) -> None:
    def questions(*args: str) -> int:
        before = len(engine.requests)
        assert run(engine, *args)[0] == 0
        return sum("/images/sha256" in path for path in engine.requests[before:])

    many = questions("report")
    assert (tmp_path / "XDG_CACHE_HOME" / "layerscope" / "images.db").is_file()
    assert many > 50
    assert questions("report") == 0
    assert questions("--no-cache", "report") == many
    os.truncate(tmp_path / "XDG_CACHE_HOME" / "layerscope" / "images.db", 5000)
    assert questions("report") == many
    assert questions("report") == 0
