"""The prompt: one line to type in and one that answers, at the bottom while something is looked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from msgspec import Struct
from rich.cells import cell_len
from rich.highlighter import Highlighter
from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from layerscope.tui.keys import TYPING, key_name
from layerscope.tui.messages import PromptClosed
from layerscope.tui.widgets.columns import Piece


class Reply(Struct, frozen=True):
    """What the second line says: some text, and the part of the typed line that it is about."""

    pieces: Sequence[Piece] = ()
    """Clean text, and names of styles: ``quiet``, ``text``, ``warn``, ``bad``, ``hit``, ``chosen``."""
    start: int | None = None
    end: int = 0


class Prompt(Vertical):
    """The base of the bars that one types in: two lines in place of status and hints.

    Closed by Enter (what was typed is kept) or Esc (all as it was before). A bar acts on a key at once, not by
    message: keys that are typed ahead must find what it did. What it did is then told to the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "Keep what is typed", show=False, group=TYPING),
        Binding("escape", "drop", "Leave the prompt, all as before", show=False, group=TYPING),
        Binding("up", "step(-1)", "Previous hit, or earlier filter", show=False, group=TYPING),
        Binding("down", "step(1)", "Next hit, or later filter", show=False, group=TYPING),
        Binding("tab", "complete(1)", "Complete a term", show=False, group=TYPING),
        Binding("shift+tab", "complete(-1)", "Complete a term otherwise", show=False, group=TYPING),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.is_open = False
        self._before: Widget | None = None
        """What had the keyboard before."""
        self.line = PromptLine(
            {
                "enter": self.action_keep,
                "escape": self.action_drop,
                "up": partial(self.action_step, -1),
                "down": partial(self.action_step, 1),
                "tab": partial(self.action_complete, 1),
                "shift+tab": partial(self.action_complete, -1),
            }
        )
        self.sign = Static("", classes="prompt-sign", markup=False)
        self.count = Static("", classes="prompt-count", markup=False)
        self.answer = AnswerLine()
        self._ignore: str | None = None
        self._begins = 0

    def compose(self) -> ComposeResult:
        """Sign, input and count; below them the answer."""
        with Horizontal():
            yield self.sign
            yield self.line
            yield self.count
        yield self.answer

    @property
    def text(self) -> str:
        return self.line.value

    def take_keyboard(self, sign: str, text: str, keys: Sequence[tuple[str, str]]) -> None:
        """Let one type from now on. ``keys`` are those of use: the name of the key, and what it does."""
        before = self.screen.focused
        other = next((bar for bar in before.ancestors if isinstance(bar, Prompt)), None) if before is not None else None
        self._before = other._before if other is not None and other is not self else before
        self.is_open = self.display = True
        self.sign.update(f" {sign} ", layout=False)
        self._begins = cell_len(sign) + 2
        self.answer.keys = tuple((key_name(key), words) for key, words in keys)
        self.write(text)
        self.say("", Reply())
        self.screen.set_focus(self.line)  # at once: the next key may be here already

    def leave(self, *, back: bool = True) -> None:
        """Give the keyboard ``back`` to what had it before, and say so."""
        self.is_open = False
        if back and self._before is not None:
            self.screen.set_focus(self._before)
        self.screen.post_message(PromptClosed())  # straight to it: before any key that was typed ahead

    def on_descendant_blur(self) -> None:
        """A click elsewhere closes the bar, and keeps what is typed."""
        now = self.screen.focused
        if self.is_open and now is not None and self not in now.ancestors_with_self:
            self.keep(back=False)

    # -- what a bar does ------------------------------------------------------------------

    def changed(self) -> None:
        """Something else is typed."""
        raise NotImplementedError

    def keep(self, *, back: bool = True) -> None:
        """Keep what is typed; with ``back`` the keyboard goes to where it was before."""
        raise NotImplementedError

    def drop(self) -> None:
        """All as it was before."""
        raise NotImplementedError

    def step(self, by: int) -> None:
        """Up or Down."""
        raise NotImplementedError

    def complete(self, by: int) -> None:
        """Tab."""
        raise NotImplementedError

    # -- the two lines --------------------------------------------------------------------

    def write(self, text: str, caret: int | None = None) -> None:
        """Replace what is typed; nothing is posted for it."""
        if text != self.line.value:
            self._ignore = text
            self.line.value = text
        self.line.cursor_position = len(text) if caret is None else caret

    def say(self, count: str, answer: Reply, wrong: Sequence[tuple[int, int, bool]] = ()) -> None:
        """Show how much was found, an answer, and which parts (from, to, is it only a doubt) are wrong."""
        self.count.update(count, layout=False)
        self.line.wrong = tuple(wrong)
        self.answer.show(answer, self._begins - self.line.scroll_offset.x)
        self.line.refresh()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        ours, self._ignore = event.value == self._ignore, None
        if not ours and self.is_open:
            self.changed()

    def action_keep(self) -> None:
        self.keep()

    def action_drop(self) -> None:
        self.drop()

    def action_step(self, by: int) -> None:
        self.step(by)

    def action_complete(self, by: int) -> None:
        self.complete(by)


