"""One kept-alive connection to an engine, spoken to in HTTP/1.1, by every transport alike.

docker-py opens it (:mod:`layerscope.engine.client`), and :mod:`layerscope.engine.tcp` where it is TCP or TLS;
only the first questions have a socket of their own (:mod:`layerscope.engine.early`). What comes is read by
:class:`~layerscope.engine.answer.Answer`, within the bytes and seconds of its row in
:mod:`layerscope.engine.limits`; no redirect is followed.

Measured per question on a Unix socket: 0.8 ms of our own time through docker-py (half of it for a connection per URL),
0.25 ms through urllib3, 0.12 ms through the standard library, 0.06 ms here.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from layerscope import __version__
from layerscope.engine.answer import Answer
from layerscope.engine.errors import Disconnected, EngineError
from layerscope.engine.limits import CONNECT_TIMEOUT, EVENTS, AnswerTooLong, AnswerTooSlow, Limit
from layerscope.units import count

_PIECE = 256 * 1024
USER_AGENT = f"layerscope/{__version__}"


class Way(Protocol):
    """A connection that may not be open yet."""

    sock: Any
    """The socket, or ssh channel; None while it is not open."""
    timeout: Any
    """Seconds in which it must open."""

    def connect(self) -> object:
        """Open it. Raises what the transport raises."""

    def close(self) -> object:
        """Close it; it may be opened again."""


Dial = Callable[[], Way]
"""Makes a connection that is not opened yet."""


class Wire:
    """A connection for one question at a time; :meth:`close` may be called from any thread."""

    def __init__(self, dial: Dial, headers: Mapping[str, str], host: str = "localhost", prefix: str = "") -> None:
        """Open nothing yet: the first question does. ``prefix`` goes before each target, for a proxy."""
        self._connection = dial()
        said = {"Host": host, "User-Agent": USER_AGENT, **headers}
        self._headers = "".join(f"\r\n{name}: {text}" for name, text in said.items())
        self._prefix = prefix
        self.kept = False
        """Has the connection that is open answered before? Then the engine may have closed it meanwhile."""
        self.date = ""
        """The ``Date`` header of the latest answer to :meth:`ask`: the clock of the engine's machine."""
        self._closed = threading.Event()

    def ask(self, method: str, target: str, limit: Limit, silence: float | None = None) -> tuple[int, bytes]:
        """Return the status and the body of the answer, within ``limit``; ``silence`` replaces that of the limit.

        A kept connection that the engine closed in the meantime is opened again, once; only GET is ever sent
        over a kept one. Raises AnswerTooLong, AnswerTooSlow, NoHttp, and what the transport raises.
        """
        silence = limit.silence if silence is None else silence
        if method != "GET":
            self.drop()
        try:
            answer = self._exchange(method, target, limit, silence)
        except (ConnectionResetError, BrokenPipeError):
            kept = self.kept
            self.drop()
            if not kept or self._closed.is_set():
                raise
            answer = None
        if answer is None:  # asked outside the handler: a second failure has a cause of its own
            answer = self._exchange(method, target, limit, silence)
        if answer.keeps:
            self.kept = True
        else:
            self.drop()
        self.date = answer.date
        return answer.status, answer.body

    def follow(self, target: str) -> Iterator[bytes]:
        """Yield the lines of an answer that does not end, each within :data:`~layerscope.engine.limits.EVENTS`.

        Raises as :meth:`ask`, and :class:`EngineError` for a status that is not 200.
        """
        answer = Answer(EVENTS._replace(bytes=1 << 62))
        sock = self._sent("GET", target, TIMEOUT_OF_EVENTS)
        ended = False
        while not ended and not answer.status:
            ended = self._fed(answer, sock, EVENTS)
        if answer.status != 200:
            raise EngineError(f"the engine answered its event stream with status {answer.status}")
        yield b""  # it is there, and nothing was told yet
        sock.settimeout(None)
        rest = b""
        while True:
            *lines, rest = (rest + answer.take()).split(b"\n")
            yield from lines
            if max(len(rest), answer.waiting) > EVENTS.bytes:
                raise AnswerTooLong(f"more than {count(EVENTS.bytes, 'byte')} in one event")
            if ended:
                return
            ended = self._fed(answer, sock, EVENTS)

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

    def question(self, target: str, method: str = "GET") -> bytes:
        """Return the bytes of a request."""
        empty = "\r\nContent-Length: 0" if method == "POST" else ""
        return f"{method} {self._prefix}{target} HTTP/1.1{self._headers}{empty}\r\n\r\n".encode("latin-1")

    def drop(self) -> None:
        """Close what is open; the next question opens it again."""
        self.kept = False
        with suppress(Exception):  # a dead transport may raise what it likes
            self._connection.close()

    def _exchange(self, method: str, target: str, limit: Limit, silence: float) -> Answer:
        answer = Answer(limit)
        sock = self._sent(method, target, silence)
        until = 0.0
        while not self._fed(answer, sock, limit, until):
            now = time.monotonic()
            until = until or now + limit.seconds
            if now >= until:
                raise _too_slow(limit)
            sock.settimeout(min(until - now, silence))
        return answer

    def _sent(self, method: str, target: str, silence: float) -> Any:
        """Send a question, and return what its answer comes from."""
        sock = self.open(silence)
        sock.settimeout(silence)
        sock.sendall(self.question(target, method))
        return sock

    def _fed(self, answer: Answer, sock: Any, limit: Limit, until: float = 0.0) -> bool:
        """Take the next bytes of an answer. True: it is complete."""
        data: bytes | None = None
        try:
            data = sock.recv(_PIECE)
        except TimeoutError:
            if not until or time.monotonic() < until:
                raise
        except ConnectionResetError as error:
            raise Disconnected(str(error)) from error
        if data is None:  # raised outside the handler: the innermost error is what is told
            raise _too_slow(limit)
        return answer.feed(data)


TIMEOUT_OF_EVENTS = 15.0
"""Seconds in which an event stream must begin."""


def _too_slow(limit: Limit) -> AnswerTooSlow:
    return AnswerTooSlow(f"not complete {limit.seconds:g} s after its first byte")
