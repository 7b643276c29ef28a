"""How well the tests hold: break the code in one small place, run the tests that pass there, see one fail.

    python -m dev.mutants --of core --sample 300 --seed 1 --jobs 1

Prints each survivor, then the score. The sample is the same for the same seed and the same source; Hypothesis draws
the same examples each time (profile ``mutants`` of the root ``conftest.py``). Mutants that no test can tell from the
original are listed with a reason in ``mutants-equivalent.toml`` and are not counted. ``--part 2/4`` tries the second
quarter of a sample, for who has little time at once; ``--again`` goes on where a run was ended, or after tests were
added: what was killed in the same source is not tried again.

The maintained tools, mutmut and cosmic-ray, were read about and not measured against this. What this one was to have
and their manuals do not offer together: a sample with a seed over a folder, tests chosen for each mutant by the lines
that they ran, the quick ones first and no further than the first failure, and a list of equivalent mutants in which
each has its reason.

It works in copies of the checkout, in forks of one process that has imported what the tests import of others.
A mutant's tests may take five times the CPU time that they took before, and ten seconds. What the tests ran is kept
in the folder for temporary files, under a hash of the checkout, and used again while nothing changed.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import importlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

PLACES: dict[str, tuple[str, tuple[str, ...]]] = {
    "core": ("layerscope/core", ("tests/core", "tests/views", "tests/output")),
    "scanfile": ("layerscope/sources/scanfile.py", ("tests/sources", "tests/core/test_recordings.py")),
    "remove": ("layerscope/engine/remove.py", ("tests/engine",)),
}
"""What is broken, and the tests that are there for it."""

SWAPS: dict[str, str] = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "in": "not in", "not in": "in", "is": "is not", "is not": "is",
    "and": "or", "or": "and",
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "*", "<<": ">>", ">>": "<<", "|": "&", "&": "|", "^": "|",
    "+=": "-=", "-=": "+=", "*=": "+=", "|=": "&=", "&=": "|=",
    "min": "max", "max": "min", "any": "all", "all": "any", "continue": "break", "break": "continue",
}  # fmt: skip
_OPERATOR = re.compile(r"not\s+in|is\s+not|[<>=!]=|<<=?|>>=?|//=?|\*\*|[-+*%|&^/]=?|[<>]|\b(?:in|is|and|or)\b")


@dataclass(frozen=True)
class Mutant:
    """One change of the source."""

    module: str
    function: str
    """Where it is: ``Class.method``."""
    line: int
    lines: frozenset[int]
    """Of the statement: the tests that ran one of them are run."""
    was: str
    now: str
    start: int
    """In bytes of the file, as ``end``."""
    end: int
    code: str
    """The line it begins in."""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What tells it from others without a line number, as in the list of equivalent ones."""
        return self.module, self.function, self.code, self.was, self.now

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.now.encode() + source[self.end :]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} in {self.function}: {_short(self.was)} → {_short(self.now)}\n    {self.code}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"


