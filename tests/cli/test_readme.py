"""The README says nothing that a command does not say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from layerscope.cli import cli
from layerscope.core.build import build_graph
from layerscope.sources.open import load_sample
from layerscope.units import format_size
from tests.replay import replay

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_size_in_it_is_one_of_the_sample_host() -> None:
    totals = build_graph(load_sample()).totals
    assert totals.exact
    said = set(re.findall(r"\d[\d.]* [kMGT]?B\b", README))
    assert said == {format_size(totals.listed), format_size(totals.footprint)}


def test_every_command_in_it_exists() -> None:
    commands = set(re.findall(r"`layerscope ([a-z][a-z-]*)", README))
    assert {"report", "export", "plan", "free"} <= commands <= set(cli.commands)
    for command in commands:
        assert CliRunner().invoke(cli, [command, "--help"]).exit_code == 0


def test_every_picture_in_it_is_there_and_is_made_by_the_script() -> None:
    root = Path(__file__).parents[2]
    script = (root / "dev" / "pictures.py").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\(screenshots/(\w+)\.png\)", README)
    assert pictures
    for name in pictures:
        assert (root / "screenshots" / f"{name}.png").stat().st_size
        assert f'"{name}":' in script


def test_the_animation_moves_for_thirty_seconds_and_stays_light() -> None:
    root = Path(__file__).parents[2]
    assert "](screenshots/tour.svg)" in README
    svg = (root / "screenshots" / "tour.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"animation-duration:([\d.]+)s", svg)) == {"30.0"}
    assert len(svg) < 500_000


GITHUB, GITLAB = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
BUDGETS = [("footprint = '40GB'", 0), ("footprint = '1MB'", 1)]


def job(lines: list[str], folder: Path, budget: str) -> int:
    """Run the lines of a job as a runner does, on a recorded engine; what they would install is there already."""
    (folder / "budget.toml").write_text(f"[budget]\n{budget}\n")
    (folder / "layerscope").symlink_to(Path(__file__).parents[2])
    tools = folder / "bin"
    tools.mkdir()
    for name, text in (("pip", '[ "$1" = install ] && [ -f "$2/pyproject.toml" ]'), ("layerscope", LAYERSCOPE)):
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    with replay("docker-20.10-overlay2") as engine:
        environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "DOCKER_HOST": engine.host,
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }
        script = "\n".join(lines)
        return subprocess.run(["bash", "-e", "-c", script], check=False, cwd=folder, env=environment).returncode


LAYERSCOPE = f'exec {sys.executable} -m layerscope "$@"'


@pytest.mark.parametrize(("budget", "status"), BUDGETS)
def test_the_steps_for_github_write_a_summary_and_fail_over_the_budget(
    tmp_path: Path, budget: str, status: int
) -> None:
    steps: list[dict[str, Any]] = GITHUB
    assert all(("uses" in step) is not ("run" in step) for step in steps)
    assert job([step["run"] for step in steps if "run" in step], tmp_path, budget) == status
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("**1 budget kept**" if status == 0 else "**1 of 1 budget not kept**")
    assert "| footprint |" in summary


@pytest.mark.parametrize(("budget", "status"), BUDGETS)
def test_the_job_for_gitlab_leaves_a_report_also_when_it_fails(tmp_path: Path, budget: str, status: int) -> None:
    (one,) = GITLAB.values()
    assert job(one["script"], tmp_path, budget) == status
    assert one["artifacts"]["when"] == "always"
    suite = ET.parse(tmp_path / one["artifacts"]["reports"]["junit"]).getroot()
    assert (suite.tag, suite.attrib["tests"], suite.attrib["failures"]) == ("testsuites", "1", str(status))
