"""One answer of HTTP/1.1, put together from the pieces in which it comes (RFC 9112), within the limits of its row.

The standard library's reader waits for each answer in a thread of its own and takes 0.2 ms of processor time for it,
most of it for headers that nobody reads. A scan of 1,000 images has 2,000 answers.
"""

from __future__ import annotations

import re

from layerscope.engine.errors import CutOff, Disconnected, NoHttp
from layerscope.engine.limits import AnswerTooLong, Limit

_HEAD = 64 * 1024
"""Bytes of headers that are taken, and of one line before a chunk."""
_STATUS = re.compile(rb"http/1\.([01]) ([1-5][0-9][0-9])(?: |\r|$)")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r\n]*)")
_CODING = re.compile(rb"\r\ntransfer-encoding:[ \t]*([^\r\n]*)")
_CONNECTION = re.compile(rb"\r\nconnection:[ \t]*([^\r\n]*)")
_DATE = re.compile(rb"\r\ndate:[ \t]*([^\r\n]*)")
_NO_BODY = {204, 304}


class Answer:
    """The answer to one GET. Feed it what comes until it is complete."""

    status: int
    """Of a complete answer."""
    keeps: bool
    """May the connection be used for another question?"""
    rest: bytes
    """What came after a complete answer: the beginning of the next one."""

    def __init__(self, limit: Limit) -> None:
        """Take nothing yet; ``limit`` is the answer's row in :data:`~layerscope.engine.limits.ANSWERS`."""
        self._limit = limit
        self.last = True
        """Was nothing asked after it, so that nothing may come after it?"""
        self.rest = b""
        self._data = bytearray()
        self._body: list[bytes] = []
        self._size = 0
        self._how = ""
        """How the body ends: "length", "chunks", "end" of the connection; empty while the headers are read."""
        self._left = 0
        self.status = 0
        self.keeps = True
        self._headers = self._raw = b""

    @property
    def date(self) -> str:
        """The ``Date`` header in lower case, empty where there is none: the clock of the engine's machine."""
        date = _DATE.search(self._headers)
        return date[1].decode("latin-1").strip() if date else ""

    @property
    def begun(self) -> bool:
        """Has anything come?"""
        return bool(self._data or self._how)

    @property
    def head(self) -> bytes:
        """Status and headers as they came, up to the line that ends them; empty while they are read."""
        return self._raw

    @property
    def body(self) -> bytes:
        """The body as far as it has come."""
        return b"".join(self._body)

    @property
    def waiting(self) -> int:
        """Bytes that have come and are no whole chunk, or no whole headers, yet."""
        return len(self._data)

    def take(self) -> bytes:
        """Return the body as far as it has come, and let go of it: for an answer that does not end."""
        body = self.body
        self._body.clear()
        return body

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; an empty piece is the end of the connection. Return True when the answer is complete.

        Raises :class:`AnswerTooLong`, :class:`NoHttp` for what is no answer, or is cut off.
        """
        if not data:
            return self._end()
        if not self._how and not self._data:
            end = data.find(b"\r\n\r\n")
            if 0 <= end <= _HEAD:
                self._head(data[:end])
                data = data[end + 4 :]
                if self._has_all(data):  # as most answers come
                    return True
        self._data += data
        while not self._how:
            if not self._split():
                return False
        if self._how == "chunks":
            return self._chunks()
        if self._how == "end":
            self._take(len(self._data))
            return False
        self._take(min(len(self._data), self._left - self._size))
        return self._size == self._left and self._complete("more came than the answer's length says")

    def _complete(self, wrong: str) -> bool:
        """Put aside what came after the answer. Raises NoHttp where nothing may."""
        if self._data and self.last:
            raise NoHttp(wrong)
        self.rest = bytes(self._data)
        self._data.clear()
        return True

    def _has_all(self, body: bytes) -> bool:
        """Take the body if it is all of it."""
        if self._how != "length" or len(body) != self._left:
            return False
        self._size = self._left
        self._body.append(body)
        return True

    def _end(self) -> bool:
        if self._how == "end":
            return True
        if not self.begun:
            raise Disconnected("closed without an answer")
        raise CutOff("closed in the middle of an answer")

    def _take(self, size: int) -> None:
        """Move bytes to the body."""
        self._size += size
        if self._size > self._limit.bytes:
            raise AnswerTooLong(f"more than {self._limit.bytes:,} bytes")
        self._body.append(bytes(self._data[:size]))
        del self._data[:size]

    def _split(self) -> bool:
        """Take status and headers off what has come. False: they are not all there yet."""
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or end > _HEAD:
            if len(self._data) > _HEAD:
                raise AnswerTooLong(f"more than {_HEAD:,} bytes of headers")
            if not b"HTTP/1.".startswith(self._data[:7]):
                raise NoHttp(self._data[:40].decode("latin-1"))
            return False
        head = bytes(self._data[:end])
        del self._data[: end + 4]
        self._head(head)
        return True

    def _head(self, head: bytes) -> None:
        """Read status and headers; those of an interim answer say nothing of how the body ends."""
        raw = head
        head = head.lower()
        first = _STATUS.match(head)
        if first is None:
            raise NoHttp(head[:40].decode("latin-1"))
        status = int(first[2])
        if status < 200:
            return  # the real one follows
        self.status = status
        self._headers, self._raw = head, raw
        said = _CONNECTION.search(head) if b"\r\nconnection:" in head else None
        said_word = said[1] if said else b""
        self.keeps = b"close" not in said_word and (first[1] == b"1" or b"keep-alive" in said_word)
        coding = _CODING.search(head) if b"\r\ntransfer-encoding:" in head else None
        length = _LENGTH.search(head)
        if status in _NO_BODY:
            self._how = "length"
        elif coding is not None:
            if coding[1].strip() != b"chunked":
                raise NoHttp("a transfer coding that was not asked for")
            self._how = "chunks"
        elif length is not None:
            digits = length[1].strip()
            if not digits.isdigit() or len(digits) > 18:
                raise NoHttp("a length that is no number")
            self._how, self._left = "length", int(digits)
            if self._left > self._limit.bytes:
                raise AnswerTooLong(f"more than {self._limit.bytes:,} bytes")
        else:
            self._how, self.keeps = "end", False

    def _chunks(self) -> bool:
        """Read what is there of chunks. True: the last one and the lines after it have come."""
        while True:
            if self._left:  # inside a chunk; its two last bytes are the end of its line
                if len(self._data) < self._left:
                    return False
                if self._left > 2:
                    self._take(self._left - 2)
                if self._data[:2] != b"\r\n":
                    raise NoHttp("a chunk is longer than it says")
                del self._data[:2]
                self._left = 0
            end = self._data.find(b"\r\n")
            if end < 0 or end > _HEAD:
                if len(self._data) > _HEAD:
                    raise NoHttp("chunk size")
                return False
            size = bytes(self._data[:end]).split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,15}", size):
                raise NoHttp("a chunk without a size")
            if int(size, 16):
                self._left = int(size, 16) + 2
                if self._size + self._left > self._limit.bytes + 2:
                    raise AnswerTooLong(f"more than {self._limit.bytes:,} bytes")
                del self._data[: end + 2]
                continue
            # the last chunk: trailers may follow, and an empty line
            if self._data[end : end + 4] == b"\r\n\r\n":
                last = end + 4
            else:
                last = self._data.find(b"\r\n\r\n", end) + 4
                if last < 4:
                    if len(self._data) > _HEAD:
                        raise NoHttp("trailer")
                    return False
            del self._data[:last]
            return self._complete("more came than the answer's chunks say")


class Head:
    """What an engine says before the body of each answer: the same as last time, most times, but for the length.

    So it is read once a second, when its ``Date`` is another, and not 2,000 times. Known is only a head of status 200
    that keeps the connection.
    """

    __slots__ = ("_after", "_before", "_chunks")

    def __init__(self) -> None:
        """Know none yet."""
        self._before = self._after = b""
        self._chunks = False

    def learn(self, answer: Answer) -> None:
        """Take the head of a complete answer for the next ones."""
        if answer.status != 200 or not answer.keeps:
            return
        head = answer.head + b"\r\n\r\n"
        low = head.lower()
        self._chunks = b"\r\ntransfer-encoding:" in low
        if self._chunks:
            self._before, self._after = head, b""
            return
        found = _LENGTH.search(low)
        assert found is not None  # neither chunks nor a length: the connection is not kept
        self._before, self._after = head[: found.start(1)], head[found.end(1) :]

    def find(self, data: bytes, at: int, most: int) -> tuple[int, int, int] | None:
        """Return where the body of the answer at ``at`` begins, where it ends, and where the next answer begins.

        None for an answer that is not all there, that has another head, more than one chunk or more than ``most``
        bytes: :class:`Answer` reads all others.
        """
        before = self._before
        if not before or not data.startswith(before, at):
            return None
        at += len(before)
        end = data.find(b"\r\n", at, at + 20)
        size = data[at:end]
        if end < 0 or not size.isalnum():
            return None
        try:
            length = int(size, 16 if self._chunks else 10)
        except ValueError:
            return None
        if length > most:
            return None
        if self._chunks:
            begin, last = end + 2, b"\r\n0\r\n\r\n"
            if not length or not data.startswith(last, begin + length):
                return None
            return begin, begin + length, begin + length + len(last)
        after = self._after
        begin = end + len(after)
        if not data.startswith(after, end) or len(data) < begin + length:
            return None
        return begin, begin + length, begin + length
