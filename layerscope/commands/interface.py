"""``layerscope`` without a command: the interface."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from layerscope.commands.common import awaited, patience
from layerscope.errors import BackendError
from layerscope.inventory import Inventory
from layerscope.sources.backend import Backend, SavedBackend
from layerscope.sources.open import Source
from layerscope.sources.scanfile import ScanFileError
from layerscope.state.files import cause, private_folder, sweep, write_whole
from layerscope.state.paths import state_path
from layerscope.state.pins import Pins
from layerscope.terminal import Terminal, encoding_of_locale
from layerscope.text import clean, mask_address
from layerscope.units import Units

if TYPE_CHECKING:
    from layerscope.tui.guarded import GuardedApp

CRASHED = 3
"""Exit status after a fault of ours."""


def run(
    source: Source,
    units: Units | None,
    terminal: int | None,
    *,
    read_only: bool = False,
    history: bool = False,
    image: str = "",
) -> int:
    """Show ``source`` until the user leaves; return the exit status, or end the process with it.

    ``units`` None: those that the user chose last. ``read_only``: nothing is ever removed. ``history``: a record of
    the scans of a live engine is kept. ``image``: the one to open on.

    ``terminal`` is its descriptor; None where TEXTUAL_DRIVER names another way to a screen. A saved scan is read
    first, but for a big one, and what is wrong with it raised (ScanFileError), or said when the screen has gone; an
    engine is opened, and its errors shown, on screen.
    """
    with patience(awaited(source)):
        saved = None if source.live else source.open_saved(late=True)
    sweep(state_path(""))

    def opener() -> Backend:
        return saved or source.open(read_only=read_only)  # while the screen is up already

    def open_at(host: str) -> Backend:
        return replace(source, host=host, context=None).open(read_only=read_only)

    pins = Pins(None) if source.kind == "demo" else Pins.of_user()  # those of the sample host are for a look only
    if terminal is None:
        app = _app(opener, open_at, units, pins, image, history and source.live, saved)
        app.run()
        if app.session.unreadable:
            raise ScanFileError(app.session.unreadable)
        return app.return_code or 0
    screen = Terminal(terminal)
    status, crash = CRASHED, ""
    try:
        screen.take()
        app = _app(opener, open_at, units, pins, image, history and source.live, saved)
        # Not asyncio.run: it would wait for every thread, and one of them may wait for a frozen engine.
        app.run(loop=asyncio.new_event_loop())
        status, crash = app.return_code or 0, app.crash
        if crash:
            status = CRASHED
        elif app.session.unreadable:
            crash = f"layerscope: {app.session.unreadable}"
    except BaseException:
        crash = _report(traceback.format_exc())
    screen.end(status, crash)


def _app(
    opener: Callable[[], Backend],
    open_at: Callable[[str], Backend],
    units: Units | None,
    pins: Pins,
    image: str,
    history: bool,
    saved: SavedBackend | None,
) -> GuardedApp:
    from layerscope.state.settings import SettingsFile, default_path  # noqa: PLC0415
    from layerscope.tui.guarded import GuardedApp  # noqa: PLC0415 (Textual: not for a scan that cannot be read)
    from layerscope.tui.session import Session  # noqa: PLC0415
    from layerscope.tui.textual_hacks import take_any_bytes  # noqa: PLC0415

    take_any_bytes(encoding_of_locale())
    kept = SettingsFile(default_path())
    session = Session(
        opener, demo=_demo, units=units, settings=kept, pins=pins, image=image, open_at=open_at, opened=saved
    )
    if history and session.settings.history:
        from layerscope.state.history import ScanHistory  # noqa: PLC0415

        session.history = ScanHistory.of_user()
    app = GuardedApp(session)
    app.report = _report
    return app


def _report(details: str) -> str:
    """Write the details of a fault to a file of ours; return the one line that says what failed and where they are."""
    import secrets  # noqa: PLC0415 (it loads much)

    lines = [line for line in details.splitlines() if line.strip(" │╭╰─╮╯")]
    what = clean(lines[-1].strip(), 200) if lines else "unknown"
    path = state_path(f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}.txt")
    try:
        if path is None:
            raise FileNotFoundError("there is no home")
        private_folder(path.parent)
        write_whole(path, mask_address(details).encode("utf-8", "backslashreplace"), private=True)
        where = f"details are in {clean(str(path), 300)}"
    except (OSError, ValueError) as error:
        where = f"details could not be written: {cause(error)}"
    return f"layerscope: a mistake in layerscope itself: {what}; {where}"


def _demo() -> Inventory:
    try:
        return Source("demo").load()
    except ScanFileError as error:
        raise BackendError(str(error)) from error
