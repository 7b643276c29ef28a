"""Keys: the groups under which help and palette list them, the bindings of a screen, and how keys are named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen
from textual.widget import Widget

MOVE = Binding.Group("Move")
VIEWS = Binding.Group("Views")
TREE = Binding.Group("In the tree")
MAP = Binding.Group("On the map")
COMPARE = Binding.Group("While comparing")
ENGINE = Binding.Group("In the engine view")
FIND = Binding.Group("Find, filter, sort")
TYPING = Binding.Group("While typing a find or filter")
MARK = Binding.Group("Mark and remove")
SHOW = Binding.Group("Look closer, copy, save")
APP = Binding.Group("Session")

ORDER = (MOVE, VIEWS, FIND, TYPING, MARK, SHOW, APP, TREE, MAP, COMPARE, ENGINE)
"""As they are listed. The keys of a group after APP are for one view only."""

_NAMES = {
    "enter": "Enter",
    "backspace": "Backspace",
    "escape": "Esc",
    "space": "Space",
    "tab": "Tab",
    "home": "Home",
    "end": "End",
    "pageup": "PgUp",
    "pagedown": "PgDn",
}


def key_name(key: str) -> str:
    """Return what a key is called on screen: ``↑``, ``Ctrl-u``, ``?``."""
    *modifiers, last = key.strip().split("+")
    name = _NAMES.get(last) or format_key(last)
    return "-".join([*(word.capitalize() for word in modifiers), name])


def keys_of(binding: Binding) -> list[str]:
    """Return the names of all keys of a binding."""
    return [binding.key_display] if binding.key_display else [key_name(key) for key in binding.key.split(",")]


class Bound(NamedTuple):
    """A binding, with the node that its action is run on."""

    binding: Binding
    node: DOMNode

    @property
    def title(self) -> str:
        """What it does, in a few words."""
        return self.binding.tooltip or self.binding.description

    @property
    def action(self) -> str:
        """The name of its action alone."""
        return self.binding.action.split("(")[0].rpartition(".")[2]

    @property
    def possible(self) -> bool:
        """Does it do anything as things are?"""
        return bool(self.node.check_action(self.action, ()))

    @property
    def group(self) -> str:
        """The task it belongs to; ``""`` for none."""
        return self.binding.group.description if self.binding.group is not None else ""


def bindings_of(screen: Screen[Any], *, shown: bool = False) -> Iterator[Bound]:
    """Give our bindings that a screen has: of the app, the screen and the widgets on it, those of each class once.

    The order is always the same: the app's, the screen's, then those of widgets, inner ones before what is around
    them. With ``shown`` only those of widgets that are on view. Of several widgets of one class, the one with the
    focus is to act, else the first.
    """
    focused = screen.focused.ancestors_with_self if screen.focused is not None else []
    widgets = [node for node in _inner_first(screen) if isinstance(node, Widget) and node is not screen]
    if shown:
        widgets = [node for node in widgets if _on_view(node)]
    seen: set[type] = set()
    for node in (screen.app, screen, *widgets):
        for owner in reversed(type(node).__mro__):  # what every list does comes before what one kind does besides
            if owner in seen or not owner.__module__.startswith("layerscope"):
                continue
            seen.add(owner)
            acts = next((other for other in focused if isinstance(other, owner) and other in widgets), node)
            for binding in owner.__dict__.get("BINDINGS", ()):
                if isinstance(binding, Binding):
                    yield Bound(binding, acts)


def _inner_first(node: DOMNode) -> Iterator[DOMNode]:
    for child in node.children:
        yield from _inner_first(child)
    yield node


def _on_view(widget: Widget) -> bool:
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))
