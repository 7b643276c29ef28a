"""Fixtures for tests of the interface. Nothing moves in them, and no setting of this machine shows."""

import os

os.environ["TEXTUAL_ANIMATIONS"] = "none"  # read when Textual is imported

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.pilot import Pilot
from textual.screen import Screen

from layerscope.tui.app import LayerscopeApp
from layerscope.tui.textual_hacks import QuickStylesheet
from tests.tui.drawn import ScreenText, drawn
from tests.tui.harness import Before, paint_later, press, settled


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is read from, or left in, the home of whoever runs the tests."""
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("NO_COLOR", "COLORFGBG", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _parsed_once() -> Iterator[None]:
    """Let the styles of the package be parsed once, and what comes of them be found once, for all of some 800 apps."""
    parse = Stylesheet._parse_rules
    known: dict[object, list[RuleSet]] = {}

    def parsed(self: Stylesheet, *args: Any, **options: Any) -> list[RuleSet]:
        key = (args, frozenset(options.items()), frozenset(self._variables.items()))
        if key not in known:
            known[key] = parse(self, *args, **options)
        return known[key]

    found: dict[tuple[int, ...], Any] = {}

    def shared(self: QuickStylesheet) -> Any:
        return found.setdefault(tuple(map(id, self.rules)), {})  # which ``known`` keeps

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parsed)
        patch.setattr(QuickStylesheet, "_no_parts", shared)
        yield


@pytest.fixture(autouse=True, scope="module")
def painted_at_rest() -> Iterator[None]:
    """Let nothing be painted that is painted over at once: a third of these tests' time went there.

    A module in which every frame counts has a fixture of this name that does nothing.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Screen, "_compositor_refresh", paint_later)
        yield


@pytest.fixture
def snap(snapshot: SnapshotAssertion) -> Callable[..., bool]:
    """Compare the screen with the one that was accepted: ``assert snap(app, (80, 24), "down", before=…)``.

    Text and styles are held, see :mod:`tests.tui.drawn`. Keys are pressed when the first scan has come
    to rest; ``before(pilot)`` is awaited in front of them.
    """
    kept = snapshot.use_extension(ScreenText)

    def compare(app: LayerscopeApp, size: tuple[int, int], *keys: str, before: Before | None = None) -> bool:
        async def look() -> str:
            async with app.run_test(size=size) as pilot:
                await _ready(pilot, keys, before)
                return drawn(app)

        seen = asyncio.run(look())
        same = bool(kept == seen)
        if not same:
            print(seen)  # beside the failure
        return same

    return compare


@pytest.fixture
def picture(snap_compare: Any) -> Callable[..., bool]:
    """As ``snap``, with an SVG that people can look at: ten times the weight, so only where looks are the point."""

    def compare(app: LayerscopeApp, size: tuple[int, int], *keys: str, before: Before | None = None) -> bool:
        async def run(pilot: Pilot[Any]) -> None:
            await _ready(pilot, keys, before)

        return bool(snap_compare(app, terminal_size=size, run_before=run))

    return compare


async def _ready(pilot: Pilot[Any], keys: tuple[str, ...], before: Before | None) -> None:
    await settled(pilot)
    if before is not None:
        await before(pilot)
        await settled(pilot)
    await press(pilot, *keys)
    await settled(pilot)


def by_size(size: tuple[int, int]) -> str:
    """Name a parameter: ``80x24``."""
    return "x".join(map(str, size))


def screen_text(app: LayerscopeApp) -> str:
    """Return what is on screen, line by line, without styles."""
    width = app.size.width
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line)[:width] for line in lines)
