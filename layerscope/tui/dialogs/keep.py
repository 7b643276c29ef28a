"""Keep rules: a file is named, each rule shows what it comes to, Enter goes on to the removal dialog."""

from __future__ import annotations

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from layerscope.core.keep.plan import KeepPlan, keep_plan
from layerscope.errors import WrongInputError
from layerscope.search.rules import RulesFile
from layerscope.state.rules import load_rules
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.views.keep import keep_rows, keep_said
from layerscope.views.removal import Said

HELP = "Name a file of keep rules; `layerscope keep --example` prints one to start from. Nothing is removed yet."


class KeepScreen(Dialog[tuple[str, ...]]):
    """Answers the IDs of the images that go by the rules and that the user accepted."""

    AUTO_FOCUS = "#typed"

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.found: KeepPlan | None = None
        self.line = Input(id="typed", select_on_focus=False)
        self.line.cursor_blink = False

    def parts(self) -> ComposeResult:
        """The line, the rules under it."""
        with Horizontal(id="asked"):
            yield Static("Keep rules in:", id="label")
            yield self.line
        yield from super().parts()

    def _below(self) -> int:
        return super()._below() + 1

    def scene_changed(self) -> None:
        """What was worked out is of an older scan: ask for Enter again."""
        self.found = None
        self.retitle("Keep rules", "Enter read · Esc close")
        self.put([], [Said(HELP, "quiet")])

    @on(Input.Changed)
    def _typed(self) -> None:
        if self.found is not None:
            self.scene_changed()

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Read the rules; once they are on screen, take what goes by them."""
        if self.found is None:
            if self.line.value.strip():
                self.say([Said("working it out …", "quiet")])
                self._work_out(self.line.value.strip())
        elif self.found.plan.images:
            self.dismiss(tuple(node.id for node in self.found.plan.images))

    @work(exclusive=True, group="keep", exit_on_error=False)
    async def _work_out(self, path: str) -> None:
        scene, graph = self.scene, self.scene.graph
        try:
            rules, found = await asyncio.to_thread(_read, path, scene)
        except WrongInputError as error:
            self.put([], [Said(f"{error}.", "warn")])
            return
        if graph is not scene.graph or self.line.value.strip() != path:
            return
        self.found = found
        enter = "Enter mark what goes, show the plan · " if found.plan.images else ""
        self.retitle("Keep rules", f"{enter}Esc close")
        self.put(keep_rows(found, scene.units), keep_said(found, rules.needs_history, scene.now, scene.units))


def _read(path: str, scene: Scene) -> tuple[RulesFile, KeepPlan]:
    rules = load_rules(path)(scene.now)
    return rules, keep_plan(scene.graph, rules.rules, scene.pins.ids(scene.graph))
