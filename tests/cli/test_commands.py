"""The commands as they are typed: what they print, where, and the status they leave."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from layerscope import __version__
from layerscope.cli import cli
from layerscope.commands import common
from layerscope.sources.scanfile import load_inventory, save_inventory
from tests.documents import held
from tests.hosts import SMALL
from tests.replay import Replay, replay

RECORDED = "docker-20.10-overlay2"
FOOTPRINT = 798_575_911


@pytest.fixture
def scan(tmp_path: Path) -> str:
    save_inventory(SMALL, tmp_path / "scan.json")
    return str(tmp_path / "scan.json")


@pytest.fixture(scope="module")
def engine() -> Iterator[Replay]:
    with replay(RECORDED) as served:
        yield served


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def popen(*args: str, **settings: Any) -> "subprocess.Popen[str]":
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | settings
    return subprocess.Popen([sys.executable, "-m", "layerscope", *args], text=True, **streams)


def shell(line: str, **settings: Any) -> "subprocess.CompletedProcess[str]":
    """Run a line of sh in which ``layerscope`` is the program under test."""
    line = re.sub(r"\blayerscope\b", f"'{sys.executable}' -m layerscope", line)
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=60, **settings)


def complaint(result: "Result | subprocess.CompletedProcess[str]") -> str:
    """The one line on standard error, without its ``layerscope: ``."""
    found = re.fullmatch(r"layerscope: (.+)\n", result.stderr)
    assert found, result.stderr
    return found[1]


# --- what they do -------------------------------------------------------------


def test_report_of_an_engine_is_right_to_the_byte(engine: Replay) -> None:
    result = run("report", "--json", "--host", engine.host)
    assert result.exit_code == 0
    assert result.stderr == ""
    totals = held(result.stdout)["totals"]
    assert totals["footprint_bytes"] == totals["engine_bytes"] == FOOTPRINT
    assert totals["exact"] is True


def test_without_a_terminal_the_report_is_printed(engine: Replay) -> None:
    assert run("--host", engine.host).stdout.startswith("Docker 20.10")
    assert f"{FOOTPRINT:,} B" in run("--host", engine.host).stdout


def test_an_exported_scan_gives_the_same_report_and_needs_no_engine(engine: Replay, tmp_path: Path) -> None:
    live = held(run("report", "--json", "--host", engine.host).stdout)
    for name in ("scan.json", "scan.json.gz"):
        assert run("--host", engine.host, "export", str(tmp_path / name)).exit_code == 0
        saved = held(run("report", "--json", "-f", str(tmp_path / name)).stdout)
        assert saved["engine"].pop("kind") == "scan"
        assert saved["engine"].items() < live["engine"].items()
        for key in ("totals", "images", "layers"):
            assert saved[key] == live[key]


def test_export_and_f_are_a_pipe(scan: str) -> None:
    piped = shell(f"layerscope -f {scan} export | layerscope -f - report --csv")
    assert piped.stdout == run("-f", scan, "report", "--csv").stdout
    assert piped.stdout.count("\n") == 5


def test_options_stand_before_or_behind_the_command(scan: str) -> None:
    before, behind = run("-f", scan, "--units", "binary", "report"), run("report", "--file", scan, "--units=binary")
    assert before.stdout == behind.stdout
    assert "147 MiB" in before.stdout
    assert "155 MB" in run("--units", "binary", "report", "-f", scan, "--units", "si").stdout


def test_help_and_version() -> None:
    assert run("--version").stdout == f"layerscope {__version__}\n"
    for help_text in (run("-h").stdout, run("report", "--help").stdout, run("export", "-h").stdout):
        for option in ("--host", "--context", "-f, --file", "--demo", "--units"):
            assert option in help_text
    assert "Exit status: 0 done" in run("--help").stdout


# --- what goes wrong ----------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "status", "cause"),
    [
        (["--demo", "nonsense"], 2, "'nonsense' is no command, and there is no image “nonsense”"),
        (["--nonsense"], 2, "--nonsense"),
        (["report", "extra"], 2, "Got unexpected extra argument"),
        (["report", "--json", "--csv"], 2, "--json and --csv are two reports; give one of them"),
        (["--demo", "report", "-f", "x"], 2, "--demo and --file name different things to look at; give one of them"),
        (["--host", "x", "--context", "y"], 2, "--host and --context name different things to look at"),
        (["--units", "stone"], 2, "Invalid value for '--units': 'stone' is not one of 'si', 'binary'"),
        (["-f", "no.json"], 2, "no.json: cannot be read: no such file or folder; check the path"),
        (["report", "-f", __file__], 2, f"{__file__}: not a layerscope scan: not JSON: "),
        (["report", "--host", "unix:///no/such.sock"], 3, "/no/such.sock"),
        (["report", "--host", "nonsense"], 2, "--host is not the address of an engine"),
        (["export", "--context", "no-such"], 2, "there is no context 'no-such'"),
        (["export", "/no/such/folder/scan.json"], 3, "/no/such/folder/scan.json: not saved: no such file or folder"),
    ],
)
def test_a_mistake_is_one_line_and_a_status(args: list[str], status: int, cause: str) -> None:
    result = run(*args)
    assert result.exit_code == status
    assert result.stdout == ""
    assert cause in complaint(result)


def test_an_engine_that_dies_is_one_line() -> None:
    with replay(RECORDED, die_after=30) as engine:
        result = run("report", "--host", engine.host)
    assert result.exit_code == 3
    assert engine.host.removeprefix("unix://") in complaint(result)


def test_a_full_disk_is_one_line_and_leaves_nothing(scan: str, tmp_path: Path) -> None:
    for line in (
        f"layerscope -f {scan} export /dev/full",
        f"layerscope -f {scan} export > /dev/full",
        f"layerscope -f {scan} report > /dev/full",
    ):
        result = shell(line)
        assert result.returncode == 3
        assert "the disk is full; make room, or save elsewhere" in complaint(result)
    limited = shell(f"ulimit -f 0; trap '' XFSZ; layerscope -f {scan} export {tmp_path}/new.json")
    assert limited.returncode == 3
    assert "not saved: " in complaint(limited)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.json"]


def test_streams_that_are_closed_are_one_line(scan: str) -> None:
    for line, status in (
        (f"layerscope -f {scan} report >&-", 3),
        (f"layerscope -f {scan} export >&-", 3),
        ("layerscope -f - report <&-", 2),
    ):
        result = shell(line)
        assert result.returncode == status
        assert "closed" in complaint(result)


def test_a_reader_that_leaves_is_no_error(scan: str, tmp_path: Path) -> None:
    for command in (f"layerscope -f {scan} report --json", f"layerscope -f {scan} export"):
        result = shell(f"{{ {command}; echo $? > {tmp_path}/status; }} | true")
        assert result.stderr == ""
        assert (tmp_path / "status").read_text().strip() in {"0", "141"}  # all was in the pipe's buffer, or not
    process = popen("-f", scan, "report", "--json", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_ctrl_c_leaves_quietly() -> None:
    with replay(RECORDED, hang=r"/history$") as engine, popen("report", "--host", engine.host) as process:
        while not any("/history" in request for request in engine.requests):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_mistake_of_our_own_is_one_line_too(monkeypatch: pytest.MonkeyPatch, scan: str) -> None:
    monkeypatch.setattr("layerscope.core.build.build_graph", lambda _: 1 / 0)
    result = run("report", "-f", scan)
    assert result.exit_code == 3
    assert "LAYERSCOPE_TRACEBACK=1 shows where" in complaint(result)


# --- the engine's own total ---------------------------------------------------


def test_a_report_is_not_held_up_by_the_engine_s_own_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "USAGE_PATIENCE", 0.3)
    with replay(RECORDED, hang=r"/system/df") as engine:
        result = run("report", "--json", "--host", engine.host)  # the engine never answers: to come back is the test
    totals = held(result.stdout)["totals"]
    assert totals["engine_bytes"] is None
    assert not totals["exact"]  # three layers of its classic builds are told apart by texts alone, and by that total
    assert FOOTPRINT - 1_000 < totals["footprint_bytes"] <= FOOTPRINT


def test_an_engine_that_refuses_its_own_total_is_reported_without() -> None:
    with replay(
        RECORDED, replace={"/system/df": (500, {"message": "a disk usage operation is already running"})}
    ) as engine:
        result = run("report", "--json", "--host", engine.host)
    assert result.exit_code == 0
    assert held(result.stdout)["totals"]["engine_bytes"] is None


def test_an_export_keeps_what_the_engine_said_of_its_disk(engine: Replay, tmp_path: Path) -> None:
    run("export", str(tmp_path / "scan.json"), "--host", engine.host)
    saved = load_inventory(tmp_path / "scan.json")
    assert saved.usage is not None
    assert saved.usage.layers_size == FOOTPRINT
    assert saved.usage.build_cache


# --- terminals ----------------------------------------------------------------


@contextmanager
def terminal(columns: int = 80) -> Iterator[tuple[int, list[bytes]]]:
    """A pseudo-terminal: its descriptor, and what was written to it, complete when the context is left."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    written: list[bytes] = []
    try:
        yield theirs, written
    finally:
        os.close(theirs)
        with suppress(OSError):  # a terminal that nobody has open any more ends so
            while part := os.read(ours, 65536):
                written.append(part)
        os.close(ours)


