"""Presets: a menu of ready-made sets; a digit, or Enter, marks one and shows it. Nothing is removed here."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from layerscope.tui.dialogs.dialog import Dialog
from layerscope.tui.scene import Scene
from layerscope.views.presets import COLUMNS, PRESETS, Found, presets
from layerscope.views.removal import Said


class PresetsScreen(Dialog[tuple[str, ...]]):
    """Answers the IDs of the set that was taken."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(preset.key, f"take('{preset.key}')", preset.name, show=False) for preset in PRESETS),
        Binding("q", "refuse", "close"),
        Binding("enter", "enter", "mark these"),
    ]

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.found: list[Found] = []
        self.rows.heads, self.rows.more = ("SET", "FREES"), COLUMNS

    def scene_changed(self) -> None:
        """Work them out again."""
        scene = self.scene
        self.found = presets(scene.graph, scene.pins.ids(scene.graph), scene.now, scene.units)
        self.retitle("Presets", "1 to 5, or Enter: mark these · Esc close")
        said = [
            Said("Nothing in use and nothing pinned is among them. Nothing is removed yet: d shows the plan.", "quiet")
        ]
        if not scene.graph.inventory.complete:
            said.insert(0, Said("Still reading layers: more may come.", "warn"))
        self.put([one.row for one in self.found], said)

    def action_take(self, key: str) -> None:
        """Mark the images of a set in place of what was marked."""
        ids = next((one.ids for one in self.found if one.preset.key == key), ())
        if ids:
            self.dismiss(ids)
        else:
            self.notify("there is no such image here")

    def action_enter(self) -> None:
        """Mark those under the cursor."""
        if self.rows.row is not None:
            self.action_take(self.rows.row.row.id)
