"""How the interface is put together: what a reader relies on, and a change can break without anything looking wrong."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import textual
from textual.dom import DOMNode
from textual.message_pump import MessagePump
from textual.screen import Screen

import layerscope
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.leaves import LeavesOnce
from layerscope.tui.screens.main import MainScreen

ROOT = Path(layerscope.__file__).parent
TUI = ROOT / "tui"
HACKS = TUI / "textual_hacks.py"
MOST_LINES = 400
REASON = re.compile(r"\blines\b.*\bbecause\b", re.DOTALL)
"""What the docstring of a longer module says."""


def files() -> list[Path]:
    return sorted(TUI.rglob("*.py"))


def modules() -> Iterator[ModuleType]:
    for path in files():
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        yield importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def classes() -> list[type]:
    """Return every class that a module of the interface defines."""
    found = (value for module in modules() for value in vars(module).values() if inspect.isclass(value))
    return sorted(
        {one for one in found if one.__module__.startswith("layerscope.tui")}, key=lambda one: one.__qualname__
    )


def private_names(owner: type) -> set[str]:
    """Return the private names that classes of Textual give to an object: methods, and what they set on it."""
    bases = (base for base in owner.__mro__ if base.__module__.startswith("textual"))
    return set().union(*(names_in(base) for base in bases)) - MADE


MADE = frozenset(
    {"_computes", "_css_type_name", "_css_type_names", "_decorated_handlers", "_merged_bindings", "_reactives"}
)
"""What Textual gives every class of its own accord, ``_inherit_…`` and, for each reactive, ``_default_…``."""


@cache
def names_in(base: type) -> frozenset[str]:
    """Return the private names in a class: what it defines, and what it sets or asks of itself."""
    found = set(vars(base))
    for node in ast.walk(ast.parse(inspect.cleandoc("\n" + inspect.getsource(base)))):
        if isinstance(node, ast.Attribute):
            owner = node.value
            if isinstance(owner, ast.Call) or (isinstance(owner, ast.Name) and owner.id == "self"):  # super()._name
                found.add(node.attr)
    return frozenset(name for name in found if re.match(r"_(?!_|inherit_|abc_|default_)", name))


def uses_of_private(source: str) -> list[str]:
    """Return what a module takes of Textual that begins with ``_``: by import, or of an object that is not itself."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [name for name in names if name.startswith("_")]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".") if alias.name.startswith("textual")]
            found += [name for name in names if name.startswith("_")]
    return found


def own_names(owner: type) -> set[str]:
    """Return the private names that our classes among the bases of ``owner`` define or set."""
    return set().union(*(names_in(base) for base in owner.__mro__ if base.__module__.startswith("layerscope"))) - MADE


def test_the_search_for_private_names_finds_some() -> None:
    assert uses_of_private(HACKS.read_text(encoding="utf-8")) == ["_callback", "_styles_cache"]
    assert {"_set_dirty", "_size", "_border_title"} <= private_names(Screen)
    from layerscope.tui.textual_hacks import HearsOfDirt

    assert "_set_dirty" in own_names(HearsOfDirt)


@pytest.mark.parametrize("path", [path for path in files() if path != HACKS], ids=lambda path: path.stem)
def test_private_parts_of_textual_are_imported_in_one_module(path: Path) -> None:
    assert not uses_of_private(path.read_text(encoding="utf-8"))


def test_private_names_of_textual_are_used_in_one_module() -> None:
    every = set().union(*(private_names(one) for one in classes() if issubclass(one, MessagePump)))
    wrong = []
    for path in files():
        if path == HACKS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in every:
                mine = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
                if not mine:
                    wrong.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    assert not wrong


OVERRIDDEN = {
    "_action_command_list",
    "_check_bindings",
    "_exit_renderables",
    "_gather_commands",
    "_print_error_renderables",
    "_set_dirty",
    "_watch__list_visible",
    "_watch__show_busy",
}
"""On purpose, in textual_hacks alone."""


def test_no_class_takes_a_private_name_of_textual() -> None:
    """Not by accident either: what Textual keeps under the same name would be another thing."""
    wrong = {
        one.__qualname__: clash
        for one in classes()
        if issubclass(one, DOMNode) and (clash := own_names(one) & private_names(one) - OVERRIDDEN)
    }
    assert not wrong


def test_hacks_name_the_version_and_what_breaks() -> None:
    from layerscope.tui import textual_hacks

    told = [
        value
        for name, value in vars(textual_hacks).items()
        if getattr(value, "__module__", "") == textual_hacks.__name__ and not name.startswith("_")
    ]
    assert len(told) == 8
    for one in told:
        said = inspect.getdoc(one) or ""
        assert f"Textual {textual.__version__}" in said
        assert "Without:" in said


def test_no_screen_derives_from_another_of_ours() -> None:
    screens = [one for one in classes() if issubclass(one, Screen)]
    assert len(screens) > 8
    for screen in screens:
        above = [base.__name__ for base in screen.__mro__[1:] if base in screens and base is not Dialog]
        assert not above, screen


def test_every_screen_that_can_be_left_is_left_once() -> None:
    screens = [one for one in classes() if issubclass(one, Screen) and one is not MainScreen]
    assert len(screens) > 10
    assert [one.__name__ for one in screens if not issubclass(one, LeavesOnce)] == []


def test_the_app_is_thin() -> None:
    assert len((TUI / "app.py").read_text(encoding="utf-8").splitlines()) < 200


def test_long_modules_say_why() -> None:
    wrong = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        why = ast.get_docstring(ast.parse(text)) or ""
        if len(text.splitlines()) > MOST_LINES and not REASON.search(why):
            wrong.append(path.name)
    assert not wrong


def test_nobody_asks_which_view_it_is() -> None:
    asked = re.compile(r"isinstance\([^)]*(Pane|Views)\b")
    assert not [path.name for path in files() if asked.search(path.read_text(encoding="utf-8"))]


def test_public_classes_of_the_interface_have_names_of_their_own() -> None:
    """No other public class of the package is called as one of the interface is."""
    places: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, set()).add(str(path.relative_to(ROOT)))
    twice = {name: sorted(where) for name, where in places.items() if len(where) > 1}
    assert not {name: where for name, where in twice.items() if any(one.startswith("tui/") for one in where)}
