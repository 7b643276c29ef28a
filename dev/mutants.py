"""How well the tests hold: break the code in one small place, run the tests that pass there, see one fail.

    python -m dev.mutants --of core --sample 300 --seed 1 --jobs 1

Prints each survivor, then the score. The sample is the same for the same seed and the same source; Hypothesis draws
the same examples each time (profile ``mutants`` of the root ``conftest.py``). Mutants that no test can tell from the
original are listed with a reason in ``mutants-equivalent.toml`` and are not counted. ``--part 2/4`` tries the second
quarter of a sample, for who has little time at once; ``--again`` goes on where a run was ended, or after tests were
added: what was killed in the same source is not tried again. ``--quick 1`` tries without the tests that take longer:
what survives that can be tried with all of them by ``--again``.

The maintained tools, mutmut and cosmic-ray, were read about and not measured against this. What this one was to have
and their manuals do not offer together: a sample with a seed over a folder, tests chosen for each mutant by the lines
that they ran, the quick ones first and no further than the first failure, and a list of equivalent mutants in which
each has its reason.

It works in copies of the checkout, in forks of one process that has imported what the tests import of others.
A test may take five times the CPU time that it took before, and ten seconds. What the tests ran is kept
in the folder for temporary files, under a hash of the checkout, and used again while nothing changed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import hashlib
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dev.mutations import ROOT, Mutant, equivalents, mutants_of

if TYPE_CHECKING:
    import pytest

PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "core": ("layerscope/core", ("tests/core", "tests/views", "tests/output", "tests/search")),
    "scanfile": ("layerscope/sources/scanfile.py", ("tests/sources", "tests/core/test_recordings.py")),
    "scanread": ("layerscope/sources/scanread.py", ("tests/sources", "tests/core/test_recordings.py")),
    "jsonstream": ("layerscope/sources/jsonstream.py", ("tests/sources", "tests/core/test_recordings.py")),
    "remove": ("layerscope/engine/remove.py", ("tests/engine",)),
}
"""What is broken, and the tests that are there for it."""


def _copy(into: Path) -> Path:
    """Copy what git knows of the checkout, and new files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for name in listed:
        if name and (ROOT / name).is_file() and "__snapshots__" not in name and not name.endswith(".png"):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, into / name)
    return into


class Timer:
    """A pytest plugin: the CPU seconds of each test."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.start = 0.0

    def pytest_runtest_logstart(self) -> None:
        self.start = time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] = time.process_time() - self.start


class Watch:
    """A pytest plugin: writes down which test failed, and ends the process where one goes on without an end."""

    def __init__(self, file: Path, seconds: dict[str, float]) -> None:
        self.file = file
        self.seconds = seconds

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_PROF, 5 * self.seconds.get(nodeid, 0.0) + 10)  # CPU time; SIGPROF ends it
        self.file.with_suffix(".now").write_text(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.file.write_text(report.nodeid)


OURS = {"dev", "layerscope", "tests", "conftest"}
NOT_FOUND = 4
"""How pytest ends when a test that it is to run is not there."""
PYTEST = ("-q", "-p", "no:cacheprovider", "--assert=plain", "--dist=no", "-m", "not engine and not long and not sets")
"""Without ``--dist=no`` pytest-cov takes it for a run of several processes and tells no test from another."""


def _fork(copy: Path, runs: list[list[str]], limit: int, plugins: list[object], then: Path | None = None) -> int:
    """Start a process where pytest runs with these arguments in turn, until one run fails; return its number."""
    if pid := os.fork():
        return pid
    status = 70
    try:
        os.setsid()
        os.chdir(copy)
        log = os.open(copy / "mutant.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if limit:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        os.environ["PYTHONPATH"] = str(copy)
        sys.dont_write_bytecode = False  # tests are compiled once for a copy, and asserts are not rewritten
        gc.freeze()
        sys.path[:] = [str(copy), *(place for place in sys.path if Path(place or ".").resolve() != ROOT)]
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        import pytest  # noqa: PLC0415

        for args in runs:
            status = int(pytest.main([*PYTEST, *args], plugins=plugins))
            if status:
                break
        if then:
            (timer,) = (plugin for plugin in plugins if isinstance(plugin, Timer))
            others = sorted(name for name in sys.modules if name.partition(".")[0] not in OURS)
            then.write_text(json.dumps({"seconds": timer.seconds, "modules": others}))
    finally:
        sys.stdout.flush()
        os._exit(status)


def _own(mutant: Mutant) -> str:
    """What is in the name of a test of the module's own file."""
    return f"/test_{Path(mutant.module).stem}.py::"


