"""CPU per key of the interface on a big host and on a small one, in one run.

    python -m dev.benchmarks.keys [--images 10000 --layers 40000] [--size 120x40] [--keys 60]

Each host is a generated saved scan, opened by ``layerscope -f`` in a pseudo-terminal of its own.
Keys are written to it at the rate at which a held key repeats, and at that of quick typing; what
is counted is the processor time of the whole process, all threads, from the first key until the
screen is quiet: reading the key, finding, layout, drawing, the bytes that go to the terminal.
Wall time says little where a machine is never idle, and a busy neighbour makes processor time
dearer too: hence the best of a few rounds. Linux only.

Exit status 1 when a key on the big host costs more than its limit, or when a cursor key costs
more than twice what it costs on the small host.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.benchmarks.generate import big_host
from layerscope.sources.scanfile import save_inventory

DOWN, UP, PAGE_DOWN, ESCAPE, ENTER, LEFT, RIGHT = "\x1b[B", "\x1b[A", "\x1b[6~", "\x1b", "\r", "\x1b[D", "\x1b[C"
HELD = 1 / 30
TYPED = 1 / 8
QUIET = 0.35
ROUNDS = 3
READY = b"saved scan"
WORDS = ("shop-api", "postgres", "apt-get", "nosuch")
FILTERS = ("unused >500MB", "older:30d repo:api", "shared billing")


@dataclass(frozen=True, slots=True)
class Case:
    """Some keys, and what one of them may cost on the big host."""

    name: str
    keys: Sequence[str]
    every: float
    limit: float
    """Milliseconds of processor time."""
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    steady: bool = False
    """Must cost the same whatever the number of rows."""


def cases(count: int) -> list[Case]:
    """Return what is measured, ``count`` keys each where there is a choice."""

    def moves(name: str, before: Sequence[str] = (), after: Sequence[str] = ()) -> list[Case]:
        return [
            Case(f"{name}, held", [DOWN] * count, HELD, 8, before, [*after, "g"]),
            Case(f"{name}, to and fro", ([DOWN] * 9 + [UP] * 9) * 3, HELD, 8, before, after, steady=True),
            Case(f"{name}, one by one", [DOWN] * count, TYPED, 8, before, [*after, "g"]),
            Case(f"{name}, page down", [PAGE_DOWN] * (count // 4), TYPED, 40, before, [*after, "g"]),
        ]

    found = moves("images")
    found += moves("images, grouped", ["o"], ["o"])
    for word in WORDS:
        found.append(Case(f"find {word}", list(word), TYPED, 30, ["/"], [ESCAPE]))
    found.append(Case("next hit", ["n"] * (count // 2), TYPED, 30, ["/", *"api", ENTER], [ESCAPE]))
    for text in FILTERS:
        found.append(Case(f"filter {text}", list(text), TYPED, 40, ["&"], [ESCAPE]))
    found.append(Case("sort", ["s"] * 8, TYPED * 2, 40))
    found.append(Case("group and back", ["o", "o"] * 3, TYPED * 2, 40))
    found.append(Case("mark", [" "] * (count // 2), TYPED, 30, after=["u"]))
    for number in range(2, 7):
        found += moves(f"view {number}", [str(number)], ["1"])[:3]
        found.append(Case(f"to view {number} and back", [str(number), "1"] * 5, TYPED * 2, 40))
    found.append(Case("view 4, find shop-api", list("shop-api"), TYPED, 30, ["4", "/"], [ESCAPE, "1"]))
    return found


class Session:
    """The interface in a pseudo-terminal."""

    def __init__(self, path: Path, columns: int, lines: int) -> None:
        """Open a saved scan. What the session keeps of its settings stays in the folder of the scan."""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none")
            os.environ.update({f"XDG_{name}_HOME": str(path.parent) for name in ("STATE", "CONFIG", "CACHE", "DATA")})
            os.environ.pop("NO_COLOR", None)
            os.execv(sys.executable, [sys.executable, "-m", "layerscope", "-f", str(path)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.clock = ((~self.pid) << 3) | 2  # clock_getcpuclockid(3): the processor time of another process
        self.written = 0
        self.last = b""

    def cpu(self) -> float:
        """Processor time of the process so far, in seconds."""
        return time.clock_gettime(self.clock)

    def drain(self, seconds: float) -> bool:
        """Read what it draws for some time; True when it drew anything."""
        until, drew = time.monotonic() + seconds, False
        while (left := until - time.monotonic()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                self._read()
                drew = True
        return drew

    def start(self, most: float = 60) -> None:
        """Wait until the host is on screen."""
        until = time.monotonic() + most
        seen = b""
        while READY not in seen and time.monotonic() < until:
            if select.select([self.fd], [], [], 1)[0]:
                seen = seen[-len(READY) :] + self._read()
        self.settle()

    def _read(self) -> bytes:
        try:
            self.last = os.read(self.fd, 1 << 16)
        except OSError:
            raise SystemExit(f"the interface ended: {self.last[-2000:].decode(errors='replace')}") from None
        self.written += len(self.last)
        return self.last

    def settle(self, most: float = 20) -> None:
        """Wait until it has drawn nothing for a while."""
        until = time.monotonic() + most
        while self.drain(QUIET) and time.monotonic() < until:
            pass

    def press(self, keys: Sequence[str], every: float) -> None:
        """Press keys, so many seconds apart, and wait for the end of what they cause."""
        for key in keys:
            os.write(self.fd, key.encode())
            self.drain(every)
        self.settle(5)

    def measure(self, case: Case) -> tuple[float, float]:
        """Return (milliseconds of processor time, bytes drawn) of one key: in the best of some rounds."""
        rounds = []
        for _ in range(ROUNDS):
            self.press(case.before, TYPED)
            at, drawn = self.cpu(), self.written
            self.press(case.keys, case.every)
            rounds.append((self.cpu() - at, self.written - drawn))
            self.press(case.after, TYPED)
        spent, drawn = min(rounds)
        return spent * 1000 / len(case.keys), drawn / len(case.keys)

    def memory(self) -> float:
        """The most memory it ever held, in MB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--layers", type=int, default=40000)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    args = parser.parse_args()
    columns, lines = map(int, args.size.split("x"))
    hosts = {"small": (50, 200), "big": (args.images, args.layers)}
    results: dict[str, list[tuple[float, float]]] = {}
    memory: dict[str, float] = {}
    wanted = [case for case in cases(args.keys) if args.only in case.name]
    with tempfile.TemporaryDirectory() as folder:
        for name, (images, layers) in hosts.items():
            path = Path(folder, f"{name}.scan.json.gz")
            save_inventory(big_host(images, layers), path)
            session = Session(path, columns, lines)
            try:
                session.start()
                results[name] = [session.measure(case) for case in wanted]
                memory[name] = session.memory()
            finally:
                session.close()

    print(f"{args.size}; small: {hosts['small'][0]} images, big: {args.images:,} images on {args.layers:,} layers")
    print(f"{'milliseconds of processor time a key':38}{'small':>8}{'big':>8}{'ratio':>7}{'limit':>7}{'bytes':>8}")
    missed = 0
    for case, (small, _), (big, drawn) in zip(wanted, results["small"], results["big"], strict=True):
        wrong = big > case.limit or (case.steady and big > 2 * small + 0.5)
        missed += wrong
        print(f"{case.name:38}{small:8.1f}{big:8.1f}{big / small:7.1f}{case.limit:7.0f}{drawn:8.0f}{'  !' * wrong}")
    print(f"{'memory at its most, MB':38}{memory['small']:8.0f}{memory['big']:8.0f}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
