"""Many small questions, side by side on kept connections, by one thread.

A scan asks two questions for each image. While the engine works on some, the answers of the others are read:
no thread waits, and none fights for the interpreter.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from layerscope.engine.answer import Answer
from layerscope.engine.connect import Connection
from layerscope.engine.errors import Disconnected, EngineError, Refused
from layerscope.engine.explain import explain
from layerscope.engine.limits import AnswerTooSlow, Limit, limit_of
from layerscope.engine.wire import Wire

T = TypeVar("T")
Talk = Generator[str, Any, T]
"""Yields the path of a question, is sent its JSON answer, and returns what it has learned.

A refusal is thrown in as :class:`Refused`. Paths start with a slash and are already quoted.
"""

MORE_AFTER = 2.0
"""Seconds of waiting for answers after which more connections are opened than there were."""
_TICK = 0.05
"""Seconds between two looks at what the caller wants."""
_PIECE = 256 * 1024


def talk(conn: Connection, one: Talk[T]) -> T:
    """Hold a talk alone and return what it learned. Raises as :meth:`Connection.get_json`."""
    try:
        path = next(one)
        while True:
            try:
                answer = conn.get_json(path)
            except Refused as refused:
                path = one.throw(refused)
            else:
                path = one.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def talk_all(
    conn: Connection, talks: Iterable[Talk[T]], lanes: int, look: Callable[[], bool] = lambda: True
) -> Iterator[tuple[int, T]]:
    """Hold many talks, ``lanes`` at once, and yield the number of each and what it learned, as they end.

    It begins on the connections that are open. More are opened where there are none, or where it takes long
    (:data:`MORE_AFTER`): that loads docker-py, which takes longer than a graphdriver's answers to 500 questions.

    ``look`` is called some 20 times a second, in this thread; once it says False the rest is left.
    Raises :class:`EngineError` for the first answer that is none.
    """
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        waiting = enumerate(talks)
        lines: list[_Line[T]] = []

        def begin(count: int) -> Iterator[tuple[int, T]]:
            for _ in range(count):
                line = _Line[T](stack.enter_context(conn.lend()), conn, selector)
                yield from line.next_of(waiting)
                if not line.asks:
                    return
                lines.append(line)

        first = min(lanes, conn.open_now) or lanes
        yield from begin(first)
        look_at = waited = 0.0
        while lines:
            asked_at = time.monotonic()
            ready = selector.select(_TICK)
            waited += time.monotonic() - asked_at
            for key, _ in ready:
                line = key.data
                if line.receive():
                    yield from line.next_of(waiting)
                    if not line.asks:
                        lines.remove(line)
            now = time.monotonic()
            if waited >= MORE_AFTER and first < lanes:
                yield from begin(lanes - first)
                first = lanes
            if now >= look_at:
                look_at = now + _TICK
                for line in lines:
                    line.check(now)
                if not look():
                    for line in lines:
                        line.wire.close()  # an answer is on its way that nobody waits for
                    return


@dataclass(eq=False, slots=True)
class _Line(Generic[T]):
    """A connection, and the talk that is held on it."""

    wire: Wire
    conn: Connection
    selector: selectors.BaseSelector
    asks: bool = False
    """Is a question under way?"""
    _path: str = ""
    """That of the question under way, or of the last one."""
    _number: int = 0
    _talk: Talk[T] | None = None
    _answer: Answer = field(init=False)
    _limit: Limit = field(init=False)
    _sock: Any = None
    _since: float = 0.0
    """When the last bytes came, or the question went."""
    _until: float = 0.0
    """When the answer must be complete; 0 before its first byte."""
    _kept: bool = False
    """Has this connection answered before?"""

    def next_of(self, waiting: Iterator[tuple[int, Talk[T]]]) -> Iterator[tuple[int, T]]:
        """Go on until a question is under way, or nothing is left; yield the talks that ended on the way."""
        self.asks = False
        while True:
            step: Callable[[Talk[T]], str] = self._tell
            if self._talk is None:
                found = next(waiting, None)
                if found is None:
                    self._leave()
                    return
                self._number, self._talk = found
                step = next
            try:
                path = step(self._talk)
            except StopIteration as end:
                self._talk = None
                yield self._number, end.value
            else:
                self._ask(path)
                return

    def _tell(self, talk: Talk[T]) -> str:
        """Tell a talk its answer, and return its next question. Raises StopIteration as a talk does."""
        try:
            answer = self.conn.read(self._path, self._answer.status, self._answer.body, self._limit)
        except Refused as refused:
            said = refused
        else:
            return talk.send(answer)
        return talk.throw(said)

    def _ask(self, path: str) -> None:
        self.asks, self._path = True, path
        self._limit = limit_of("GET", path)
        try:
            if self._sock is not None and not self._answer.keeps:
                self._drop()
            self._send()
        except Exception as error:  # the transports raise what they like
            raise explain(error, self.conn.endpoint, path) from error

    def _send(self) -> None:
        if self._sock is None:
            self._kept = self.wire.kept
            self._sock = self.wire.open(self.conn.silence_of(self._limit))
            self._sock.settimeout(0)
            self.selector.register(self._sock, selectors.EVENT_READ, self)
        self._answer = Answer(self._limit)
        self._since, self._until = time.monotonic(), 0.0
        question = self.wire.question(self.conn.target(self._path))
        if type(self._sock) is socket.socket:
            with suppress(BlockingIOError):  # it has room for a question, most times
                question = question[self._sock.send(question) :]
        if question:
            self._sock.settimeout(self.conn.silence_of(self._limit))
            self._sock.sendall(question)
            self._sock.settimeout(0)

    def _leave(self) -> None:
        """Give the connection back for other questions."""
        if self._sock is not None:
            self.selector.unregister(self._sock)
            if not self._answer.keeps:
                self.wire.drop()

    def _drop(self) -> None:
        self.selector.unregister(self._sock)
        self._sock = None
        self.wire.drop()

    def receive(self) -> bool:
        """Take what has come. True: the answer is complete."""
        try:
            return self._receive()
        except EngineError:
            raise
        except Exception as error:  # the transports raise what they like
            raise explain(error, self.conn.endpoint, self._path) from error

    def _receive(self) -> bool:
        while True:
            try:
                data = self._sock.recv(_PIECE)
            except (BlockingIOError, TimeoutError):  # a socket, and an ssh channel, to which nothing has come
                return False
            except ConnectionResetError:
                data = b""
            except OSError as error:
                if type(error).__name__ == "SSLWantReadError":  # and TLS: its module is loaded only where it is used
                    return False
                raise
            if not data and self._kept and not self._answer.begun and not self.wire.closed:
                self._drop()  # a kept connection that the engine has closed meanwhile: asked again, once
                self._send()
                return False
            self._since = time.monotonic()
            if not self._until:
                self._until = self._since + self._limit.seconds
            if self._answer.feed(data):
                self._kept = self.wire.kept = True
                return True
            if self._since > self._until:
                self.check(self._since)

    def check(self, now: float) -> None:
        """Raise :class:`EngineError` for an answer that does not come, or does not end."""
        silence = self.conn.silence_of(self._limit)
        error: Exception | None = None
        if self.wire.closed:  # by another thread: a selector says nothing of that
            error = Disconnected("closed here")
        elif self._until and now > self._until:
            error = AnswerTooSlow(f"not complete {self._limit.seconds:g} s after its first byte")
        elif now > self._since + silence:
            error = TimeoutError("no answer")
        if error is not None:
            raise explain(error, self.conn.endpoint, self._path)
