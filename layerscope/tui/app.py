"""The app: themes, keys that are everywhere, and which screen is shown; thin on purpose."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.theme import Theme

from layerscope.text import copied
from layerscope.tui.forgetting import EVERY, forget
from layerscope.tui.keys import APP, key_name
from layerscope.tui.messages import NotKept, Warned
from layerscope.tui.screens.keys import nothing_on
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.session import Session
from layerscope.tui.textual_hacks import KeysInOrder, Palette, QuickStylesheet, let_lines_go
from layerscope.tui.themes import DEFAULT, PLAIN, THEMES, hues

let_lines_go()
SMALLEST = (60, 15)
"""The least width and height of a terminal that everything fits in."""


def _commands() -> type[Provider]:
    from layerscope.tui.commands import Commands  # noqa: PLC0415 - only when the palette is opened

    return Commands


class LayerscopeApp(KeysInOrder, App[int]):
    """Shows one session."""

    TITLE = "layerscope"
    CSS_PATH = ["app.tcss", "screens/main.tcss"]  # noqa: RUF012 - as Textual declares it
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+p", "command_palette", "All commands", show=False, group=APP, priority=True),
        Binding("T", "change_theme", "Choose a theme", show=False, group=APP),
        Binding("ctrl+q", "quit", "Quit", show=False, group=APP, priority=True),
    ]

    def __init__(self, session: Session, *, theme: str | None = None) -> None:
        """Take the session to show, and a theme in place of the one that was chosen before."""
        plain = "NO_COLOR" in os.environ
        super().__init__(ansi_color=True if plain else None)
        self.session = session
        for known in (*THEMES, PLAIN):
            self.register_theme(known)
        wanted = (PLAIN.name if plain else None, theme, session.settings.theme)
        self.theme = self._theme_at_start = next((name for name in wanted if name in self.available_themes), DEFAULT)
        self.stylesheet = QuickStylesheet(variables=self.get_css_variables())

    def on_key(self, event: events.Key) -> None:
        """Let a key that does nothing say so."""
        screen = self.screen
        if event.is_printable and isinstance(screen, MainScreen) and event.key not in screen.active_bindings:
            screen.mark_line.aside(nothing_on(event.key))

    def get_default_screen(self) -> MainScreen:
        """Begin with the main screen: one before it would be laid out and drawn for nobody."""
        return MainScreen(self.session)

    def on_mount(self) -> None:
        """Begin to look after what is everywhere."""
        self.call_after_refresh(self._guard)
        self.theme_changed_signal.subscribe(self, self._themed)
        self.set_interval(EVERY, forget)

    @property
    def main(self) -> MainScreen:
        """The main screen, wherever it is in the stack."""
        return next(screen for screen in self.screen_stack if isinstance(screen, MainScreen))

    def on_unmount(self) -> None:
        """Let go of the engine."""
        self.session.close()

    @on(Warned)
    def _warned(self, message: Warned) -> None:
        self.notify(message.words, severity="warning", timeout=10, markup=False)

    @on(NotKept)
    def _not_kept(self, message: NotKept) -> None:
        self.notify(message.why, severity="warning", markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy one printable line, whoever asks for it."""
        super().copy_to_clipboard(copied(text))

    # -- themes and names of keys ---------------------------------------------------------

    def action_command_palette(self) -> None:
        """Open the palette, unless there is one: something may lie over it."""
        if not self._has_palette:
            self.push_screen(Palette(id="--command-palette"))

    @property
    def _has_palette(self) -> bool:
        return any(isinstance(screen, CommandPalette) for screen in self.screen_stack)

    def search_themes(self) -> None:
        """List the themes, to choose one."""
        from layerscope.tui.commands import Themes  # noqa: PLC0415 - only when asked for

        if self._has_palette:
            return
        self.push_screen(Palette(providers=[Themes], placeholder="Search for themes…"))

    def _themed(self, theme: Theme) -> None:
        if theme.name != self._theme_at_start:  # signalled too, but nobody chose it now
            self.session.keep(theme=theme.name)
        self._theme_at_start = ""

    def get_css_variables(self) -> dict[str, str]:
        """Add the interface's own hues to those of the theme."""
        variables = super().get_css_variables()
        variables.update(hues(self.current_theme))
        return variables

    def get_key_display(self, binding: Binding) -> str:
        """Name a key the same way everywhere."""
        return binding.key_display or key_name(binding.key)

    # -- a terminal that is too small -----------------------------------------------------

    def on_resize(self) -> None:
        """Look whether there is room, once the new size is known everywhere."""
        self.call_later(self._guard)

    def _guard(self) -> None:
        """Say so when the terminal is too small; that goes away by itself."""
        from layerscope.tui.dialogs.small import SmallScreen, too_small  # noqa: PLC0415 - only when needed

        shown = next((screen for screen in self.screen_stack if isinstance(screen, SmallScreen)), None)
        if not too_small(self.size, SMALLEST):
            if shown is not None:
                shown.dismiss()
        elif shown is None and any(isinstance(screen, MainScreen) for screen in self.screen_stack):
            self.push_screen(SmallScreen(SMALLEST))
