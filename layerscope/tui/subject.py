"""Subject: the thing that a cursor is on, and how it, or the command that removes what is marked, is copied."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widget import Widget

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Container
from layerscope.text import fit
from layerscope.tui.panes.view import View
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.markline import MarkLine
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import count, format_number
from layerscope.views.aligned import LayerRow
from layerscope.views.names import image_label, short_id
from layerscope.views.rmi import remove_line, sound_id
from layerscope.views.tree import TreeRow

Subject = ImageNode | Layer | Container
"""What a cursor can be on."""


def subject_of(focused: Widget | None, view: View) -> Subject | None:
    """Return what the cursor of the focused list is on; of a view that is no list, its layer, or else its image."""
    row = focused.row if isinstance(focused, RowTable) else None
    if isinstance(row, ImageNode | Layer | Container):
        return row
    if isinstance(row, TreeRow):
        return row.image or view.layer_here
    if isinstance(row, LayerRow) and row.layer is not None:
        return row.layer
    if isinstance(focused, RowTable | MarkLine):
        return view.image_here or view.layer_here
    return view.layer_here or view.image_here


def id_of(subject: Subject) -> tuple[str, str]:
    """Return the ID of a thing, and how to say that it was copied."""
    if isinstance(subject, ImageNode):
        return sound_id(subject.id), f"copied the ID of {image_label(subject)}"
    if isinstance(subject, Layer):
        return sound_id(subject.chain_id), f"copied the chain ID of layer {short_id(subject.chain_id)}"
    return sound_id(subject.id), f"copied the ID of container {short_id(subject.id)}"


def removal_of(scene: Scene) -> tuple[str, str]:
    """Return the command that removes what is marked, and how to say that it was copied."""
    plan = scene.marks.plan()
    images = (*plan.removed, *(one.image for one in plan.untagged), *plan.blocked_images)
    line, left_out = remove_line(scene.graph.inventory.engine, images)
    refused = len(plan.blocked_images)
    said = [f"copied the command that removes {count(len(scene.marks) - left_out, 'image')}"]
    said += [f"the engine will refuse {format_number(refused)} of them"] if refused else []
    said += [f"{count(left_out, 'image')} left out, having no sound name"] if left_out else []
    return line, " · ".join(said)


def copy_here(screen: Screen[Any], scene: Scene, subject: Subject | None) -> None:
    """Copy the command that removes what is marked; without marks, the ID of ``subject``."""
    if len(scene.marks):
        copy_text(screen, *removal_of(scene))
    elif subject is not None:
        copy_text(screen, *id_of(subject))


def copy_text(screen: Screen[Any], text: str, said: str) -> None:
    """Put ``text`` on the clipboard by OSC 52, which reaches the user's terminal through ssh too; say ``said``."""
    if text:
        screen.app.copy_to_clipboard(text)
    screen.notify(fit(said, 300) if text else "nothing to copy", markup=False, timeout=4)
