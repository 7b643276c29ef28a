"""The seam between the interface and whatever gives it inventories.

The interface knows this protocol and nothing of docker; the engine side
implements it for a live engine (:mod:`layerscope.engine.backend`), and
:class:`SavedBackend` does for a saved scan and the sample host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from layerscope.inventory import DiskUsage, Inventory


class BackendError(Exception):
    """Nothing came. ``cause`` says why and ``hint`` what to do next, one line each, safe to show."""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(f"{cause}; {hint}" if hint else cause)
        self.cause = cause
        self.hint = hint


class Backend(Protocol):
    """Where inventories come from. Every method blocks: call it in a worker thread."""

    @property
    def live(self) -> bool:
        """True for an engine that can change; False for a saved scan."""
        ...

    def scan(
        self,
        progress: Callable[[int, int, str], None],
        partial: Callable[[Inventory], None],
        cancelled: Callable[[], bool],
    ) -> Inventory:
        """Return an inventory; tell ``progress(done, total, phase)`` and hand out parts meanwhile.

        Raises :class:`BackendError`.
        """
        ...

    def usage(self) -> DiskUsage:
        """Ask the engine for its own disk usage: slow on some hosts. Raises :class:`BackendError`."""
        ...

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
        """Hand out a new inventory after each change, until :meth:`close`; returns at once when not live.

        ``state("")`` says that the engine is followed, ``state(why)`` that it was lost and is tried again.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class SavedBackend:
    """An inventory that was loaded: there is nothing behind it to ask or to change."""

    live = False

    def __init__(self, load: Callable[[], Inventory]) -> None:
        self._load = load

    def scan(
        self,
        progress: Callable[[int, int, str], None],
        partial: Callable[[Inventory], None],
        cancelled: Callable[[], bool],
    ) -> Inventory:
        """Return the saved inventory."""
        return self._load()

    def usage(self) -> DiskUsage:
        """A saved scan has only what was saved with it."""
        raise BackendError("a saved scan cannot be asked for disk usage", "save it again with `layerscope export`")

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
        """A saved scan does not change."""

    def close(self) -> None:
        """Nothing is open."""
