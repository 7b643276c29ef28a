"""One kept-alive connection to an engine, spoken to with the standard library's HTTP, by every transport alike.

Unix sockets and ssh are docker-py's own transports; TCP and TLS are opened here, directly or through the proxy
that :mod:`layerscope.engine.limits` names. What comes is read through :class:`_Bounded`, which counts bytes and
seconds from the first byte of the status line on; no redirect is followed.

Measured per question on a Unix socket: 0.8 ms of our own time through docker-py
(half of it for a connection per URL), 0.25 ms through urllib3, 0.12 ms here. At
2,000 questions for 1,000 images that decides how long a scan takes.
"""

from __future__ import annotations

import base64
import http.client
import io
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from docker.constants import DEFAULT_USER_AGENT
from docker.tls import TLSConfig
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection

from layerscope.engine.errors import EngineError
from layerscope.engine.limits import CONNECT_TIMEOUT, EVENTS, AnswerTooLong, AnswerTooSlow, Limit, Proxy
from layerscope.units import count

_CHUNK = 64 * 1024

Dial = Callable[[], http.client.HTTPConnection]
"""Makes a connection that is not opened yet."""


def has_wire(adapter: Any) -> bool:
    """Is this adapter of docker-py's client one of its own transports: a Unix socket, or ssh by paramiko?"""
    return isinstance(adapter, UnixHTTPAdapter) or getattr(adapter, "ssh_client", None) is not None


