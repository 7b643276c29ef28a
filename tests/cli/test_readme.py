"""The README says nothing that a command does not say."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from layerscope.cli import cli
from layerscope.core.build import build_graph
from layerscope.sources.open import load_sample
from layerscope.units import format_size

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
