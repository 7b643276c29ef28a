"""Removal, under way and done: image by image, what the engine refuses beside it, and what came back, measured."""

from __future__ import annotations

from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.core.graph import LayerGraph
from layerscope.core.removal.carry_out import CachePruned, CarriedOut, Remover, Step, carry_out, prune
from layerscope.core.removal.plan import RemovalPlan
from layerscope.errors import BackendError
from layerscope.sources.backend import Backend
from layerscope.tui.dialogs.confirm import ConfirmScreen
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.messages import EngineChanged, ScanFailed
from layerscope.tui.scene import Scene
from layerscope.units import format_size, part_of
from layerscope.views.removal import Said
from layerscope.views.removed import came_said, prune_said, step_row, still_held_said

ASKING = "asking the engine for its own totals …"


class RemovingScreen(Dialog[None]):
    """Removes; then says what came of it. Esc stops between two images while it is under way, and closes it after."""

    class Told(Message):
        """Something happened in the worker."""

        def __init__(self, phase: str = "", step: Step | None = None) -> None:
            super().__init__()
            self.phase = phase
            self.step = step

    class Done(Message):
        """It is over; this is what came of it."""

        def __init__(self, came: CarriedOut) -> None:
            super().__init__()
            self.came = came

    class Pruned(Message):
        """The build cache was pruned, or not."""

        def __init__(self, came: CachePruned) -> None:
            super().__init__()
            self.came = came

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "enter", "close"),
        Binding("p", "prune", "prune the build cache"),
    ]

    def __init__(self, scene: Scene, plan: RemovalPlan, backend: Backend, remover: Remover) -> None:
        super().__init__()
        self.scene = scene
        self.plan = plan
        self.backend = backend
        self.remover = remover
        self.steps: dict[str, Step] = {}
        self.phase = ASKING
        self.stopping = False
        self.came: CarriedOut | None = None
        self.fault = ""
        """A mistake of ours that ended the work; what was done by then is in the log."""
        self.result: list[Said] = []
        self.held = 0
        """Bytes of what was removed that are still on disk for the build cache."""
        self.content_held = 0
        """Bytes of content that the build cache may hold still, at most."""
        self._after: list[Said] = []
        self.pruning = False

    def on_mount(self) -> None:
        self._draw()
        self._run()

    # -- the work, in a thread ------------------------------------------------------------

    @work(thread=True, group="remove", exit_on_error=False)
    def _run(self) -> None:
        worker = get_current_worker()
        came = carry_out(
            self.plan,
            self.backend,
            self.remover,
            progress=lambda step: self.post_message(self.Told("removing", step)),
            measuring=lambda: self.post_message(self.Told("measuring what came back …")),
            cancelled=lambda: self.stopping or worker.is_cancelled,
        )
        self.post_message(self.Done(came))

    @work(thread=True, group="remove", exit_on_error=False)
    def _prune(self) -> None:
        self.post_message(self.Pruned(prune(self.backend, self.remover, content=self._of_content)))

    # -- what comes of it -----------------------------------------------------------------

    @on(Told)
    def _told(self, message: Told) -> None:
        if message.step is not None:
            self.steps[message.step.image_id] = message.step
        self.phase = message.phase
        self._draw()
        if message.step is not None:
            self.rows.go_to(message.step.image_id)

    @on(Done)
    def _done(self, message: Done) -> None:
        came = self.came = message.came
        self.result, self.held = came_said(came, self.scene.units), came.measured.held
        self.content_held = came.content_held
        self.scene.freed += came.measured.disk_back
        if self.remover.warning:
            self._after.append(Said(f"{self.remover.warning}.", "warn"))
        self._truth(came.graph, came.lost)
        self._draw()

    @on(Pruned)
    def _pruned(self, message: Pruned) -> None:
        self.pruning = False
        came = message.came
        if came.content is None:
            self.scene.freed += came.back
        self._after.append(prune_said(came, self.scene.units))
        if self.held and not came.wrong:  # what was still to come back has
            self.result = [*self.result[:-1], *still_held_said(self.held, came.back, self.scene.units)]
            self.held = 0
        if self.content_held and not came.wrong:
            self.result = self.result[:-1]
            self.content_held = 0
        self._truth(came.graph, came.lost)
        self._draw()

    def failed(self, line: str) -> None:
        """The work ended by a mistake of ours: say so; what the engine has now is not known."""
        self.fault, self.pruning = line, False
        self._truth(None, BackendError(line, "r looks at the engine again"))
        self._draw()

    def _truth(self, graph: LayerGraph | None, failed: BackendError | None) -> None:
        """Let the main screen show what is there now, or that it is not known."""
        main = next(screen for screen in self.app.screen_stack if screen.id == "main")
        if graph is not None:
            main.post_message(EngineChanged(graph))
        elif failed is not None:
            main.post_message(ScanFailed(failed.cause, failed.hint))

    def _draw(self) -> None:
        units = self.scene.units
        nodes = (*self.plan.removed, *(one.image for one in self.plan.untagged))
        rows = [step_row(node, self.steps.get(node.id), units) for node in nodes]
        number = sum(step.state != "removing" for step in self.steps.values())
        if self.came is None and not self.fault:
            text = self.phase
            if text == "removing":
                text = f"{part_of(number, len(rows), 'image')} done"
            if self.stopping:
                text = f"stopping after the image under way · {text}"
            self.retitle("Removal under way", "Esc stop between two images")
            self.put(rows, [Said(text, "strong")])
            return
        said = [*self.result, *self._after]
        if self.fault:
            said += [Said(f"{self.fault}.", "bad"), Said("What was asked and answered until then is in the log.")]
        keys = "Esc close"
        if self.pruning:
            said.append(Said("pruning the build cache …", "strong"))
        elif self._can_prune:
            keys = "p prune the build cache … · Esc close"
        done = "Removal ended by a fault" if self.fault else "Removal stopped" if self.stopping else "Removal done"
        self.retitle(done, keys)
        self.put(rows, said)

    @property
    def _can_prune(self) -> bool:
        return bool(self.held or self.content_held) and not self.pruning and not self.fault

    @property
    def _of_content(self) -> bool:
        return self.plan.graph.rules.keeps_content

    # -- keys -----------------------------------------------------------------------------

    def action_refuse(self) -> None:
        """Stop between two images; close, once it is over."""
        if self.came is None and not self.fault:
            self.stopping = True
            self._draw()
        else:
            self.action_enter()

    def action_enter(self) -> None:
        """Close, once it is over."""
        if (self.came is not None or self.fault) and not self.pruning:
            self.dismiss(None)

    def action_prune(self) -> None:
        """Offer to prune the build cache, where that is what holds the bytes."""
        if not self._can_prune or self.came is None:
            return
        most = self._of_content or self.came.measured.held_at_most
        size = f"{'Up to ' if most else ''}{format_size(self.held or self.content_held, self.scene.units)}"
        asked = [
            Said("Prune the build cache?", "strong"),
            Said(f"{size} of what was removed comes back on disk then. No image is removed by it."),
            Said(
                "All of the cache that is not in use goes, not only what these images left: the next builds are slower."
            ),
        ]
        self.app.push_screen(ConfirmScreen("Build cache", asked), self._prune_confirmed)

    def _prune_confirmed(self, confirmed: bool | None) -> None:
        if confirmed:
            self.pruning = True
            self._draw()
            self._prune()