@dataclass
class Baseline:
    """What the tests do with the source as it is."""

    seconds: dict[str, float]
    modules: list[str]
    """Of others, that the tests import: they need not be imported for each mutant."""
    ran: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """By module and line."""

    def tests(self, mutant: Mutant, quick: float) -> list[str]:
        """Return the tests that ran the mutant's statement, none over ``quick`` CPU seconds; of a module's level, all.

        Those of the module's own file come first, and of these and the others the quick ones.
        """
        lines = self.ran.get(mutant.module, {})
        found = {test for line in mutant.lines for test in lines.get(line, ())}
        if "" in found and not found - {""}:
            found = {test for tests in lines.values() for test in tests}
            found = found if found - {""} else set(self.seconds)  # a table that others read: any test may tell
            found |= {test for test in self.seconds if _own(mutant) in test}  # which may read nothing but that
        times = {test: self.seconds.get(test, 0.0) for test in found - {""}}
        return sorted(
            (test for test in times if times[test] <= quick), key=lambda t: (_own(mutant) not in t, times[t], t)
        )


def _baseline(copy: Path, module: str, tests: tuple[str, ...]) -> Baseline:
    from coverage import CoverageData  # noqa: PLC0415

    state = hashlib.sha256(repr((module, tests, PYTEST)).encode())
    for file in sorted(copy.rglob("*")):
        if file.is_file() and file.suffix in {".py", ".toml", ".gz", ".json"} and "mutants" not in file.name:
            state.update(f"{file.relative_to(copy)}\0".encode() + file.read_bytes())
    kept = Path(tempfile.gettempdir()) / f"layerscope-mutants-{state.hexdigest()[:16]}.json"
    if kept.exists():
        found = json.loads(kept.read_text())
        ran = {name: {int(line): names for line, names in lines.items()} for name, lines in found["ran"].items()}
        return Baseline(found["seconds"], found["modules"], ran)
    place = module.removesuffix(".py").replace("/", ".")
    there = [test for test in tests if (copy / test).exists()]
    cover = [f"--cov={place}", "--cov-context=test", "--cov-report="]
    timed = copy / "timed.json"
    _, status = os.waitpid(_fork(copy, [["--hypothesis-profile=mutants", *cover, *there]], 0, [Timer()], timed), 0)
    if os.waitstatus_to_exitcode(status) != 0:
        print((copy / "mutant.log").read_text()[-4000:])
        raise SystemExit("mutants: the tests fail as they are; nothing was broken yet")
    baseline = Baseline(**json.loads(timed.read_text()))
    data = CoverageData(str(copy / ".coverage"))
    data.read()
    for file in data.measured_files():
        contexts = {
            line: sorted({test.partition("|")[0] for test in tests})
            for line, tests in data.contexts_by_lineno(file).items()
        }
        baseline.ran[str(Path(file).relative_to(copy.resolve()))] = contexts
    if not any(name for lines in baseline.ran.values() for names in lines.values() for name in names):
        raise SystemExit("mutants: it was not measured which test runs which line")
    kept.write_text(json.dumps(vars(baseline)))
    return baseline


def _put(module: Path, source: bytes) -> None:
    """Write a module, to be compiled anew: after a change of the same size in the same second Python would not."""
    module.write_bytes(source)
    for compiled in module.parent.glob(f"__pycache__/{module.stem}.*"):
        compiled.unlink()


