"""Before and after: an earlier scan is named, and what came and went since is shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from layerscope.core.before_after import Difference, NotComparableError, difference
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.sources.scanfile import ScanFileError, load_inventory
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.views.before_after import change_words, difference_rows, span_words, totals_words
from layerscope.views.removal import Said

HELP = "Name a saved scan: what came and went since it was taken is shown. E saves one of this moment."


class DiffScreen(Dialog[None]):
    """Two scans beside each other: the one that is named, and what is on screen."""

    AUTO_FOCUS = "#typed"

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.line = Input(id="typed", select_on_focus=False)
        self.line.cursor_blink = False
        self._shown = ""

    def parts(self) -> ComposeResult:
        """The line, what changed under it."""
        with Horizontal(id="asked"):
            yield Static("Since the scan in:", id="label")
            yield self.line
        yield from super().parts()

    def _below(self) -> int:
        return super()._below() + 1

    def scene_changed(self) -> None:
        """Set the named scan beside what is there now."""
        self.retitle("Before and after", "Enter read · ↑↓ scroll · Esc close")
        if self._shown:
            self._work_out(self._shown)
        else:
            self.put([], [Said(HELP, "quiet")])

    @on(Input.Submitted)
    def _entered(self) -> None:
        if path := self.line.value.strip():
            self.say([Said("reading it …", "quiet")])
            self._work_out(path)

    @work(exclusive=True, group="diff", exit_on_error=False)
    async def _work_out(self, path: str) -> None:
        try:
            found = await asyncio.to_thread(_difference, path, self.scene.graph)
        except (ScanFileError, NotComparableError) as error:
            self._shown = ""
            self.put([], [Said(f"{error}.", "warn")])
            return
        self._shown = path
        units = self.scene.units
        head = Said(change_words(found, units) if found else "Nothing changed.", "strong")
        sums = Said(totals_words(found, units), "")
        self.put(difference_rows(found, units), [head, sums, Said(f"{span_words(found)}.", "quiet")])


def _difference(path: str, graph: LayerGraph) -> Difference:
    try:
        file = Path(path).expanduser()
    except RuntimeError:
        raise ScanFileError(f"{path}: there is no such home folder") from None
    return difference(build_graph(load_inventory(file)), graph)
