"""Several questions under way on one connection: whose answer is whose, and what becomes of those left unanswered."""

from __future__ import annotations

import json
import random
import re
import socket
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

import pytest

from layerscope.engine import limits, many
from layerscope.engine.connect import Connection, connect
from layerscope.engine.errors import EngineError, Refused
from layerscope.engine.limits import Limit
from layerscope.engine.many import Talk, talk_all

ALL = 60
WHO = {"/version": {"ApiVersion": "1.41"}, "/info": {"ID": "x", "Driver": "overlay2"}}


def said(body: object, status: int = 200, *, chunked: bool = False, close: bool = False) -> bytes:
    """Return the bytes of an answer."""
    data = json.dumps(body).encode()
    more = b"Connection: close\r\n" if close else b""
    head = b"HTTP/1.1 %d So\r\nServer: x\r\n%s" % (status, more)
    if not chunked:
        return head + b"Content-Length: %d\r\n\r\n%s" % (len(data), data)
    parts = [data[:5], data[5:]] if status == 404 else [data]
    return head + b"Transfer-Encoding: chunked\r\n\r\n%s0\r\n\r\n" % b"".join(
        b"%x\r\n%s\r\n" % (len(p), p) for p in parts
    )


def plain(path: str) -> bytes:
    return said({"Id": path})


class Engine:
    """Answers questions on a socket, one after the other, as ``answer`` says; b"" closes the connection."""

    def __init__(
        self, answer: Callable[[str], bytes], pieces: Callable[[bytes], Iterable[bytes]], forgets: bool
    ) -> None:
        self.answer, self.pieces, self.forgets = answer, pieces, forgets
        self.asked: list[str] = []
        """About images, in the order in which they were read."""
        self.told: list[str] = []
        """Those of them that were answered."""
        self.together = 0
        """The most that had been sent before the first of them was answered."""
        self.connections = 0
        self.here = threading.local()

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connections += 1
                threading.Thread(target=self.talk, args=(client,), daemon=True).start()

    def talk(self, client: socket.socket) -> None:
        data = b""
        self.here.answers = 0
        with suppress(OSError), client:
            while piece := client.recv(65536):
                data += piece
                *questions, data = data.split(b"\r\n\r\n")
                paths = [re.sub(r"^/v[\d.]+", "", question.split()[1].decode()) for question in questions]
                self.asked += [path for path in paths if path not in WHO]
                self.together = max(self.together, len(paths))
                for path in paths[:1] if self.forgets else paths:
                    answer = said(WHO[path]) if path in WHO else self.answer(path)
                    for part in self.pieces(answer):
                        client.sendall(part)
                    if not answer or b"Connection: close" in answer:
                        return
                    if path not in WHO:
                        self.told.append(path)
                        self.here.answers += 1


@contextmanager
def engine(
    answer: Callable[[str], bytes] = plain,
    *,
    pieces: Callable[[bytes], Iterable[bytes]] = lambda data: [data],
    forgets: bool = False,
    tcp: bool = False,
    timeout: float = 60,
) -> Iterator[tuple[Engine, Connection]]:
    """Lend an engine and a connection to it. ``forgets``: of what was sent at once it reads the first question only."""
    with (
        tempfile.TemporaryDirectory(prefix="piped-") as folder,
        socket.socket(socket.AF_INET if tcp else socket.AF_UNIX) as listener,
    ):
        path = str(Path(folder, "engine.sock"))
        listener.bind(("127.0.0.1", 0) if tcp else path)
        listener.listen(16)
        served = Engine(answer, pieces, forgets)
        threading.Thread(target=served.serve, args=(listener,), daemon=True).start()
        with connect(
            f"tcp://127.0.0.1:{listener.getsockname()[1]}" if tcp else f"unix://{path}", timeout=timeout
        ) as conn:
            yield served, conn
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def about(number: int) -> Talk[list[object]]:
    """Ask for an image and for its history."""
    learned: list[object] = []
    for what in ("json", "history"):
        try:
            answer = yield f"/images/{number}/{what}"
        except Refused as refused:
            learned.append(refused.status)
        else:
            learned.append(answer["Id"])
    return learned


def everything(conn: Connection, lanes: int = 1) -> dict[int, list[object]]:
    return dict(talk_all(conn, map(about, range(ALL)), lanes))


WHOLE = {number: [f"/images/{number}/json", f"/images/{number}/history"] for number in range(ALL)}


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(many, "QUICK", float("inf"))
    monkeypatch.setattr(many, "JUDGED", 2)


def test_each_answer_is_told_to_who_asked() -> None:
    with engine() as (served, conn):
        assert everything(conn) == WHOLE
        assert served.together > 1, "nothing was sent ahead"
        assert Counter(served.asked) == dict.fromkeys(chain(*WHOLE.values()), 1)
        assert served.connections == 1
        assert conn.get_json("/info")["ID"] == "x", "the connection is fit for other questions"


