"""The first questions, sent before what reads the answers is loaded: asked once, and their failures are told."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from pathlib import Path

import pytest

from layerscope.engine.connect import connect
from layerscope.engine.early import begin
from layerscope.engine.errors import EngineError
from layerscope.engine.scan import scan
from layerscope.engine.usage import disk_usage
from tests.replay import NAMES, replay


@pytest.mark.parametrize("name", NAMES)
def test_each_question_is_asked_once_and_the_scan_is_the_same(name: str) -> None:
    with replay(name) as engine:
        with connect(engine.host) as conn:
            plain, usage = scan(conn), disk_usage(conn)
        asked = Counter(engine.requests)
        engine.requests.clear()
        early = begin(engine.host, None, usage=True)
        assert early is not None
        with connect(early=early) as conn:
            found = scan(conn)
            assert disk_usage(conn).layers_size == usage.layers_size
        assert Counter(engine.requests) == asked
    assert found.images == plain.images
    assert found.containers == plain.containers


def test_only_a_socket_is_asked_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert begin("tcp://127.0.0.1:1", None, usage=False) is None
    assert begin("nonsense://", None, usage=False) is None
    assert begin(None, "no-such-context", usage=False) is None


@pytest.mark.parametrize("faults", [{"replace": {"^/version$": (500, "no")}}, {"truncate": "/version"}])
def test_what_fails_early_is_told_as_it_is_otherwise(faults: dict[str, object]) -> None:
    told = []
    for usage in (None, True):
        with replay("docker-28.5-overlay2", **faults) as engine:
            early = None if usage is None else begin(engine.host, None, usage=usage)
            with pytest.raises(EngineError) as caught, connect(engine.host, early=early) as conn:
                scan(conn)
            told.append(str(caught.value).replace(engine.host.removeprefix("unix://"), "PATH"))
    assert told[0] == told[1]


def test_who_waits_is_told_when_the_connection_is_closed() -> None:
    with replay("docker-28.5-overlay2", hang="/images/json") as engine:
        early = begin(engine.host, None, usage=False)
        assert early is not None
        conn = connect(early=early)
        threading.Timer(0.2, conn.close).start()
        with pytest.raises(EngineError):
            conn.get_json("/images/json", [("all", 1), *([("manifests", 1)] if conn.api_at_least((1, 47)) else [])])


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_rest_is_asked_however_late_its_thread_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the first answer may be taken before the thread that waits for it has begun."""
    late: list[threading.Thread] = []
    start = threading.Thread.start

    def held_back(thread: threading.Thread) -> None:
        if thread.name == "early" and thread._target.__name__ == "_go_on":  # type: ignore[attr-defined]
            late.append(thread)
        else:
            start(thread)

    with replay("docker-28.5-overlay2") as engine:
        monkeypatch.setattr(threading.Thread, "start", held_back)
        early = begin(engine.host, None, usage=False)
        assert early is not None
        assert early.take("/version", 10) is not None
        (thread,) = late
        start(thread)
        thread.join(60)
        assert early.take("/v1.51/info", 10) is not None
        early.close()


def test_a_socket_that_nobody_listens_at(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    early = begin(f"unix://{path}", None, usage=True)
    with pytest.raises(EngineError, match="nobody listens"):
        connect(early=early)