class Finder(ast.NodeVisitor):
    """Finds the places of one file that can be broken."""

    def __init__(self, module: str, source: bytes) -> None:
        self.module, self.source = module, source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.where: list[str] = []
        self.names: set[str] = set()
        self.statement: ast.stmt | None = None
        self.found: list[Mutant] = []
        self.visit(ast.parse(source))

    def span(self, node: ast.AST) -> tuple[int, int]:
        at = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return at, self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def add(self, start: int, end: int, now: str) -> None:
        line = self.source.count(b"\n", 0, start) + 1
        code = self.source[self.starts[line - 1] : self.starts[line]].decode().strip()
        lines = {line}
        if self.statement is not None:
            last = self.statement.end_lineno or line
            body = getattr(self.statement, "body", None)
            if isinstance(body, list) and not isinstance(self.statement, ast.Try):
                last = max(self.statement.lineno, body[0].lineno - 1)
            lines.update(range(self.statement.lineno, last + 1))
        mutant = Mutant(
            self.module, ".".join(self.where), line, frozenset(lines), self.source[start:end].decode(), now, start, end,
            code,
        )  # fmt: skip
        try:
            compile(mutant.applied(self.source), self.module, "exec")
        except SyntaxError:
            return
        self.found.append(mutant)

    def replace(self, node: ast.AST, now: str) -> None:
        self.add(*self.span(node), now)

    def between(self, left: ast.AST, right: ast.AST) -> None:
        """Swap the operator between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        gap = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment[0]), self.source[start:end]).decode()
        if (found := _OPERATOR.search(gap)) and (now := SWAPS.get(" ".join(found[0].split()))):
            self.add(start + len(gap[: found.start()].encode()), start + len(gap[: found.end()].encode()), now)

    # -- what is walked ------------------------------------------------------------------

    def visit(self, node: ast.AST) -> None:
        before = self.statement
        if isinstance(node, ast.stmt):
            self.statement = node
        super().visit(node)
        self.statement = before

    def _scope(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.where.append(node.name)
        before = self.names
        bound = [name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
        self.names = {name for name in bound if bound.count(name) > 1}
        if not isinstance(node, ast.ClassDef):
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                self.visit(default)
            self.names |= {arg.arg for arg in [*node.args.args, *node.args.kwonlyargs] if arg.arg in bound}
        for child in node.body:
            self.visit(child)
        self.names = before
        self.where.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _scope

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not (isinstance(node.value, ast.Name) and node.value.id == "Literal"):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call) and self.where:
            self.replace(node, "pass")
        self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if "AssertionError" not in self.text(node):
            self.replace(node, "pass")
            self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self.replace(node, "pass")

    def visit_Assign(self, node: ast.Assign) -> None:
        (target, *_) = node.targets
        if self.where and (not isinstance(target, ast.Name | ast.Tuple) or getattr(target, "id", "") in self.names):
            self.replace(node, "pass")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.replace(node, "pass")
        self.between(node.target, node.value)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value and self.text(node.value) != "None":
            self.replace(node.value, "None")
        self.generic_visit(node)

    def _loop_end(self, node: ast.Continue | ast.Break) -> None:
        self.replace(node, SWAPS[self.text(node)])

    visit_Continue = visit_Break = _loop_end

    def _test(self, node: ast.If | ast.While | ast.IfExp) -> None:
        if not ((isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING") or self.where == []):
            self.replace(node.test, f"(not ({self.text(node.test)}))")
        self.generic_visit(node)

    visit_If = visit_While = visit_IfExp = _test

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self.replace(test, "True")
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            self.between(left, right)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.between(node.left, node.right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            self.between(left, right)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self.replace(node, f"({self.text(node.operand)})")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in SWAPS:
            self.replace(node.func, SWAPS[node.func.id])
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.replace(node, f'"XX" {self.text(node)}')

    def visit_Constant(self, node: ast.Constant) -> None:
        value, text = node.value, self.text(node)
        if isinstance(value, bool):
            self.replace(node, str(not value))
        elif isinstance(value, int | float):
            self.replace(node, str(value + 1))
        elif isinstance(value, str | bytes):
            self.replace(node, f'{"b" if isinstance(value, bytes) else ""}"XX" {text}')


def mutants_of(place: str) -> list[Mutant]:
    """Return all mutants of a place, in the order of the source."""
    path = ROOT / place
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [mutant for file in files for mutant in Finder(str(file.relative_to(ROOT)), file.read_bytes()).found]


def equivalents() -> set[tuple[str, str, str, str, str]]:
    """Return the keys of the mutants that are listed as equivalent; each must have its reason."""
    listed = tomllib.loads((HERE / "mutants-equivalent.toml").read_text()).get("mutant", [])
    assert all(one["reason"].strip() for one in listed)
    return {(one["module"], one["function"], one["code"], one["was"], one["now"]) for one in listed}


# -- running ---------------------------------------------------------------------------


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


OURS = {"dev", "layerscope", "tests", "conftest"}
PYTEST = ("-q", "-p", "no:cacheprovider", "-m", "not engine and not long and not cpu")


def _fork(copy: Path, args: list[str], limit: int, plugins: list[object], then: Path | None = None) -> int:
    """Start pytest in a process of its own; return its number."""
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
        sys.path[:] = [str(copy), *(place for place in sys.path if Path(place or ".").resolve() != ROOT)]
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        import pytest  # noqa: PLC0415

        status = int(pytest.main([*PYTEST, *args], plugins=plugins))
        if then:
            (timer,) = (plugin for plugin in plugins if isinstance(plugin, Timer))
            others = sorted(name for name in sys.modules if name.partition(".")[0] not in OURS)
            then.write_text(json.dumps({"seconds": timer.seconds, "modules": others}))
    finally:
        sys.stdout.flush()
        os._exit(status)


@dataclass
class Baseline:
    """What the tests do with the source as it is."""

    seconds: dict[str, float]
    modules: list[str]
    """Of others, that the tests import: they need not be imported for each mutant."""
    ran: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    """By module and line."""

    def tests(self, mutant: Mutant) -> list[str]:
        """Return the tests that ran the mutant's statement, the quick ones first; of a module's level, all of it."""
        lines = self.ran.get(mutant.module, {})
        found = {test for line in mutant.lines for test in lines.get(line, ())}
        if "" in found and not found - {""}:
            found = {test for tests in lines.values() for test in tests}
            found = found if found - {""} else set(self.seconds)  # a table that others read: any test may tell
        return sorted(found - {""}, key=lambda test: (self.seconds.get(test, 0.0), test))


def _baseline(copy: Path, module: str, tests: tuple[str, ...]) -> Baseline:
    from coverage import CoverageData  # noqa: PLC0415

    state = hashlib.sha256(repr((module, tests)).encode())
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
    _, status = os.waitpid(_fork(copy, ["--hypothesis-profile=mutants", *cover, *there], 0, [Timer()], timed), 0)
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
    kept.write_text(json.dumps(vars(baseline)))
    return baseline


def _put(module: Path, source: bytes) -> None:
    """Write a module, to be compiled anew: after a change of the same size in the same second Python would not."""
    module.write_bytes(source)
    for compiled in module.parent.glob(f"__pycache__/{module.stem}.*"):
        compiled.unlink()


def _outcomes(copies: list[Path], mutants: list[Mutant], baseline: Baseline) -> Iterator[tuple[Mutant, str]]:
    """Yield what became of each mutant: killed, out of time, survived, or that no test runs it."""
    waiting = list(reversed(mutants))
    idle = list(copies)
    running: dict[int, tuple[Mutant, Path, bytes, float]] = {}
    while waiting or running:
        while waiting and idle:
            mutant = waiting.pop()
            tests = baseline.tests(mutant)
            if not tests:
                yield mutant, "not run by any test"
                continue
            copy = idle.pop()
            source = (copy / mutant.module).read_bytes()
            _put(copy / mutant.module, mutant.applied(source))
            seconds = sum(baseline.seconds.get(test, 0.0) for test in tests)
            limit = int(5 * seconds) + 10
            pid = _fork(copy, ["-x", "--hypothesis-profile=mutants", *tests], limit, [])
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
        yield mutant, "survived" if code == 0 else "out of time" if code < 0 else "killed"


def _name(mutant: Mutant) -> str:
    return f"{mutant.module}:{mutant.start}-{mutant.end} {mutant.now}"


def _results(mutants: list[Mutant]) -> Path:
    """Where it is kept which mutants of the source as it is were killed."""
    state = hashlib.sha256(repr([(_name(mutant), mutant.code) for mutant in mutants]).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"layerscope-mutants-{state}.killed"


def _killed_before(mutants: list[Mutant]) -> dict[str, str]:
    kept = _results(mutants)
    return dict(map(json.loads, kept.read_text().splitlines())) if kept.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--of", choices=sorted(PLACES), default="core")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sample", type=int, default=300, help="0: all")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part", default="1/1", help="which of how many parts of the sample")
    parser.add_argument("--again", action="store_true", help="after tests were added: try what was not killed before")
    parser.add_argument("--match", default="", help="only mutants whose line or module has this text, all of them")
    args = parser.parse_args()
    place, tests = PLACES[args.of]
    known = equivalents()
    drawn = mutants = mutants_of(place)
    if args.match:
        drawn = [mutant for mutant in mutants if args.match in f"{mutant.module} {mutant.function} {mutant.code}"]
    elif args.sample and args.sample < len(mutants):
        drawn = random.Random(args.seed).sample(mutants, args.sample)
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
        before = _killed_before(mutants) if args.again else {}
        counts: dict[str, int] = {"killed": sum(_name(mutant) in before for mutant in drawn)} if before else {}
        left = [mutant for mutant in drawn if _name(mutant) not in before]
        for number, (mutant, outcome) in enumerate(_outcomes(copies, left, baseline), 1 + len(drawn) - len(left)):
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome in {"killed", "out of time"}:
                with _results(mutants).open("a") as results:
                    results.write(json.dumps([_name(mutant), outcome]) + "\n")
            if outcome in {"survived", "not run by any test"}:
                print(f"[{number}/{len(drawn)}] {outcome}: {mutant}", flush=True)
    dead = counts.get("killed", 0) + counts.get("out of time", 0)
    print(f"{args.of}, seed {args.seed}: {len(mutants)} mutants, {len(drawn)} tried, {len(alike)} equivalent: {counts}")
    print(f"score {dead / len(drawn):.1%}" if drawn else "nothing to try")


if __name__ == "__main__":
    main()
