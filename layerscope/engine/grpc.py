"""gRPC on the engine's socket, read only: ``POST /grpc`` upgraded to HTTP/2, or HTTP/2 from the first byte.

The Docker API's ``/grpc`` (moby ``daemon/server/router/grpc``, in every release from 20.10 to
29.7) is in no document; it takes an HTTP/1.1 upgrade to ``h2c``. Engines from 29.2 also speak
gRPC without the upgrade on the same socket. Frames and headers are the ``h2`` library's.

Only the methods of :data:`ALLOWED` can be called. BuildKit's Control service, which
stands beside the content store there, is not read-only as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from layerscope.engine.dial import Stream

CONTENT_LIST = "/containerd.services.content.v1.Content/List"
CONTENT_READ = "/containerd.services.content.v1.Content/Read"
DISK_USAGE = "/moby.buildkit.v1.Control/DiskUsage"
BUILD_HISTORY = "/moby.buildkit.v1.Control/ListenBuildHistory"

ALLOWED = frozenset({CONTENT_LIST, CONTENT_READ, DISK_USAGE, BUILD_HISTORY})
"""Every method that is ever called. All of them only read."""

MAX_BYTES = 256 << 20
"""The most that one call may answer: a million blobs."""
_MAX_HEAD = 64 << 10
"""Bytes of an HTTP/1.1 answer to the upgrade."""
_WINDOW = 4 << 20
"""Bytes that may be on their way before we have read any."""
_RECV = 1 << 18


class GrpcError(Exception):
    """A call failed; the text says how, in our words or the engine's."""


class NoUpgrade(GrpcError):
    """The engine answered the upgrade with an HTTP status instead."""

    def __init__(self, status: int, words: str) -> None:
        self.status, self.words = status, words
        super().__init__(f"HTTP {status}{': ' if words else ''}{words}")


class NotHttp2(GrpcError):
    """The other side answered the HTTP/2 preface with something else: no gRPC without the upgrade here."""

    def __init__(self) -> None:
        super().__init__("it does not speak HTTP/2")


class Status(GrpcError):
    """The engine answered with a grpc-status other than 0."""

    def __init__(self, code: int, words: str) -> None:
        self.code, self.words = code, words
        super().__init__(f"gRPC status {code}{': ' if words else ''}{words}")


class Channel:
    """One HTTP/2 connection, for one call at a time; a context manager that closes it."""

    def __init__(self, stream: Stream, headers: Mapping[str, str], *, upgrade: bool, seconds: float) -> None:
        """Take an open stream and start HTTP/2 on it, after ``POST /grpc`` where ``upgrade``, within ``seconds``.

        ``headers`` go with the upgrade. Raises NoUpgrade, other GrpcErrors, and what the stream raises;
        the stream is closed then.
        """
        self._stream = stream
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._first = True
        try:
            if upgrade:
                self._upgrade(headers, time.monotonic() + seconds)
            self._h2.initiate_connection()
            codes = h2.settings.SettingCodes
            self._h2.update_settings({codes.ENABLE_PUSH: 0, codes.INITIAL_WINDOW_SIZE: _WINDOW})
            self._h2.increment_flow_control_window(_WINDOW)
            self._send(time.monotonic() + seconds)
        except BaseException:
            self.close()
            raise

    def call(self, method: str, message: bytes = b"", *, seconds: float, max_bytes: int = MAX_BYTES) -> list[bytes]:
        """Return the messages that ``method`` answers to ``message``: one, or all of a stream.

        The whole call takes at most ``seconds``, and its answer at most ``max_bytes``. Raises
        Status for a grpc-status other than 0 and GrpcError for an answer that is not whole;
        what the stream raises is not changed. After an error the channel is of no more use.
        """
        if method not in ALLOWED:
            raise ValueError(f"{method} is not on the list of methods that may be called")
        deadline = time.monotonic() + seconds
        stream_id = self._h2.get_next_available_stream_id()
        head = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        self._h2.send_headers(stream_id, head)
        self._h2.send_data(stream_id, b"\0" + len(message).to_bytes(4, "big") + message, end_stream=True)
        self._send(deadline)
        return _Answer(self, stream_id, max_bytes).messages(deadline)

    def close(self) -> None:
        self._stream.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _receive(self, deadline: float, size: int = _RECV) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise GrpcError("it took too long")
        self._stream.settimeout(left)
        try:
            return self._stream.recv(size)
        except TimeoutError:
            raise GrpcError("it took too long") from None
        except (BrokenPipeError, ConnectionResetError):
            raise GrpcError("the connection ended early") from None

    def _send(self, deadline: float) -> None:
        if data := self._h2.data_to_send():
            self._send_raw(data, deadline)

    def _send_raw(self, data: bytes, deadline: float) -> None:
        self._stream.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            self._stream.sendall(data)
        except TimeoutError:
            raise GrpcError("it took too long") from None
        except (BrokenPipeError, ConnectionResetError):
            raise GrpcError("the connection ended early") from None

    def _events(self, deadline: float) -> list[h2.events.Event]:
        """Wait for more, and return what it means."""
        data = self._receive(deadline)
        if not data:
            raise GrpcError("the connection ended early")
        if self._first and data.startswith(b"HTTP/"):
            raise NotHttp2
        self._first = False
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.H2Error as error:
            raise GrpcError(f"not HTTP/2: {error}") from None
        return events

    def _upgrade(self, headers: Mapping[str, str], deadline: float) -> None:
        lines = ["POST /grpc HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: h2c", "Content-Length: 0"]
        taken = {"host", "connection", "upgrade", "content-length"}
        lines += [f"{name}: {value}" for name, value in headers.items() if name.lower() not in taken]
        if any("\r" in line or "\n" in line for line in lines):
            raise GrpcError("a header of the configuration has a line break in it")
        self._send_raw("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"), deadline)
        head = b""
        while not head.endswith(b"\r\n\r\n"):  # byte by byte: what follows is HTTP/2's
            byte = self._receive(deadline, 1)
            if not byte:
                raise GrpcError("the connection ended early")
            head += byte
            if len(head) > _MAX_HEAD:
                raise GrpcError("its answer has no end")
        first, *rest = head.decode("latin-1").split("\r\n")
        words = first.split(" ", 2)
        if len(words) < 2 or not words[0].startswith("HTTP/") or not words[1].isdigit():
            raise GrpcError("it does not answer in HTTP")
        if words[1] != "101":
            raise NoUpgrade(int(words[1]), self._body(rest, deadline))

    def _body(self, lines: list[str], deadline: float) -> str:
        """Return the start of the text that goes with a refusal."""
        length = 0
        for line in lines:
            name, _, value = line.partition(":")
            if name.lower() == "content-length" and value.strip().isdigit():
                length = min(int(value), 2000)
        body = b""
        while len(body) < length and (part := self._receive(deadline, length - len(body))):
            body += part
        return body.decode("utf-8", "replace").strip()


