"""``layerscope history``, and which commands leave a record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from layerscope.cli import cli
from layerscope.core.build import build_graph
from layerscope.inventory import Inventory
from layerscope.sources.open import Source
from layerscope.sources.scanfile import save_inventory
from layerscope.state.history import HOUR, ScanHistory
from tests.hosts import NOW, SMALL

LIVE = replace(SMALL, engine=replace(SMALL.engine, id="ABCD", driver="overlay2", name="build-01"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    return tmp_path / "state" / "layerscope"


class _Backend:
    """An engine that answers with one inventory."""

    live = True
    warnings: tuple[str, ...] = ()
    engine = LIVE.engine

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory

    def scan(self, *_: object, **__: object) -> Inventory:
        return self.inventory

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Callable[[Inventory], None]:
    def answer(inventory: Inventory) -> None:
        monkeypatch.setattr(Source, "open", lambda self, **_: _Backend(inventory))
        monkeypatch.setattr(Source, "connect", lambda self: _Backend(inventory))

    answer(LIVE)
    return answer


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def test_report_and_export_of_an_engine_leave_a_record(live: object, state: Path, tmp_path: Path) -> None:
    assert run("report").exit_code == 0
    assert len(ScanHistory.of_user().line(LIVE.engine)) == 1
    (state / "history.db").unlink()
    assert run("export", str(tmp_path / "x.json")).exit_code == 0
    assert len(ScanHistory.of_user().line(LIVE.engine)) == 1


@pytest.mark.parametrize("args", ["--no-history report", "report --no-history", "keep R", "check R"])
def test_what_leaves_none(live: object, state: Path, tmp_path: Path, args: str) -> None:
    (tmp_path / "R").write_text("[[drop]]\nfilter = 'unused'\n[budget]\nlayers = 5\n")
    assert run(*[str(tmp_path / "R") if arg == "R" else arg for arg in args.split()]).exit_code == 0
    assert not (state / "history.db").exists()


def test_a_saved_scan_and_the_demo_leave_none(state: Path, tmp_path: Path) -> None:
    save_inventory(LIVE, tmp_path / "scan.json")
    assert run("-f", str(tmp_path / "scan.json"), "report").exit_code == 0
    assert run("--demo", "report").exit_code == 0
    assert not (state / "history.db").exists()


def test_a_setting_turns_it_off_for_good(live: object, state: Path) -> None:
    state.mkdir(parents=True)
    (state / "settings.json").write_text('{"history": false}')
    assert run("report").exit_code == 0
    assert not (state / "history.db").exists()


def test_history_is_a_line_a_table_and_the_biggest_steps(live: Callable[[Inventory], None]) -> None:
    history = ScanHistory.of_user()
    for at, images in enumerate((SMALL.images[:1], SMALL.images[:2], SMALL.images)):
        history.keep(build_graph(replace(LIVE, images=images, taken_at=NOW + at * HOUR, usage=None)))
    text = run("history").stdout
    assert text.startswith("3 scans of build-01 from 2026-05-28 ")
    assert "▁" in text
    assert "█" in text
    assert "+30.0 MB" in text
    assert "+ app:1" in text
    assert run("history", "--clear").exit_code == 0
    assert "No scan of build-01 was kept yet" in run("history").stdout


def test_a_table_of_the_last_scans_says_how_many_there_are(live: object) -> None:
    history = ScanHistory.of_user()
    for at in range(25):
        history.keep(build_graph(replace(LIVE, taken_at=NOW + at * HOUR)))
        if at == 19:
            assert "earlier" not in run("history").stdout
    assert "5 earlier scans are not in the table." in run("history").stdout


def test_what_is_not_known_to_the_byte_is_told_as_a_bound(live: object) -> None:
    history = ScanHistory.of_user()
    for at, (low, most, images) in enumerate(((100, 100, 2), (300, 400, 3), (300, None, 2), (300, None, 2))):
        graph = build_graph(replace(LIVE, taken_at=NOW + at * HOUR, images=SMALL.images[:images]))
        bound = "" if low == most else "≥"
        graph.__dict__["totals"] = replace(graph.totals, footprint=low, footprint_bound=bound, footprint_most=most)
        history.keep(graph)
    lines = run("history").stdout.splitlines()
    assert lines[1].endswith("  100 B – ≥300 B")
    assert "+200 B to +300 B" in lines[5]
    assert lines[6].split()[2:5] == ["≥300", "B", "?"]
    assert lines[7].split()[2:] == ["≥300", "B", "–", "–"], "the same images are the same layers"
    assert lines[9].split()[:2] == ["STEP", "SCAN"]
    assert lines[10].startswith("+200 B to +300 B")
    assert len(lines) == 11


def test_a_clock_that_was_put_back_is_told(live: object) -> None:
    history = ScanHistory.of_user()
    for at in (5 * HOUR, 0, 1_000_000 * HOUR):
        history.keep(build_graph(replace(LIVE, taken_at=NOW + at)))
    text = run("history").stdout
    assert "The clock was put back 1 time between two scans." in text
    assert "a clock was wrong" in text


def test_a_history_that_cannot_be_written_is_a_warning_and_the_report_stands(live: object, state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("a file where a folder should be")
    result = run("report", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["schema"] == "layerscope.report/1"
    assert result.stderr.startswith("layerscope: warning: ")
    assert result.stderr.count("\n") == 1


def test_keep_knows_what_was_seen_in_use(live: Callable[[Inventory], None], tmp_path: Path) -> None:
    history = ScanHistory.of_user()
    history.keep(build_graph(replace(LIVE, taken_at=NOW)))  # app:2 is in use
    free = replace(LIVE, containers=(), taken_at=NOW + HOUR)
    live(free)
    (tmp_path / "R").write_text("[[keep]]\nused_within = '9999d'\n[[drop]]\nfilter = 'tagged'\n")
    result = run("keep", str(tmp_path / "R"), "--json")
    found = json.loads(result.stdout)
    assert found["seen"]["scans"] == 1
    assert found["rules"][0]["images"] == [SMALL.images[2].id]
    assert run("keep", str(tmp_path / "R"), "--json", "--no-history").exit_code == 0