class PromptLine(Input):
    """The input: what is wrong in it is underlined where it stands."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"prompt-line--wrong", "prompt-line--doubt"}
    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)  # else each letter lays out the whole screen

    def __init__(self, keys: Mapping[str, Callable[[], None]]) -> None:
        """Take what is done at once for some keys.

        A binding would act when the key has come up to the app; by then the letters after it would be in here.
        """
        self._keys = keys
        super().__init__(compact=True, select_on_focus=False, highlighter=_Wrong(self))
        self.cursor_blink = False
        self.wrong: tuple[tuple[int, int, bool], ...] = ()

    async def action_submit(self) -> None:
        """Enter, pressed before the prompt had opened."""
        self._keys["enter"]()

    def on_key(self, event: events.Key) -> None:
        """Act on keys in their order; leave one that comes when the prompt is closed to whoever has the focus now."""
        if self.screen.focused is not self:
            event.prevent_default()
        elif event.key in self._keys:
            event.stop()
            event.prevent_default()
            self._keys[event.key]()


class _Wrong(Highlighter):
    def __init__(self, line: PromptLine) -> None:
        self.line = line

    def highlight(self, text: Text) -> None:
        for start, end, doubt in self.line.wrong:
            name = "prompt-line--doubt" if doubt else "prompt-line--wrong"
            text.stylize(self.line.get_component_rich_style(name, partial=True), start, end)


class AnswerLine(Widget):
    """What the prompt answers, under the part that it is about; then the keys, if there is room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"answer--{name}" for name in ("quiet", "text", "warn", "bad", "hit", "chosen", "key", "keytext")
    }

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.keys: tuple[tuple[str, str], ...] = ()
        self._answer = Reply()
        self._offset = 0

    def show(self, answer: Reply, offset: int) -> None:
        """Show an answer; ``offset`` is the cell in which the typed line begins."""
        self._answer, self._offset = answer, offset
        self.refresh()

    def render(self) -> Text:
        width = self.size.width
        answer = self._answer
        said = Text(no_wrap=True, end="")
        for text, name in answer.pieces:
            said.append(text, self._style(name or "text"))
        line = Text(no_wrap=True, end="")
        at = self._offset
        if answer.start is not None:
            start, mark = self._offset + answer.start, "^" * max(1, answer.end - answer.start)
            style = self._style(answer.pieces[0][1] if answer.pieces else "text")
            if start + len(mark) + 1 + said.cell_len <= width:
                line.append(" " * start).append(mark, style).append(" ").append(said)
            elif said.cell_len + 1 <= start:
                line.append(" " * (start - said.cell_len - 1)).append(said).append(" ").append(mark, style)
        if not line.plain:
            at = min(at, max(0, width - said.cell_len))
            line.append(" " * at).append(said)
        if line.cell_len > width:
            line.truncate(width, overflow="ellipsis")
        keys = Text(no_wrap=True, end="")
        for key, words in self.keys:
            keys.append(f"  {key} ", self._style("key")).append(words, self._style("keytext"))
        keys.append(" ")
        if line.cell_len + keys.cell_len <= width:
            line.append(" " * (width - line.cell_len - keys.cell_len)).append(keys)
        return line

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"answer--{name}", partial=True)
