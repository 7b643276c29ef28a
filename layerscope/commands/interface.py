"""``layerscope`` without a command: the interface."""

from __future__ import annotations

import os

from layerscope.errors import BackendError
from layerscope.inventory import Inventory
from layerscope.sources.backend import Backend
from layerscope.sources.open import Source, load_sample
from layerscope.sources.scanfile import ScanFileError
from layerscope.state.pins import Pins
from layerscope.units import Units


def run(source: Source, units: Units | None, keyboard: int, *, read_only: bool = False) -> int:
    """Show ``source`` until the user leaves; return the exit status.

    ``units`` None: those that the user chose last. ``read_only``: nothing is ever removed.

    ``keyboard`` is the descriptor of the terminal that keys are read from. A saved scan is read
    first, and what is wrong with it raised (ScanFileError); an engine is opened, and its errors shown, on screen.
    """
    saved = None if source.live else source.open()
    if keyboard != 0:  # the scan came from standard input; Textual reads keys there
        os.dup2(keyboard, 0)

    def opener() -> Backend:
        return saved if saved is not None else source.open(read_only=read_only)  # while the screen is up already

    from layerscope.state.settings import SettingsFile, default_path  # noqa: PLC0415
    from layerscope.tui.app import LayerscopeApp  # noqa: PLC0415 (Textual: not for a scan that cannot be read)

    app = LayerscopeApp(opener, demo=_demo, units=units, settings=SettingsFile(default_path()), pins=Pins.of_user())
    app.run()
    return app.return_code or 0


def _demo() -> Inventory:
    try:
        return load_sample()
    except ScanFileError as error:
        raise BackendError(str(error)) from error
