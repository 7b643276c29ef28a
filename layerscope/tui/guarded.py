"""The app as the command runs it: it ends in one line when it fails, and stops for Ctrl-Z."""

from __future__ import annotations

from collections.abc import Callable

from layerscope.tui.app import LayerscopeApp
from layerscope.tui.textual_hacks import TellsFaults


class GuardedApp(TellsFaults, LayerscopeApp):
    """:attr:`crash` says in one line what failed, after the details were given to :attr:`report`."""

    crash = ""
    report: Callable[[str], str] = staticmethod(lambda details: details)

    def on_load(self) -> None:
        """Stop for Ctrl-Z as other programs do; the driver gives the terminal back and takes it again."""
        self.bind("ctrl+z", "suspend_process", description="Suspend", show=False)

    def failed(self, details: str) -> None:
        """Keep the one line for when the terminal is given back."""
        self.crash = self.report(details)
