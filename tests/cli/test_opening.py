"""``layerscope IMAGE``, and what a shell completes: commands win, a slip is a line, and nobody waits for an engine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from layerscope.cli import cli
from layerscope.commands import completing
from layerscope.sources.open import Source
from layerscope.sources.scanfile import save_inventory
from layerscope.tui.panes.images import ImagesPane
from tests.hosts import SMALL
from tests.tui.harness import make_app, sample, settled


@pytest.fixture
def scan(tmp_path: Path) -> str:
    save_inventory(SMALL, tmp_path / "scan.json")
    return str(tmp_path / "scan.json")


@pytest.mark.parametrize(
    ("args", "says", "status"),
    [
        (["--demo", "reprot"], "'reprot' is neither a command nor an image here; the nearest command is `layer", 2),
        (["--demo", "python"], "'python' is no command, and there is no image “python:latest”", 2),
        (["python", "--demo"], "'python' is no command, and there is no image “python:latest”", 2),
        (["--demo", "--", "report"], "there is no image “report”", 2),
        (["--demo", "--", "postgres:15"], "the interface needs a terminal; `layerscope plan postgres:15` prints", 2),
        (["--demo", "postgres:15"], "the interface needs a terminal; `layerscope plan postgres:15` prints", 2),
        (["--demo", "postgres:15", "redis"], "the interface opens on one image: what is 'redis'?", 2),
        (["--host", "unix:///no/such.sock", "plen"], "no engine says whether it is an image; the nearest command", 2),
        (["--host", "unix:///no/such.sock", "zzz"], "there is no engine socket at /no/such.sock", 3),
        (["--demo", "report"], "", 0),
    ],
)  # fmt: skip
def test_a_first_word_is_a_command_an_image_or_a_line(args: list[str], says: str, status: int) -> None:
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == status
    assert says in result.stderr
    assert result.stderr.count("\n") <= 1


async def test_the_interface_opens_on_the_image() -> None:
    app = make_app(sample(), image="postgres:15")
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        here = app.main.query_one(ImagesPane).image_here
        assert here is not None
        assert here.name == "postgres:15"
        assert app.session.image == "", "it is gone to once"


# -- completion ---------------------------------------------------------------------------


def completed(shell: str, typed: str, **environment: str) -> list[str]:
    """Return what a shell is told, as its script asks for it. A blank at the end begins another word."""
    words = typed.split(" ")
    env = {**os.environ, "_LAYERSCOPE_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed, **environment}
    env["COMP_CWORD"] = words[-1] if shell == "fish" else str(len(words) - 1)
    code = "from layerscope.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if line]
    if shell == "zsh":
        return [value for kind, value in zip(lines[::3], lines[1::3], strict=True) if kind == "plain"]
    return [line.partition(",")[2].partition("\t")[0] for line in lines]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_told_of_commands_options_and_images(shell: str, scan: str) -> None:
    assert "pull-cost" in completed(shell, "layerscope pu")
    assert "--prometheus" in completed(shell, "layerscope report --")
    assert completed(shell, "layerscope --demo plan postgres:1") == ["postgres:15"]
    assert completed(shell, "layerscope --demo postgis") == ["postgis/postgis:15-3.3"]
    assert completed(shell, "layerscope schema pl") == ["plan"]


def test_contexts_are_those_of_docker(tmp_path: Path) -> None:
    for number, name in enumerate(("far", "fast", "other")):
        folder = tmp_path / "contexts/meta" / str(number)
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(json.dumps({"Name": name}))
    assert completed("bash", "layerscope --context fa", DOCKER_CONFIG=str(tmp_path)) == ["far", "fast"]
    assert completed("bash", "layerscope report -c d", DOCKER_CONFIG=str(tmp_path)) == ["default"]


def test_a_file_is_left_to_the_shell() -> None:
    env = {**os.environ, "_LAYERSCOPE_COMPLETE": "bash_complete", "COMP_WORDS": "layerscope -f x", "COMP_CWORD": "2"}
    code = "from layerscope.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("file,")


def test_without_an_engine_there_are_no_images_and_no_words() -> None:
    assert completed("bash", "layerscope --host unix:///no/such.sock plan x") == []
    assert completed("bash", "layerscope -f /no/such/file plan x") == []


def test_an_engine_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[float | None] = []
    join = threading.Thread.join

    def watched(thread: threading.Thread, timeout: float | None = None) -> None:
        joined.append(timeout)
        join(thread, 0.01 if timeout == completing.PATIENCE else timeout)

    monkeypatch.setattr(threading.Thread, "join", watched)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        assert completing.images(Source("live", host=f"unix://{tmp_path}/s"), "") == []
    assert joined == [0.5]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_the_readme_names_is_there(shell: str) -> None:
    env = {**os.environ, "_LAYERSCOPE_COMPLETE": f"{shell}_source"}
    code = "from layerscope.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "_LAYERSCOPE_COMPLETE" in done.stdout
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"_LAYERSCOPE_COMPLETE={shell}_source layerscope" in readme
