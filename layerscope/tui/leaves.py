"""Leaving a screen: once, and never another one in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen

if TYPE_CHECKING:
    Base = Screen[Any]
else:
    Base = object  # a screen takes its styles from its first base that is one: this must not be it


class LeavesOnce(Base):
    """Mixin of a screen that is dismissed at most once.

    ``Screen.dismiss`` takes the topmost screen away, whichever that is, and answers whoever asked once more each time.
    Here a screen that others lie over is left when those are gone, with its first answer.
    """

    _answer: tuple[Any] | None = None
    _left = False

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Leave with ``result``, unless it was left already; later, if something lies over it."""
        if self._left or self not in self.app.screen_stack:
            return AwaitComplete()
        if self.app.screen is not self:
            self._answer = self._answer or (result,)
            return AwaitComplete()
        self._left = True
        return super().dismiss(self._answer[0] if self._answer is not None else result)

    def on_screen_resume(self) -> None:
        """It lies on top again: it may have been left meanwhile."""
        if self._answer is not None:
            self.dismiss()
