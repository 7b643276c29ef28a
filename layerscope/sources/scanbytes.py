"""The bytes of a saved scan: unpacked as they are read, and read again from the beginning."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

from layerscope.sources.jsonstream import CHUNK

IN_MEMORY = 32 << 20
"""Bytes of a pipe that are kept in memory to be read again; more go to a temporary file without a name."""
_GZIP_MAGIC = b"\x1f\x8b"


class Damaged(Exception):
    """The bytes are not whole; the text says how."""


def unpacked(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """Give what is in ``stream``, unpacked where it is gzip, and no more than a byte beyond ``most``.

    Raises Damaged, and OSError.
    """
    first = stream.read(CHUNK)
    while len(first) < len(_GZIP_MAGIC) and (more := stream.read(CHUNK)):  # a slow pipe
        first += more
    if not first.startswith(_GZIP_MAGIC):
        while first:
            yield first
            first = stream.read(CHUNK)
        return
    packed = gzip.GzipFile(fileobj=_Begun(first, stream))  # type: ignore[call-overload]
    try:
        left = most + 1
        while left > 0 and (piece := packed.read(min(left, CHUNK))):
            left -= len(piece)
            yield piece
    except EOFError:
        raise Damaged("cut short: the gzip data ends too early") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Damaged(f"damaged gzip data ({error})") from None


class _Begun:
    """A stream of which the beginning was read already."""

    def __init__(self, first: bytes, stream: BinaryIO) -> None:
        self._first, self._stream = first, stream

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes."""
        if self._first:
            part, self._first = self._first[:size], self._first[size:]
            return part
        return self._stream.read(size)


@contextmanager
def again_and_again(stream: BinaryIO) -> Iterator[Callable[[], BinaryIO]]:
    """Give a function that returns ``stream`` where it stands now, each time; what a pipe gave is kept for that."""
    if stream.seekable():
        start = stream.tell()

        def rewound() -> BinaryIO:
            stream.seek(start)
            return stream

        yield rewound
        return
    with SpooledTemporaryFile(max_size=IN_MEMORY) as kept:

        def copied() -> BinaryIO:
            kept.seek(0)
            return _Copied(stream, kept)  # type: ignore[return-value]

        yield copied


class _Copied:
    """A pipe of which everything that is read is kept: first what was kept is read, then the pipe."""

    def __init__(self, stream: BinaryIO, kept: SpooledTemporaryFile[bytes]) -> None:
        self._stream, self._kept = stream, kept

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes."""
        if data := self._kept.read(size):
            return data
        data = self._stream.read(size)
        self._kept.write(data)
        return data
