"""Live changes: events of the engine become one "look again" a burst, and a lost engine is tried again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import docker
import pytest

from layerscope.core.build import build_graph
from layerscope.core.changes import changes
from layerscope.engine import events
from layerscope.engine.backend import open_backend
from layerscope.engine.errors import EngineError
from layerscope.engine.events import Watcher
from layerscope.engine.limits import limit_of
from layerscope.inventory import Inventory

HOLD: dict[str, Any] = {"": "the stream stays open, and nothing comes"}


class Scripted:
    """A connection whose event streams are written down: a list of events ends in a lost engine."""

    def __init__(self, *streams: list[dict[str, Any]] | EngineError) -> None:
        self.streams = list(streams)
        self.asked: list[Any] = []
        self.opened = 0
        self.hold = threading.Event()
        self.pings = 0
        self.frozen = False

    @contextmanager
    def stream(self, path: str, query: Any) -> Iterator[Told]:
        self.opened += 1
        self.asked.append((path, query))
        stream = self.streams.pop(0) if self.streams else [HOLD]
        if isinstance(stream, EngineError):
            raise stream
        yield Told(stream, self.hold)

    def ping(self) -> None:
        self.pings += 1
        if self.frozen:
            self.frozen = False
            raise EngineError("does not answer in time")


class Told:
    """The lines of a stream."""

    def __init__(self, stream: list[dict[str, Any]], hold: threading.Event) -> None:
        self.stream = stream
        self.hold = hold
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        yield b""
        for event in self.stream:
            while event is HOLD and not self.hold.wait(0.01) and not self.closed.is_set():
                pass
            if event is not HOLD:
                yield json.dumps(event).encode()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Scripted, list[str], list[float]]]]:
    monkeypatch.setattr(events, "BACK_OFF", (0.05,))
    monkeypatch.setattr(events, "QUIET", 0.05)
    running: list[tuple[Watcher, threading.Thread, Scripted]] = []

    def start(*streams: list[dict[str, Any]] | EngineError) -> tuple[Scripted, list[str], list[float]]:
        conn, states, told = Scripted(*streams), [], []
        watcher = Watcher(conn, lambda: told.append(time.monotonic()), states.append)  # type: ignore[arg-type]
        thread = threading.Thread(target=watcher.run)
        thread.start()
        running.append((watcher, thread, conn))
        return conn, states, told

    yield start
    for watcher, thread, conn in running:
        watcher.stop()
        conn.hold.set()
        thread.join(60)
        assert not thread.is_alive()


def eventually(what: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def test_a_burst_of_events_is_told_once(watched: Any) -> None:
    _, states, told = watched([{"Type": "image", "Action": action} for action in ("tag", "untag", "delete")] + [HOLD])
    eventually(lambda: told)
    time.sleep(0.3)
    assert len(told) == 1
    assert states == [""]


def test_a_stream_that_ends_is_opened_again_and_the_engine_looked_at(watched: Any) -> None:
    conn, states, told = watched([])
    eventually(lambda: conn.opened == 2)
    eventually(lambda: told)
    assert states == ["", "the engine closed its event stream", ""]


def test_what_does_not_touch_images_is_not_told(watched: Any) -> None:
    events = [
        {"Type": "container", "Action": "exec_start: sh"},
        {"Type": "network", "Action": "connect"},
        {},
        {"Type": 7},
    ]
    conn, states, told = watched([*events, HOLD])
    eventually(lambda: states)
    time.sleep(0.3)
    assert conn.opened == 1
    assert not told


def test_podman_words_are_understood(watched: Any) -> None:
    _, _, told = watched([{"Type": "container", "Action": "died"}, {"Type": "image", "Action": "loadfromarchive"}])
    eventually(lambda: told)


def test_a_lost_engine_is_said_and_tried_again_and_looked_at_when_back(watched: Any) -> None:
    conn, states, told = watched(EngineError("nobody listens"), EngineError("nobody listens"))
    eventually(lambda: conn.opened == 3)
    eventually(lambda: told)
    assert states == ["nobody listens", "nobody listens", ""]


def test_a_frozen_engine_is_told_though_its_stream_stays_open(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a stream alone it looks like a quiet one, for ever."""
    monkeypatch.setattr(events, "PING_EVERY", 0.05)
    conn, states, told = watched([HOLD])
    eventually(lambda: conn.pings)
    assert states == [""]
    conn.frozen = True
    eventually(lambda: len(states) == 3)
    eventually(lambda: told)
    assert states == ["", "does not answer in time", ""]


def test_a_frozen_engine_is_on_screen_within_five_seconds() -> None:
    """By the numbers: the longest way from a ping to the next, and the longest wait for its answer."""
    assert events.PING_EVERY + limit_of("GET", "/_ping").silence + events._TICK < 5


def test_a_change_is_told_within_two_seconds() -> None:
    """By the numbers: the longest burst, and the looks at it and at the stream."""
    assert events.AT_MOST + events.QUIET / 5 + events._TICK < 2


@pytest.mark.engine
def test_changes_on_a_real_engine_arrive_by_themselves(engine_host: str) -> None:
    backend = open_backend(engine_host, None)
    graph = build_graph(backend.scan(lambda *_: None, lambda _: None, lambda: False))
    seen: list[Inventory] = []
    following = threading.Event()
    thread = threading.Thread(target=backend.follow, args=(seen.append, lambda why: following.set()), daemon=True)
    thread.start()
    shell = docker.APIClient(base_url=engine_host, version="auto")
    try:
        assert following.wait(60)
        target = next(node for node in graph.images if node.image.tags and node.layers)
        shell.tag(target.id, "layerscope-events", "1")
        eventually(lambda: seen)
        assert target.id in changes(graph, build_graph(seen[-1])).retagged
        count = len(seen)
        shell.remove_image("layerscope-events:1")
        eventually(lambda: len(seen) > count)
        assert not changes(graph, build_graph(seen[-1]))
    finally:
        shell.close()
        backend.close()
        thread.join(60)
    assert not thread.is_alive()
