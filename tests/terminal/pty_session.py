"""The program on a pseudo-terminal, as a person has it: keys in, bytes out, signals, sizes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAM = "from layerscope.cli import main; main()"
PATIENCE = 60.0
"""Seconds after which a test gives up: far above what anything takes, since a machine may be busy."""

SET_AND_RESET = ("1049", "25", "1000", "1003", "1015", "1006", "1004", "2004")
"""Private modes; 25, the cursor, is set when it shows."""


class Session:
    """The program and its terminal."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, slave: int) -> None:
        self.process = process
        self.master = master
        self.slave = slave
        self.output = b""
        self.modes = termios.tcgetattr(slave)

    def read(self, seconds: float = 0.05) -> None:
        """Take what has come."""
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.output += data
            seconds = 0.0

    def until(self, what: Callable[[], Any]) -> None:
        """Read until ``what`` is true."""
        end = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < end, f"it never came; the end of the output: {self.output[-2000:]!r}"
            self.read()
            if self.process.poll() is not None:
                self.read()
                assert what(), f"it ended with {self.process.returncode}: {self.output[-2000:]!r}"

    def sees(self, text: str) -> None:
        """Read until ``text`` was drawn."""
        self.until(lambda: text.encode() in self.output)

    def forget(self) -> None:
        """Start anew: what is seen from now on."""
        self.read()
        self.output = b""

    def keys(self, text: str) -> None:
        os.write(self.master, text.encode("utf-8", "surrogateescape"))

    def size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGWINCH)

    def status(self) -> int:
        """Return the exit status, negative for a signal, once it has ended."""
        self.until(lambda: self.process.poll() is not None)
        self.read()
        return self.process.returncode

    def check_restored(self) -> None:
        """Is the terminal as it was?"""
        for mode in SET_AND_RESET:
            states = re.findall(rb"\x1b\[\?" + mode.encode() + rb"([hl])", self.output)
            assert states, f"mode {mode} was never touched"
            assert states[-1] == (b"h" if mode == "25" else b"l"), f"mode {mode} was left on"
        assert self.output.rindex(b"\x1b[<u") > self.output.rindex(b"\x1b[>")
        assert self.output.rindex(b"\x1b[?1049l") > self.output.rindex(b"\x1b[?1049h")
        assert termios.tcgetattr(self.slave)[:4] == self.modes[:4]


@contextmanager
def session(
    *args: str, folder: Path, before: str = "", size: tuple[int, int] = (100, 30), **environ: str | None
) -> Iterator[Session]:
    """Run ``layerscope ARGS`` on a terminal of this size; ``before`` is Python that runs first in its process.

    ``folder`` is its home. ``environ``: variables to set, or to unset with None.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    names = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "TERM": "xterm-256color"}
    variables = {**os.environ, **names, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(Path(__file__).parents[2]), **environ}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "TEXTUAL_DRIVER"):
        if name not in environ:
            variables.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-c", before + "\n" + PROGRAM, *args],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={name: value for name, value in variables.items() if value is not None},
        cwd=folder,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0) and None,  # noqa: PLW1509
    )
    opened = Session(process, master, slave)
    try:
        yield opened
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(master)
        os.close(slave)
