"""``layerscope diff`` as it is typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from rich.cells import cell_len

from layerscope.cli import cli
from layerscope.inventory import Inventory
from layerscope.sources.scanfile import save_inventory
from tests.documents import held
from tests.hosts import HOSTILE, MB, NOW, SMALL, image_id


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def saved(folder: Path, name: str, inventory: Inventory) -> str:
    save_inventory(inventory, folder / name)
    return str(folder / name)


@pytest.fixture
def scans(tmp_path: Path) -> tuple[str, str]:
    base, app1, app2, old = SMALL.images
    before = replace(SMALL, images=(base, app1, old), containers=(), taken_at=NOW - 86_400, usage=None)
    after = replace(SMALL, images=(replace(base, tags=("deb:base", "deb:12")), app2, old), usage=None)
    return saved(tmp_path, "old.json", before), saved(tmp_path, "new.json.gz", after)


def test_what_came_and_went_is_told_with_whose_it_is(scans: tuple[str, str]) -> None:
    result = run("diff", *scans)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "−1.5 kB on disk · 1 image came, 1 went, 1 retagged"
    assert "a day later" in lines[1] or "1 day later" in lines[1]
    assert next(line for line in lines if line.startswith("On disk")).split() == [
        "On",
        "disk",
        "155",
        "MB",
        "155",
        "MB",
        "−1.5",
        "kB",
        "−1,500",
        "B",
    ]
    assert "app:2 +1 tag     154 MB         0 B" in result.stdout  # its layers were there: the untagged one has them
    assert "app:1            147 MB       1.5 kB" in result.stdout
    assert "deb:base  gained deb:12" in result.stdout
    assert "1.5 kB  app:1  COPY app1 /app" in result.stdout
    assert "1 container created: web (running)." in result.stdout


def test_json_adds_up_and_is_turned_round_the_other_way(scans: tuple[str, str]) -> None:
    there, back = held(run("diff", *scans, "--json").stdout), held(run("diff", *reversed(scans), "--json").stdout)
    assert there["footprint_change_bytes"] == -1500
    assert back["footprint_change_bytes"] == 1500
    layers = there["layers"]
    rows = sum(one["size_bytes"] for one in layers["added"]) - sum(one["size_bytes"] for one in layers["gone"])
    assert rows == there["after"]["footprint_bytes"] - there["before"]["footprint_bytes"] == -1500
    assert [one["chain_id"] for one in layers["gone"]] == [one["chain_id"] for one in back["layers"]["added"]]
    assert (there["seconds"], back["seconds"]) == (86_400, -86_400)
    assert [(one["id"], one["adds_bytes"]) for one in there["images"]["added"]] == [(image_id("app2"), 0)]


def test_the_same_scan_twice_is_no_change(scans: tuple[str, str]) -> None:
    assert run("diff", scans[0], scans[0]).stdout.startswith("Nothing changed.\n")
    found = held(run("diff", scans[0], scans[0], "--json").stdout)
    assert not any(found["images"][key] for key in ("added", "gone", "retagged", "moved"))
    assert not any(found["layers"][key] for key in ("added", "gone", "resized"))
    assert found["footprint_change_bytes"] == found["listed_change_bytes"] == 0


def test_without_the_second_it_is_what_is_looked_at(scans: tuple[str, str]) -> None:
    assert run("-f", scans[1], "diff", scans[0], "--json").stdout == run("diff", *scans, "--json").stdout


def test_markdown_is_tables(scans: tuple[str, str]) -> None:
    lines = run("diff", *scans, "--markdown").stdout.splitlines()
    assert lines[0] == "**−1.5 kB on disk · 1 image came, 1 went, 1 retagged**"
    assert "| On disk | 155 MB | 155 MB | −1.5 kB |" in lines
    assert "| `app:1` | 147 MB | 1.5 kB |" in lines
    assert "| 1.5 kB | `COPY app1 /app` | app\\:1 |" in lines


def test_hostile_text_makes_no_markup_and_no_wide_line(tmp_path: Path) -> None:
    evil = "<img src=x> [a](http://b) | `x` @all #1 \x1b[31m"
    images = (replace(HOSTILE.images[0], tags=(evil,)), *HOSTILE.images[1:])
    empty = saved(tmp_path, "old.json", replace(HOSTILE, images=(), containers=()))
    new = saved(tmp_path, "new.json", replace(HOSTILE, images=images))
    text = run("diff", empty, new).stdout
    assert all(cell_len(line) <= 80 and line.isprintable() for line in text.splitlines())
    rows = [line for line in run("diff", empty, new, "--markdown").stdout.splitlines() if "img src" in line]
    assert rows
    for line in rows:
        assert "\x1b" not in line
        assert line.replace("\\|", "").count("|") == 4
        assert "<img" not in line or "``<img" in line


def test_a_scan_of_another_store_is_refused_with_the_reason(tmp_path: Path, scans: tuple[str, str]) -> None:
    engine = replace(SMALL.engine, store="containerd", store_kind="containerd")
    result = run("diff", scans[0], saved(tmp_path, "c.json", replace(SMALL, engine=engine)))
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "one scan is of the store overlay2, the other of containerd: one counts" in result.stderr
    assert "compare scans of one kind of store" in result.stderr


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["diff"], "Missing argument 'OLD'"),
        (["diff", "/none"], "no such file"),
        (["diff", "-", "-"], "both scans cannot come from standard input"),
        (["diff", "a", "b", "--json", "--markdown"], "two forms"),
        (["--demo", "diff", "a", "b"], "different things to look at"),
        (["-H", "unix:///x", "diff", "a", "b"], "different things to look at"),
    ],
)
def test_wrong_use_is_one_line(args: list[str], words: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words in result.stderr


def test_a_layer_with_another_size_on_another_host_is_said(tmp_path: Path, scans: tuple[str, str]) -> None:
    base = SMALL.images[0]
    (entry,) = base.history or ()
    other = replace(base, history=(replace(entry, size=117 * MB + 77),), layers_size=117 * MB + 77)
    one = saved(tmp_path, "one.json", replace(SMALL, images=(base,), containers=(), usage=None))
    two = saved(tmp_path, "two.json", replace(SMALL, images=(other,), containers=(), usage=None))
    assert "1 layer in both scans has another size in the second: +77 B in all." in run("diff", one, two).stdout
