"""Messages between the session, views and screens: each says what happened, not what to do.

Those that may come faster than they are shown say ``can_replace``: of several that wait in a row the last is enough.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.seen import Seen
from layerscope.errors import Elsewhere
from layerscope.inventory import Inventory

if TYPE_CHECKING:
    from layerscope.search.query import Query


@dataclass(eq=False)
class ScanProgressed(Message):
    """A scan is under way."""

    done: int
    total: int
    phase: str

    def can_replace(self, message: Message) -> bool:
        """Only how far it is now matters."""
        return isinstance(message, ScanProgressed)


@dataclass(eq=False)
class GraphArrived(Message):
    """A scan, or a part of one, became a graph."""

    graph: LayerGraph

    def can_replace(self, message: Message) -> bool:
        """What came later has all that came before."""
        return isinstance(message, GraphArrived)


class PromptClosed(Message):
    """A bar that one types in was left, and the keyboard is where it was before; the bar is to be put away."""


class FilterChosen(Message):
    """Other images are to be shown: those that pass ``query``; None: all.

    It goes straight to the screen, so that it is there before a key that was typed ahead and acts on the images.
    """

    def __init__(self, query: Query | None) -> None:
        super().__init__()
        self.query = query

    def can_replace(self, message: Message) -> bool:
        """Only what is typed now matters."""
        return isinstance(message, FilterChosen)


@dataclass(eq=False)
class Refreshed(Message):
    """The engine was looked at again. Whoever looked waits for ``taken``: where it is False, a graph is to be built."""

    inventory: Inventory
    taken: Future[bool]


@dataclass(eq=False)
class EngineChanged(Message):
    """The engine changed, and this is what it is now."""

    graph: LayerGraph

    def can_replace(self, message: Message) -> bool:
        """Only what it is now matters; what changed is worked out against what is shown.

        What is posted later may be older: several threads ask one engine.
        """
        if not isinstance(message, EngineChanged):
            return False
        return self.graph.inventory.serial <= message.graph.inventory.serial


@dataclass(eq=False)
class EngineFollowed(Message):
    """The engine's events are followed (``why`` is empty), or it was lost for the reason ``why``."""

    why: str


@dataclass(eq=False)
class ScanFailed(Message):
    """No graph will come: one line of cause, one of what to do next; ``elsewhere`` engines answer."""

    cause: str
    hint: str
    wrong_use: bool = False
    """Is it what the user gave that is wrong?"""
    elsewhere: tuple[Elsewhere, ...] = ()


class ScanUnreadable(Message):
    """The saved scan that was to be shown cannot be read; the session knows why."""


@dataclass(eq=False)
class HistoryRead(Message):
    """What earlier scans of this engine came to."""

    past: str
    """Bytes on disk as a line of small bars, oldest first; empty where there are too few."""
    since: tuple[str, ...]
    """What is otherwise since the last look, longest wording first; empty where there was none."""
    seen: Seen


class Pointed(Message):
    """The cursor of a view came to rest somewhere else: the rest of the view is to follow, and what is said of it."""

    def can_replace(self, message: Message) -> bool:
        """Only where it is now matters."""
        return isinstance(message, Pointed)


@dataclass(eq=False)
class Pivoted(Message):
    """Somebody went from one thing to another: to an image, and maybe to one of its layers."""

    image: ImageNode
    layer: Layer | None = None


@dataclass(eq=False)
class NotKept(Message):
    """What the user chose before, or just now, is not kept: ``why`` says so in a line."""

    why: str


@dataclass(eq=False)
class Warned(Message):
    """Something was passed over that the user may want to mend: ``words`` says what, in a line."""

    words: str


@dataclass(eq=False)
class UsageWanted(Message):
    """Somebody looks at the engine's own disk usage, which has not been asked for; ``whole``: at all of its disk."""

    whole: bool = False


@dataclass(eq=False)
class UsageNotWanted(Message):
    """Nobody waits for the engine's disk usage any more."""


@dataclass(eq=False)
class UsageAnswered(Message):
    """The engine told its disk usage (``graph`` has it now), or ``refused`` says why not."""

    graph: LayerGraph | None
    refused: str = ""
