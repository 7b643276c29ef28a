"""Widgets and component classes have the styles that Textual itself would give them, whatever was done before."""

from __future__ import annotations

import gc
import weakref

import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

from layerscope.tui.app import LayerscopeApp
from layerscope.tui.textual_hacks import QuickStylesheet
from tests.tui.harness import inventory, make_app, press, settled

STEPS = (
    (),
    ("down", "space", "/", "n", "o"),
    ("escape", "3", "enter", "right"),
    ("4", "right", "tab"),
    ("5", "question_mark"),
    ("escape", "6", "i"),
    ("escape", "1", "d"),
)
FLAGS = ("_has_hover_style", "_has_focus_within", "_has_order_style", "_has_odd_or_even")


def check(app: LayerscopeApp) -> int:
    """Compare all styles on screen with those of Textual's own stylesheet; return how many component classes are."""
    own = Stylesheet(variables=app.get_css_variables())
    own.source = app.stylesheet.source.copy()
    own.parse()
    count = 0
    for node in app.screen.walk_children(with_self=True):
        for name in node._get_component_classes():
            virtual = DOMNode(classes=name)
            virtual._attach(node)
            own.apply(virtual)
            assert node._component_styles[name].base._rules == virtual.styles.base._rules, (node, name)
            count += 1
        had = node.styles.base.get_rules(), [getattr(node, flag) for flag in FLAGS]
        own.apply(node)
        assert had == (node.styles.base.get_rules(), [getattr(node, flag) for flag in FLAGS]), node
    return count


async def test_styles_are_those_of_textual() -> None:
    app = make_app(inventory("docker-28.5-overlay2"))
    assert isinstance(app.stylesheet, QuickStylesheet)
    async with app.run_test(size=(120, 36)) as pilot:
        for keys in STEPS:
            await settled(pilot)
            await press(pilot, *keys)
            await settled(pilot)
            assert check(app)


@pytest.mark.parametrize("change", ["theme", "width", "focus"])
async def test_a_change_of_what_is_around_a_widget_is_seen(change: str) -> None:
    app = make_app(inventory("docker-28.5-overlay2"))
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        if change == "theme":
            app.theme = "textual-light"
        elif change == "width":
            await pilot.resize_terminal(80, 24)
        else:
            await press(pilot, "tab", "tab", "tab")
        await settled(pilot)
        assert check(app) > 80


async def test_what_was_found_in_rules_of_before_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QuickStylesheet, "_no_parts", lambda _: {})  # tests share them else
    app = make_app(inventory("docker-28.5-overlay2"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        sheet = app.stylesheet
        assert isinstance(sheet, QuickStylesheet)
        first = [weakref.ref(part) for part in sheet._parts.values() if part.rules]
        for theme in ("layerscope-light", "layerscope-dark", "layerscope-contrast"):
            app.theme = theme
            await settled(pilot)
        gc.collect()
        assert not [ref for ref in first if ref() is not None]
