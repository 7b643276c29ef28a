"""The benchmark's own arithmetic: exponents, tables, the plot, and what goes into README."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from dev.benchmarks.__main__ import BEGIN, END, put_into_readme
from dev.benchmarks.generate import big_host
from dev.benchmarks.measuring import Series, Taken, exponent
from dev.benchmarks.served import answers
from dev.benchmarks.tables import plot, table


def series(name: str, size: int, *seconds: float) -> Series:
    return Series(name, size, [Taken(2 * one, one, 1e6) for one in seconds])


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([(10, 1.0), (100, 10.0), (1000, 100.0)]) == pytest.approx(1)
    assert exponent([(10, 3.0), (100, 300.0)]) == pytest.approx(2)
    assert exponent([(10, 1.0)]) is None
    assert exponent([(10, 0.0), (100, 0.0)]) is None  # what was not measured


def test_a_table_has_medians_ratios_and_exponents() -> None:
    click = series("python -c 'import click'", 0, 0.02, 0.5, 0.02)
    text = table("commands", [click, series("--help", 0, 0.03)])
    assert "| --help | 60.0 | 30.0 | 1 | 1.50 | × python -c 'import click' |" in text
    grown = [series("graph", size, size / 1000) for size in (50, 500, 5000)]
    assert "| graph | 50.0 | 500 | 5,000 | 1.00 | 1 |" in table("saved scans", grown)


def test_the_plot_is_sound_svg_with_a_line_for_each_that_grows() -> None:
    found = [series(name, size, size / 1000) for name in ("graph", "<load>") for size in (50, 500)]
    drawn = plot([*found, series("once", 50, 1.0)], "a machine & more")
    root = ET.fromstring(drawn)
    names = [node.tag.rpartition("}")[2] for node in root]
    assert names.count("polyline") == 2
    assert names.count("circle") == 4
    assert "a machine & more" in "".join(root.itertext())
    assert plot([], "") == ""


def test_tables_go_between_the_two_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}old\n{END}after\n")
    put_into_readme(readme, ["| new |\n"], "a machine")
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}a machine.\n")
    assert text.endswith(f"| new |\n\n</details>\n{END}after\n")
    assert "old" not in text
    with pytest.raises(ValueError, match="benchmarks"):
        put_into_readme(tmp_path / "README.md", [], (tmp_path / "README.md").write_text("none") and "")


def test_a_generated_host_answers_every_question_of_a_scan() -> None:
    host = big_host(20, 80)
    said = answers(host)
    assert {f"/images/{image.id}/{what}" for image in host.images for what in ("json", "history")} < said.keys()
