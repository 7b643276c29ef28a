"""The app: themes, the loader and which screen is shown; thin on purpose."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any, ClassVar

from textual import events, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.theme import Theme
from textual.widgets import Input
from textual.worker import get_current_worker

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Inventory
from layerscope.sources.backend import Backend, BackendError, SavedBackend
from layerscope.state.pins import Pins, PinsError
from layerscope.state.settings import SettingsFile
from layerscope.text import clean
from layerscope.tui.background import detached
from layerscope.tui.keys import APP, key_name
from layerscope.tui.messages import EngineFollowed, GraphArrived, HostChanged, ScanFailed, ScanProgressed, UsageAnswered
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.themes import DEFAULT, PLAIN, THEMES, hues
from layerscope.units import Units
from layerscope.views.forest import forest_of

MANY = 2_000
"""Layers from which on Python's own housekeeping can be felt."""

Opener = Callable[[], Backend]
"""Connects or loads; blocks; raises :class:`~layerscope.sources.backend.BackendError`."""


SMALLEST = (60, 15)
"""The least width and height of a terminal that everything fits in."""


def _commands() -> type[Provider]:
    from layerscope.tui.commands import Commands  # noqa: PLC0415 - only when the palette is opened

    return Commands


class LayerscopeApp(App[int]):
    """One session on one host."""

    TITLE = "layerscope"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "All commands", show=False, group=APP, priority=True),
        Binding("T", "change_theme", "Choose a theme", show=False, group=APP),
        Binding("ctrl+q", "quit", "Quit", show=False, group=APP, priority=True),
    ]

    def __init__(
        self,
        opener: Opener,
        *,
        demo: Callable[[], Inventory] | None = None,
        units: Units | None = None,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
        settings: SettingsFile | None = None,
        pins: Pins | None = None,
    ) -> None:
        """Take where to open the host, and what the user asked for.

        ``settings`` has the rest and ``pins`` what is never proposed for removal; by default nothing is kept.
        """
        plain = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if plain else None)
        self.opener = opener
        self.demo = demo
        self.clock = clock
        self.backend: Backend | None = None
        self.settings_file = settings or SettingsFile(None)
        self.settings, self._warning = self.settings_file.load()
        self.pins = pins or Pins(None)
        self._writing = Lock()
        self.units = units or self.settings.units or Units.SI
        for known in (*THEMES, PLAIN):
            self.register_theme(known)
        wanted = (PLAIN.name if plain else None, theme, self.settings.theme)
        self.theme = self._theme_at_start = next((name for name in wanted if name in self.available_themes), DEFAULT)

    def on_key(self, event: events.Key) -> None:
        """A letter that comes here while there is an input was sent off before it opened: it is the input's."""
        if isinstance(self.focused, Input) and event.is_printable and event.character is not None:
            self.focused.insert_text_at_cursor(event.character)
            event.prevent_default()

    def on_mount(self) -> None:
        """Show the main screen at once; what it shows comes by message."""
        self.push_screen(MainScreen(self.units, self.clock))
        self.load()
        self.call_after_refresh(self._guard)
        self.theme_changed_signal.subscribe(self, self._themed)
        self.call_after_refresh(self._tell, self._warning)
        try:
            self.pins.load()
        except PinsError as error:
            self._tell(str(error))

    def search_themes(self) -> None:
        """List the themes, to choose one."""
        from layerscope.tui.commands import Themes  # noqa: PLC0415 - only when asked for

        self.push_screen(CommandPalette(providers=[Themes], placeholder="Search for themes…"))

    def get_css_variables(self) -> dict[str, str]:
        """Add the interface's own hues to those of the theme."""
        variables = super().get_css_variables()
        variables.update(hues(self.current_theme))
        return variables

    def get_key_display(self, binding: Binding) -> str:
        """Name a key the same way everywhere."""
        return binding.key_display or key_name(binding.key)

    # -- what is kept for the next session ------------------------------------------------

    def keep(self, **chosen: Any) -> None:
        """Keep what the user chose, fields of Settings, for the next session."""
        now = replace(self.settings, **chosen)
        if now != self.settings:
            self.settings = now
            self._save()

    @work(group="settings", exit_on_error=False)
    async def _save(self) -> None:
        self._tell(await asyncio.to_thread(self._write_settings))

    def _write_settings(self) -> str:
        with self._writing:  # what is written last is what was chosen last
            return self.settings_file.save(self.settings)

    def _tell(self, line: str) -> None:
        if line:
            self.notify(line, severity="warning", markup=False)

    def _themed(self, theme: Theme) -> None:
        if theme.name != self._theme_at_start:  # which is told too, but nobody chose it now
            self.keep(theme=theme.name)
        self._theme_at_start = ""

    # -- a terminal that is too small -----------------------------------------------------

    def on_resize(self) -> None:
        """Look whether there is room, once the new size is known everywhere."""
        self.call_later(self._guard)

    def _guard(self) -> None:
        """Say so when the terminal is too small; that goes away by itself."""
        from layerscope.tui.dialogs.small import SmallScreen  # noqa: PLC0415 - only when needed

        kinds = {type(screen) for screen in self.screen_stack}
        if self.too_small and MainScreen in kinds and SmallScreen not in kinds:
            self.push_screen(SmallScreen(SMALLEST))

    @property
    def too_small(self) -> bool:
        """Is there less room than the interface needs?"""
        return self.size.width < SMALLEST[0] or self.size.height < SMALLEST[1]

    # -- loading: everything that waits is in a thread ------------------------------------

    @work(exclusive=True, group="load", exit_on_error=False)
    async def load(self) -> None:
        """Connect if need be, scan, and post what comes to the main screen."""
        await detached(self._load)

    def _load(self) -> None:
        worker = get_current_worker()
        screen = self.main

        def arrived(inventory: Inventory) -> None:
            if not worker.is_cancelled:
                screen.post_message(GraphArrived(prepared(inventory)))

        screen.post_message(ScanProgressed(0, 0, "connecting" if self.backend is None else "images"))
        try:
            backend = self.backend
            if backend is None:
                backend = self.opener()
                if worker.is_cancelled:  # the user turned to something else, or left, while this one hung
                    return backend.close()
                self.backend = backend
            arrived(
                backend.scan(
                    lambda done, total, phase: (
                        None if worker.is_cancelled else void(screen.post_message(ScanProgressed(done, total, phase)))
                    ),
                    arrived,
                    lambda: worker.is_cancelled,
                )
            )
        except BackendError as error:
            if not worker.is_cancelled:
                screen.post_message(ScanFailed(error.cause, error.hint))
            return
        except Exception as error:  # a fault of ours must be seen, not leave the screen waiting for ever
            told = f"layerscope failed on what it was told: {type(error).__name__}: {clean(str(error), 200)}"
            screen.post_message(ScanFailed(told, "save the scan with `layerscope export` and report this"))
            return
        if not worker.is_cancelled and self.backend is not None and self.backend.live:
            self.call_later(self.follow)  # which may be asked from any thread, and waits for nothing

    @work(exclusive=True, group="follow", exit_on_error=False)
    async def follow(self) -> None:
        """Post what the engine becomes, until the backend is closed."""
        await detached(self._follow)

    def _follow(self) -> None:
        screen = self.main
        if self.backend is not None:
            self.backend.follow(
                lambda inventory: void(screen.post_message(HostChanged(prepared(inventory)))),
                lambda why: void(screen.post_message(EngineFollowed(why))),
            )

    @work(exclusive=True, group="usage", exit_on_error=False)
    async def ask_usage(self) -> None:
        """Ask the engine for its disk usage, and post the graph that knows it."""
        await detached(self._ask_usage)

    def _ask_usage(self) -> None:
        worker, screen, backend = get_current_worker(), self.main, self.backend
        if backend is None or screen.host is None:
            return
        try:
            usage = backend.usage()
        except BackendError as error:
            if not worker.is_cancelled:
                screen.post_message(UsageAnswered(None, str(error)))
            return
        if not worker.is_cancelled:
            graph = prepared(replace(screen.host.graph.inventory, usage=usage))
            screen.post_message(UsageAnswered(graph))

    def open_demo(self) -> None:
        """Leave the engine alone and show the bundled sample host."""
        if self.demo is not None:
            self.close_backend()
            self.backend = SavedBackend(self.demo)
            self.load()

    @property
    def main(self) -> MainScreen:
        """The main screen, wherever it is in the stack."""
        return next(screen for screen in self.screen_stack if isinstance(screen, MainScreen))

    def close_backend(self) -> None:
        """Let go of the engine."""
        backend, self.backend = self.backend, None
        if backend is not None:
            backend.close()

    def on_unmount(self) -> None:
        """Let go of the engine."""
        self.close_backend()


def prepared(inventory: Inventory) -> LayerGraph:
    """Return the graph of an inventory with what views need at once worked out, off the event loop."""
    graph = build_graph(inventory)
    forest_of(graph)
    if len(graph.layers) > MANY:
        # Python's collector would walk the whole graph every now and then, in the middle of a key: 0.15 s for 20,000
        # layers. What has served its time is let go here, in the thread that waits anyway; the rest is set aside.
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    return graph


def void(_: object) -> None:
    """Drop a value."""
