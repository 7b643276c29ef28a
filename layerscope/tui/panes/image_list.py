"""The list of images: one row each, or folded under their repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from weakref import ref

from rich.cells import cell_len
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.content import Content

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.origin import Again, origin_of
from layerscope.core.stores import RUNNING
from layerscope.text import clean, fit, fit_name
from layerscope.tui.keys import MOVE
from layerscope.tui.panes.cells import content_cell, in_use_cell, name_cell, pieces, sharing_known, unique_cell
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.bars import split_bar
from layerscope.tui.widgets.columns import Cell, ListColumn, Piece, Sort
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.units import Units, count, format_number, part_of, short_age
from layerscope.views.history import use_cell
from layerscope.views.images import Group, by_repository, grouped_rows, sorted_groups, widest
from layerscope.views.names import amount
from layerscope.views.orders import IMAGE_ORDERS
from layerscope.views.states import state_words

if TYPE_CHECKING:
    from layerscope.views.find import Search

Row = ImageNode | Group

PULL: dict[Again, Piece] = {"yes": ("yes", "dim"), "only here": ("no", "warn"), "not known": ("?", "dim")}
"""Can it be pulled again, where there is no room for the words."""
BAR_TITLES = ("█own ░shared", "█own ░", "█ ░")
"""What the bar is called where there is less room."""


class ImageList(RowTable):
    """Rows are images; when grouped, repositories too, with their images under those that are open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l", "unfold", "Unfold a repository", show=False, group=MOVE),
        Binding("left,h", "fold", "Fold a repository", show=False, group=MOVE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        self._with_content = False
        super().__init__(
            self._columns(False), key=lambda row: row.id, sort=Sort("size"), empty="waiting for the engine …", id=id
        )
        self.is_marked = self._marked
        self.search = self._search
        self.unfold = self._unfold
        self.scene: Scene | None = None
        self.grouped = False
        self._shown: list[ImageNode] = []
        self._made: tuple[list[ImageNode], list[Group], dict[str, Group]] = [], [], {}
        """What was grouped last; kept while the images are out of their groups."""
        self._groups: list[Group] = []
        self._drawn: tuple[ref[LayerGraph], tuple[int, Units, bool], int] | None = None
        """The graph of which rows were drawn last, what else they looked by, and when that was."""
        self._open: set[str] = set()
        self._scale = 1
        self._group_of: dict[str, Group] = {}
        self._past = False
        """Is there anything to say of when images were seen in use?"""

    # -- data down ------------------------------------------------------------------------

    def show_scene(self, scene: Scene) -> None:
        """Show the images that pass the filter, in the order that was chosen."""
        touched = self._touched(scene)
        self.scene, self.sort, self.longer = scene, scene.image_sort, scene.longer
        self._shown = scene.shown_images()
        shown = scene.graph.rules.keeps_content, bool(scene.graph.seen.images)
        if shown != (self._with_content, self._past):
            self._with_content, self._past = shown
            self.set_columns(self._columns(self.grouped))
        self._scale = next((node.size for node in scene.graph.images), 1) or 1  # the biggest is the first
        self._groups, self._group_of = [], {}
        if self.grouped:
            self._made = self._grouped(scene)
            _, self._groups, self._group_of = self._made
            self._scale = max(self._scale, widest(self._groups))
        elif self._made[0] is not self._shown:
            self._made = [], [], {}
        self.empty = "no image passes the filter: Esc leaves it" if scene.filtered else "no images here yet"
        self.forget(touched or ())
        self._fill(same=touched is not None)

    def _touched(self, scene: Scene) -> list[Row] | None:
        """Return the rows that may look otherwise than they were drawn; None: any may."""
        then, looks = self._drawn, (scene.marked, scene.units, self.grouped or self._past)
        self._drawn = ref(scene.graph), looks, scene.now
        before = None if then is None else then[0]()
        ids = None if before is None else scene.graph.touched_since(before)
        if then is None or ids is None or looks != then[1] or looks[2]:
            return None
        known = scene.graph.image_by_id
        return [*(known[image_id] for image_id in ids), *(row for row in self.drawn if _aged(row, then[2], scene.now))]

    def _grouped(self, scene: Scene) -> tuple[list[ImageNode], list[Group], dict[str, Group]]:
        """Return the images that are shown, their groups, and the group of each: made once for a list of images."""
        before, groups, _ = self._made
        if before is self._shown:  # it is another list where graph, filter or order are others
            return self._made
        groups = sorted_groups(by_repository(self._shown, scene.graph, groups), self.sort.key, self.sort.reverse)
        return self._shown, groups, {node.id: group for group in groups for node in group.images}

    def _fill(self, *, same: bool = False) -> None:
        self.show(grouped_rows(self._groups, self.is_open) if self.grouped else self._shown, same=same)
        self._title()

    def _title(self) -> None:
        if self.scene is None:
            return
        total, shown = len(self.scene.graph.images), len(self._shown)
        least = "≥" if self.scene.graph.inventory.only_first else ""
        words = [f"Images · {least}{format_number(total) if shown == total else part_of(shown, total)}"]
        if self.grouped:
            words.append(count(len(self._groups), "repository", "repositories"))
        if self.scene.only is not None:
            words.append("the marked")
        if self.scene.query is not None:
            room = self.size.width - cell_len(" · ".join(words)) - 9
            words.append(f"& {fit(clean(self.scene.query.text, 200), max(8, room))}")
        self.entitle(Content(" · ".join(words)))

    # -- what the cursor is on ------------------------------------------------------------

    @property
    def group_here(self) -> Group | None:
        """The repository under the cursor, when it is on one."""
        return self.row if isinstance(self.row, Group) else None

    @property
    def image_here(self) -> ImageNode | None:
        """The image under the cursor; of a repository, the first."""
        row = self.row
        return row.images[0] if isinstance(row, Group) else row

    @property
    def images_here(self) -> list[ImageNode]:
        """The image under the cursor, or all of its repository's."""
        row = self.row
        return [] if row is None else list(row.images) if isinstance(row, Group) else [row]

    @property
    def stack_here(self) -> list[Layer]:
        """The layers of the image under the cursor, or of its repository's, newest first as ``docker history`` does."""
        row = self.row
        return [] if row is None else row.stack if isinstance(row, Group) else list(reversed(row.layers))

    def go_to(self, node: ImageNode) -> bool:
        """Put the cursor on an image; False when the filter hides it."""
        group = self._group_of.get(node.id)
        if group is not None and not self.is_open(group):
            self._open.add(group.name)
            self._fill()
        index = self.index_of(node.id)
        if index is not None:
            self.move_to(index)
        return index is not None

    # -- groups ---------------------------------------------------------------------------

    def toggle_groups(self) -> None:
        """Put the images under their repositories, all of them folded, or take them out again."""
        node = self.image_here
        chosen = self.chosen
        self.grouped = not self.grouped
        self.set_columns(self._columns(self.grouped))
        self._open.clear()
        if self.scene is None:
            return
        if not self.grouped and self.sort.key == "footprint":
            self.scene.image_sort = Sort("size", self.sort.reverse)  # the same of images, and a column that is seen
        self.show_scene(self.scene)
        if node is not None and chosen:
            group = self._group_of.get(node.id)
            index = self.index_of(group.id if group is not None else node.id)
            if index is not None:
                self.move_to(index)

    def toggle_all(self) -> None:
        """Open all repositories, or fold them all when all are open."""
        if self.grouped:
            names = {group.name for group in self._groups}
            self._refill(set() if names <= self._open else names)

    def is_open(self, group: Group) -> bool:
        """Are a repository's images shown? All are while something is looked for."""
        return self.finding or group.name in self._open

    def _unfold(self, finding: bool) -> None:
        """Show what find may lead to; afterwards only the repository of the cursor stays as it is."""
        if self.grouped and self.scene is not None:
            if not finding and isinstance(self.row, ImageNode):
                self._open.add(self._group_of[self.row.id].name)
            self._fill()

    def action_unfold(self) -> None:
        """Open the repository under the cursor; is it open, go to its first image."""
        group = self.group_here
        if group is None:
            raise SkipAction  # to the pane at the right
        if self.is_open(group):
            self.action_cursor(1)
        else:
            self._refill(self._open | {group.name})

    def action_fold(self) -> None:
        """Fold the repository under the cursor; on an image, go to its repository."""
        group = self.group_here
        if group is not None:
            self._refill(self._open - {group.name})
        elif self.grouped and isinstance(self.row, ImageNode):
            index = self.index_of(self._group_of[self.row.id].id)
            self.move_to(index if index is not None else self.cursor)
        else:
            raise SkipAction

    def action_activate(self) -> None:
        """Fold or unfold a repository; go into an image."""
        group = self.group_here
        if group is None:
            super().action_activate()
        else:
            self._refill(self._open ^ {group.name})

    def _refill(self, open_: set[str]) -> None:
        self._open = open_
        self._fill()

    # -- marks and find -------------------------------------------------------------------

    def _marked(self, row: Row) -> bool | None:
        if self.scene is None or not self.scene.marks.ids:
            return False
        ids = self.scene.marks.ids
        if isinstance(row, ImageNode):
            return row.id in ids
        marked = sum(1 for node in row.images if node.id in ids)
        return True if marked == len(row.images) else None if marked else False

    def _search(self) -> Search:
        from layerscope.views.find import image_search  # noqa: PLC0415 - not before something is looked for

        assert self.scene is not None  # nothing is looked for before there are rows
        return image_search(self.scene.graph)

    # -- columns --------------------------------------------------------------------------

    def _columns(self, grouped: bool) -> list[ListColumn]:
        by = IMAGE_ORDERS
        disk = ListColumn(
            "footprint", "ON DISK", self._footprint, 8, align="right", drop=3, by=by["footprint"], sizes=True
        )
        past = getattr(self, "_past", False)  # the base class asks for columns first
        content = ListColumn(
            "content", "CONTENT", self._content, 8, align="right", drop=5, by=by["content"], sizes=True
        )
        return [
            ListColumn("name", "NAME", self._name_cell, 15, good=30, flex=5, most=46, by=by["name"]),
            ListColumn("size", "SIZE", self._size_cell, 8, align="right", by=by["size"], sizes=True),
            *([disk] if grouped else ()),
            ListColumn("unique", "UNIQUE", self._unique, 8, align="right", drop=1, by=by["unique"], sizes=True),
            ListColumn(
                "bar",
                "unique █  shared ░",
                self._bar,
                7,
                good=13,
                flex=3,
                most=60,
                drop=2,
                short=BAR_TITLES,
            ),
            ListColumn("shared", "SHARED", self._shared, 8, align="right", drop=6, by=by["shared"], sizes=True),
            *([content] if self._with_content else ()),
            ListColumn("created", "AGE", self._age, 5, align="right", drop=3, by=by["created"]),
            ListColumn("again", "PULL", self._again, 4, align="right", good=9, drop=4),
            *([ListColumn("seen", "SEEN IN USE", self._seen, 12, align="right", drop=6)] if past else ()),
            ListColumn("containers", "IN USE", self._in_use, 7, align="right", drop=8, by=by["containers"]),
            ListColumn("layers", "LAYERS", self._layers, 7, align="right", drop=7, by=by["layers"]),
        ]

    def _name_cell(self, row: Row, width: int) -> Cell:
        if isinstance(row, ImageNode):
            spot = self.spots.get(row.id)
            pin: list[Piece] = [(" ⊥", "accent")] if self.scene is not None and row in self.scene.pins else []
            if row.containers and not self.shows("containers"):
                pin = [(" ●", "good") if any(c.state in RUNNING for c in row.containers) else (" ○", "dim"), *pin]
            width -= 2 * len(pin)
            if not self.grouped:
                return [*pieces(name_cell(row, width, spot)), *pin]
            cell = name_cell(row, width - 4, spot, self._group_of[row.id].name)
            return [("    ", ""), *pieces(cell), *pin]
        room = width - 2 - cell_len(row.name)
        images, tags = count(len(row.images), "image"), count(row.tags, "tag")
        tails = [f" {images}", f" {format_number(len(row.images))}"]
        if row.tags not in {0, len(row.images)}:
            tails.insert(0, f" {images}, {tags}")
        tail = next((tail for tail in tails if len(tail) <= room), tails[-1])
        name = fit_name(row.name, max(1, width - 2 - len(tail)))
        cell = [("▾ " if self.is_open(row) else "▸ ", "dim"), (name, "group"), (tail, "dim")]
        return cell

    def _bytes(self, size: int, exact: bool) -> Cell:
        if self.scene is None:
            return ""
        style = "dim" if not size else ""
        return [(amount(size, not exact, self.scene.units), style if exact or size else "warn")]

    def _size_cell(self, row: Row, width: int) -> Cell:
        return self._bytes(row.listed if isinstance(row, Group) else row.size, row.exact)

    def _footprint(self, row: Row, width: int) -> Cell:
        return self._bytes(row.footprint if isinstance(row, Group) else row.size, row.exact)

    def _unique(self, row: Row, width: int) -> Cell:
        return "" if self.scene is None else unique_cell(row, self.scene)

    def _shared(self, row: Row, width: int) -> Cell:
        return self._bytes(row.shared, row.exact and sharing_known(row))

    def _content(self, row: Row, width: int) -> Cell:
        """The compressed blobs besides."""
        return "" if self.scene is None else content_cell(row, self.scene)

    def _bar(self, row: Row, width: int) -> Cell:
        if isinstance(row, Group):
            return split_bar(row.unique, row.footprint, self._scale, width)
        if self.scene is not None and (words := state_words(row, self.scene.graph, width)):
            return [(fit(words, width), "dim" if row.known else "warn")]
        if not (row.exact or row.size):
            return [("not known", "warn")]
        return split_bar(row.unique, row.size, self._scale, width)

    def _in_use(self, row: Row, width: int) -> Cell:
        return in_use_cell(row.images if isinstance(row, Group) else [row], width)

    def _age(self, row: Row, width: int) -> Cell:
        if self.scene is None:
            return ""
        now, nodes = self.scene.now, row.images if isinstance(row, Group) else [row]
        ages = [age for node in nodes if (age := made(node.image.created, now)) is not None]
        created = max(ages, default=None)
        return [(short_age(created, now), "dim")]

    def _again(self, row: Row, width: int) -> Cell:
        if self.scene is None:
            return ""
        again = row.again if isinstance(row, Group) else origin_of(self.scene.graph, row).again
        if again is None:
            return "some"
        short, style = PULL[again]
        return [(again if len(again) <= width else short, style)]

    def _seen(self, row: Row, width: int) -> Cell:
        if self.scene is None or isinstance(row, Group):
            return ""
        return [(fit(use_cell(row, self.scene.graph, self.scene.now), width), "dim")]

    def _layers(self, row: Row, width: int) -> Cell:
        if isinstance(row, Group):
            return format_number(row.layers)
        return format_number(len(row.layers)) if row.known else [("?", "warn")]


def _aged(row: Row, then: int, now: int) -> bool:
    """Is the age of an image told in other words now?"""
    if isinstance(row, Group):
        return True
    before, after = (short_age(made(row.image.created, at), at) for at in (then, now))
    return before != after
