"""Saving the scan: asks for a name, and never overwrites a file without being told twice."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from layerscope.inventory import Inventory
from layerscope.sources.scanfile import ScanFileNotSaved, check_target, save_inventory
from layerscope.text import clean
from layerscope.tui.background import fault
from layerscope.tui.leaves import LeavesOnce
from layerscope.units import count


class ExportScreen(LeavesOnce, ModalScreen[None]):
    """One line to type a name in, and what came of it."""

    CSS_PATH = "export.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close")]

    def __init__(self, inventory: Inventory, now: int) -> None:
        """Take what is to be saved, and the time in Unix seconds for the name that is proposed."""
        super().__init__()
        self.inventory = inventory
        self.proposed = default_name(inventory, now)
        self.warned_of = ""
        """The name that the user was told is taken: Enter on it again overwrites."""

    def compose(self) -> ComposeResult:
        """A box with a line in it."""
        with Vertical(id="export", classes="box") as box:
            box.border_title = "Save the scan"
            box.border_subtitle = "Enter save · Esc close"
            yield Static(self._about(), id="about")
            yield Input(self.proposed, id="name", select_on_focus=False)
            yield Static(Content(""), id="said")

    def _about(self) -> Content:
        images = sum(image.listed for image in self.inventory.images)
        layers = "with all layers" if self.inventory.complete else "and what is read of their layers so far"
        what = f"{count(images, 'image')} {layers}, to look at anywhere with `layerscope -f FILE`"
        return Content(what if self.inventory.complete else f"{what}. The scan is not complete: a part is saved")

    def on_mount(self) -> None:
        """Type at once; the cursor does not blink, and stands where one changes the name."""
        line = self.query_one(Input)
        line.cursor_blink = False
        line.cursor_position = len(self.proposed.removesuffix(".scan.json.gz"))
        line.focus()

    @on(Input.Changed)
    def _typed(self) -> None:
        self.warned_of = ""
        self._say("")

    @on(Input.Submitted)
    def _entered(self, message: Input.Submitted) -> None:
        name = message.value.strip()
        if not name:
            self._say("type the name of a file", bad=True)
            return
        try:
            path = Path(name).expanduser()
        except RuntimeError:
            self._say(f"{clean(name, 200)}: there is no such home folder", bad=True)
            return
        try:
            taken = path.exists()
            check_target(path)
        except ScanFileNotSaved as error:
            self._say(str(error), bad=True)
            return
        except (OSError, ValueError):  # what it is, saving tells
            taken = False
        if taken and self.warned_of != name:
            self.warned_of = name
            self._say(f"{clean(name, 200)} exists. Enter again overwrites it")
            return
        self._say("saving …")
        self._save(path)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def _save(self, path: Path) -> None:
        try:
            await asyncio.to_thread(save_inventory, self.inventory, path)
        except ScanFileNotSaved as error:
            self._say(str(error), bad=True)
            return
        except Exception as error:
            self._say(fault(error), bad=True)
            return
        self.notify(f"saved in {clean(str(path), 200)}", markup=False)
        self.dismiss()

    def _say(self, line: str, bad: bool = False) -> None:
        said = self.query_one("#said", Static)
        said.set_class(bad, "-bad")
        said.update(Content(line))


def default_name(inventory: Inventory, now: int) -> str:
    """Return a name that says which host and when: ``laptop-2026-11-23.scan.json.gz``."""
    host = re.sub(r"[^A-Za-z0-9._-]+", "-", inventory.engine.name or inventory.engine.kind)[:60].strip("-.") or "host"
    try:
        day = f"-{datetime.fromtimestamp(inventory.taken_at or now, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        day = ""
    return f"{host}{day}.scan.json.gz"
