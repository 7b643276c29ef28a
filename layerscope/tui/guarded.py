"""The app as the command runs it: it ends in one line when it fails, and stops for Ctrl-Z."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from layerscope.tui.app import LayerscopeApp


class GuardedApp(LayerscopeApp):
    """:attr:`crash` says in one line what failed, after the details were given to :attr:`report`."""

    crash = ""
    report: Callable[[str], str] = staticmethod(lambda details: details)

    def on_load(self) -> None:
        """Stop for Ctrl-Z as other programs do; the driver gives the terminal back and takes it again."""
        self.bind("ctrl+z", "suspend_process", description="Suspend", show=False)

    def _print_error_renderables(self) -> None:  # Textual 8.2 prints some 300 lines here
        if self._exit_renderables:
            console = Console(width=120, color_system=None, file=io.StringIO(), record=True)
            for renderable in self._exit_renderables:
                console.print(renderable)
            self._exit_renderables.clear()
            self.crash = self.report(console.export_text())
