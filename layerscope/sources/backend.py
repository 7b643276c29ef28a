"""The seam between the interface and whatever gives it inventories.

The interface knows this protocol and nothing of docker; the engine side
implements it for a live engine (:mod:`layerscope.engine.backend`), and
:class:`SavedBackend` does for a saved scan and the sample host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from layerscope.inventory import DiskUsage, Inventory

if TYPE_CHECKING:
    from layerscope.core.removal.plan import RemovalPlan


class BackendError(Exception):
    """Nothing came. ``cause`` says why and ``hint`` what to do next, one line each, safe to show."""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(f"{cause}; {hint}" if hint else cause)
        self.cause = cause
        self.hint = hint


StepState = Literal["removing", "removed", "untagged", "gone", "refused", "lost", "skipped"]
"""What became of an image: under way, removed, only some of its names removed, gone before it was asked for, refused,
not known because the engine was lost, not asked for."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far the removal of one image is."""

    image_id: str
    state: StepState
    words: str = ""
    """Why, in the engine's own words; one line, cleaned."""


class Remover(Protocol):
    """What changes an engine. Every method blocks: call it in a worker thread. Nothing is ever forced."""

    def remove(
        self, plan: RemovalPlan, progress: Callable[[Step], None], cancelled: Callable[[], bool]
    ) -> tuple[Step, ...]:
        """Remove the images of ``plan.removed``, then untag those of ``plan.untagged``; return what became of each.

        One after the other, in that order. One of the first is never untagged instead, nor one of the second removed.
        ``progress`` hears of each image when it is begun and when it is done. ``cancelled`` is asked
        between images: what is left is then skipped, as it is when the engine is lost. A refused
        image does not stop the others. What was removed is in the log. Raises nothing for what an engine may do.
        """
        ...

    @property
    def warning(self) -> str:
        """Why what was removed is not in the log, in a line; empty when it is."""
        ...

    def prune_build_cache(self) -> int | None:
        """Remove what of the build cache is not in use; return the bytes by the engine's count, None without one.

        Raises :class:`BackendError`.
        """
        ...


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

    def look_again(self) -> Inventory:
        """Return what the engine has now: the last scan brought up to date. Raises :class:`BackendError`."""
        ...

    def usage(self) -> DiskUsage:
        """Ask the engine for its own disk usage: slow on some hosts. Raises :class:`BackendError`."""
        ...

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
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


class SavedBackend:
    """An inventory that was loaded: there is nothing behind it to ask or to change."""

    live = False
    no_removal = "this is a saved scan: there is no engine behind it to remove anything from"

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

    def look_again(self) -> Inventory:
        """It is what it was."""
        return self._load()

    def usage(self) -> DiskUsage:
        """A saved scan has only what was saved with it."""
        raise BackendError("a saved scan cannot be asked for disk usage", "save it again with `layerscope export`")

    def follow(self, changed: Callable[[Inventory], None], state: Callable[[str], None]) -> None:
        """A saved scan does not change."""

    def remover(self) -> Remover | None:
        """There is nothing to remove from."""
        return None

    def close(self) -> None:
        """Nothing is open."""
