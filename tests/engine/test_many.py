"""Many questions side by side: over every transport, and whatever becomes of a connection."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paramiko
import pytest
import trustme

from layerscope.engine import limits, many
from layerscope.engine.connect import connect
from layerscope.engine.early import begin
from layerscope.engine.errors import EngineError, Refused
from layerscope.engine.limits import Limit
from layerscope.engine.many import Talk, talk, talk_all
from layerscope.engine.scan import scan
from tests.engine.test_limits import pipe_to, port, slow_body
from tests.replay import recorded_inventory, replay

NAME = "docker-28.5-overlay2"


def asking(path: str) -> Talk[object]:
    try:
        answer = yield path
    except Refused as refused:
        return refused.status
    return answer["Id"] if isinstance(answer, dict) else answer


def two_questions(image: str) -> Talk[tuple[object, object]]:
    first = yield from asking(f"/images/{image}/json")
    return first, (yield from asking("/images/none/json"))


def test_each_talk_ends_with_what_it_learned() -> None:
    images = [image.id for image in recorded_inventory(NAME).images]
    with replay(NAME) as engine, connect(engine.host) as conn:
        learned = dict(talk_all(conn, map(two_questions, images), 4))
        assert learned == {number: (image, 404) for number, image in enumerate(images)}
        assert talk(conn, two_questions(images[0])) == (images[0], 404)
        assert conn.get_json("/info")["ServerVersion"]  # the connections are fit for other questions


def test_nothing_to_ask() -> None:
    def known() -> Talk[int]:
        return 7
        yield ""

    with replay(NAME) as engine, connect(engine.host) as conn:
        asked = len(engine.requests)
        assert list(talk_all(conn, [], 4)) == []
        assert sorted(talk_all(conn, [known() for _ in range(9)], 4)) == [(number, 7) for number in range(9)]
        assert len(engine.requests) == asked


@pytest.mark.parametrize(("more_after", "count"), [(60, 4), (0, 8)])
def test_more_connections_are_opened_where_it_takes_long(
    monkeypatch: pytest.MonkeyPatch, more_after: float, count: int
) -> None:
    monkeypatch.setattr(many, "MORE_AFTER", more_after)
    with replay("docker-28.5-overlay2") as engine:
        early = begin(engine.host, None, usage=False)
        assert early is not None
        with connect(early=early) as conn:
            assert scan(conn).images == recorded_inventory(NAME).images
            assert engine.connections == count
            assert (conn._client is not None) == (count > 4), "docker-py opens them"


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_kept_connection_that_the_engine_closed_is_opened_again(after: int) -> None:
    with replay(NAME, close_after=after) as engine, connect(engine.host) as conn:
        assert scan(conn).images == recorded_inventory(NAME).images


def test_a_new_connection_that_is_closed_is_not_tried_again() -> None:
    with replay(NAME) as engine, connect(engine.host) as conn:
        engine.faults.close_after = 0
        with pytest.raises(EngineError, match="closed the connection"):
            list(talk_all(conn, [asking("/info")] * 3, 3))


def test_who_looks_away_ends_it() -> None:
    looks = iter([True, True, False])
    with replay(NAME, hang="/history") as engine, connect(engine.host) as conn:
        talks = [asking(f"/images/{image.id}/history") for image in recorded_inventory(NAME).images]
        assert list(talk_all(conn, talks, 4, lambda: next(looks))) == []
        assert conn.get_json("/info")["ServerVersion"]


def test_an_answer_that_does_not_come_is_told() -> None:
    with replay(NAME, hang="/history") as engine, connect(engine.host, timeout=0.3) as conn:
        hanging = talk_all(conn, [asking("/images/x/history")], 4)
        with pytest.raises(EngineError, match="does not answer in time"):
            list(hanging)


def test_an_answer_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(client: socket.socket, asked: bytes) -> object:
        if b"/images/x/json" in asked:
            return slow_body(client, asked)
        return pipe_to(str(engine.path))(client, asked)

    with replay(NAME) as engine, port(serve) as way, connect(way.address) as conn:
        monkeypatch.setattr(limits, "ANSWERS", (("GET", "/images/.*", Limit(1 << 20, 0.3, silence=60)),))
        with pytest.raises(EngineError, match=r"not complete 0\.3 s after its first byte"):
            list(talk_all(conn, [asking("/images/x/json")], 1))


def test_closing_ends_questions_under_way() -> None:
    with replay(NAME, hang="/history") as engine:
        conn = connect(engine.host)
        threading.Timer(0.3, conn.close).start()
        with pytest.raises(EngineError, match="closed the connection"):
            list(talk_all(conn, [asking("/images/x/history")] * 3, 3))


# transports


def forward(listener: socket.socket, path: str, tls: ssl.SSLContext | None = None) -> None:
    """Join each connection to the engine's socket, both ways, until the listener is closed."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            if tls is not None:
                client = tls.wrap_socket(client, server_side=True)
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(path)
            for pair in ((client, engine), (engine, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()


@contextmanager
def forwarded(path: str, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Lend the port of a listener on loopback that leads to the engine's socket."""
    with socket.create_server(("127.0.0.1", 0), backlog=32) as listener:
        threading.Thread(target=forward, args=(listener, path, tls), daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_a_scan_over_tcp_keeps_its_connections() -> None:
    with replay(NAME) as engine, forwarded(str(engine.path)) as number, connect(f"tcp://127.0.0.1:{number}") as conn:
        assert scan(conn).images == recorded_inventory(NAME).images
        assert engine.connections <= 1 + conn.requests_in_flight


def test_a_scan_over_answers_that_each_close_their_connection() -> None:
    with replay(NAME) as engine, port(pipe_to(str(engine.path))) as way, connect(way.address) as conn:
        assert scan(conn).images == recorded_inventory(NAME).images


def test_a_scan_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    server, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("me")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    client.private_key_pem.write_to_path(tmp_path / "key.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.verify_mode = ssl.CERT_REQUIRED
    server.configure_cert(tls)
    authority.configure_trust(tls)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with (
        replay(NAME) as engine,
        forwarded(str(engine.path), tls) as number,
        connect(f"tcp://127.0.0.1:{number}") as conn,
    ):
        assert scan(conn).images == recorded_inventory(NAME).images


class _Sshd(paramiko.ServerInterface):
    """Lets everybody in, and joins ``docker system dial-stdio`` to the engine's socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        return paramiko.AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._serve, args=(channel, command), daemon=True).start()
        return True

    def _serve(self, channel: paramiko.Channel, command: bytes) -> None:
        assert command == b"docker system dial-stdio"
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(self.path)

        def back() -> None:
            with suppress(OSError, EOFError):
                while data := engine.recv(65536):
                    channel.sendall(data)
                channel.close()

        threading.Thread(target=back, daemon=True).start()
        with suppress(OSError):
            while data := channel.recv(65536):
                engine.sendall(data)
        engine.close()


@contextmanager
def sshd(path: str, key: paramiko.PKey) -> Iterator[int]:
    """Lend the port of an ssh server on loopback whose ``docker system dial-stdio`` leads to the engine's socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with suppress(OSError, EOFError, paramiko.SSHException):
                while True:
                    client, _ = listener.accept()
                    transport = paramiko.Transport(client)
                    transport.add_server_key(key)
                    transport.start_server(server=_Sshd(path))

        threading.Thread(target=run, daemon=True).start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def test_a_scan_over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True, mode=0o700)
    paramiko.RSAKey.generate(2048).write_private_key_file(str(home / ".ssh" / "id_rsa"))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    key = paramiko.RSAKey.generate(2048)
    with replay(NAME) as engine, sshd(str(engine.path), key) as number:
        (home / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{number} ssh-rsa {key.get_base64()}\n")
        with connect(f"ssh://me@127.0.0.1:{number}") as conn:
            assert scan(conn).images == recorded_inventory(NAME).images
            assert conn.requests_in_flight == 4
