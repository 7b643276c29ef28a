"""The command palette: every action that can be taken here, read from the bindings like the help is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from layerscope.tui.keys import ORDER, SHOW, bindings_of, keys_of


class Commands(Provider):
    """All actions, by task; then those of Textual that are of use here."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], Any]]]:
        found = [one for one in bindings_of(self.screen, shown=True) if one.group]
        places = {group.description: place for place, group in enumerate(ORDER)}
        # What is asked for by name comes first; nobody moves the cursor from here.
        found.sort(key=lambda one: (places[one.group] == 0, places[one.group]))
        for one in found:
            keys = " ".join(keys_of(one.binding))
            yield one.title, f"{one.group} · {keys}", partial(self.app.run_action, one.binding.action, one.node)
        yield "Save a picture of the screen", f"{SHOW.description} · SVG", self._picture

    def _picture(self) -> None:
        self.app.set_timer(0.1, self.app.deliver_screenshot)  # once the palette is gone

    async def discover(self) -> Hits:
        """All of them."""
        for title, help_text, run in self._commands():
            yield DiscoveryHit(title, run, help=help_text)

    async def search(self, query: str) -> Hits:
        """Those whose words fit."""
        matcher = self.matcher(query)
        for title, help_text, run in self._commands():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), run, help=help_text)
