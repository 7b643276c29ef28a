"""What one can do on a host whatever view is shown: look closer, copy, save the scan, change units, read the help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import Screen

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Container
from layerscope.text import fit
from layerscope.tui.host import Host
from layerscope.tui.keys import APP, SHOW
from layerscope.tui.panes.view import View
from layerscope.tui.widgets.columns import Sort
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.tui.widgets.status import Status
from layerscope.units import Units
from layerscope.views.aligned import LayerRow
from layerscope.views.names import count, image_label, short_id
from layerscope.views.orders import IMAGE_ORDERS
from layerscope.views.rmi import remove_line
from layerscope.views.tree import TreeRow

if TYPE_CHECKING:
    from layerscope.tui.app import LayerscopeApp

Subject = ImageNode | Layer | Container
"""What a cursor can be on."""


class HostScreen(Screen[None]):
    """The base of the main screen: it shows a host in one of several views."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i", "info", "Info", group=SHOW, tooltip="Everything about what the cursor is on"),
        Binding("y", "copy", "Copy", group=SHOW, tooltip="Copy its ID, or the command to remove what is marked"),
        Binding("E", "export", "Save", group=SHOW, tooltip="Save the scan in a file"),
        Binding("C", "columns", "Columns", show=False, group=SHOW, tooltip="Choose the columns of the images"),
        Binding("b", "units", "Units", show=False, group=SHOW, tooltip="Sizes in kB or KiB"),
        Binding("question_mark", "help", "Help", group=APP, key_display="?", tooltip="All keys and signs"),
    ]

    host: Host | None
    units: Units

    @property
    def layerscope(self) -> LayerscopeApp:
        """The app, by its own type."""
        return cast("LayerscopeApp", self.app)

    @property
    def view(self) -> View:
        """The view that is shown."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Show the host again: something about how it is shown changed."""
        raise NotImplementedError

    @property
    def subject(self) -> Subject | None:
        """What the cursor of the focused list is on; of a view that is no list, its layer, or else its image."""
        focused = self.focused
        row = focused.row if isinstance(focused, RowTable) else None
        if isinstance(row, ImageNode | Layer | Container):
            return row
        if isinstance(row, TreeRow):
            return row.image or self.view.layer_here
        if isinstance(row, LayerRow) and row.layer is not None:
            return row.layer
        if isinstance(focused, RowTable | Status):
            return self.view.image_here or self.view.layer_here
        return self.view.layer_here or self.view.image_here

    def on_mount(self) -> None:
        """Show those columns of the images that were chosen in the session before."""
        self.query_one("#images", RowTable).hide(self.layerscope.settings.hidden)

    def kept_order(self) -> Sort:
        """Return the order of the images that was kept from the session before, or the usual one."""
        kept = self.layerscope.settings
        return Sort(kept.sort, kept.reverse) if kept.sort is not None and kept.sort in IMAGE_ORDERS else Sort("size")

    # -- actions --------------------------------------------------------------------------

    def action_info(self) -> None:
        """Everything about the thing under the cursor."""
        from layerscope.tui.dialogs.info import InfoScreen  # noqa: PLC0415 - only when needed

        subject = self.subject
        if self.host is not None and subject is not None:
            self.app.push_screen(InfoScreen(self.host, subject))

    def action_copy(self) -> None:
        """Copy the line that removes the marked images; without marks, the ID of the thing under the cursor."""
        host = self.host
        if host is None:
            return
        if len(host.marks):
            plan = host.marks.plan()
            images = (*plan.removed, *(one.image for one in plan.untagged), *plan.blocked_images)
            line, left_out = remove_line(host.graph.inventory.engine, images)
            refused = len(plan.blocked_images)
            said = [f"copied the command that removes {count(len(host.marks) - left_out, 'image')}"]
            said += [f"the engine will refuse {refused:,} of them"] if refused else []
            said += [f"{count(left_out, 'image')} left out, having no sound name"] if left_out else []
            copy_text(self, line, " · ".join(said))
            return
        match self.subject:
            case ImageNode() as node:
                copy_text(self, node.id, f"copied the ID of {image_label(node)}")
            case Layer() as layer:
                copy_text(self, layer.chain_id, f"copied the chain ID of layer {short_id(layer.chain_id)}")
            case Container() as container:
                copy_text(self, container.id, f"copied the ID of container {short_id(container.id)}")

    def action_export(self) -> None:
        """Ask where to save the scan."""
        from layerscope.tui.dialogs.export import ExportScreen  # noqa: PLC0415 - only when needed

        if self.host is not None:
            self.app.push_screen(ExportScreen(self.host.graph.inventory, self.host.now))

    def action_units(self) -> None:
        """Switch between powers of 1000 and of 1024."""
        self.units = Units.BINARY if self.units is Units.SI else Units.SI
        if self.host is not None:
            self.host.units = self.units
        self.layerscope.keep(units=self.units)
        self.redraw()

    def action_columns(self) -> None:
        """Choose the columns of the images."""
        from layerscope.tui.dialogs.columns import ColumnsScreen  # noqa: PLC0415 - only when needed

        table = self.query_one("#images", RowTable)

        def changed(hidden: frozenset[str]) -> None:
            table.hide(hidden)
            self.layerscope.keep(hidden=tuple(sorted(hidden)))

        self.app.push_screen(ColumnsScreen(table.columns[1:], table.hidden, changed))

    def action_help(self) -> None:
        """All keys."""
        from layerscope.tui.dialogs.help import HelpScreen  # noqa: PLC0415 - only when needed

        self.app.push_screen(HelpScreen(self))

    @on(RowTable.Sorted, "#images")
    def _order_chosen(self, message: RowTable.Sorted) -> None:
        """Keep the order of the images for the next session."""
        self.layerscope.keep(sort=message.table.sort.key, reverse=message.table.sort.reverse)


def copy_text(screen: Screen[Any], text: str, said: str) -> None:
    """Put ``text`` on the clipboard by OSC 52, which reaches the user's terminal through ssh too; say ``said``."""
    if text:
        screen.app.copy_to_clipboard(text)
    screen.notify(fit(said, 300) if text else "nothing to copy", markup=False, timeout=4)