def _outcomes(
    copies: list[Path], mutants: list[Mutant], baseline: Baseline, quick: float
) -> Iterator[tuple[Mutant, str]]:
    """Yield what became of each mutant: one of :data:`KILLED`, ``survived``, or ``not run by any test``."""
    waiting = list(reversed(mutants))
    idle = list(copies)
    running: dict[int, tuple[Mutant, Path, bytes, float]] = {}
    killers: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    """What killed mutants of the same function: tried first."""
    renamed: set[Mutant] = set()
    """Those with which a test has another name, being named after a table's row: its files are run whole."""
    while waiting or running:
        while waiting and idle:
            mutant = waiting.pop()
            tests = baseline.tests(mutant, quick)
            if not tests:
                yield mutant, "not run by any test"
                continue
            seconds = sum(baseline.seconds.get(test, 0.0) for test in tests)
            first = [test for test, _ in killers[mutant.module, mutant.function].most_common() if test in tests]
            first += [test for test in tests if _own(mutant) in test and test not in first]
            steps = [first, [test for test in tests if test not in first]]  # few modules are imported for the first
            if mutant in renamed:
                steps = [list(dict.fromkeys(test.partition("::")[0] for test in tests))]
            copy = idle.pop()
            source = (copy / mutant.module).read_bytes()
            _put(copy / mutant.module, mutant.applied(source))
            limit = int(5 * (sum(baseline.seconds.values()) if mutant in renamed else seconds)) + 10
            (copy / "failed").unlink(missing_ok=True)
            watch = Watch(copy / "failed", baseline.seconds)
            runs = [["-x", "--hypothesis-profile=mutants", *some] for some in steps if some]
            pid = _fork(copy, runs, limit, [watch])
            running[pid] = mutant, copy, source, time.monotonic() + 20 * limit
        if not running:
            continue
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            time.sleep(0.02)
            for stuck in [one for one, (*_, end) in running.items() if time.monotonic() > end]:
                os.killpg(stuck, signal.SIGKILL)  # it waits for what never comes, and uses no CPU
            continue
        if pid not in running:
            continue
        mutant, copy, source, _ = running.pop(pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # what its tests left running
        _put(copy / mutant.module, source)
        idle.append(copy)
        code = os.waitstatus_to_exitcode(status)
        if code == NOT_FOUND and mutant not in renamed:
            renamed.add(mutant)
            waiting.append(mutant)
            continue
        if code == -signal.SIGPROF:
            (copy / "failed.now").rename(copy / "failed")
        if code and (copy / "failed").exists():
            killers[mutant.module, mutant.function][(copy / "failed").read_text()] += 1
        yield mutant, "survived" if code == 0 else "out of time" if code < 0 else "killed"


KILLED = ("killed", "out of time")


def _name(mutant: Mutant) -> str:
    return f"{mutant.module}:{mutant.start}-{mutant.end} {mutant.now}"


def _results(mutants: list[Mutant]) -> Path:
    """Where it is kept what became of mutants of the source as it is."""
    state = hashlib.sha256(repr([(_name(mutant), mutant.code) for mutant in mutants]).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"layerscope-mutants-{state}.killed"


def _before(mutants: list[Mutant]) -> dict[str, str]:
    """Return what became of each that was tried, by name."""
    kept = _results(mutants)
    return dict(map(json.loads, kept.read_text().splitlines())) if kept.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--of", choices=sorted(PLACES), default="core")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=300, help="0: all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--quick", type=float, default=1e9, help="only tests that take so many CPU seconds at the most")
    parser.add_argument("--part", default="1/1", help="which of how many parts of the sample")
    parser.add_argument("--again", action="store_true", help="after tests were added: try what was not killed before")
    parser.add_argument("--match", default="", help="only mutants whose line or module has this text, all of them")
    args = parser.parse_args()
    place, tests = PLACES[args.of]
    known = equivalents()
    mutants = mutants_of(place)
    if args.match:
        drawn = [one for one in mutants if args.match in f"{one.module} {one.function} {one.code}" and one.compiles]
    else:
        drawn = random.Random(args.seed).sample(mutants, len(mutants))
        drawn = list(islice((mutant for mutant in drawn if mutant.compiles), args.sample or None))
    part, parts = map(int, args.part.split("/"))
    drawn = drawn[part - 1 :: parts]
    alike = [mutant for mutant in drawn if mutant.key in known]
    drawn = [mutant for mutant in drawn if mutant.key not in known]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies = [_copy(Path(folder) / str(number)) for number in range(args.jobs)]
        baseline = _baseline(copies[0], place, tests)
        for name in baseline.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        before = _before(mutants) if args.again else {}
        killed = {name for name, outcome in before.items() if outcome in KILLED}
        counts: dict[str, int] = {"killed": sum(_name(mutant) in killed for mutant in drawn)} if killed else {}
        left = [mutant for mutant in drawn if _name(mutant) not in killed]
        left.sort(key=lambda mutant: _name(mutant) in before)  # what was not tried yet comes first
        for number, (mutant, outcome) in enumerate(
            _outcomes(copies, left, baseline, args.quick), 1 + len(drawn) - len(left)
        ):
            counts[outcome] = counts.get(outcome, 0) + 1
            with _results(mutants).open("a") as results:
                results.write(json.dumps([_name(mutant), outcome]) + "\n")
            if outcome not in KILLED:
                print(f"[{number}/{len(drawn)}] {outcome}: {mutant}", flush=True)
    dead = sum(counts.get(outcome, 0) for outcome in KILLED)
    print(f"{args.of}, seed {args.seed}: {len(mutants)} mutants, {len(drawn)} tried, {len(alike)} equivalent: {counts}")
    print(f"score {dead / len(drawn):.1%}" if drawn else "nothing to try")


if __name__ == "__main__":
    main()
