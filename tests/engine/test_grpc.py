"""gRPC on the engine's socket: what each answer means, that it ends, and that only reading methods are called."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from layerscope.engine import grpc
from tests.engine.grpcserver import Engine, serve

LIST = grpc.CONTENT_LIST


@contextmanager
def opened(engine: Engine, *, upgrade: bool = True, seconds: float = 5.0) -> Iterator[grpc.Channel]:
    with serve(engine):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(engine.path)
        with grpc.Channel(sock, {"X-Mine": "1", "Connection": "close"}, upgrade=upgrade, seconds=seconds) as channel:
            yield channel


def call(engine: Engine, *, seconds: float = 5.0, max_bytes: int = grpc.MAX_BYTES) -> list[bytes]:
    with opened(engine) as channel:
        return channel.call(LIST, b"ask", seconds=seconds, max_bytes=max_bytes)


def test_messages_come_back_whole_and_in_order_over_one_connection() -> None:
    engine = Engine({LIST: [b"one", b"", b"three" * 1000]})
    with opened(engine) as channel:
        for _ in range(3):
            assert channel.call(LIST, seconds=5) == [b"one", b"", b"three" * 1000]
    assert len(engine.heads) == 1


def test_an_answer_larger_than_every_window_comes_through() -> None:
    message = bytes(range(256)) * 40_000  # 10 MB
    assert call(Engine({LIST: [message, message]}), seconds=60) == [message, message]


def test_no_message_at_all_is_an_empty_answer() -> None:
    assert call(Engine({LIST: []})) == []


def test_the_upgrade_takes_the_configured_headers_but_not_those_that_it_needs_itself() -> None:
    engine = Engine({LIST: []})
    call(engine)
    head = engine.heads[0].decode()
    assert "X-Mine: 1\r\n" in head
    assert head.count("Connection:") == 1


def test_a_header_with_a_line_break_is_never_sent() -> None:
    ours, theirs = socket.socketpair()
    with theirs, pytest.raises(grpc.GrpcError, match="line break"):
        grpc.Channel(ours, {"X": "a\r\nY: b"}, upgrade=True, seconds=1)


def test_a_service_that_is_not_there_is_status_12_with_the_engines_words() -> None:
    with pytest.raises(grpc.Status, match="unknown service") as caught:
        call(Engine())
    assert caught.value.code == 12


def test_a_status_after_messages_is_a_failure() -> None:
    with pytest.raises(grpc.Status) as caught:
        call(Engine({LIST: [b"x"]}, status=14))
    assert caught.value.code == 14


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (Engine({LIST: [b"x"]}, trailer=False), "no grpc-status"),
        (Engine({LIST: [b"x"]}, reset=True), "broke off"),
        (Engine({LIST: [b"x" * 100]}, cut=True), "ended early"),
        (Engine({LIST: [b"x"]}, compressed=True), "compressed"),
        (Engine({LIST: []}, raw=b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak HTTP/2"),
        (Engine({LIST: []}, raw=b"\0\0\1" + bytes(6) + b"x"), "not HTTP/2"),
        (Engine(upgrade=b"SSH-2.0-OpenSSH\r\n\r\n"), "does not answer in HTTP"),
        (Engine(upgrade=b"HTTP/1.1 101 x\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"), "has no end"),
        (Engine(upgrade=b""), "took too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_that_is_not_whole_is_a_failure_that_says_how(engine: Engine, words: str) -> None:
    seconds = 0.3 if "long" in words else 20
    with pytest.raises(grpc.GrpcError, match=words), opened(engine, seconds=seconds) as channel:
        channel.call(LIST, seconds=seconds)


def test_an_answer_without_an_end_is_given_up_at_the_limit() -> None:
    with pytest.raises(grpc.GrpcError, match="larger than 1 MiB"):
        call(Engine({LIST: [b"x" * 1000]}, endless=True), seconds=30, max_bytes=1 << 20)


def test_an_answer_that_trickles_is_given_up_after_the_whole_time_although_no_wait_is_long() -> None:
    with pytest.raises(grpc.GrpcError, match="too long"):
        call(Engine({LIST: [b"x" * 1000]}, slow=0.02), seconds=0.3)


@pytest.mark.parametrize("status", [400, 403, 404, 500, 501])
def test_a_refused_upgrade_keeps_its_status_and_its_words(status: int) -> None:
    body = b'{"message":"no"}'
    head = f"HTTP/1.1 {status} Some Words\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with pytest.raises(grpc.NoUpgrade, match="no") as caught:
        call(Engine(upgrade=head + body))
    assert (caught.value.status, caught.value.words) == (status, '{"message":"no"}')


def test_without_the_upgrade_http2_starts_at_the_first_byte() -> None:
    engine = Engine({LIST: [b"x"]}, native=True)
    with opened(engine, upgrade=False) as channel:
        assert channel.call(LIST, seconds=5) == [b"x"]
    assert engine.heads[0].startswith(b"PRI * HTTP/2.0")


def test_where_there_is_no_native_grpc_the_answer_to_the_preface_is_told() -> None:
    with opened(Engine({LIST: []}), upgrade=False) as channel, pytest.raises(grpc.NotHttp2):
        channel.call(LIST, seconds=5)


@pytest.mark.parametrize(
    "method",
    [
        "/containerd.services.content.v1.Content/Delete",
        "/moby.buildkit.v1.Control/Prune",
        "/moby.buildkit.v1.Control/Solve",
        LIST.lower(),
        "",
    ],
)
def test_a_method_that_is_not_on_the_list_never_reaches_the_wire(method: str) -> None:
    engine = Engine({method: [b"x"], LIST: []})
    with opened(engine) as channel:
        with pytest.raises(ValueError, match="not on the list"):
            channel.call(method, seconds=5)
        channel.call(LIST, seconds=5)
    assert engine.called == [LIST]


def test_every_method_of_the_list_only_reads() -> None:
    assert {method.rpartition("/")[2] for method in grpc.ALLOWED} == {"List", "Read", "DiskUsage", "ListenBuildHistory"}
