"""Cells that several views show: names, instructions, counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Container
from layerscope.text import clean, fit, fit_name
from layerscope.tui.scene import Scene
from layerscope.tui.widgets.columns import Cell, Piece
from layerscope.tui.widgets.hits import lit
from layerscope.units import UNKNOWN, format_number
from layerscope.views.forest import origin_of
from layerscope.views.images import NAMELESS, Group
from layerscope.views.names import NO_HISTORY, amount, image_label, layer_label, unique_amount

if TYPE_CHECKING:
    from layerscope.views.find import Spot


def name_cell(node: ImageNode, width: int, spot: Spot | None = None, repository: str = "") -> Cell:
    """The name, and how many more tags there are: both are always seen. Under its ``repository``, only what differs.

    Where something else than the name was found, that is said behind it.
    """
    label = image_label(node)
    cut = 0
    if repository and label.startswith((f"{repository}:", f"{repository}@", f"{NAMELESS} ")):
        cut = len(repository) + label.startswith(f"{NAMELESS} ")
    more = len(node.image.tags) - 1
    tail: list[Piece] = []
    if more > 0:
        tail += [(" ", ""), (f"+{more}", "hit" if spot is not None and spot.what == "tag" else "accent")]
    if spot is not None and spot.what not in {"name", "tag"}:
        tail += [(" ", ""), (spot.what, "hit")]
    cut_down = fit_name if node.image.tags or node.image.digests else fit  # of an ID the beginning tells
    shown = cut_down(label[cut:], max(1, width - sum(len(text) for text, _ in tail)))
    if spot is not None and spot.what == "name":
        return [*lit(label[cut:], shown, [p - cut for p in spot.positions if p >= cut], ""), *tail]
    if node.dangling and not cut:
        head, sep, digits = shown.partition("@" if node.image.digests else " ")
        return [(head, "" if node.image.digests else "dim"), (sep + digits, "dim" if node.image.digests else ""), *tail]
    return [(shown, ""), *tail]


def sharing_known(row: ImageNode | Group) -> bool:
    """Is what is unique to a row and what is shared exact, as far as other images go? Not while one is not read."""
    nodes = row.images if isinstance(row, Group) else (row,)
    return all(node.sharing_exact or not node.exact for node in nodes)


def unique_cell(row: ImageNode | Group, scene: Scene) -> Cell:
    """What no other image needs; ``≤`` while there are images whose layers are not known: they may need it too."""
    if isinstance(row, ImageNode):
        text = unique_amount(row, scene.graph.totals.unknown_images, scene.units)
    elif row.exact and row.unique and not sharing_known(row):
        text = f"≤{scene.size(row.unique)}"
    else:
        text = amount(row.unique, not row.exact, scene.units)
    return [(text, "warn" if text == UNKNOWN else "" if row.unique else "dim")]


def content_cell(row: ImageNode | Group, scene: Scene) -> Cell:
    """The compressed blobs of an image, each once; of a repository, what its images share is in it once."""
    size = row.content if isinstance(row, Group) else row.content.size if row.content is not None else None
    return [(scene.size(size), "warn" if size is None else "" if size else "dim")]


def user_cell(row: ImageNode | Container, width: int, spot: Spot | None = None) -> Cell:
    """An image, or a container under it."""
    if not isinstance(row, Container):
        return name_cell(row, width, spot)
    up = row.state == "running"
    name = clean(f"{row.name} ({row.state})", 200)
    pieces = lit(name, fit(name, max(1, width - 2)), spot.positions if spot is not None else (), "dim")
    return [("● " if up else "○ ", "good" if up else "dim"), *pieces]


def instruction_cell(layer: Layer, width: int, spot: Spot | None = None) -> Cell:
    """What made the layer; dimmed where others need it too."""
    label = layer_label(layer)
    if label == NO_HISTORY:
        return [(label, "empty")]
    style = "dim" if layer.shared else ""
    if spot is not None and spot.text == label:
        return lit(label, fit(label, width), spot.positions, style)
    return [(fit(label, width), style)]


def origin_cell(layer: Layer, width: int, scene: Scene | None) -> Cell:
    """The image that the layer comes from: the base, where that is still there."""
    if scene is None:
        return ""
    return [(piece, style or "dim") for piece, style in pieces(name_cell(origin_of(scene.graph, layer), width))]


def pieces(cell: Cell) -> list[Piece]:
    """A cell as runs of text."""
    return [(cell, "")] if isinstance(cell, str) else cell


def in_use_cell(nodes: Iterable[ImageNode], width: int) -> Cell:
    """Containers of some images: running ones as ●, others as ○."""
    states = [container.state == "running" for node in nodes for container in node.containers]
    running, rest = states.count(True), states.count(False)
    if not states:
        return ""
    return [(f"●{running}" if running else "", "good"), (f"{' ' * bool(running)}○{rest}" if rest else "", "dim")]


def users_cell(layer: Layer, width: int) -> Cell:
    """How many images need the layer."""
    return format_number(len(layer.images)) if layer.shared else [("–", "dim")]