class Wire:
    """A connection for one question at a time; :meth:`close` may be called from any thread."""

    def __init__(self, dial: Dial, headers: Mapping[str, str], host: str = "localhost", prefix: str = "") -> None:
        """Open nothing yet: the first question does. ``prefix`` goes before each target, for a proxy."""
        self._connection = dial()
        self._headers = {"Host": host, "User-Agent": DEFAULT_USER_AGENT, **headers}
        self._prefix = prefix
        self.kept = False
        """Has the connection that is open answered before? Then the engine may have closed it meanwhile."""
        self.date = ""
        """The ``Date`` header of the latest answer to :meth:`ask`: the clock of the engine's machine."""
        self._closed = threading.Event()

    def ask(self, method: str, target: str, limit: Limit, silence: float | None = None) -> tuple[int, bytes]:
        """Return the status and the body of the answer, within ``limit``; ``silence`` replaces that of the limit.

        A kept connection that the engine closed in the meantime is opened again, once; only GET is ever sent
        over a kept one. Raises AnswerTooLong, AnswerTooSlow, and what the transport raises.
        """
        silence = limit.silence if silence is None else silence
        if method != "GET":
            self.drop()
        try:
            answer = self._exchange(method, target, limit, silence)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            kept = self.kept
            self.drop()
            if not kept or self._closed.is_set():
                raise
            answer = None
        if answer is None:  # asked outside the handler: a second failure has a cause of its own
            answer = self._exchange(method, target, limit, silence)
        self.kept = True
        return answer

    def follow(self, target: str) -> Iterator[bytes]:
        """Yield the lines of an answer that does not end, each within :data:`~layerscope.engine.limits.EVENTS`.

        Raises as :meth:`ask`, and :class:`EngineError` for a status that is not 200.
        """
        answer = self._send("GET", target, EVENTS, TIMEOUT_OF_EVENTS)
        if answer.status != http.client.OK:
            raise EngineError(f"the engine answered its event stream with status {answer.status}")
        yield b""  # it is there, and nothing was told yet
        rest = b""
        while piece := answer.read1(_CHUNK):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > EVENTS.bytes:
                raise AnswerTooLong(f"more than {count(EVENTS.bytes, 'byte')} in one event")

    @property
    def closed(self) -> bool:
        """Was it closed for good?"""
        return self._closed.is_set()

    def close(self) -> None:
        """Close the connection; a question under way in another thread fails at once."""
        self._closed.set()
        sock: Any = self._connection.sock
        if isinstance(sock, socket.socket):  # closing alone does not wake who reads
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.drop()

    def open(self, silence: float) -> Any:
        """Return the socket, or ssh channel, itself, opened if it was not; :meth:`question` is what to write to it.

        Who reads it sets :attr:`kept` once it has answered, and leaves no answer half read.
        Raises what the transport raises.
        """
        connection = self._connection
        if connection.sock is None:
            connection.timeout = min(silence, CONNECT_TIMEOUT)
            connection.connect()
        return connection.sock

    def question(self, target: str) -> bytes:
        """Return the bytes of a GET request."""
        lines = [f"GET {self._prefix}{target} HTTP/1.1", *(f"{name}: {text}" for name, text in self._headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def drop(self) -> None:
        """Close what is open; the next question opens it again."""
        self.kept = False
        with suppress(Exception):  # a dead transport may raise what it likes
            self._connection.close()

    def _exchange(self, method: str, target: str, limit: Limit, silence: float) -> tuple[int, bytes]:
        answer = self._send(method, target, limit, silence)
        self.date = answer.getheader("Date") or ""
        if answer.length is not None and answer.length > limit.bytes:
            raise _too_long(limit)
        if answer.length is not None:
            return answer.status, answer.read()
        pieces = []  # in pieces: the size of a chunk is what the other end says, and memory would be taken for it
        while piece := answer.read(_CHUNK):
            pieces.append(piece)
        return answer.status, b"".join(pieces)

    def _send(self, method: str, target: str, limit: Limit, silence: float) -> http.client.HTTPResponse:
        connection = self._connection
        self.open(silence).settimeout(silence)
        connection.putrequest(method, self._prefix + target, skip_host=True, skip_accept_encoding=True)
        for name, value in self._headers.items():
            connection.putheader(name, value)
        if method == "POST":
            connection.putheader("Content-Length", "0")
        connection.endheaders()

        def response(sock: Any, *_: Any, method: str) -> http.client.HTTPResponse:
            return http.client.HTTPResponse(_Readable(sock, limit, silence), method=method)  # type: ignore[arg-type]

        connection.response_class = response  # type: ignore[assignment]
        # urllib3's own getresponse() wraps each answer in retries and decoders: as long again as the question took
        return http.client.HTTPConnection.getresponse(connection)


TIMEOUT_OF_EVENTS = 15.0
"""Seconds in which an event stream must begin."""


class _Readable:
    """What http.client asks of a socket: a file to read from."""

    def __init__(self, sock: Any, limit: Limit, silence: float) -> None:
        self._made = sock, limit, silence

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Bounded(*self._made), _CHUNK)


class _Bounded(io.RawIOBase):
    """Reads a socket or an ssh channel within the limits of one answer, its headers included."""

    def __init__(self, sock: Any, limit: Limit, silence: float) -> None:
        self._sock = sock
        self._holder = sock.makefile("rb")  # the descriptor stays open while this answer is read
        self._limit = limit
        self._silence = silence
        self._until = 0.0
        self._left = limit.bytes + _CHUNK  # for the headers, which http.client bounds too

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._until:
            self._sock.settimeout(self._silence)
        elif self._limit is EVENTS:
            self._sock.settimeout(None)
        else:
            left = self._until - time.monotonic()
            if left <= 0:
                raise _too_slow(self._limit)
            self._sock.settimeout(min(left, self._silence))
        data = self._received(len(buffer))
        if data is None:
            raise _too_slow(self._limit)
        if not self._until:
            self._until = time.monotonic() + self._limit.seconds
        if self._limit is not EVENTS:
            self._left -= len(data)
            if self._left < 0:
                raise _too_long(self._limit)
        buffer[: len(data)] = data
        return len(data)

    def _received(self, size: int) -> bytes | None:
        """Return what comes; None when that took until the end of the time for the whole answer."""
        try:
            return self._sock.recv(size)  # type: ignore[no-any-return]
        except TimeoutError:
            if self._until and time.monotonic() >= self._until:
                return None
            raise

    def close(self) -> None:
        if not self.closed:
            with suppress(Exception):
                self._holder.close()
        super().close()


def _too_long(limit: Limit) -> AnswerTooLong:
    return AnswerTooLong(f"more than {count(limit.bytes, 'byte')}")


def _too_slow(limit: Limit) -> AnswerTooSlow:
    return AnswerTooSlow(f"not complete {limit.seconds:g} s after its first byte")


# ways to an engine


def dial_adapter(adapter: Any) -> http.client.HTTPConnection:
    """Return an unopened connection of the kind that docker-py's adapter makes; see :func:`has_wire`."""
    connection: Any
    if isinstance(adapter, UnixHTTPAdapter):
        connection = UnixHTTPConnection("http+docker://localhost", adapter.socket_path, adapter.timeout)
    else:
        from docker.transport.sshconn import SSHConnection  # noqa: PLC0415  # needs paramiko

        connection = SSHConnection(adapter.ssh_client.get_transport(), adapter.timeout, adapter.ssh_host)
    return connection  # type: ignore[no-any-return]


def open_socket(adapter: Any, timeout: float) -> Any:
    """Return the open socket, or ssh channel, of a new connection of the kind that docker-py's adapter makes.

    ``timeout`` is the longest wait, in seconds. Raises what the transport raises.
    """
    connection = dial_adapter(adapter)
    connection.timeout = timeout
    connection.connect()
    connection.sock.settimeout(timeout)
    return connection.sock


def tls_context(tls: TLSConfig | None) -> ssl.SSLContext:
    """Return what docker's TLS settings mean: its own CA alone where one is given. Raises ssl.SSLError, OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls is not None and not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls is not None and tls.ca_cert:
        context.load_verify_locations(tls.ca_cert)
    else:
        context.load_default_certs()
    if tls is not None and tls.cert:
        context.load_cert_chain(*tls.cert)
    return context


def dial_tcp(address: str, tls: TLSConfig | None, proxy: Proxy | None) -> http.client.HTTPConnection:
    """Return an unopened connection to ``address`` (``http://host:port`` or ``https://…``), through ``proxy`` if any.

    Raises EngineError for a proxy that cannot be used, ssl.SSLError and OSError for certificates that cannot.
    """
    parts = urllib.parse.urlsplit(address)
    host, port = parts.hostname or "", parts.port
    secure = parts.scheme == "https"
    if proxy is None:
        if secure:
            return http.client.HTTPSConnection(host, port, context=tls_context(tls))
        return http.client.HTTPConnection(host, port)
    return _ProxiedConnection(host, port, proxy, tls_context(tls) if secure else None)


def proxy_headers(proxy: Proxy) -> dict[str, str]:
    """Return what a proxy is told besides the question: its user and password, where the address has them."""
    parts = urllib.parse.urlsplit(proxy.url)
    if parts.username is None:
        return {}
    words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(words.encode()).decode("ascii")}


class _ProxiedConnection(http.client.HTTPConnection):
    """A connection through an HTTP proxy: a tunnel for TLS; plain questions are asked of the proxy itself."""

    def __init__(self, host: str, port: int | None, proxy: Proxy, context: ssl.SSLContext | None) -> None:
        try:
            parts = urllib.parse.urlsplit(proxy.url)
            proxy_host, proxy_port = parts.hostname, parts.port or 80
        except ValueError:
            parts, proxy_host, proxy_port = urllib.parse.urlsplit(""), None, 0
        if parts.scheme != "http" or not proxy_host:
            raise _of_proxy(proxy, "cannot be used: layerscope goes through proxies of http:// only")
        super().__init__(proxy_host, proxy_port)
        self._proxy = proxy
        self._tls = context
        self._server = host
        if context is not None:
            self.set_tunnel(host, port or 443, proxy_headers(proxy))

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, http.client.HTTPException) as error:
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise _of_proxy(self._proxy, f"does not let us through: {words}") from error
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server)


def _of_proxy(proxy: Proxy, words: str) -> EngineError:
    return EngineError(f"the proxy {proxy.shown} {words}", f"unset {proxy.variable}, or name the engine in NO_PROXY")
