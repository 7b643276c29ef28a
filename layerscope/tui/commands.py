"""The command palette: every action that can be taken here, read from the bindings like the help is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from layerscope.tui.keys import ORDER, bindings_of, keys_of
from layerscope.tui.themes import PLAIN, THEMES

TITLES = 54
"""Cells for what a command does; its keys come after them."""


Command = tuple[str, list[str], Callable[[], Any]]
"""What it does, the keys for it, and how to run it."""


class Listed(Provider):
    """Commands that are listed in full, and searched by what they do."""

    def commands(self) -> Iterator[Command]:
        """Give all of them, in the order in which they are listed."""
        raise NotImplementedError

    async def discover(self) -> Hits:
        """All of them."""
        for title, keys, run in self.commands():
            yield DiscoveryHit(_line(Content(title), keys), run, title)

    async def search(self, query: str) -> Hits:
        """Those whose words fit."""
        matcher = self.matcher(query)
        for title, keys, run in self.commands():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, _line(matcher.highlight(title), keys), run, title)


class Commands(Listed):
    """All actions that can be taken where one is, by task."""

    def commands(self) -> Iterator[Command]:
        """Give each action once, with all keys that do it."""
        found = [one for one in bindings_of(self.screen, shown=True) if one.group and one.possible]
        places = {group.description: place for place, group in enumerate(ORDER)}
        listed: dict[str, Command] = {}
        # What is asked for by name comes first; nobody moves the cursor from here.
        found.sort(key=lambda one: (places[one.group] == 0, places[one.group]))
        for one in found:
            if one.binding.action != "command_palette":
                command = partial(self.app.run_action, one.binding.action, one.node)
                listed.setdefault(one.title, (one.title, [], command))[1].extend(keys_of(one.binding))
        yield from listed.values()
        yield "Save a picture of the screen (SVG)", [], self._picture

    def _picture(self) -> None:
        self.app.set_timer(0.1, self.app.deliver_screenshot)  # once the palette is gone


class Themes(Listed):
    """All themes, our own first; the one in use says so."""

    def commands(self) -> Iterator[Command]:
        ours = [theme.name for theme in (*THEMES, PLAIN)]
        for name in (*ours, *sorted(set(self.app.available_themes) - set(ours))):
            yield name, ["in use"] if name == self.app.theme else [], partial(setattr, self.app, "theme", name)


def _line(title: Content, keys: list[str]) -> Content:
    """Set the keys beside the title, in a column of their own where that has room."""
    gap = " " * max(2, TITLES - title.cell_length)
    return Content.assemble(title.stylize_before("not bold"), gap, ("  ".join(keys), "bold $hue-key"))
