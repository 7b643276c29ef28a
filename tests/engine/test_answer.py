"""Answers of HTTP/1.1 in pieces: as the standard library reads them, and nothing else gets through."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.engine.answer import Answer, Head
from layerscope.engine.errors import NoHttp
from layerscope.engine.limits import AnswerTooLong, Limit

LIMIT = Limit(10_000, 1)
OK = b"HTTP/1.1 200 OK\r\n"


def put_together(pieces: list[bytes], limit: Limit = LIMIT) -> Answer:
    """Feed an answer; the last piece may be the end of the connection."""
    answer = Answer(limit)
    for number, piece in enumerate(pieces):
        if answer.feed(piece):
            assert number == len(pieces) - 1, "complete before its last piece"
            return answer
    raise AssertionError("not complete")


def by_http_client(data: bytes) -> tuple[int, bytes, bool]:
    """Return status, body, and whether the connection is kept, as the standard library says."""

    class Socket:
        def makefile(self, mode: str) -> io.BytesIO:
            return io.BytesIO(data)

    answer = http.client.HTTPResponse(Socket())  # type: ignore[arg-type]
    answer.begin()
    return answer.status, answer.read(), not answer.will_close


chunked = st.lists(st.binary(min_size=1, max_size=40), max_size=6).map(
    lambda parts: b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
)
headers = st.sampled_from(
    [b"", b"Server: x\r\n", b"Connection: close\r\n", b"CONNECTION: Keep-Alive\r\nX-Length: 7\r\n"]
)


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Make whole answers whose end can be told without the connection's."""
    version = draw(st.sampled_from([b"1.1", b"1.0"]))
    status = draw(st.sampled_from([b"200 OK", b"404 Not Found", b"500", b"204 No Content"]))
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    start = interim + b"HTTP/" + version + b" " + status + b"\r\n" + draw(headers)
    if status.startswith(b"204"):
        return start + b"\r\n"
    if version == b"1.1" and draw(st.booleans()):
        trailer = draw(st.sampled_from([b"", b"Digest: y\r\n"]))
        return start + b"Transfer-Encoding: chunked\r\n\r\n" + draw(chunked) + b"0\r\n" + trailer + b"\r\n"
    body = draw(st.binary(max_size=200))
    return start + b"Content-Length: %d\r\n\r\n" % len(body) + body


@given(answers(), st.lists(st.integers(0, 500)))
def test_an_answer_is_read_as_the_standard_library_does_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    at = sorted({cut for cut in cuts if 0 < cut < len(data)})
    pieces = [data[start:end] for start, end in zip([0, *at], [*at, len(data)], strict=True)]
    answer = put_together(pieces)
    assert (answer.status, answer.body, answer.keeps) == by_http_client(data)


def test_without_a_length_the_end_of_the_connection_is_the_end() -> None:
    answer = put_together([OK + b"\r\n[1,", b"2]", b""])
    assert (answer.body, answer.keeps) == (b"[1,2]", False)


@pytest.mark.parametrize(
    "pieces",
    [
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
        [b"HTTP/2 200\r\n\r\n"],
        [b"HTTP/1.1 2000 OK\r\n\r\n"],
        [OK + b"Content-Length: -1\r\n\r\n"],
        [OK + b"Content-Length: 1_0\r\n\r\n"],
        [OK + b"Transfer-Encoding: gzip\r\n\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcd"],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK"],
        [OK + b"Content-Length: 2\r\n\r\nabc"],
        [OK + b"Content-Length: 2\r\n\r\na", b""],
        [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", b""],
        [OK, b""],
        [b""],
    ],
)
def test_what_is_no_answer_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(NoHttp):
        put_together(pieces)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 10001\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFF\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"2000\r\n" + b"x" * 0x2000 + b"\r\n2000\r\n",
        OK + b"\r\n" + b" " * 10_001,
        OK + b"X: " + b"y" * 70_000,
    ],
)
def test_no_more_is_taken_than_the_limit(data: bytes) -> None:
    with pytest.raises(AnswerTooLong, match="more than"):
        put_together([data])


def test_all_that_the_limit_admits_is_taken() -> None:
    for data in (
        OK + b"Content-Length: 10000\r\n\r\n" + b"x" * 10_000,
        OK + b"Transfer-Encoding: chunked\r\n\r\n2710\r\n" + b"x" * 10_000 + b"\r\n0\r\n\r\n",
    ):
        assert len(put_together([data]).body) == 10_000


@given(answers(), st.data())
def test_a_mutated_answer_is_read_or_refused_and_nothing_else(data: bytes, choice: Any) -> None:
    bad = bytearray(data)
    for _ in range(choice.draw(st.integers(1, 4))):
        at = choice.draw(st.integers(0, len(bad) - 1))
        bad[at : at + choice.draw(st.integers(0, 3))] = choice.draw(
            st.sampled_from([b"", b"\r\n", b"0", b"\xff", b"9999999"])
        )
        if not bad:
            return
    answer = Answer(LIMIT)
    try:
        answer.feed(bytes(bad)) or answer.feed(b"")
    except (NoHttp, AnswerTooLong):
        return
    assert 200 <= answer.status < 600


@given(st.lists(answers(), min_size=1, max_size=5), st.integers(0, 3), st.data())
def test_a_known_head_is_read_as_an_unknown_one(some: list[bytes], cut: int, choice: Any) -> None:
    """Whatever the head that is known: an answer is found by it as it is read in full, or not found."""
    head = Head()
    data = b"".join(some)
    if cut:
        data = data[:-cut]
    for number, whole in enumerate(some):
        at = len(b"".join(some[:number]))
        if data[at:].startswith(whole):
            read = put_together([whole])
            found = head.find(data, at, LIMIT.bytes)
            if found is not None:
                begin, end, after = found
                assert (read.status, read.keeps) == (200, True)
                assert (data[begin:end], after) == (read.body, at + len(whole))
            head.learn(read)
            if read.status == 200 and read.keeps and choice.draw(st.booleans()):
                assert head.find(whole, 0, len(read.body) - 1) is None
        else:
            assert head.find(data, at, LIMIT.bytes) is None


def test_a_known_head_is_found_again() -> None:
    head = Head()
    plain, chunked = OK + b"Content-Length: %d\r\nX: y\r\n\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n"
    head.learn(put_together([plain % 2 + b"ab"]))
    long = plain % 12 + b"abcdefabcdef"
    assert head.find(b"." + long + b"HTTP", 1, 12) == (len(long) - 11, len(long) + 1, len(long) + 1)
    assert head.find(long[:-1], 0, 12) is None
    assert head.find(plain % 3 + b"abc", 0, 2) is None, "more than the limit"
    assert head.find(long.replace(b"y", b"z"), 0, 12) is None
    assert head.find(long.replace(b"12", b"1_2"), 0, 12) is None
    head.learn(put_together([OK.replace(b"200", b"404") + b"Content-Length: 0\r\n\r\n"]))
    assert head.find(long, 0, 12) is not None, "a refusal is no head to know"
    head.learn(put_together([chunked + b"2\r\nab\r\n0\r\n\r\n"]))
    one = chunked + b"a\r\n0123456789\r\n0\r\n\r\n"
    assert head.find(one + one, 0, 10) == (len(one) - 17, len(one) - 7, len(one))
    assert head.find(one.replace(b"a\r\n0", b"9\r\n0"), 0, 10) is None
    assert head.find(chunked + b"0\r\n\r\n", 0, 10) is None
    assert head.find(chunked + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", 0, 10) is None
    assert head.find(long, 0, 12) is None
