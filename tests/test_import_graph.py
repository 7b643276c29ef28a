"""The graph of imports among our modules has no circle: imports for types only and those inside functions count too.

What each room may import is in the contracts in pyproject.toml (``lint-imports``); this sees circles inside a room.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import layerscope

PACKAGE = Path(layerscope.__file__).parent
ONLY_IN = {"humanize": "layerscope.units", "docker": "layerscope.engine", "textual": "layerscope.tui"}
"""Packages of others, and the one module or package of ours that may import each."""

CIRCLES_YET: frozenset[str] = frozenset()
"""Modules that are in a circle today. Only ever taken from: one that is in no circle any more must go from here."""

Graph = dict[str, set[str]]


def sources(folder: Path, package: str) -> dict[str, str]:
    """Return the source of every module under a folder, by its dotted name."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = (package, *path.relative_to(folder).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def imported(source: str) -> Iterator[tuple[str, str]]:
    """Give what a module imports, wherever in it that stands, as (module, name in it or "")."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from ((node.module or "", alias.name) for alias in node.names)


def import_graph(modules: dict[str, str]) -> Graph:
    """Return module -> the modules of the same set that it imports."""
    graph: Graph = {name: set() for name in modules}
    for name, source in modules.items():
        for module, item in imported(source):
            inner = f"{module}.{item}"
            graph[name] |= {inner if inner in modules else module} & modules.keys()
    return graph


def in_circles(graph: Graph) -> list[set[str]]:
    """Return each set of modules that all reach each other, a module that imports itself included."""
    reached = {name: _reach(graph, name) for name in graph}
    circles = [{name} | {other for other in reached[name] if name in reached[other]} for name in graph]
    return [set(c) for c in sorted({tuple(sorted(c)) for c in circles if len(c) > 1 or c <= reached[min(c)]})]


def _reach(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        new = graph[todo.pop()] - found
        found |= new
        todo += new
    return found


def in_any(circles: Iterable[set[str]]) -> set[str]:
    return set().union(*circles)


def test_no_module_is_in_a_circle_of_imports() -> None:
    circles = in_circles(import_graph(sources(PACKAGE, "layerscope")))
    new = [sorted(circle) for circle in circles if not circle <= CIRCLES_YET]
    assert not new, new
    assert in_any(circles) == CIRCLES_YET, "some are in no circle any more: take them from the list"


def test_each_package_of_others_comes_in_at_one_door() -> None:
    for name, source in sources(PACKAGE, "layerscope").items():
        for module, _ in imported(source):
            door = ONLY_IN.get(module.partition(".")[0], name)
            assert f"{name}.".startswith(f"{door}."), f"{name} imports {module}"


@pytest.mark.parametrize(
    ("modules", "circles"),
    [
        ({"p.a": "from p import b", "p.b": "import p.c", "p.c": "import json"}, []),
        ({"p.a": "from p import b", "p.b": "from p.a import x"}, [{"p.a", "p.b"}]),
        ({"p.a": "def f():\n    from p.b import x", "p.b": "import p.c", "p.c": "import p.a"}, [{"p.a", "p.b", "p.c"}]),
        ({"p.a": "if TYPE_CHECKING:\n    from p.b import X", "p.b": "from p.a import y"}, [{"p.a", "p.b"}]),
        ({"p.a": "import p.a", "p.b": "import p.a"}, [{"p.a"}]),
        ({"p": "from p.a import x", "p.a": "from p import y"}, [{"p", "p.a"}]),
        (
            {"p.a": "import p.b", "p.b": "import p.a", "p.c": "import p.d, p.a", "p.d": "import p.c"},
            [{"p.a", "p.b"}, {"p.c", "p.d"}],
        ),
    ],
)
def test_a_circle_is_seen_wherever_the_import_stands(modules: dict[str, str], circles: list[set[str]]) -> None:
    assert in_circles(import_graph(modules)) == circles
