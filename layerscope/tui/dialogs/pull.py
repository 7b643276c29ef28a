"""Before a pull: names are typed, registries are asked, and what the pull would cost is shown. It pulls nothing."""

from __future__ import annotations

import threading
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Static

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.output.pull_cost_text import pull_commands, pull_cost_said
from layerscope.registry.look import Looked
from layerscope.text import clean, fit
from layerscope.tui.background import start_detached
from layerscope.tui.dialogs.dialog import STYLES, WIDEST
from layerscope.tui.leaves import LeavesOnce
from layerscope.tui.scene import Scene
from layerscope.tui.session import Session
from layerscope.tui.subject import copy_text
from layerscope.units import format_number
from layerscope.views.pulled import complete_name, names_here
from layerscope.views.removal import Said

HELP = "Names as docker pull takes them, several in the order of the pulls. Only looks: nothing is pulled."
LEAST = 56
"""Cells under which a table of layers is of no use."""


class _Names(Suggester):
    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(case_sensitive=True)
        self.names = names

    async def get_suggestion(self, value: str) -> str | None:
        found = complete_name(self.names, value)
        return found if found.startswith(value) and found != value else None


class PullScreen(LeavesOnce, ModalScreen[None]):
    """A line to type names in, and under it what pulling them would cost. Esc stops a look, then closes."""

    class Told(Message):
        """A look goes on."""

        def __init__(self, number: int, done: int, total: int) -> None:
            super().__init__()
            self.number, self.done, self.total = number, done, total

        def can_replace(self, message: Message) -> bool:
            """Only how far it is now matters."""
            return isinstance(message, PullScreen.Told)

    class Came(Message):
        """A look is over: what it found, or (None) why it failed."""

        def __init__(self, number: int, found: Looked | None, why: str = "") -> None:
            super().__init__()
            self.number, self.found, self.why = number, found, why

    CSS_PATH = "pull.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "stop, then close", priority=True),
        Binding("tab", "turn", "complete", priority=True),
        Binding("y", "copy", "copy docker pull"),
        Binding("q", "leave", "close", show=False),
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("pagedown", "scroll(10)", "down", show=False, priority=True),
        Binding("pageup", "scroll(-10)", "up", show=False, priority=True),
    ]
    AUTO_FOCUS = "#typed"

    def __init__(self, scene: Scene, session: Session, subject: ImageNode | None) -> None:
        """Take the image that the cursor is on: the first question is what a newer one of its name would cost."""
        super().__init__()
        self.scene = scene
        self.session = session
        self.names = names_here(scene.graph)
        tags = [tag for tag in subject.image.tags if tag in self.names] if subject is not None else []
        self.newer = tags[0] if tags else ""
        self.line = Input(self.newer, id="typed", select_on_focus=False, suggester=_Names(self.names))
        self.line.cursor_blink = False
        self.text = Static("", id="told")
        self.found: Looked | None = None
        self.graph: LayerGraph = scene.graph
        """What was stored when the look began."""
        self._stop: threading.Event | None = None
        self._number = 0
        self._stem = self._completed = ""
        """What was typed when it was completed, and what it became."""

    def compose(self) -> ComposeResult:
        """The line, the answer under it."""
        with Vertical(id="pull", classes="box"):
            with Horizontal(id="asked"):
                yield Static("Pull:", id="label")
                yield self.line
            with VerticalScroll(id="answer"):
                yield self.text

    def on_mount(self) -> None:
        """Say what can be asked."""
        self.line.select_all()
        first = [Said(f"Enter: what would a newer {fit(self.newer, 60)} cost? Or type other names.", "strong")]
        self.say([*(first if self.newer else []), Said(HELP, "quiet")])
        self._retitle()

    def on_resize(self, event: events.Resize) -> None:
        """Lay it out anew."""
        self.query_one("#pull").styles.width = self._width + 4
        self.query_one("#answer").styles.max_height = event.size.height - 7
        if self.found is not None:
            self._show()

    @property
    def _width(self) -> int:
        return max(LEAST, min(WIDEST, self.size.width - 2) - 4)

    @property
    def asking(self) -> bool:
        """Is a look under way?"""
        return self._stop is not None

    def say(self, said: list[Said]) -> None:
        """Show lines."""
        styled = (Content.styled(one.text, STYLES.get(one.style, "")) for one in said)
        self.text.update(Content("\n").join(styled))

    def _retitle(self) -> None:
        box = self.query_one("#pull")
        box.border_title = Content("Before a pull")
        if self.asking:
            keys = "Esc stop"
        elif self.line.has_focus:
            keys = "Enter ask the registry · Tab complete · Esc close"
        else:
            keys = "y copy docker pull · Tab type again · Esc close" if self.commands else "Tab type again · Esc close"
        box.border_subtitle = Content(keys)

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        self._retitle()

    # -- a look ---------------------------------------------------------------------------

    @on(Input.Submitted)
    def _entered(self) -> None:
        names = self.line.value.split()
        if not names or self.asking:
            return
        self.line.cursor_position = len(self.line.value)  # what is typed from now on is added
        self._number += 1
        number, stop = self._number, threading.Event()
        self._stop, self.found, self.graph = stop, None, self.scene.graph
        self.say([Said("asking the registry …", "quiet")])
        self._retitle()

        def work() -> None:
            def progress(done: int, total: int) -> None:
                self.post_message(self.Told(number, done, total))

            try:
                found = self.session.look_at_registries(self.graph, names, progress, stop)
            except Exception as error:  # what registries say is in the answer; this is the engine, or a fault of ours
                self.post_message(self.Came(number, None, clean(str(error), 300) or type(error).__name__))
            else:
                self.post_message(self.Came(number, found))

        start_detached(self, work, "pull")

    @on(Told)
    def _told(self, message: Told) -> None:
        if message.number == self._number and self.asking and message.total > 1:
            self.say(
                [
                    Said(
                        f"asking the registry … {format_number(message.done)} of {format_number(message.total)}",
                        "quiet",
                    )
                ]
            )

    @on(Came)
    def _came(self, message: Came) -> None:
        if message.number != self._number or not self.asking:
            return
        self._stop = None
        if message.found is None:
            self.say([Said(f"{message.why}.", "bad")])
        else:
            self.found = message.found
            self.session.said_before(message.found.cost)
            self._show()
            if self.found.cost.images:
                self.query_one("#answer").focus()
        self._retitle()

    def _show(self) -> None:
        found, scene = self.found, self.scene
        if found is None:
            return
        failed = (str(error) if name in str(error) else f"{name}: {error}" for name, error in found.failed)
        said = [Said(f"{clean(line)}.", "bad") for line in failed]
        if found.cost.images:
            said += [Said("")] if said else []
            said += pull_cost_said(
                found.cost,
                self.graph.inventory.engine,
                unit=self.graph.rules.unit,
                remaining=found.remaining,
                units=scene.units,
                width=self._width - 4,
            )
        said += [Said("", ""), Said(self.commands, "strong")] if self.commands else []
        self.say(said)

    @property
    def commands(self) -> str:
        """The line that pulls what was asked for and is not here."""
        if self.found is None:
            return ""
        return " && ".join(pull_commands(self.found.cost, self.graph.inventory.engine))

    # -- keys -----------------------------------------------------------------------------

    def action_turn(self) -> None:
        """Complete the name that is typed; from the answer back to the line."""
        if not self.line.has_focus:
            self.line.focus()
            return
        typed = self.line.value
        again = bool(typed) and typed == self._completed
        completed = complete_name(self.names, self._stem if again else typed, typed)
        if completed:
            self._stem, self._completed = self._stem if again else typed, completed
            self.line.value = completed
            self.line.cursor_position = len(completed)
        elif self.found is not None:
            self.query_one("#answer").focus()

    def action_copy(self) -> None:
        """Copy the line that pulls."""
        if self.commands:
            copy_text(self, self.commands, f"copied {self.commands}")
        else:
            self.notify("there is nothing to pull: ask first, or it is here already", timeout=4)

    def action_scroll(self, by: int) -> None:
        """Move through the answer."""
        self.query_one("#answer", VerticalScroll).scroll_relative(y=by, animate=False)

    def action_leave(self) -> None:
        """Stop the look that is under way; without one, close."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None
            self.say([Said("Stopped.", "warn"), Said(HELP, "quiet")])
            self._retitle()
        else:
            self.dismiss()
