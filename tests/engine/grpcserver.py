"""An engine that speaks gRPC on a Unix socket, after the upgrade or without it, with whatever fault a test asks for.

HTTP/2 is the ``h2`` library's. Every method that is called is kept in ``called``; what ``answers`` says is sent.
"""

from __future__ import annotations

import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass
class Engine:
    """What the server does; a test changes it before it asks."""

    answers: dict[str, list[bytes]] = field(default_factory=dict)
    """Method -> messages. A method that is not in it gets status 12."""
    upgrade: bytes = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    """What ``POST /grpc`` is answered."""
    native: bool = False
    """Does it speak HTTP/2 from the first byte?"""
    trailer: bool = True
    """Does an answer end with a grpc-status?"""
    status: int = 0
    endless: bool = False
    """The answer never ends."""
    slow: float = 0.0
    """Seconds before each byte of the answer, sent one by one."""
    reset: bool = False
    """The stream is broken off after the headers."""
    cut: bool = False
    """The connection ends in the middle of the answer."""
    raw: bytes | None = None
    """What comes instead of HTTP/2 once the upgrade is done."""
    compressed: bool = False
    called: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    """The first bytes of every connection."""
    path: str = ""
    rest: Callable[[bytes], bytes] | None = None
    """Answers anything else that is HTTP/1.1."""

    @property
    def host(self) -> str:
        return f"unix://{self.path}"


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    engine: Engine

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        engine = self.server.engine
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                byte = self.request.recv(1)
                if not byte:
                    return
                head += byte
            engine.heads.append(head)
            if head.startswith(b"PRI * HTTP/2.0"):
                if not engine.native:
                    self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                    return self._wait()
                return self._http2(head)
            if head.startswith(b"POST /grpc "):
                self.request.sendall(engine.upgrade)
                if b" 101 " not in engine.upgrade:
                    return self._wait()
                return self._http2(b"")
            if engine.rest is None:
                return
            self.request.sendall(engine.rest(head))

    def _wait(self) -> None:
        """Keep the connection until the client closes it."""
        while self.request.recv(1 << 16):
            pass

    def _http2(self, read: bytes) -> None:
        engine = self.server.engine
        if engine.raw is not None:
            self.request.sendall(engine.raw)
            return self._wait()
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        self.request.sendall(connection.data_to_send())
        self.request.settimeout(10)
        paths: dict[int, str] = {}
        data = read
        while True:
            for event in connection.receive_data(data) if data else ():
                if isinstance(event, h2.events.RequestReceived):
                    paths[event.stream_id] = dict(event.headers)[":path"]
                elif isinstance(event, h2.events.StreamEnded):
                    engine.called.append(paths[event.stream_id])
                    self._answer(connection, event.stream_id, paths[event.stream_id])
            self.request.sendall(connection.data_to_send())
            data = self.request.recv(1 << 16)
            if not data:
                return

    def _answer(self, connection: h2.connection.H2Connection, stream: int, method: str) -> None:
        engine = self.server.engine
        if method not in engine.answers:
            head = [(":status", "200"), ("grpc-status", "12"), ("grpc-message", "unknown%20service")]
            connection.send_headers(stream, head, end_stream=True)
            return
        connection.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        if engine.reset:
            connection.reset_stream(stream)
            return
        flag = b"\1" if engine.compressed else b"\0"
        body = b"".join(flag + len(each).to_bytes(4, "big") + each for each in engine.answers[method])
        if engine.cut:
            connection.send_data(stream, body[: len(body) // 2])
            self.request.sendall(connection.data_to_send())
            self.request.shutdown(socket.SHUT_RDWR)
            return
        while True:
            step = 1 if engine.slow else 10_000
            for at in range(0, len(body), step):
                if engine.slow:
                    time.sleep(engine.slow)
                self._room(connection, stream, step)
                connection.send_data(stream, body[at : at + step])
                self.request.sendall(connection.data_to_send())
            if not engine.endless:
                break
        if engine.trailer:
            connection.send_headers(stream, [("grpc-status", str(engine.status))], end_stream=True)
        else:
            connection.end_stream(stream)

    def _room(self, connection: h2.connection.H2Connection, stream: int, size: int) -> None:
        """Wait until the client has taken enough: flow control is part of what is tested."""
        while connection.local_flow_control_window(stream) < size:
            data = self.request.recv(1 << 16)
            if not data:
                raise ConnectionResetError
            connection.receive_data(data)
            self.request.sendall(connection.data_to_send())


@contextmanager
def serve(engine: Engine) -> Iterator[Engine]:
    """Serve ``engine`` on a socket of its own while the context lasts."""
    with tempfile.TemporaryDirectory(prefix="grpc-") as folder:
        engine.path = str(Path(folder, "engine.sock"))
        server = _Server(engine.path, _Handler)
        server.engine = engine
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield engine
        finally:
            with suppress(OSError):
                server.shutdown()
            server.server_close()
