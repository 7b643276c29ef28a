"""What commands share: getting an inventory, and writing to standard output."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING

from layerscope.state.files import cause
from layerscope.text import clean
from layerscope.units import format_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from layerscope.inventory import Inventory
    from layerscope.sources.open import Source

USAGE_PATIENCE = 10.0
"""Seconds after which the engine's own total is done without: it can take minutes, and is only a comparison."""


PATIENCE = 5.0
"""Seconds after which a command says what it waits for."""
ANSWER = "for the engine to answer"


class OutputError(Exception):
    """The answer is there but could not be written; the text is one line."""


def take_inventory(source: Source, *, whole: bool = False, load: Sequence[str] = (), usage: bool = True) -> Inventory:
    """Return the inventory of ``source``, with ``usage`` a live engine's own disk usage if it gives that in time.

    ``whole``: with what is never kept of an image from one run to the next, like when it was tagged last.
    ``load``: names of modules to import meanwhile.
    Shows progress on standard error if that is a terminal. Raises ScanFileError or BackendError.
    """
    with _meter() as meter, patience(awaited(source)) as waits, closing(source.open(usage=usage)) as backend:
        _warn(backend.warnings)
        if source.live and load:
            threading.Thread(target=_load, args=(load,), name="imports", daemon=True).start()
        if source.live:
            waits("for the engine to list its images")

        def progress(done: int, total: int, phase: str) -> None:
            meter(done, total, phase)
            if phase != "images" and done < total:
                waits(lambda: f"for the layers of its images: {format_number(done)} of {format_number(total)} are done")
            elif phase != "images":
                waits("for its own disk usage")

        return backend.scan(progress, _ignore, _never, usage_within=USAGE_PATIENCE if usage else None, whole=whole)


def load_scan(path: str) -> Inventory:
    """Return the saved scan in a file (``-``: standard input). Raises ScanFileError."""
    from layerscope.sources.scanfile import load_inventory  # noqa: PLC0415

    with patience(awaited_file(path)):
        return load_inventory(path)


def awaited(source: Source) -> str:
    """Return what is waited for first, after "waiting"."""
    return ANSWER if source.live else awaited_file(source.path)


def awaited_file(path: str | None, what: str = "a scan") -> str:
    """Return that a file is waited for, or ``what`` on standard input, after "waiting"."""
    return f"for {what} on standard input" if path == "-" else f"for {clean(path or what, 200)}"


def _load(modules: Sequence[str]) -> None:
    for name in modules:
        import_module(name)


@contextmanager
def patience(what: str) -> Iterator[Callable[[str | Callable[[], str]], None]]:
    """Say once on standard error what is waited for, when that takes :data:`PATIENCE` seconds.

    ``what`` goes on after "waiting"; what is yielded takes another one, or what makes it.
    """
    waited: list[str | Callable[[], str]] = [what]

    def tell() -> None:
        now = waited[0]
        _say(f"waiting {now if isinstance(now, str) else now()} …")

    timer = threading.Timer(PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield lambda now: waited.__setitem__(0, now)
    finally:
        timer.cancel()


def _warn(lines: tuple[str, ...]) -> None:
    for line in lines:
        _say(f"warning: {line}")


def _say(line: str) -> None:
    with suppress(OSError, AttributeError, ValueError):  # nobody can be told
        start = "\r" if sys.stderr.isatty() else ""
        encoding = sys.stderr.encoding or "ascii"
        sys.stderr.write(f"{start}layerscope: {line}\n".encode(encoding, "replace").decode(encoding))
        sys.stderr.flush()


def _ignore(*_: object) -> None:
    """Take no notice."""


def _never() -> bool:
    return False


class _Meter:
    """One line on standard error that says how far the scan is."""

    _EVERY = 0.1
    _WIDTH = 60

    def __init__(self) -> None:
        self._next = time.monotonic() + 2 * self._EVERY  # nothing for a scan that is over at once

    def __call__(self, done: int, total: int, phase: str) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._EVERY
        of = f" of {format_number(total)}" if total else ""
        what = "listing images" if phase == "images" else f"reading layers of images: {format_number(done)}{of}"
        self._write(f"\r{what:<{self._WIDTH}}")

    def clear(self) -> None:
        self._write(f"\r{'':<{self._WIDTH}}\r")

    @staticmethod
    def _write(text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)
            sys.stderr.flush()


@contextmanager
def _meter() -> Iterator[Callable[[int, int, str], None]]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield _ignore
        return
    meter = _Meter()
    try:
        yield meter
    finally:
        meter.clear()


_ASCII = str.maketrans({"…": "~", "·": "-", "–": "-", "\u2212": "-", "×": "x", "≥": ">", "≈": "~"})
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
