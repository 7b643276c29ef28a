"""Many small questions, side by side on kept connections, by one thread.

A scan asks two questions for each image. While the engine works on some, the answers of the others are read:
no thread waits, and none fights for the interpreter.

On a Unix socket of this machine, to an engine that is quick, the next questions of a connection are sent before the
one under way is answered (pipelining, RFC 9112 section 9.3.2): the engine answers in order, and neither waits for the
other. Every question is a GET. Where a connection ends before all that was sent is answered, or falls silent, the rest
is asked again on a new one, and from then on one by one.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, Generic, NamedTuple, TypeVar

from layerscope.engine.answer import Answer, Head
from layerscope.engine.connect import Connection
from layerscope.engine.errors import Disconnected, EngineError, NoHttp, Refused
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
DEPTH = 8
"""Questions that are under way on one connection at once, where that is worth it."""
QUICK = 0.002
"""Seconds for each answer, over all connections, up to which it is: beyond, the time is the engine's."""
JUDGED = 16
"""Answers after which it is judged anew."""
SILENCE = 3.0
"""Seconds without an answer after which a connection with several questions is given up, and they are asked again."""
_LONG = 512
"""Bytes of a question, and more of them at once might not fit the socket while its answers do not either."""
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
        all_lines = _Lines(conn, selector, enumerate(talks))
        ended = all_lines.ended
        lines: list[_Line[T]] = []

        def begin(count: int) -> None:
            for _ in range(count):
                line = _Line(stack.enter_context(conn.lend()), all_lines)
                line.go_on()
                if not line.asks:
                    return
                lines.append(line)

        first = min(lanes, conn.open_now) or lanes
        begin(first)
        look_at = waited = 0.0
        while lines:
            yield from ended
            ended.clear()
            asked_at = time.monotonic()
            ready = selector.select(_TICK)
            now = time.monotonic()
            waited += now - asked_at
            for key, _ in ready:
                line: _Line[T] = key.data
                line.receive()
                if not line.asks:
                    lines.remove(line)
            if waited >= MORE_AFTER and first < lanes:
                begin(lanes - first)
                first = lanes
            if now >= look_at:
                look_at = now + _TICK
                for line in lines:
                    line.check(now)
                if not look():
                    for line in lines:
                        line.wire.close()  # an answer is on its way that nobody waits for
                    return
        yield from ended


class _Question(NamedTuple, Generic[T]):
    number: int
    talk: Talk[T]
    path: str
    limit: Limit


class _Lines(Generic[T]):
    """What the lines share."""

    def __init__(
        self, conn: Connection, selector: selectors.BaseSelector, talks: Iterator[tuple[int, Talk[T]]]
    ) -> None:
        self.conn = conn
        self.selector = selector
        self.talks = talks
        """Those that nobody has begun, with their numbers."""
        self.ended: list[tuple[int, T]] = []
        self.head = Head()
        self.depth = 1
        """Questions under way at once on a line where several may be."""
        self._one_by_one = False
        self._answers = 0
        self._since = time.monotonic()

    def count(self, answers: int) -> None:
        """Judge how quick the engine is."""
        self._answers += answers
        if self._answers >= JUDGED and not self._one_by_one:
            now = time.monotonic()
            self.depth = DEPTH if now - self._since <= QUICK * self._answers else 1
            self._answers, self._since = 0, now

    def one_by_one(self) -> None:
        """Have one question under way on each line from now on."""
        self.depth, self._one_by_one = 1, True


