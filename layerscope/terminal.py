"""The terminal that the interface runs on: which it is, what it can show, and how it is left, whatever happens.

Textual reads keys from descriptor 0 and draws on descriptor 2. :class:`Terminal` puts the terminal there
for as long as the interface runs, catches every signal that would end the program, and gives the terminal back:
main screen, cursor, mouse, focus, paste and keyboard as they were, and its modes.
"""

from __future__ import annotations

import codecs
import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from layerscope.leaving import leave

RESTORED = (
    "\x1b\\"  # ends a sequence that was cut in its middle
    "\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l"
    "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)
"""Undoes all that Textual's driver sets. Harmless where it was not set."""

AT_MOST = 1.8
"""Seconds after a signal when the program ends even if the terminal does not take what restores it."""

_ENDING = (
    *("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGIO"),
    *("SIGPWR", "SIGSTKFLT", "SIGXCPU", "SIGABRT", "SIGTRAP", "SIGSYS", "SIGEMT"),
)
"""Signals that end a process which does nothing about them, but for those of a fault in the process itself."""


def _ending() -> list[int]:
    """Return the numbers of :data:`_ENDING` here, and those of the real-time signals, which end a process too."""
    real_time = range(signal.SIGRTMIN, signal.SIGRTMAX + 1) if hasattr(signal, "SIGRTMIN") else ()
    return [*(getattr(signal, name) for name in _ENDING if hasattr(signal, name)), *real_time]


_DRAWN = str.maketrans(
    dict.fromkeys("─━┄┅┈┉╌╍═╴╶╸╺▔▁▂▃", "-")
    | dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻▏▎▍▌▐▕", "|")
    | dict.fromkeys("█▉▊▋▄▅▆▇▀▓▒░■▪", "#")
    | {"…": "~", "·": "-", "•": "*", "●": "*", "○": "o", "–": "-", "—": "-", "−": "-", "×": "x", "≥": ">", "≤": "<"}
    | {"→": ">", "←": "<", "↑": "^", "↓": "v", "▲": "^", "▼": "v", "▶": ">", "◀": "<", "►": ">", "✓": "v", "✗": "x"}
)
"""One character of ASCII for each sign that we draw, so that columns hold."""


def is_terminal(stream: Any) -> bool:
    """Is this one of sys's streams, open, and a terminal?"""
    with suppress(ValueError, AttributeError, OSError):
        return bool(stream.isatty())
    return False


def open_terminal() -> int | None:
    """Return a descriptor of the terminal, to read keys from and to draw on; None where there is none."""
    for number in (0, 1, 2):
        with suppress(OSError):
            if os.isatty(number):
                try:
                    return os.open(os.ttyname(number), os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
                except OSError:
                    break  # another user's: what is open still works
    with suppress(OSError):
        return os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    with suppress(OSError):
        return os.dup(1) if os.isatty(0) and os.isatty(1) else None
    return None


def wants_interface() -> bool:
    """Is there a screen to show the interface on? Standard output is a terminal that can, or a driver was chosen."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    return is_terminal(sys.stdout) and os.environ.get("TERM", "") not in {"dumb", "unknown"}


class Terminal:
    """The terminal while the interface runs on it."""

    def __init__(self, descriptor: int) -> None:
        """Take the terminal's descriptor, as :func:`open_terminal` gives it; nothing is changed before :meth:`take`."""
        self._tty = descriptor
        self._modes: list[Any] | None = None
        self._error: int | None = None
        """Standard error as it was."""
        self._ending = threading.Lock()

    def take(self) -> None:
        """Put the terminal where Textual looks for it, and catch what would end the program."""
        import termios  # noqa: PLC0415 (not everywhere)

        with suppress(termios.error):
            self._modes = termios.tcgetattr(self._tty)
        with suppress(OSError):
            self._error = os.dup(2)
        os.dup2(self._tty, 0)
        os.dup2(self._tty, 2)
        encoding = encoding_of_locale()
        sys.stdin = sys.__stdin__ = _text(0, "r", encoding)  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = _text(2, "w", encoding)  # type: ignore[misc]
        for name in ("COLUMNS", "LINES"):  # the size is the terminal's own, also after a change
            os.environ.pop(name, None)
        for number in _ending():
            if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
                signal.signal(number, self._signalled)

    def give_back(self) -> None:
        """Restore the terminal, and standard error, which may be a file."""
        import termios  # noqa: PLC0415 (not everywhere)

        with suppress(OSError):
            null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(null, 2)  # what another thread still draws goes nowhere
        if self._modes is not None:
            with suppress(termios.error):
                termios.tcsetattr(self._tty, termios.TCSANOW, self._modes)
        with suppress(OSError):
            os.write(self._tty, RESTORED.encode("ascii"))
        if self._error is not None:
            with suppress(OSError):
                os.dup2(self._error, 2)

    def end(self, status: int, last_words: str = "") -> NoReturn:
        """End the program with ``status``: wait a moment for what is under way, and for no thread after that."""
        if not self._ending.acquire(blocking=False):
            threading.Event().wait()  # another thread is at it already
        try:
            _later(AT_MOST, lambda: os._exit(status))
            leave()
            self.give_back()
            if last_words:
                with suppress(OSError):
                    os.write(2, f"{last_words}\n".encode("utf-8", "backslashreplace"))
        finally:
            os._exit(status)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        # In a thread: the main one may hold a lock that the work under way needs.
        threading.Thread(target=self.end, args=(128 + number,), name="layerscope-end", daemon=True).start()


def _later(seconds: float, act: Callable[[], object]) -> None:
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()


def encoding_of_locale() -> str:
    """Return the encoding of what the terminal sends and takes, by the locale (or Python's UTF-8 mode)."""
    import locale  # noqa: PLC0415 (only where there is an interface)

    name = "utf-8" if sys.flags.utf8_mode else locale.getencoding()
    return "ascii" if codecs.lookup(name).name in {"ascii", "ansi_x3.4-1968"} else name


def _text(descriptor: int, mode: str, encoding: str) -> io.TextIOWrapper:
    """Return a stream for a descriptor that takes every text, whatever its encoding has no signs for."""
    codecs.register_error("layerscope", _drawn)
    return open(descriptor, mode, encoding=encoding, errors="layerscope", closefd=False)  # type: ignore[return-value]


def _drawn(error: UnicodeError) -> tuple[str | bytes, int]:
    """Give an ASCII sign, or ``?`` for each cell, for what an encoding cannot take; ``?`` for bytes without text."""
    if not isinstance(error, UnicodeEncodeError):
        if isinstance(error, UnicodeDecodeError):
            return "?", error.end
        raise error
    from rich.cells import get_character_cell_size  # noqa: PLC0415 (where it is drawn, it is there)

    drawn = error.object[error.start : error.end].translate(_DRAWN)
    return "".join(c if c.isascii() else "?" * get_character_cell_size(c) for c in drawn), error.end
