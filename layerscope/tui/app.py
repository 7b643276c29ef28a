"""The app: themes, the loader and which screen is shown; thin on purpose."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.worker import get_current_worker

from layerscope.backend import Backend, BackendError, SavedBackend
from layerscope.core.graph import build_graph
from layerscope.inventory import Inventory
from layerscope.tui.keys import APP
from layerscope.tui.messages import EngineFollowed, GraphArrived, HostChanged, ScanFailed, ScanProgressed
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.themes import DEFAULT, PLAIN, THEMES
from layerscope.units import Units

Opener = Callable[[], Backend]
"""Connects or loads; blocks; raises :class:`~layerscope.backend.BackendError`."""


class LayerscopeApp(App[int]):
    """One session on one host."""

    TITLE = "layerscope"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, group=APP, priority=True),
    ]

    def __init__(
        self,
        opener: Opener,
        *,
        demo: Callable[[], Inventory] | None = None,
        units: Units = Units.SI,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        plain = "NO_COLOR" in os.environ  # Textual takes it out of the environment
        super().__init__(ansi_color=True if plain else None)
        self.opener = opener
        self.demo = demo
        self.units = units
        self.clock = clock
        self.backend: Backend | None = None
        for known in (*THEMES, PLAIN):
            self.register_theme(known)
        self.theme = PLAIN.name if plain else theme if theme in self.available_themes else DEFAULT

    def on_mount(self) -> None:
        """Show the main screen at once; what it shows comes by message."""
        self.push_screen(MainScreen(self.units, self.clock))
        self.load()

    # -- loading: everything that waits is in a thread ------------------------------------

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def load(self) -> None:
        """Connect if need be, scan, and post what comes to the main screen."""
        worker = get_current_worker()
        screen = self.main

        def arrived(inventory: Inventory) -> None:
            if not worker.is_cancelled:
                screen.post_message(GraphArrived(build_graph(inventory)))

        try:
            if self.backend is None:
                self.backend = self.opener()
            arrived(
                self.backend.scan(
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
        if not worker.is_cancelled and self.backend is not None and self.backend.live:
            self.call_from_thread(self.follow)

    @work(thread=True, exclusive=True, group="follow", exit_on_error=False)
    def follow(self) -> None:
        """Post what the engine becomes, until the backend is closed."""
        screen = self.main
        if self.backend is not None:
            self.backend.follow(
                lambda inventory: void(screen.post_message(HostChanged(build_graph(inventory)))),
                lambda why: void(screen.post_message(EngineFollowed(why))),
            )

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


def void(_: object) -> None:
    """Drop a value."""
