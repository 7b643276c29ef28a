"""Live: how fresh what is on screen is, and what happened there last. No widget; its clock is given."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from layerscope.inventory import Inventory
from layerscope.text import clean
from layerscope.tui.messages import ScanProgressed
from layerscope.units import part_of
from layerscope.views.changes import News, format_span

SHOWN_FOR = 10.0
"""Seconds for which news stand in the header."""
KEPT = 20
"""News that are kept to be read later."""
PHASES = {"connecting": "connecting", "images": "listing images", "layers": "reading layers"}


def scanning_words(progress: ScanProgressed) -> str:
    """Return how far a scan is: ``reading layers 14 of 36``."""
    phase = PHASES.get(progress.phase, progress.phase)
    return f"{phase} {part_of(progress.done, progress.total)}" if progress.total else phase


def unfinished_words(progress: ScanProgressed) -> str:
    """Return why nothing final is said yet: ``still reading layers: 14 of 36``."""
    phase = PHASES.get(progress.phase, progress.phase)
    return f"still {phase}: {part_of(progress.done, progress.total)}" if progress.total else f"still {phase}"


class Live:
    """The state of scanning and following one engine."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.progress: ScanProgressed | None = ScanProgressed(0, 0, "connecting")
        """How far the scan under way is; None: none is."""
        self.followed = False
        self.lost = ""
        """Why the engine cannot be followed just now, cleaned; what is on screen is then stale."""
        self.log: deque[News] = deque(maxlen=KEPT)
        """What was told, the latest first."""
        self._since = 0.0
        self._latest: News | None = None

    def follow(self, why: str) -> None:
        """The engine is followed (``why`` is empty), or lost for the reason ``why``."""
        self.followed = not why
        if why:
            if not self.lost:
                self._since = self.clock()
                self._note((f"engine lost: {clean(why, 300)}",))
            self.lost = clean(why, 300)
            self._latest = None  # what came before the loss is no news after it
        else:
            self.reached()

    def reached(self) -> None:
        """The engine answered: it is not lost, if it was."""
        if self.lost:
            self._note((f"engine back after {self._away}",))
            self.lost = ""

    def tell(self, wordings: tuple[str, ...]) -> None:
        """Something changed: say it for a while, and keep it. No wordings: nothing did."""
        if wordings:
            self._latest = self._note(wordings)

    @property
    def moving(self) -> bool:
        """Will what it says become another by time alone?"""
        return bool(self.lost or self.news)

    @property
    def news(self) -> tuple[str, ...]:
        """What changed just now, longest wording first; nothing when that is some time ago."""
        latest = self._latest
        return latest.wordings if latest is not None and abs(self.clock() - latest.at) < SHOWN_FOR else ()

    @property
    def state(self) -> tuple[str, tuple[str, ...]]:
        """A kind, ``live``, ``news`` or ``stale``, and what to say in the header, longest wording first."""
        if self.lost:
            return "stale", (f"stale {self._away}",)
        if self.news:
            return "news", self.news
        return "live", ("live" if self.followed else "scanned",)

    def state_of(self, inventory: Inventory | None) -> tuple[str, tuple[str, ...]]:
        """What the header says of what is shown (None: nothing yet): a kind, and the words, longest first."""
        if self.progress is not None:
            return "busy", (scanning_words(self.progress),)
        if inventory is None:
            return "stale", ("no engine",)
        if inventory.from_file:
            return "file", ("sample host" if inventory.sample else "saved scan",)
        if not self.lost and not inventory.complete:
            return "stale", ("scan stopped",)
        return self.state

    @property
    def lost_words(self) -> tuple[str, ...]:
        """A sentence on a lost engine, longest wording first; nothing when it is not lost."""
        return (f"engine lost, trying again: {self.lost}", f"lost, trying again: {self.lost}") if self.lost else ()

    @property
    def _away(self) -> str:
        return format_span(self.clock() - self._since)

    def _note(self, wordings: tuple[str, ...]) -> News:
        news = News(self.clock(), wordings)
        self.log.appendleft(news)
        return news
