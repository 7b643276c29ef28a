"""Each word has one meaning: no two public classes of the package have the same name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import layerscope


def public_classes(source: str) -> set[str]:
    """Return the names of the public classes that a module defines."""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name[0] != "_"}


def names_of_two(sources: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that classes in several of some modules have, with those modules."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for module, source in sources.items():
        for name in public_classes(source):
            found[name].append(module)
    return {name: modules for name, modules in found.items() if len(modules) > 1}


def test_no_two_public_classes_have_one_name() -> None:
    package = Path(layerscope.__file__).parent
    twice = names_of_two({str(path.relative_to(package)): path.read_text("utf-8") for path in package.rglob("*.py")})
    assert not twice


def test_a_name_of_two_is_found() -> None:
    sources = {"a": "class Step: ...\nclass _Own: ...", "b": "class Step: ...\nclass _Own: ...", "c": "class Line: ..."}
    assert names_of_two(sources) == {"Step": ["a", "b"]}
