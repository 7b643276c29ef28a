"""How long until something is on screen: of a program in a pseudo-terminal of 120x40."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence

from dev.benchmarks.measuring import Taken

MINIMAL = """
from textual.app import App
from textual.widgets import Static
class Minimal(App):
    def compose(self):
        yield Static("it is ready")
Minimal().run()
"""
"""The least that an interface with Textual takes: the floor of a first screen."""
MINIMAL_READY = b"it is ready"
PATIENCE = 120.0


def until(command: Sequence[str], env: Mapping[str, str], ready: bytes) -> Taken:
    """Start a command, wait until it writes ``ready``, end it. Raises RuntimeError when it ends or is silent before."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        os.execvpe(command[0], list(command), {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"})
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while ready not in seen:
            if not select.select([fd], [], [], PATIENCE)[0]:
                raise RuntimeError(f"{' '.join(command)}: nothing for {PATIENCE:.0f} s")
            try:
                seen = seen[-4096:] + os.read(fd, 1 << 16)
            except OSError:
                raise RuntimeError(f"{' '.join(command)} ended: {seen[-500:]!r}") from None
        wall = time.perf_counter() - began
    finally:
        os.kill(pid, signal.SIGKILL)
        _, _, usage = os.wait4(pid, 0)
        os.close(fd)
    memory = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Taken(wall, usage.ru_utime + usage.ru_stime, memory)
