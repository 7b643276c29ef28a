"""What an answer may be, and which way a question goes: the same on every transport."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from layerscope.engine import limits
from layerscope.engine.connect import Connection, connect
from layerscope.engine.errors import EngineError, Refused
from layerscope.engine.limits import Limit, limit_of, proxy_for
from layerscope.engine.scan import scan
from layerscope.engine.usage import disk_usage
from tests.replay import replay

NAME = "docker-28.5-overlay2"
OK = b"HTTP/1.1 200 OK\r\n"

Serve = Callable[[socket.socket, bytes], object]
"""Answers one request: the connection, and what was read of it."""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))


class Port:
    """Something that answers on a TCP port; ``asked`` are the first lines of what it was asked."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.asked: list[str] = []
        self.headers: list[str] = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.server.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            while asked := client.recv(65536):
                self.asked.append(asked.split(b"\r\n")[0].decode())
                self.headers.append(asked.decode())
                if self.serve(client, asked) is None:
                    return

    def close(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


@contextmanager
def port(serve: Serve) -> Iterator[Port]:
    opened = Port(serve)
    try:
        yield opened
    finally:
        opened.close()


def pipe_to(path: str) -> Serve:
    """Hand each request on to the Unix socket of a played engine, as another way to it."""

    def serve(client: socket.socket, asked: bytes) -> None:
        asked = re.sub(rb"^(\w+) http://[^/]+", rb"\1 ", asked)
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(path)
            engine.sendall(asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
            while data := engine.recv(65536):
                client.sendall(data)

    return serve


def json_page(body: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def endless(client: socket.socket, asked: bytes) -> None:
    client.sendall(OK + b"Content-Type: application/json\r\n\r\n")
    while True:
        client.sendall(b" " * 65536)


def endless_chunks(client: socket.socket, asked: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        client.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


def one_huge_chunk(client: socket.socket, asked: bytes) -> None:
    client.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFF\r\n")
    while True:
        client.sendall(b" " * 65536)


def announced(client: socket.socket, asked: bytes) -> None:
    client.sendall(OK + b"Content-Length: 99999999999999\r\n\r\n ")
    client.recv(1)


def endless_headers(client: socket.socket, asked: bytes) -> None:
    client.sendall(OK)
    while True:
        client.sendall(b"X: " + b"y" * 60000 + b"\r\n")


@pytest.mark.parametrize("serve", [endless, endless_chunks, one_huge_chunk, announced])
def test_an_answer_without_end_is_refused(serve: Serve) -> None:
    with port(serve) as engine, pytest.raises(EngineError) as caught:
        connect(engine.address)
    assert str(caught.value).startswith(f"the answer of /version of the engine at {engine.address} (--host) is refused")
    assert "more than 262,144 bytes" in caught.value.cause


def test_headers_without_end_are_refused() -> None:
    with port(endless_headers) as engine, pytest.raises(EngineError):
        connect(engine.address)


@pytest.mark.parametrize("path", ["/images/json", "/containers/json", "/images/x/json", "/images/x/history", "/info"])
def test_each_question_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    with replay(NAME) as engine, connect(engine.host) as conn:
        target = (
            path.replace("/x/", f"/{engine.answer('/images/json?all=1').body[0]['Id']}/") if "/x/" in path else path
        )
        assert conn.get_json(target) is not None
        monkeypatch.setattr(limits, "ANSWERS", tuple((m, p, Limit(10, 5)) for m, p, _ in limits.ANSWERS))
        with pytest.raises(EngineError, match="more than 10 bytes"):
            conn.get_json(target)


def slow(client: socket.socket, asked: bytes) -> None:
    client.settimeout(0.02)
    client.sendall(b"HTTP/1.1 2")  # or a part of a body
    for _ in range(10_000):
        client.sendall(b"0")
        with suppress(TimeoutError):
            if client.recv(1) == b"":
                return


def slow_body(client: socket.socket, asked: bytes) -> None:
    client.sendall(OK + b"Content-Length: 100000\r\n\r\n")
    slow(client, asked)


@pytest.mark.parametrize("serve", [slow, slow_body])
def test_an_answer_must_end_in_time_however_often_it_says_something(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    """The time between two bytes is far below the silence that is allowed."""
    monkeypatch.setattr(limits, "ANSWERS", (("GET", "/version", Limit(1 << 20, 0.3, silence=60)),))
    with port(serve) as engine, pytest.raises(EngineError, match=r"is not complete 0\.3 s after its first byte"):
        connect(engine.address)


def test_small_bytes_that_would_take_much_memory_are_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"[" + b"{}," * 2_000_000 + b"{}]"
    with replay(NAME, replace={"/info": body}) as engine, pytest.raises(EngineError, match="is refused"):
        connect(engine.host)
    monkeypatch.setattr(limits, "ANSWERS", (("GET", "/info", Limit(1 << 30, 60, values=100_000)),))
    with replay(NAME, replace={"/info": body}) as engine, pytest.raises(EngineError, match="more than 100,000 values"):
        connect(engine.host)


def test_the_table_admits_a_big_host() -> None:
    """40,000 images with 25 layers each: rows of 3 kB with 60 values, and an inspection of 25 layers."""
    rows = limit_of("GET", "/images/json")
    assert rows.bytes >= 40_000 * 3000
    assert rows.values >= 40_000 * 60
    assert limit_of("GET", "/images/sha256:1/history").bytes >= 25 * 100_000
    assert limit_of("GET", "/version").bytes < 1 << 20
    assert limit_of("GET", "/never-heard-of") is limits.OTHER


# redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
def test_no_redirect_is_followed_by_any_method(status: int, method: str, tmp_path: Path) -> None:
    def elsewhere(client: socket.socket, asked: bytes) -> None:
        client.sendall(json_page(b'{"ApiVersion":"1.41"}'))

    with port(elsewhere) as other, replay(NAME) as engine:

        def moved(client: socket.socket, asked: bytes) -> object:
            if b" /version " in asked or b"/info " in asked:
                pipe_to(engine.host.removeprefix("unix://"))(client, asked)
            else:
                words = (
                    f"HTTP/1.1 {status} Moved\r\nLocation: http://127.0.0.1:{other.port}/x\r\nContent-Length: 0\r\n\r\n"
                )
                client.sendall(words.encode())
            return None

        with port(moved) as first, connect(first.address) as conn:
            with pytest.raises(EngineError, match=rf"answered with a redirect \({status}\), which is never followed"):
                conn.send(method, "/images/x/json")
            answer = conn.client.request(method, f"{conn.client.base_url}/images/x/json")
            assert answer.status_code == status
        assert other.asked == []


def test_the_first_question_is_not_redirected_either(tmp_path: Path) -> None:
    def moved(client: socket.socket, asked: bytes) -> None:
        client.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    with port(moved) as engine, pytest.raises(EngineError, match="never followed"):
        connect(engine.address)


# proxies


@pytest.mark.parametrize(
    ("address", "environ", "proxy"),
    [
        ("http://box:2375", {}, None),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("http://box:2375", {"http_proxy": "p:1"}, "http://p:1"),
        ("http://box:2375", {"HTTPS_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"}, None),
        ("https://box:2376", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://box:2376", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://127.0.0.1:2375", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://127.8.8.8:2375", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://[::1]:2375", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://localhost:2375", {"HTTP_PROXY": "http://p:1"}, None),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, None),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "box"}, None),
        ("http://a.box:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "x, box"}, None),
        ("http://abox:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "box"}, "http://p:1"),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": ".box"}, "http://p:1"),
        ("http://a.box:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "*.box"}, None),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1", "no_proxy": "box:2376"}, "http://p:1"),
        ("http://box:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "box:2375"}, None),
        ("http://10.1.2.3:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("http://10.1.2.3:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "10.1.2.4,nonsense/9"}, "http://p:1"),
        ("http://[fd00::1]:2375", {"HTTP_PROXY": "http://p:1", "NO_PROXY": "[fd00::1]:2375"}, None),
    ],
)
def test_a_proxy_is_taken_as_go_takes_it(address: str, environ: dict[str, str], proxy: str | None) -> None:
    """Rows follow golang.org/x/net/http/httpproxy, which the docker command uses."""
    found = proxy_for(address, environ)
    assert (found.url if found else None) == proxy


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "https_proxy"])
@pytest.mark.parametrize("value", ["http://127.0.0.1:1", "socks5://127.0.0.1:1"])
def test_sockets_and_loopback_are_never_proxied(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with replay(NAME) as engine, port(pipe_to(engine.host.removeprefix("unix://"))) as tcp:
        for address in (engine.host, tcp.address):
            with connect(address) as conn:
                assert len(scan(conn).images) == 51


def test_an_engine_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with replay(NAME) as engine, port(pipe_to(engine.host.removeprefix("unix://"))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@127.0.0.1:{proxy.port}")
        with connect("tcp://engine.invalid:2375") as conn:
            disk_usage(conn)
    assert proxy.asked[0] == "GET http://engine.invalid:2375/version HTTP/1.1"
    assert "Proxy-Authorization: Basic bWU6c2VjcmV0" in proxy.headers[0]
    assert "Host: engine.invalid:2375" in proxy.headers[0]


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://bob:hunter2@127.0.0.1:1", "does not let us through: Connection refused"),
        ("http://bob:hunter2@no-such-proxy.invalid", "does not let us through"),
        ("socks5://bob:hunter2@127.0.0.1:1", "cannot be used: layerscope goes through proxies of http:// only"),
        ("http://bob:hunter2@127.0.0.1:port", "cannot be used"),
    ],
)
@pytest.mark.parametrize("host", ["tcp://engine.invalid:2375", "https://engine.invalid:2376"])
def test_a_proxy_that_fails_is_told_as_the_proxys(
    monkeypatch: pytest.MonkeyPatch, proxy: str, words: str, host: str
) -> None:
    variable = "HTTPS_PROXY" if host.startswith("https") else "HTTP_PROXY"
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(EngineError) as caught:
        connect(host)
    assert words in caught.value.cause
    assert f"({variable})" in caught.value.cause
    assert "hunter2" not in str(caught.value)
    assert variable in caught.value.hint


def test_a_proxy_that_wants_a_password_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(client: socket.socket, asked: bytes) -> None:
        client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with port(closed) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(EngineError, match=r"the proxy .* wants a user and a password"):
            connect("tcp://engine.invalid:2375")
        with pytest.raises(EngineError, match=r"the proxy .* does not let us through: .*407"):
            connect("https://engine.invalid:2376")


# leaving


def test_closing_ends_a_question_under_way() -> None:
    with replay(NAME, hang="/images/json") as engine:
        conn: Connection = connect(engine.host)
        failed: list[BaseException] = []

        def ask() -> None:
            try:
                conn.get_json("/images/json")
            except (EngineError, Refused) as error:
                failed.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        while not any(path.startswith("/v") and "/images/json" in path for path in engine.requests):
            pass
        conn.close()
        asking.join(60)
        assert not asking.is_alive()
        assert failed


def test_the_rules_need_no_docker_py() -> None:
    code = "import sys, layerscope.engine.limits; sys.exit('docker' in sys.modules or 'requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
