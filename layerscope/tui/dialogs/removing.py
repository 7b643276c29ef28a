"""Removal, under way and done: image by image, what the engine refuses beside it, and what came back, measured."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.measured import Freed
from layerscope.core.removal.plan import RemovalPlan, held_by_cache
from layerscope.inventory import DiskUsage
from layerscope.sources.backend import Backend, BackendError, Remover, Step
from layerscope.text import clean
from layerscope.tui.dialogs.confirm import ConfirmScreen
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.host import Host
from layerscope.tui.messages import HostChanged, ScanFailed
from layerscope.units import format_size
from layerscope.views.names import count
from layerscope.views.removal import Account, Said, account, pruned, step_row

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

        def __init__(self, came: Account, graph: LayerGraph | None, failed: BackendError | None) -> None:
            super().__init__()
            self.came = came
            self.graph = graph
            self.failed = failed

    class Pruned(Message):
        """The build cache was pruned, or not."""

        def __init__(self, back: Freed, said: Said, graph: LayerGraph | None, failed: BackendError | None) -> None:
            super().__init__()
            self.back = back
            self.said = said
            self.graph = graph
            self.failed = failed

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,q", "enter", "close"),
        Binding("p", "prune", "prune the build cache"),
    ]

    def __init__(self, host: Host, plan: RemovalPlan, backend: Backend, remover: Remover) -> None:
        super().__init__()
        self.host = host
        self.plan = plan
        self.backend = backend
        self.remover = remover
        self.steps: dict[str, Step] = {}
        self.phase = ASKING
        self.stopping = False
        self.came: Account | None = None
        self._after: list[Said] = []
        self.pruning = False

    def on_mount(self) -> None:
        """Begin."""
        self._draw()
        self._run()

    # -- the work, in a thread ------------------------------------------------------------

    @work(thread=True, group="remove", exit_on_error=False)
    def _run(self) -> None:
        plan = self.plan
        worker = get_current_worker()
        before = after = None
        graph: LayerGraph | None = None
        failed: BackendError | None = None
        why = ""
        steps: tuple[Step, ...] = ()
        held = plan.held_by_cache
        try:
            if self._measures:
                before = self.backend.usage()
                if held is None:
                    told = build_graph(replace(plan.graph.inventory, usage=before))
                    held = held_by_cache(told, plan.freed)
        except BackendError as error:
            why = error.cause  # it may still remove; only what it frees cannot be measured
        steps = self.remover.remove(
            plan,
            lambda step: void(self.post_message(self.Told("removing", step))),
            lambda: self.stopping or worker.is_cancelled,
        )
        self.post_message(self.Told("measuring what came back …"))
        try:
            graph, after, unmeasured = self._look_again()
            why = unmeasured or why
        except BackendError as error:
            failed, why = error, error.cause
        came = account(plan, steps, before, after, graph, held, why, self.host.units)
        self.post_message(self.Done(came, graph, failed))

    @property
    def _measures(self) -> bool:
        """Are the engine's own totals of use: as the measure, or for what the build cache holds?"""
        rules = self.plan.graph.rules
        return rules.total_is_footprint or rules.build_cache_holds_layers

    def _look_again(self) -> tuple[LayerGraph, DiskUsage | None, str]:
        """Return what is there now, the engine's totals, and why it gave none. Raises BackendError if it is lost."""
        found = self.backend.look_again()
        if not self._measures:
            return build_graph(found), None, ""
        try:
            usage = self.backend.usage()
        except BackendError as error:  # busy with another session's question, say: what is there is known all the same
            return build_graph(found), None, error.cause
        return build_graph(replace(found, usage=usage)), usage, ""

    @work(thread=True, group="remove", exit_on_error=False)
    def _prune(self) -> None:
        graph: LayerGraph | None = None
        before = after = None
        failed: BackendError | None = None
        wrong = ""
        counted: int | None = None
        with suppress(BackendError):  # without it, what comes back is not measured
            before = self.backend.usage()
        try:
            counted = self.remover.prune_build_cache()
        except BackendError as error:
            wrong = clean(str(error), 400)
        try:
            graph, after, _ = self._look_again()
        except BackendError as error:
            failed = error
        back, said = pruned(before, after, counted, wrong, self.host.units)
        self.post_message(self.Pruned(back, said, graph, failed))

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
        self.host.freed += came.back
        if self.remover.warning:
            self._after.append(Said(f"{self.remover.warning}.", "warn"))
        self._truth(message.graph, message.failed)
        self._draw()

    @on(Pruned)
    def _pruned(self, message: Pruned) -> None:
        self.pruning = False
        self.host.freed += message.back
        self._after.append(message.said)
        came = self.came
        if came is not None and came.held and message.said.style == "good":
            said = list(came.said[:-1])  # what was still to come back has
            if message.back.high is not None and (rest := came.held - message.back.high) > 0:
                size = format_size(rest, self.host.units)
                said.append(Said(f"At least {size} of it is still on disk: the engine kept it in its cache.", "warn"))
            self.came = replace(came, held=0, said=tuple(said))
        self._truth(message.graph, message.failed)
        self._draw()

    def _truth(self, graph: LayerGraph | None, failed: BackendError | None) -> None:
        """Let the main screen show what is there now, or that it is not known."""
        main = self.app.screen_stack[1]
        if graph is not None:
            main.post_message(HostChanged(graph))
        elif failed is not None:
            main.post_message(ScanFailed(failed.cause, failed.hint))

    def _draw(self) -> None:
        units = self.host.units
        nodes = (*self.plan.removed, *(one.image for one in self.plan.untagged))
        rows = [step_row(node, self.steps.get(node.id), units) for node in nodes]
        came = self.came
        number = sum(step.state != "removing" for step in self.steps.values())
        if came is None:
            text = self.phase
            if text == "removing":
                text = f"{number:,} of {count(len(rows), 'image')} done"
            if self.stopping:
                text = f"stopping after the image under way · {text}"
            self.retitle("Removal under way", "Esc stop between two images")
            self.put(rows, [Said(text, "strong")])
            return
        said = [Said(came.said[0].text, came.said[0].style), *came.said[1:], *self._after]
        keys = "Esc close"
        if self.pruning:
            said.append(Said("pruning the build cache …", "strong"))
        elif self._can_prune:
            keys = "p prune the build cache … · Esc close"
        self.retitle("Removal stopped" if self.stopping else "Removal done", keys)
        self.put(rows, said)

    @property
    def _can_prune(self) -> bool:
        return self.came is not None and bool(self.came.held) and not self.pruning

    # -- keys -----------------------------------------------------------------------------

    def action_refuse(self) -> None:
        """Stop between two images; close, once it is over."""
        if self.came is None:
            self.stopping = True
            self._draw()
        else:
            self.action_enter()

    def action_enter(self) -> None:
        """Close, once it is over."""
        if self.came is not None and not self.pruning:
            self.dismiss(None)

    def action_prune(self) -> None:
        """Offer to prune the build cache, where that is what holds the bytes."""
        if not self._can_prune or self.came is None:
            return
        size = f"{'Up to ' if self.came.held_at_most else ''}{format_size(self.came.held, self.host.units)}"
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


def void(_: object) -> None:
    """Drop a value."""
