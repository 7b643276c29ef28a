"""The least that a client must do: ask every question over kept connections, read each answer, and discard it.

In C where there is a compiler, else in Python, which is said in the table.
"""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path


def floor_command(folder: Path, sock: str, lanes: int, paths: list[str]) -> tuple[list[str], str]:
    """Return a command that asks for the paths at a Unix socket, over so many connections, and its language."""
    asked = folder / f"paths-{len(list(folder.iterdir()))}"
    asked.write_text("\n".join(paths) + "\n")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return [sys.executable, "-m", "dev.benchmarks.floor", sock, str(lanes), str(asked)], "Python"
    program = folder / "floor"
    if not program.exists():
        subprocess.run([compiler, "-O2", "-o", program, Path(__file__).with_suffix(".c")], check=True)
    return ["sh", "-c", f"exec {program} {sock} {lanes} < {asked}"], "C"


class Wire(http.client.HTTPConnection):
    """A connection to a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def main() -> None:
    """Ask."""
    sock, lanes, asked = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]).read_text().split()

    def ask(paths: list[str]) -> None:
        wire = Wire(sock)
        for path in paths:
            wire.request("GET", path)
            wire.getresponse().read()

    threads = [threading.Thread(target=ask, args=(asked[n::lanes],)) for n in range(lanes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