def test_progress_is_on_a_terminal_only_and_on_standard_error_only() -> None:
    with replay(RECORDED, latency=0.02) as engine:
        with terminal() as (screen, shown), popen("report", "--host", engine.host, stderr=screen) as process:
            out = process.communicate(timeout=60)[0]
        assert re.search(rb"reading layers of images: \d+ of \d+", b"".join(shown))
        assert b"\n" not in b"".join(shown)
        assert out.startswith("Docker 20.10")
        assert "\r" not in out


def test_a_wide_terminal_is_used(tmp_path: Path) -> None:
    name = "registry.example.com/" + "long/" * 20 + "name:1"
    image = replace(SMALL.images[0], tags=(name,))
    save_inventory(replace(SMALL, images=(image,)), tmp_path / "scan.json")
    assert name not in run("report", "-f", str(tmp_path / "scan.json")).stdout
    with terminal(columns=200) as (screen, shown):
        plain = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        popen("report", "-f", str(tmp_path / "scan.json"), stdout=screen, env=plain).wait(60)
    assert name.encode() in b"".join(shown)
    assert b"\x1b" not in b"".join(shown)


def test_an_encoding_without_our_signs_gets_others(scan: str) -> None:
    result = shell(f"layerscope -f {scan} report", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert result.returncode == 0
    assert result.stdout.isascii()
    assert "Docker 28.5.2 - overlay2" in result.stdout


ON_THAT_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(1, termios.TIOCSCTTY, 0); os.execvp('sh', ['sh', '-c', sys.argv[1]])"
)


def test_a_scan_from_a_pipe_opens_the_interface_and_keys_still_come_from_the_terminal(scan: str) -> None:
    line = f"cat '{scan}' | '{sys.executable}' -m layerscope -f -"
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", ON_THAT_TERMINAL, line],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color"},
    )
    os.close(theirs)
    shown, until = b"", time.monotonic() + 60
    with suppress(OSError):  # nobody has the terminal open any more
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                shown += os.read(ours, 65536)
            elif b"saved scan" in shown:  # it has come to rest
                os.write(ours, b"q")
    os.close(ours)
    assert b"deb:base" in shown
    assert process.wait(60) == 0


def test_a_configuration_that_cannot_be_read_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("[" * 200_000)
    with replay("docker-28.5-overlay2") as engine:
        result = run("report", "--host", engine.host)
    assert result.exit_code == 0
    assert f"layerscope: warning: {tmp_path}/config.json: not read: nested too deeply\n" in result.stderr
