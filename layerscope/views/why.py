"""Why so much is listed and so little is on disk: a sum of three lines, and the layer that makes the most of it."""

from __future__ import annotations

from msgspec import Struct

from layerscope.core.graph import LayerGraph
from layerscope.text import ELLIPSIS
from layerscope.units import Units, count, format_number, format_size, part_of
from layerscope.views.names import layer_label


class Addend(Struct, frozen=True):
    """One line of the sum."""

    sign: str
    """Nothing, ``−`` or ``=``."""
    size: str
    words: str


class Why(Struct, frozen=True):
    """The question, the sum that answers it, and where most of the difference comes from. Clean."""

    question: str
    terms: tuple[Addend, ...]
    most: str
    """Empty when nothing is shared."""


def why(graph: LayerGraph, units: Units = Units.SI) -> Why:
    """Return why the images of a host are listed with more than they take on disk; worked out once."""
    known: dict[Units, Why] = graph.worked_out.setdefault("why", {})
    if units not in known:
        known[units] = _why(graph, units)
    return known[units]


def _why(graph: LayerGraph, units: Units) -> Why:
    totals = graph.totals
    bound = "" if totals.exact and totals.content_known else "≥"

    def size(of: int) -> str:
        return f"{bound}{format_size(of, units)}"

    if totals.disk_saved <= 0:
        return Why(f"{size(totals.disk)} on disk, and not more is listed: no image shares a layer", (), "")
    what = count(len(graph.layers), "layer")
    if graph.content is not None:
        what += f" and {count(len(graph.content.of_images), 'blob')} of content"
    shared = sum(1 for layer in graph.layers if layer.shared)
    terms = (
        Addend("", size(totals.disk_listed), f"{count(totals.images, 'image')} as listed, each in full"),
        Addend(
            "−",
            size(totals.disk_saved),
            f"{part_of(shared, len(graph.layers), 'layer')} are shared: listed many times, stored once",
        ),
        Addend("=", size(totals.disk), f"on disk: {what}, each once"),
    )
    top = max(graph.layers, key=lambda layer: layer.saves)
    label = layer_label(top)
    label = label if len(label) <= 60 else label[:59] + ELLIPSIS
    most = f"most of it: {format_size(top.size, units)} that {format_number(len(top.images))} images share saves " + (
        f"{format_size(top.saves, units)} · {label}"
    )
    question = f"Why {size(totals.disk_listed)} are listed, and {size(totals.disk)} are on disk"
    return Why(question, terms, most if top.saves else "")
