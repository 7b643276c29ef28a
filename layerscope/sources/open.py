"""Where an inventory comes from: a live engine, a saved scan, or the sample host."""

from __future__ import annotations

import stat
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from layerscope.engine.connect import Connection
    from layerscope.inventory import Inventory
    from layerscope.sources.backend import Backend, SavedBackend

SAMPLE = "laptop.scan.json.gz"
"""The bundled sample host, in :mod:`layerscope.sources.samples`."""

BIG = 1 << 20
"""Bytes of a saved scan that takes so long to read that one wants to see something before: packed, of 3,000 images."""


class Source(Struct, frozen=True):
    """What the user asked to look at. Nothing is opened before it is asked for."""

    kind: Literal["live", "file", "demo"] = "live"
    host: str | None = None
    """Live only: an address as ``docker --host`` takes it; without it and ``context``, what ``docker`` would use."""
    context: str | None = None
    """Live only: the name of a docker context."""
    path: str | None = None
    """File only: a saved scan, ``-`` for standard input."""
    cache: bool = True
    """Live only: is what cannot change of images taken from earlier runs, and kept for later ones?"""

    @property
    def live(self) -> bool:
        """True when there is an engine behind it, which can change."""
        return self.kind == "live"

    def load(self) -> Inventory:
        """Return the inventory of a saved scan or of the sample host. Raises ScanFileError."""
        if self.kind == "file" and self.path is not None:
            from layerscope.sources.scanfile import load_inventory  # noqa: PLC0415 (only where it is needed)

            return load_inventory(self.path)
        if self.kind == "demo":
            return load_sample()
        raise ValueError("a live engine is scanned, not loaded")

    def open(self, *, read_only: bool = False, usage: bool = False) -> Backend:
        """Return what gives inventories of it; close that in the end. With ``read_only`` nothing is ever removed.

        The first questions are on their way when it returns, ``usage``: that for the engine's own total too.

        A saved scan is read at once: raises ScanFileError. An engine is connected to: raises
        :class:`~layerscope.errors.BackendError`.
        """
        if not self.live:
            return self.open_saved()
        from layerscope.engine.early import begin  # noqa: PLC0415 (before everything that is not needed to ask)

        early = begin(self.host, self.context, usage=usage)
        from layerscope.engine.backend import open_backend  # noqa: PLC0415
        from layerscope.state.cache import ImageCache  # noqa: PLC0415

        cache = ImageCache.of_user() if self.cache else None
        return open_backend(self.host, self.context, read_only=read_only, cache=cache, early=early)

    def open_saved(self, *, late: bool = False) -> SavedBackend:
        """Return what gives the inventory of a saved scan, or of the sample host. Raises ScanFileError.

        ``late``: a big file is not read before it is scanned; what is wrong with it is raised then.
        """
        from layerscope.sources.backend import SAMPLE_HOST, SAVED_SCAN, SavedBackend  # noqa: PLC0415

        if late and self.kind == "file" and self.path is not None and _is_big(self.path):
            return SavedBackend(cache(self.load), SAVED_SCAN, partial(_rows, self.path))
        found = self.load()
        return SavedBackend(lambda: found, SAMPLE_HOST if self.kind == "demo" else SAVED_SCAN)

    def connect(self) -> Connection:
        """Open the live engine. Raises :class:`layerscope.engine.errors.EngineError`."""
        from layerscope.engine.connect import connect  # noqa: PLC0415 (docker-py: only where it is needed)

        return connect(self.host, self.context)


def _is_big(path: str) -> bool:
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return False
    return path != "-" and stat.S_ISREG(found.st_mode) and found.st_size >= BIG


def _rows(path: str) -> Inventory | None:
    from layerscope.sources.scanrows import first_rows  # noqa: PLC0415 (only where it is needed)

    try:
        with Path(path).open("rb") as stream:
            return first_rows(stream)
    except OSError:
        return None  # reading it says why


def load_sample() -> Inventory:
    """Return the inventory of the bundled sample host. Raises ScanFileError if it is not in this installation."""
    from layerscope.sources.scanfile import ScanFileError, load_inventory  # noqa: PLC0415

    path = Path(__file__).with_name("samples") / SAMPLE
    if not path.is_file():
        raise ScanFileError("the sample host is missing from this installation; install layerscope again")
    return replace(load_inventory(path), sample=True)
