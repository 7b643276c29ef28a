"""However the interface ends, the terminal is as it was, and the status says why."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.engine.moby import Record, serve
from tests.replay import replay
from tests.terminal.pty_session import session

SIGNALS = ["TERM", "HUP", "QUIT", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "INT", "ABRT", "XCPU", "IO", "PWR", "RTMIN"]


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_restores_the_terminal(tmp_path: Path, name: str) -> None:
    number = getattr(signal, f"SIG{name}")
    with session("--demo", folder=tmp_path) as run:
        run.sees("images")
        os.kill(run.process.pid, number)
        assert run.status() == 128 + number
        run.check_restored()


def test_a_signal_while_the_engine_is_mute(tmp_path: Path) -> None:
    mute = replay("docker-28.5-overlay2", hang="/images/json")
    with mute as engine, session("--host", engine.host, folder=tmp_path) as run:
        run.until(lambda: any("/images/json" in path for path in engine.requests))
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.status() == 143
        run.check_restored()


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    """As with nohup."""
    with session(
        "--demo", folder=tmp_path, before="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    ) as run:
        run.sees("images")
        os.kill(run.process.pid, signal.SIGHUP)
        os.kill(run.process.pid, signal.SIGTERM)
        assert run.status() == 143


def test_a_terminal_that_is_gone(tmp_path: Path) -> None:
    with session("--demo", folder=tmp_path) as run:
        run.sees("images")
        os.kill(run.process.pid, signal.SIGSTOP)
        os.kill(run.process.pid, signal.SIGHUP)
        os.kill(run.process.pid, signal.SIGCONT)
        assert run.status() == 129


@pytest.mark.parametrize("answers", [True, False])
def test_a_removal_stops_between_two_images(tmp_path: Path, answers: bool) -> None:
    """Whether the engine answers the request under way or not: what was asked is in the log, and nothing more is."""
    images = {f"sha256:{letter * 64}": Record([f"{letter}:1"]) for letter in "abc"}
    asked, release = threading.Event(), threading.Event()
    with serve(images) as engine:

        def wait(method: str, path: str) -> None:
            if method == "DELETE":
                asked.set()
                release.wait(60)

        engine.before = wait
        before = f"""
import threading
from layerscope.core.build import build_graph
from layerscope.core.removal.plan import plan
from layerscope.engine.connect import connect
from layerscope.engine.remove import EngineRemover
from layerscope.engine.lists import list_images
from layerscope.inventory import Inventory
import layerscope.tui.app as app
def work():
    with connect({engine.host!r}) as conn:
        graph = build_graph(Inventory(engine=conn.engine, images=tuple(list_images(conn)), containers=(), taken_at=0))
        remover = EngineRemover(conn)
        remover.remove(plan(graph, {{node.id for node in graph.images}}), lambda step: None, lambda: False)
mount = app.LayerscopeApp.on_mount
def on_mount(self):
    threading.Thread(target=work, daemon=False).start()
    return mount(self)
app.LayerscopeApp.on_mount = on_mount
"""
        with session("--demo", folder=tmp_path, before=before) as run:
            run.until(asked.is_set)
            os.kill(run.process.pid, signal.SIGTERM)
            if answers:
                time.sleep(0.3)
                release.set()
            assert run.status() == 143
            run.check_restored()
        release.set()
        deleted = [path for method, path in engine.changes if method == "DELETE"]
    assert len(deleted) == 1
    text = (tmp_path / "state/layerscope/removals.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["state"] for line in lines] == (["removing", "removed", "stopped"] if answers else ["removing"])
    if answers:
        assert len(lines[-1]["left"]) == 2


def test_leaving_does_not_wait_for_threads(tmp_path: Path) -> None:
    before = """
import threading
import layerscope.tui.app as app
mount = app.LayerscopeApp.on_mount
def on_mount(self):
    threading.Thread(target=threading.Event().wait, daemon=False).start()
    self.run_worker(threading.Event().wait, thread=True)
    return mount(self)
app.LayerscopeApp.on_mount = on_mount
"""
    with session("--demo", folder=tmp_path, before=before) as run:
        run.sees("images")
        run.keys("\x11")
        assert run.status() == 0
        run.check_restored()


@pytest.mark.parametrize("where", ["on_mount", "__init__", "on_key"])
def test_a_fault_of_ours_is_one_line_and_where_the_details_are(tmp_path: Path, where: str) -> None:
    before = f"""
import layerscope.tui.app as app
def broken(self, *args, **kwargs):
    raise RuntimeError("boom \\x1b[31m")
app.LayerscopeApp.{where} = broken
"""
    with session("--demo", folder=tmp_path, before=before) as run:
        if where == "on_key":
            run.sees("images")
            run.keys("x")
        assert run.status() == 3
        if where != "__init__":
            run.check_restored()
        last = run.output[run.output.rindex(b"\x1b[?25h") :].decode()
    said = [line for line in re.sub(r"\x1b\[[?0-9;]*[a-z]", "", last).splitlines() if line.strip()]
    assert len(said) == 1
    found = re.fullmatch(
        r"layerscope: a mistake in layerscope itself: RuntimeError: boom .*; details are in (\S+)", said[0]
    )
    assert found, said
    path = Path(found[1])
    assert "Traceback" in path.read_text()
    assert "broken" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_suspending_gives_the_terminal_back_and_coming_back_draws_at_the_size_of_then(tmp_path: Path) -> None:
    with session("--demo", folder=tmp_path, size=(100, 30)) as run:
        run.sees("images")
        run.keys("\x1a")
        run.until(lambda: os.waitid(os.P_PID, run.process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None)
        run.read()
        run.check_restored()
        run.forget()
        run.size(70, 20)
        os.kill(run.process.pid, signal.SIGCONT)
        run.sees("\x1b[?1049h")
        run.sees("images")

        def fits() -> bool:
            """Is the next picture one of the size of now?"""
            run.forget()
            run.keys("?")
            run.until(lambda: b"\x1b[20;" in run.output or b"\x1b[19;" in run.output)
            run.read(0.5)
            return b"\x1b[21;" not in run.output

        assert any(fits() for _ in range(10)), "the first may still be of the size of before"
        run.keys("\x11")
        assert run.status() == 0
        assert b"\x1b[?1049l" in run.output
