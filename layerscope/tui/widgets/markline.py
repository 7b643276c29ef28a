"""MarkLine: what the marked set comes to, or what a mark would; a click or Enter on the keeper goes there."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from layerscope.core.graph import ImageNode
from layerscope.text import clean, fit
from layerscope.tui.keys import MARK
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.cached import CachedLines
from layerscope.views.marks import GAP, Part, alone_parts, fit_parts, freed_part, marked_parts

SHORTCUT = "K"
"""The key that goes to the keeper from anywhere."""
PASSING = 5.0
"""Seconds for which something is said in passing."""
MOST_ALONE = 500
"""Images under the cursor for which it is still worked out, at every step of it, what they would free."""


class MarkLine(CachedLines, Widget):
    """One line of parts; those that there is no room for are left out, the least important first.

    It has the keyboard only where Enter has somewhere to go: see :meth:`show`.
    """

    FOCUS_ON_CLICK = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "Keeper", group=MARK, tooltip="On the line of the marked: to who keeps most of them"),
        Binding("escape", "leave", "Leave", group=MARK, tooltip="Leave the line of the marked"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"mark-line--{name}"
        for name in ("text", "mark", "frees", "keeps", "blocked", "untagged", "cache", "freed", "lost")
    }

    class KeeperChosen(Message):
        """Who keeps most of the marked layers was chosen."""

    class Left(Message):
        """The line gives the keyboard back, and what had it before does not take it."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.came_from: Widget | None = None
        """What had the keyboard before the line got it."""
        self._parts: list[Part] = []
        self._aside = ""
        self._passing: Timer | None = None
        """Runs while something is said in passing."""
        self._keeper: tuple[int, int] | None = None
        self._styled: dict[str, Style] = {}

    def show(self, parts: list[Part], *, reachable: bool = False) -> None:
        """Say something else; ``reachable``: somebody keeps marked layers, and Tab stops here to go there."""
        self._parts, self._aside = parts, ""
        self.can_focus = reachable
        if self.has_focus and not reachable:
            self.action_leave()
        self.refresh()

    def say(self, line: str) -> None:
        """Say a plain sentence."""
        self.show([Part("text", (line,), 0)])

    def aside(self, line: str) -> None:
        """Say something in passing: for a moment, or until there is anything else to say."""
        self._aside = line
        self.refresh()
        if self._passing is not None:
            self._passing.stop()
        self._passing = self.set_timer(PASSING, self._passed)

    def _passed(self) -> None:
        self._aside, self._passing = "", None
        self.refresh()

    def tell(self, scene: Scene, targets: list[ImageNode], page: str, lost: tuple[str, ...]) -> None:
        """Say what the marked set comes to; without marks, what ``targets`` would, which the cursor is on.

        ``page`` is what a view without rows says of itself; ``lost`` why the engine cannot be followed, longest first.
        """
        marks, freed = scene.marks, freed_part(scene.freed, scene.units)
        if len(marks):
            parts = marked_parts(marks.figures, scene.units, marks.held_by_cache, scene.freed)
            if lost:
                parts.append(Part("lost", (*lost, "engine lost, trying again"), 1))
            self.show(parts, reachable=marks.figures.keeper is not None)
        elif lost:
            self.show([Part("lost", lost, 0), *freed])
        elif page:
            self.show([Part("text", (page,), 0), *freed])
        elif targets and len(targets) <= MOST_ALONE:
            self.show(_alone(scene, targets))
        elif freed:
            self.show(freed)
        else:
            self.say("Space: mark · *: mark all · f: free so much · ?: all keys")

    @property
    def line(self) -> str:
        """What is on screen."""
        return GAP.join(text for _, text in self._fitting())

    def _fitting(self) -> list[tuple[str, str]]:
        parts = self._parts
        if self._aside:
            return [("text", fit(self._aside, self.size.width))]
        if self.can_focus:  # the key that goes there is told with the keeper, however little room there is
            key = " (Enter)" if self.has_focus else f" ({SHORTCUT})"
            parts = [
                part._replace(wordings=tuple(words + key for words in part.wordings)) if part.key == "keeps" else part
                for part in parts
            ]
        return fit_parts(parts, self.size.width)

    def render_line(self, y: int) -> Strip:
        """The line: drawn after each key, so without detours."""
        self._keeper = None
        segments: list[Segment] = []
        at = 0
        for key, words in self._fitting() if y == 0 else ():
            if segments:
                segments.append(Segment(GAP, self._style("text")))
                at += len(GAP)
            segments.append(Segment(words, self._style(key)))
            start, at = at, at + cell_len(words)
            if key == "keeps":
                self._keeper = (start, at)
        return Strip(segments, at).adjust_cell_length(self.size.width, self.rich_style)

    def notify_style_update(self) -> None:
        """Forget the styles of before."""
        super().notify_style_update()
        self._styled.clear()

    def _style(self, key: str) -> Style:
        found = self._styled.get(key)
        if found is None:
            name = key if f"mark-line--{key}" in self.COMPONENT_CLASSES else "text"
            own = self.get_component_rich_style(f"mark-line--{name}", partial=True)
            found = self._styled[key] = self.rich_style + own
        return found

    def action_go(self) -> None:
        """Go to the keeper."""
        self.post_message(self.KeeperChosen())

    def action_leave(self) -> None:
        """Give the keyboard back."""
        before = self.came_from
        if before is not None and before.focusable and before in self.screen.focus_chain:
            before.focus()
        else:
            self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        """A click on the keeper goes there."""
        offset = event.get_content_offset(self)
        if offset is not None and self._keeper is not None and self._keeper[0] <= offset.x < self._keeper[1]:
            self.post_message(self.KeeperChosen())


def _alone(scene: Scene, nodes: list[ImageNode]) -> list[Part]:
    """Return the line about images that the cursor is on: what they alone would free."""
    alone = scene.alone(nodes)
    figures = alone.figures
    why = ""
    if (figures.blocked or figures.untagged) and len(nodes) == 1:
        why = clean(alone.refusal(), 200)
    return alone_parts(nodes, figures, why, scene.units, scene.freed)
