"""The first rows of a big saved scan, before it is read.

A scan is read whole before anything is said to be known: tables come first, and what is wrong may be at its very end.
That takes a second or more for 10,000 images. What ``docker images`` would show of some of them is taken out of the
document here, by the lines that :mod:`layerscope.sources.scanfile` writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from msgspec.structs import replace

from layerscope.inventory import Container, Engine, Image, Inventory
from layerscope.sources.jsonstream import BLANK
from layerscope.sources.scanbytes import Damaged, unpacked
from layerscope.sources.scanfields import Invalid
from layerscope.sources.scanread import LIMITS, RecordReader, known_version

ROWS = 400
"""Images that are taken: more than any screen shows."""
_DECODE = json.JSONDecoder().raw_decode


def first_rows(stream: BinaryIO, most: int = ROWS) -> Inventory | None:
    """Return the first ``most`` images of a scan (JSON or gzip of it) without layers, and all containers.

    It is not complete. None where the document is written in another way or anything is wrong with it: reading it
    tells what.
    """
    try:
        return _rows(_Text(unpacked(stream, LIMITS.bytes)), most)
    except (Damaged, Invalid, OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _rows(text: _Text, most: int) -> Inventory | None:
    known_version(json.loads(text.line().rstrip(b",\n") + b"}")["schema"])
    if not text.go_after(b'"engine":'):
        return None
    reader = RecordReader()
    engine = reader.record(Engine, _DECODE(text.line().decode())[0])
    when = text.line()
    taken_at = int(when.removeprefix(b'"taken_at":').rstrip(b",\n")) if when.startswith(b'"taken_at":') else 0
    if not text.go_after(b'"images":[\n'):
        return None
    images = []
    for value in _records(text):
        image: Image = reader.record(Image, value)
        if image.listed:
            images.append(image)
            if len(images) == most:
                break
    containers: tuple[Container, ...] = ()
    if text.go_after(b'"containers":[\n'):
        containers = tuple(reader.record(Container, value) for value in _records(text))
    if not images:
        return None
    found = Inventory(engine, tuple(images), containers, taken_at=taken_at, complete=False)
    return replace(found, from_file=True, only_first=True)


def _records(text: _Text) -> Iterator[Any]:
    """Give the records of a list, one a line, up to its end."""
    while line := text.line().decode():
        value, end = _DECODE(line)
        yield value
        if line.startswith("]", end):
            return


class _Text:
    """A document in pieces; what was gone over is let go."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held, self._at = b"", 0

    def _more(self, keep: int) -> bool:
        """Go on with the next piece, behind what is held from ``keep`` on; False at the end."""
        piece = next(self._pieces, b"")
        if len(self._held) - keep > BLANK:
            raise ValueError("a line without an end")
        self._held, self._at = self._held[keep:] + piece, self._at - keep
        return bool(piece)

    def go_after(self, mark: bytes) -> bool:
        """Go to what follows ``mark``; False where it does not come any more."""
        while (found := self._held.find(mark, self._at)) < 0:
            self._at = max(self._at, len(self._held) - len(mark) + 1)
            if not self._more(self._at):
                return False
        self._at = found + len(mark)
        return True

    def line(self) -> bytes:
        """Return what there is up to the end of the line, which is in it; nothing at the end."""
        while (end := self._held.find(b"\n", self._at)) < 0:
            if not self._more(self._at):
                end = len(self._held) - 1
                break
        line, self._at = self._held[self._at : end + 1], end + 1
        return line