class _Line(Generic[T]):
    """A connection, and the questions that are under way on it."""

    def __init__(self, wire: Wire, lines: _Lines[T]) -> None:
        self.wire = wire
        self._lines = lines
        self._conn = lines.conn
        self._asked: deque[_Question[T]] = deque()
        """Those under way, in the order of their answers."""
        self._next: list[_Question[T]] = []
        """Those to be sent."""
        self._sock: Any = None
        self._answer: Answer | None = None
        """That to the first question under way, as far as it has come."""
        self._path = ""
        """That of the question that an error is told of."""
        self._since = 0.0
        """When the last bytes came, or the first question under way went."""
        self._until = 0.0
        """When the answer must be complete; 0 before its first byte."""
        self._kept = False
        """Has this connection answered before?"""
        self._keeps = True
        """May it be asked again?"""
        self._local = False
        """Is it a plain Unix socket, where several questions may be under way?"""
        self._behind = False
        """Was one of those under way sent before all earlier ones were answered?"""

    @property
    def asks(self) -> bool:
        """Is a question under way?"""
        return bool(self._asked)

    def go_on(self) -> None:
        """Send what there is to ask, and begin as many talks as there is room for; leave when nothing is left."""
        lines, ready = self._lines, self._next
        room = (lines.depth if self._local else 1) - len(self._asked)
        while len(ready) < room:
            found = next(lines.talks, None)
            if found is None:
                break
            number, talk = found
            try:
                path = next(talk)
            except StopIteration as end:
                lines.ended.append((number, end.value))
            else:
                ready.append(_Question(number, talk, path, limit_of("GET", path)))
        if ready and room > 0:
            self._next = ready[room:]
            self._ask(ready[:room])
        elif not self._asked:
            self._leave()

    def _ask(self, questions: list[_Question[T]]) -> None:
        first = not self._asked
        self._path = questions[0].path
        self._asked.extend(questions)
        try:
            self._send(questions, first)
        except (BrokenPipeError, ConnectionResetError) as error:
            if not self._kept:
                raise explain(error, self._conn.endpoint, self._path) from error
            # closed meanwhile: what was answered before is still to be read, and then its end
        except Exception as error:  # the transports raise what they like
            raise explain(error, self._conn.endpoint, self._path) from error

    def _send(self, questions: list[_Question[T]], first: bool) -> None:
        silence = self._conn.silence_of(questions[0].limit)
        if self._sock is None:
            self._kept = self.wire.kept
            sock = self.wire.open(silence)
            sock.settimeout(0)
            self._lines.selector.register(sock, selectors.EVENT_READ, self)
            self._sock = sock
            self._local = type(sock) is socket.socket and sock.family == socket.AF_UNIX
        if first:
            self._since, self._until = time.monotonic(), 0.0
        several = len(questions) > 1
        self._behind = several or not first
        asked = [self.wire.question(self._conn.target(question.path)) for question in questions]
        data = b"".join(asked) if several else asked[0]
        if len(data) > _LONG * len(questions):
            self._lines.one_by_one()
        if type(self._sock) is socket.socket:
            with suppress(BlockingIOError):  # it has room for a question, most times
                data = data[self._sock.send(data) :]
        if data:
            self._sock.settimeout(silence)
            self._sock.sendall(data)
            self._sock.settimeout(0)

    def _leave(self) -> None:
        """Give the connection back for other questions."""
        if self._sock is not None:
            self._lines.selector.unregister(self._sock)

    def _drop(self) -> None:
        """Close the connection; what was not answered is to be asked again, on another one."""
        self._lines.selector.unregister(self._sock)
        self._sock = self._answer = None
        self._keeps = True
        self.wire.drop()
        if self._behind and self._asked:
            self._lines.one_by_one()
        self._next = [*self._asked, *self._next]
        self._asked.clear()

    def receive(self) -> None:
        """Take what has come, tell it, and go on."""
        asked = self._asked
        self._path = asked[0].path
        try:
            answers = self._receive()
        except EngineError:
            raise
        except Exception as error:  # the transports raise what they like
            raise explain(error, self._conn.endpoint, self._path) from error
        for status, body in answers:
            self._tell(asked.popleft(), status, body)
        if not self._keeps:
            self._drop()
        if answers:
            self._lines.count(len(answers))
        if len(asked) <= self._lines.depth // 2 or not self._local:
            self.go_on()

    def _tell(self, question: _Question[T], status: int, body: bytes) -> None:
        """Tell a talk its answer, and take its next question."""
        number, talk, path, limit = question
        said: Refused | None = None
        try:
            answer = self._conn.read(path, status, body, limit)
        except Refused as refused:
            said = refused
        try:
            path = talk.send(answer) if said is None else talk.throw(said)
        except StopIteration as end:
            self._lines.ended.append((number, end.value))
        else:
            self._next.append(_Question(number, talk, path, limit_of("GET", path)))

    def _receive(self) -> list[tuple[int, bytes]]:
        """Return the status and body of each answer that is complete."""
        answers: list[tuple[int, bytes]] = []
        while not answers:
            try:
                data = self._sock.recv(_PIECE)
            except (BlockingIOError, TimeoutError):  # a socket, and an ssh channel, to which nothing has come
                break
            except ConnectionResetError:
                data = b""
            except OSError as error:
                if type(error).__name__ == "SSLWantReadError":  # and TLS: its module is loaded only where it is used
                    break
                raise
            if not data and self._kept and self._answer is None and not self.wire.closed:
                self._drop()  # a kept connection that the engine has closed meanwhile: asked again, once
                break
            self._since = time.monotonic()
            self._take(data, answers)
            if self._since > self._until > 0:
                self.check(self._since)
        return answers

    def _take(self, data: bytes, answers: list[tuple[int, bytes]]) -> None:
        """Take answers off what has come, as many as were asked for; an empty piece is the connection's end."""
        asked, head, at = self._asked, self._lines.head, 0
        while len(answers) < len(asked):
            limit = asked[len(answers)].limit
            if self._answer is None:
                found = head.find(data, at, limit.bytes)
                if found is not None:
                    begin, end, at = found
                    answers.append((200, data[begin:end]))
                    self._kept = self.wire.kept = True
                    if at == len(data):
                        return
                    continue
                self._answer = Answer(limit)
                self._until = self._since + limit.seconds
            answer = self._answer
            answer.last = len(answers) + 1 == len(asked)
            if not answer.feed(data[at:] if at else data):
                return
            self._answer, self._until = None, 0.0
            answers.append((answer.status, answer.body))
            head.learn(answer)
            self._keeps = answer.keeps
            self._kept = self.wire.kept = answer.keeps
            data, at = answer.rest, 0
            if not data or not answer.keeps:
                return
        raise NoHttp("more came than was asked for")

    def check(self, now: float) -> None:
        """Raise :class:`EngineError` for an answer that does not come, or does not end."""
        limit = self._asked[0].limit
        silence = self._conn.silence_of(limit)
        error: Exception | None = None
        if self.wire.closed:  # by another thread: a selector says nothing of that
            error = Disconnected("closed here")
        elif self._until and now > self._until:
            error = AnswerTooSlow(f"not complete {limit.seconds:g} s after its first byte")
        elif now > self._since + silence:
            error = TimeoutError("no answer")
        elif self._behind and self._answer is None and now > self._since + SILENCE:
            self._drop()  # something on the way that takes one question at a time
            self.go_on()
        if error is not None:
            raise explain(error, self._conn.endpoint, self._asked[0].path)