class _Answer:
    """The answer to one call while it comes in."""

    def __init__(self, channel: Channel, stream_id: int, max_bytes: int) -> None:
        self._channel, self._id, self._max = channel, stream_id, max_bytes
        self._data = bytearray()
        self._status: int | None = None
        self._words = ""
        self._http = 200
        self._ended = False

    def messages(self, deadline: float) -> list[bytes]:
        channel = self._channel
        while not self._ended:
            for event in channel._events(deadline):
                self._take(event)
            channel._send(deadline)
        if self._status is None:
            raise GrpcError("the answer has no grpc-status at its end" if self._http == 200 else f"HTTP {self._http}")
        if self._status:
            raise Status(self._status, self._words)
        return _split(bytes(self._data))

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ConnectionTerminated():
                raise GrpcError(f"the engine ended the connection ({event.error_code})")
            case h2.events.StreamReset() if event.stream_id == self._id:
                raise GrpcError(f"the engine broke off its answer ({event.error_code})")
            case h2.events.ResponseReceived() | h2.events.TrailersReceived() if event.stream_id == self._id:
                self._headers([(str(name), str(value)) for name, value in event.headers or ()])
            case h2.events.DataReceived() if event.stream_id == self._id:
                self._data += event.data or b""
                if len(self._data) > self._max:
                    raise GrpcError(f"its answer is larger than {self._max >> 20} MiB")
                self._channel._h2.acknowledge_received_data(event.flow_controlled_length or 0, self._id)
            case h2.events.StreamEnded() if event.stream_id == self._id:
                self._ended = True
            case _:
                pass

    def _headers(self, headers: list[tuple[str, str]]) -> None:
        for name, value in headers:
            if name == ":status":
                self._http = int(value) if value.isdigit() else 0
            elif name == "grpc-status":
                self._status = int(value) if value.isdigit() else 2  # 2: UNKNOWN
            elif name == "grpc-message":
                self._words = unquote(value)[:1000]


def _split(data: bytes) -> list[bytes]:
    """Return the messages of a body: each has a flag (0: not compressed) and its length in front."""
    found = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at + 1 : at + 5], "big")
        if data[at] != 0:
            raise GrpcError("its answer is compressed, which was not asked for")
        if at + 5 + length > len(data):
            raise GrpcError("its answer is cut short")
        found.append(data[at + 5 : at + 5 + length])
        at += 5 + length
    return found
