"""Runs a process and says what it took; medians, ratios, exponents; the machine."""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time of the process and of those that it waited for."""
    memory: float
    """Bytes at the peak."""


@dataclass(slots=True)
class Series:
    """One thing that was measured, at one size."""

    name: str
    size: int
    """Images; 0 where there are none in it."""
    taken: list[Taken] = field(default_factory=list)

    def median(self, what: str) -> float:
        """Return the median of ``wall``, ``cpu`` or ``memory``."""
        return float(statistics.median(getattr(one, what) for one in self.taken))


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which Python keeps what it compiles, and its output in a buffer, as for a user."""
    without = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH", "COVERAGE_PROCESS_START"}
    return {name: text for name, text in os.environ.items() if name not in without} | more


@cache
def _runner() -> subprocess.Popen[str]:
    command = [sys.executable, "-S", "-E", str(Path(__file__).with_name("runner.py"))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def run(command: Sequence[str], env: Mapping[str, str]) -> Taken:
    """Run a command to its end, its output thrown away. Raises RuntimeError when it fails."""
    runner = _runner()
    assert runner.stdin is not None
    assert runner.stdout is not None
    runner.stdin.write(json.dumps([list(command), dict(env)]) + "\n")
    runner.stdin.flush()
    code, wall, cpu, memory, said = json.loads(runner.stdout.readline())
    if code:
        raise RuntimeError(f"{' '.join(command)}: {said}")
    return Taken(wall, cpu, memory)


def in_turns(commands: Mapping[str, Sequence[str]], size: int, rounds: int, env: Mapping[str, str]) -> list[Series]:
    """Run the commands one after the other, and so ``rounds`` times: what disturbs one disturbs all."""
    found = [Series(name, size) for name in commands]
    for _ in range(rounds):
        for series, command in zip(found, commands.values(), strict=True):
            series.taken.append(run(command, env))
    return found


def exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """Return by which power of the first number the second grows: the slope of a line through the logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in points if y > 0]
    if len(logs) < 2:
        return None
    return statistics.linear_regression(*zip(*logs, strict=True)).slope


def machine() -> str:
    """Return what the figures are of: processor, cores, memory, system, Python."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )
