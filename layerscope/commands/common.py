"""What commands share: getting an inventory, and writing to standard output."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from layerscope.inventory import DiskUsage, Inventory
from layerscope.sources.open import Source
from layerscope.state.files import cause
from layerscope.units import format_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from layerscope.engine.connect import Connection
    from layerscope.engine.scan import Progress

USAGE_PATIENCE = 10.0
"""Seconds after which the engine's own total is done without: it can take minutes, and is only a comparison."""


class OutputError(Exception):
    """The answer is there but could not be written; the text is one line."""


def take_inventory(source: Source) -> Inventory:
    """Return the inventory of ``source``, for a live engine with its own disk usage if it gives that in time.

    Shows progress on standard error if that is a terminal. Raises ScanFileError or EngineError.
    """
    if not source.live:
        return source.load()
    from layerscope.engine.scan import scan  # noqa: PLC0415 (docker-py: only where it is needed)

    with _meter() as meter, source.connect() as connection:
        _warn(connection.endpoint.warnings)
        question = _UsageQuestion(connection)
        inventory = scan(connection, progress=meter)
        return replace(inventory, usage=question.answer())


def _warn(lines: tuple[str, ...]) -> None:
    for line in lines:
        with suppress(OSError, AttributeError, ValueError):  # nobody can be told
            sys.stderr.write(f"layerscope: warning: {line}\n")


class _UsageQuestion:
    """Asks for the disk usage beside the scan, so that it costs no time of its own where the engine is quick."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._answer: DiskUsage | None = None
        self._until = time.monotonic() + USAGE_PATIENCE
        self._thread = threading.Thread(target=self._ask, name="disk-usage", daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        from layerscope.engine.usage import disk_usage  # noqa: PLC0415 (docker-py: only where it is needed)

        with suppress(Exception):  # refused, too slow, or the connection was closed under it: there is no total then
            self._answer = disk_usage(self._connection, timeout=USAGE_PATIENCE)

    def answer(self) -> DiskUsage | None:
        """Return the answer; None if there is none, or not within USAGE_PATIENCE of the question."""
        self._thread.join(max(0.0, self._until - time.monotonic()))
        return self._answer


class _Meter:
    """One line on standard error that says how far the scan is."""

    _EVERY = 0.1
    _WIDTH = 60

    def __init__(self) -> None:
        self._next = time.monotonic() + 2 * self._EVERY  # nothing for a scan that is over at once

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._EVERY
        of = f" of {format_number(progress.total)}" if progress.total else ""
        what = (
            "listing images"
            if progress.phase == "images"
            else f"reading layers of images: {format_number(progress.done)}{of}"
        )
        self._write(f"\r{what:<{self._WIDTH}}")

    def clear(self) -> None:
        self._write(f"\r{'':<{self._WIDTH}}\r")

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


@contextmanager
def _meter() -> Iterator[_Meter | None]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    meter = _Meter()
    try:
        yield meter
    finally:
        meter.clear()


_ASCII = str.maketrans({"…": "~", "·": "-", "–": "-", "\u2212": "-", "×": "x", "≥": ">"})
"""For our own signs where standard output cannot take them; one character each, so that columns hold."""


def write_out(text: str) -> None:
    """Write ``text`` to standard output, whatever its encoding can take.

    Raises OutputError; BrokenPipeError when the reader has gone.
    """
    stream = sys.stdout
    if stream is None:
        raise OutputError("standard output is closed; redirect it to a file, or to /dev/null")
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: cannot be written: {cause(error)}") from None
