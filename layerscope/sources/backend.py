"""The seam between the interface and whatever gives it inventories.

The interface knows this protocol and nothing of docker; the engine side
implements it for a live engine (:mod:`layerscope.engine.backend`), and
:class:`SavedBackend` does for a saved scan and the sample host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from layerscope.errors import BackendError
from layerscope.inventory import Inventory

if TYPE_CHECKING:
    from layerscope.core.removal.carry_out import Remover


class Backend(Protocol):
    """Where inventories come from. Every method blocks: call it in a worker thread."""

    @property
    def live(self) -> bool:
        """True for an engine that can change; False for a saved scan."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was passed over of docker's own configuration, a line each."""
        ...

    @property
    def quick_usage(self) -> bool:
        """Can it be asked for its disk usage by the way: does it work out what images take, and nothing else?"""
        ...

    def scan(
        self,
        progress: Callable[[int, int, str], object],
        partial: Callable[[Inventory], object],
        cancelled: Callable[[], bool],
        *,
        usage_within: float | None = None,
        whole: bool = False,
    ) -> Inventory:
        """Return an inventory; tell ``progress(done, total, phase)`` and hand out parts meanwhile.

        ``usage_within``: ask for the engine's own disk usage beside the scan, and wait for it that many seconds.
        ``whole``: ask also for what is never kept of an image and few need, like when it was tagged last.
        Raises :class:`BackendError`.
        """
        ...

    def look_again(self) -> Inventory:
        """Return what the engine has now: the last scan brought up to date. Raises :class:`BackendError`."""
        ...

    def usage(self, *, whole: bool = False) -> Inventory:
        """Return the latest inventory with the engine's own disk usage as it is now: slow on some hosts.

        ``whole``: with that of containers and volumes, which is slower still.
        Raises :class:`BackendError`.
        """
        ...

    def blobs(self) -> Mapping[str, int] | None:
        """Return the bytes of every blob that a containerd store lists now, by digest; None where none is told."""
        ...

    def facts(self) -> dict[str, object]:
        """Return the engine's own facts (``/info``): its registries' mirrors are among them; empty without an engine.

        Raises :class:`BackendError`.
        """
        ...

    def follow(self, changed: Callable[[Inventory], object], state: Callable[[str], object]) -> None:
        """Hand out a new inventory after each change, until :meth:`close`; returns at once when not live.

        ``state("")`` says that the engine is followed, ``state(why)`` that it was lost and is tried again.
        """
        ...

    def remover(self) -> Remover | None:
        """Return what removes images here; None where nothing is ever removed: :attr:`no_removal` says why."""
        ...

    @property
    def no_removal(self) -> str:
        """Why :meth:`remover` gives none, in a line; empty where it gives one."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


SAVED_SCAN = "a saved scan"
SAMPLE_HOST = "the sample host"
MANY = 2_000
"""Images of a saved scan whose graph takes long enough to show rows before it."""
READING = "reading the scan"
"""What is under way while a big scan is read."""
FEW = 200
"""Images of one whose graph is there before the screen could say that it is waited for."""


class SavedBackend:
    """An inventory that was loaded: there is nothing behind it to ask or to change."""

    live = False
    quick_usage = False
    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        load: Callable[[], Inventory],
        what: str = SAVED_SCAN,
        rows: Callable[[], Inventory | None] | None = None,
    ) -> None:
        """``what`` it is, for a person. ``rows`` gives some rows of a scan that takes its time to load, if it can."""
        self._load = load
        self._first_rows = rows
        self.no_removal = f"this is {what}, not an engine"

    def scan(
        self,
        progress: Callable[[int, int, str], object],
        partial: Callable[[Inventory], object],
        cancelled: Callable[[], bool],
        *,
        usage_within: float | None = None,
        whole: bool = False,
    ) -> Inventory:
        """Return the saved inventory; of a big one the rows come before it, as those of an engine do.

        Raises ScanFileError where it was not read yet and cannot be.
        """
        if self._first_rows is not None:
            progress(0, 0, READING)
            first = self._first_rows()
            if first is not None and not cancelled():
                partial(first)
        found = self._load()
        self._first_rows = None
        if len(found.images) > MANY and not cancelled():
            progress(0, len(found.images), "layers")
            partial(_rows(found))
        return found

    def at_once(self) -> Inventory | None:
        """Return an inventory that is small enough for the first frame; None for one that takes its time."""
        if self._first_rows is not None:
            return None
        found = self._load()
        return found if len(found.images) <= FEW else None

    def look_again(self) -> Inventory:
        """It is what it was."""
        return self._load()

    def usage(self, *, whole: bool = False) -> Inventory:
        """A saved scan has only what was saved with it."""
        raise BackendError("a saved scan cannot be asked for disk usage", "save it again with `layerscope export`")

    def blobs(self) -> Mapping[str, int] | None:
        """There is no store behind it."""
        return None

    def facts(self) -> dict[str, object]:
        """There is no engine to ask."""
        return {}

    def follow(self, changed: Callable[[Inventory], object], state: Callable[[str], object]) -> None:
        """A saved scan does not change."""

    def remover(self) -> Remover | None:
        """There is nothing to remove from."""
        return None

    def close(self) -> None:
        """Nothing is open."""


def _rows(found: Inventory) -> Inventory:
    """Return what ``docker images`` would show of a host: no layers yet."""
    images = tuple(
        replace(image, diff_ids=None, history=None, cache_ids=None) for image in found.images if image.listed
    )
    return replace(found, images=images, complete=False, usage=None, content=None)
