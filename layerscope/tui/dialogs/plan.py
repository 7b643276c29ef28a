"""The plan of a removal: what goes, what stays and why, what comes back; the answer is No until somebody says yes.

It removes nothing: on a saved scan it is shown as well, and its last line says why nothing can be removed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from layerscope.core.graph import ImageNode
from layerscope.core.removal.marks import Marks
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.tui.subject import copy_text
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import format_number
from layerscope.views.decide import COLUMNS
from layerscope.views.removal import (
    Row,
    Said,
    again_line,
    again_said,
    containers_line,
    needs_typing,
    plan_changes,
    plan_rows,
    plan_said,
    unmarked_row,
    what_is_asked,
)

WORD = "remove"
PAUSE = 0.5
"""Seconds without a key after a change, before anything can be confirmed again."""
UNREAD = "the scan is not complete: who shares what is not known yet"


class TypedLine(Input):
    """The line for the number; with nothing typed yet, keys of the row are for the list above it."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Take every other letter, and digits."""
        if not self.value and key in {"space", "c", "h", "x"}:
            return False
        return super().check_consume_key(key, character)


class PlanScreen(Dialog[RemovalPlan]):
    """Asks; answers the plan that was on screen for yes. Follows the host: what it shows is what would happen.

    When the plan changes, by the engine or by Space, nothing can be confirmed until that could be seen: a key that was
    on its way is no answer to what is new. Each other key before the answer starts that pause again, and so does
    whatever lay over the dialog when it goes.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "agree", "remove them"),
        Binding("n,q", "refuse", "no"),
        Binding("enter", "enter", "no"),
        Binding("space", "unmark", "take the mark off, or put it back", priority=True),
        Binding("c", "copy", "copy the command that pulls it again", priority=True),
        Binding("x", "copy_containers", "copy the command that removes its containers", priority=True),
        Binding("h", "holders", "go to the image and what holds it", priority=True),
    ]

    def __init__(
        self,
        scene: Scene,
        marks: Marks,
        no_removal: str = "",
        changed: Callable[[], object] = lambda: None,
        go: Callable[[ImageNode], object] = lambda _: None,
    ) -> None:
        """``marks``: the set, the scene's own or another; ``no_removal``: why nothing can be removed here.

        ``changed`` is called when the user took a mark off, or put one back; ``go`` to show what holds an image.
        """
        super().__init__()
        self.scene = scene
        self.marks = marks
        self.no_removal = no_removal
        self.changed = changed
        self.go = go
        self.plan = marks.plan()
        self.listed = [node.id for node in self.plan.images]
        """IDs of the images that the set had, in the order in which they are shown."""
        self._changes: list[str] = []
        """What a yes would do otherwise than when one could last say it, a sentence each."""
        self._seen = self.plan
        """The plan to which one could last say yes."""
        self._pause: Timer | None = None
        """Runs while nothing can be confirmed."""
        self._could = not self.why_not
        """Could anything be removed when this was drawn last?"""
        self._dropped = False
        """Was something typed in that pause? Enter behind it is no answer either."""
        self.typing = False
        self.question = Static("", id="question")
        self.again = Static("", id="again")
        self.line = TypedLine(id="typed", select_on_focus=False)
        self.line.cursor_blink = False
        self.rows.more = COLUMNS

    def parts(self) -> ComposeResult:
        """The list, what it comes to, the question, and a line to type in when it is much."""
        yield from super().parts()
        yield self.again
        yield self.question
        yield self.line

    @property
    def why_not(self) -> str:
        """Why nothing can be removed now, in a line; empty when it can."""
        return self.no_removal or ("" if self.scene.graph.inventory.complete else UNREAD)

    def scene_changed(self) -> None:
        """Work the plan out again: an image may have gone, or have been taken into use, while one reads."""
        before, graph = self.plan, self.scene.graph
        if self.marks.graph is not graph:
            self.marks.rebase(graph)
        self.listed = [image_id for image_id in self.listed if image_id in graph.image_by_id]
        if not self.listed:
            if self.app.screen is self:
                self.notify("the marked images are gone")
            self.dismiss(None)
            return
        self._work_out()
        if plan_changes(before, self.plan, self.scene.units):
            self._changes = plan_changes(self._seen, self.plan, self.scene.units) or ["it is as it was again"]
            self._disarm()
        elif not (self._could or self.why_not):
            self._disarm()
        self._could = not self.why_not
        self._draw()

    def _work_out(self) -> None:
        self.plan = self.marks.plan()
        self.typing = needs_typing(self.plan) and bool(self._number) and not self.why_not

    def _sentences(self) -> list[Said]:
        now, units = self.plan, self.scene.units
        if not now.images:
            said = [Said("Nothing of these is marked any more: Space marks one again.", "strong")]
        else:
            said = [*plan_said(now, units), *again_said(now.graph, now.removed)]
        if self._changes:
            more = f"; {format_number(len(self._changes) - 3)} more changes" if len(self._changes) > 3 else ""
            said.insert(0, Said(f"The engine has changed: {'; '.join(self._changes[:3])}{more}.", "warn"))
        return said

    def _draw(self) -> None:
        scene, graph = self.scene, self.scene.graph
        shown = {row.id: row for row in plan_rows(self.plan, scene.now, scene.units)}
        known = set(self.listed)
        self.listed += [image_id for image_id in shown if image_id not in known]
        if not self.rows.images:  # once, in the order of the plan: what stays first; then nothing moves any more
            self.listed.sort(key={image_id: at for at, image_id in enumerate(shown)}.__getitem__)
        rows: list[Row] = []
        for image_id in self.listed:
            row = shown.get(image_id)
            rows.append(row or unmarked_row(graph, graph.image_by_id[image_id], scene.now, scene.units))
        self._ask()
        self.put(rows, self._sentences())
        self._moved()

    def _ask(self) -> None:
        what = what_is_asked(self.plan)
        self.line.display = self.typing
        keys = "Space unmark · "
        if self.why_not:
            question, keys = f"Nothing can be removed: {self.why_not}.", keys + "Esc close"
        elif not what:
            question, keys = "There is nothing to do.", keys + "Esc close"
        elif self._pause is not None:
            again = f"Look again: {what}" if self._changes else what.capitalize()
            question, keys = f"{again}? An answer is taken in a moment.", "Esc: no"
        elif self.typing:
            question = f"That is a lot. To {what}, type {self._number} and Enter."
            keys = "Space unmark · Enter with nothing typed, Esc: no"
        else:
            question, keys = f"{what.capitalize()}?", keys + "y yes · n, Enter, Esc: no"
        self._write(self.question, Content.styled(question, "$hue-warn" if self.why_not else ""))
        self.retitle("Remove images", keys)
        self.set_focus(self.line if self.typing else self.rows)  # at once: the next key may be here already

    @property
    def _number(self) -> int:
        """How many images a yes would change."""
        return len(self.plan.removed) + len(self.plan.untagged)

    def _below(self) -> int:
        again = len(str(self.again.render())) // max(1, self._width - 2) + 1 if self.again.display else 0
        question = len(str(self.question.render())) // max(1, self._width - 2) + 1
        return super()._below() + again + question + 1 + self.typing

    # -- the row under the cursor ---------------------------------------------------------

    @property
    def _here(self) -> ImageNode | None:
        line = self.rows.row
        return self.scene.graph.image_by_id.get(line.row.id) if line is not None else None

    @on(RowTable.Highlighted)
    def _moved(self) -> None:
        self._say_again()
        self._fit()

    def _say_again(self) -> None:
        node = self._here
        line = f"c copies how to get it back: {again}" if node is not None and (again := self._pull(node)) else ""
        if node is not None and (remove := containers_line(self.plan, node)):
            line = f"x copies how to free it: {remove} · h shows its holders"
        self.again.display = bool(line)
        self._write(self.again, Content.styled(line, "$text-quiet"))

    def _pull(self, node: ImageNode) -> str:
        return again_line(self.scene.graph, node)

    def action_scroll(self, by: int) -> None:
        """Move through the list; that is another key too."""
        super().action_scroll(by)
        self._other_key()

    def action_copy(self) -> None:
        """Copy the command that pulls the image under the cursor again."""
        self._for_the_row()
        node = self._here
        if node is not None and (line := self._pull(node)):
            copy_text(self, line, f"copied {line}")
        else:
            self.notify("no registry is known to have this image", severity="warning")

    def action_copy_containers(self) -> None:
        """Copy the command that removes the containers which block the image under the cursor."""
        self._for_the_row()
        node = self._here
        if node is not None and (line := containers_line(self.plan, node)):
            copy_text(self, line, f"copied {line}")
        else:
            self.notify("no container blocks this image", severity="warning")

    def action_holders(self) -> None:
        """Close, and go to the image under the cursor and all that uses it."""
        self._for_the_row()
        node = self._here
        if node is not None:
            self.dismiss(None)
            self.go(node)

    def _for_the_row(self) -> None:
        """Leave the key to the line where something is typed already."""
        if self.typing and self.line.value:
            raise SkipAction
        self._other_key()

    def action_unmark(self) -> None:
        """Take the image under the cursor out of the set, or put it back."""
        self._for_the_row()
        node = self._here
        if node is not None:
            self.marks.toggle([node])
            self._work_out()
            graph = self._seen.graph  # what the engine changed meanwhile is still told; the user's own change is not
            self._seen = plan(graph, [one for one in self.marks.ids if one in graph.image_by_id])
            self._changes = plan_changes(self._seen, self.plan, self.scene.units)
            self._disarm()
            self._draw()
            self.changed()

    # -- the answer -----------------------------------------------------------------------

    def action_agree(self) -> None:
        """Yes: where a key is enough."""
        if not self.typing:
            self._confirm()

    def _disarm(self) -> None:
        """Take no answer for a moment; what was typed of one is none any more."""
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(PAUSE, self._arm)
        self.line.value = ""

    def _arm(self) -> None:
        self._pause, self._seen, self._dropped = None, self.plan, False
        self._ask()

    def _confirm(self) -> None:
        if self._pause is not None:
            self._disarm()
        elif self._number and not self.why_not:
            self.dismiss(self.plan)

    def on_key(self, event: events.Key) -> None:
        """Any key but the answer: in the line they are told by what is in it."""
        if not self.typing and event.key not in {"y", "n", "q", "enter", "escape"}:
            self._other_key()

    def on_screen_resume(self) -> None:
        """What lay over this is gone: a change under it could not be seen."""
        self._other_key()

    def _other_key(self) -> None:
        """After a change: whoever pressed it may not have seen the change."""
        if self._changes:
            self._disarm()
            self._ask()

    @on(Input.Changed)
    def _typed(self) -> None:
        """Letters that were on their way when the plan changed are no answer to it."""
        if self._pause is not None and self.line.value:
            self._dropped = True
            self._disarm()

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        """Yes, if the number of images was typed, or the word; No, if nothing was."""
        typed = message.value.strip().lower()
        number = self._number
        if not typed and self._dropped:
            self._disarm()
        elif not typed:
            self.action_refuse()
        elif typed in {str(number), format_number(number), WORD}:
            self._confirm()
        else:
            self._write(
                self.question, Content(f"“{typed[:20]}” is not {number}: nothing is removed. Type {number}, or Esc.")
            )

    @on(events.DescendantBlur)
    def _keep_the_line(self) -> None:
        """Keys are for the line while there is one."""
        if self.typing and self.app.screen is self:
            self.line.focus()
