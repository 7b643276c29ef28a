"""Where code can be broken in one small place, and how: the mutants of ``dev.mutants``."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

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

    @property
    def compiles(self) -> bool:
        """Is it Python?"""
        try:
            compile(self.applied((ROOT / self.module).read_bytes()), self.module, "exec")
        except SyntaxError:
            return False
        return True

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
        was = self.source[start:end].decode()
        place = self.module, ".".join(self.where), line, frozenset(lines)
        self.found.append(Mutant(*place, was, now, start, end, code))

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