@pytest.mark.parametrize("seed", range(12))
def test_however_the_answers_are_cut_and_whatever_is_among_them(seed: int) -> None:
    choice = random.Random(seed)

    def answer(path: str) -> bytes:
        kind = zlib.crc32(path.encode()) % 7 if seed % 2 else 0
        if kind == 1:
            return said({"message": "no such image"}, 404, chunked=len(path) % 2 == 0)
        return said({"Id": path, "Pad": "x" * (kind * 900)}, chunked=kind > 3)

    def pieces(data: bytes) -> list[bytes]:
        cuts = sorted(choice.sample(range(1, len(data)), choice.choice([0, 1, 3])))
        return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]

    with engine(answer, pieces=pieces) as (served, conn):
        found = everything(conn)
        assert served.together > 1
    assert found.keys() == WHOLE.keys()
    for number, learned in found.items():
        assert learned == [404 if b" 404 " in answer(path)[:20] else path for path in WHOLE[number]]


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("after", [1, 2, 3, 5, 11])
@pytest.mark.parametrize("close", [False, True])
def test_what_a_closed_connection_left_unanswered_is_asked_again(after: int, close: bool, lanes: int) -> None:
    def answer(path: str) -> bytes:
        if served.here.answers >= after:
            return said({"Id": path}, close=True) if close else b""
        return plain(path)

    with engine(answer) as (served, conn):
        assert everything(conn, lanes) == WHOLE
        assert len(served.told) == len(set(served.told)), "something was asked that had been answered"
        ahead = sum(count - 1 for count in Counter(served.asked).values())
        assert max(Counter(served.asked).values()) <= 3
        assert ahead <= served.connections * 1 + lanes * many.DEPTH, "after the first time one by one"


def test_closed_in_the_middle_of_an_answer_is_told() -> None:
    def half(data: bytes) -> list[bytes]:
        return [data[:-4]] if b"/images/20/json" in data else [data]

    def answer(path: str) -> bytes:
        return said({"Id": path}, close=path == "/images/20/json")

    with engine(answer, pieces=half) as (_, conn), pytest.raises(EngineError, match="was cut off"):
        everything(conn)


def test_an_answer_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ANSWERS", (("GET", "/images/.*", Limit(1 << 20, 0.3, silence=60)),))
    given_up = threading.Event()

    def slow(data: bytes) -> Iterator[bytes]:
        yield data[:-1]
        if b"/images/20/json" in data:
            given_up.wait(10)
        yield data[-1:]

    with engine(pieces=slow) as (_, conn):
        with pytest.raises(EngineError, match=r"not complete 0\.3 s after its first byte"):
            everything(conn)
        given_up.set()


@pytest.mark.parametrize("lanes", [1, 3])
def test_where_only_one_question_at_a_time_is_read_the_others_are_asked_again(
    monkeypatch: pytest.MonkeyPatch, lanes: int
) -> None:
    monkeypatch.setattr(many, "SILENCE", 0.2)
    with engine(forgets=True) as (served, conn):
        assert everything(conn, lanes) == WHOLE
        assert served.together > 1
        assert len(served.told) == len(set(served.told))


def test_an_engine_that_falls_silent_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "SILENCE", 0.1)
    stop = threading.Event()

    def answer(path: str) -> bytes:
        if path == "/images/20/json":
            stop.wait(10)
        return plain(path)

    with engine(answer, timeout=0.6) as (served, conn):
        with pytest.raises(EngineError, match="does not answer in time"):
            everything(conn)
        stop.set()
        assert served.asked.count("/images/20/json") == 2, "once more, alone"


def test_an_answer_to_no_question_is_told() -> None:
    def answer(path: str) -> bytes:
        return plain(path) * (2 if path == f"/images/{ALL - 1}/history" else 1)

    with engine(answer) as (_, conn), pytest.raises(EngineError, match="not a Docker API"):
        everything(conn)


def test_a_redirect_among_the_answers_is_refused() -> None:
    def answer(path: str) -> bytes:
        return said({}, 302) if path == "/images/20/json" else plain(path)

    with engine(answer) as (_, conn), pytest.raises(EngineError):
        everything(conn)


def test_one_by_one_over_tcp() -> None:
    with engine(tcp=True) as (served, conn):
        assert everything(conn) == WHOLE
        assert served.together == 1


def test_one_by_one_where_the_engine_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "QUICK", 0)
    with engine() as (served, conn):
        assert everything(conn) == WHOLE
        assert served.together == 1


def test_one_by_one_where_a_question_is_long() -> None:
    with engine() as (served, conn):
        name = "x" * 600

        def asks(number: int) -> Talk[object]:
            return (yield f"/images/{number}-{name}/json")["Id"]

        found = dict(talk_all(conn, map(asks, range(ALL)), 1))
        assert found == {number: f"/images/{number}-{name}/json" for number in range(ALL)}
        assert served.together == 1
