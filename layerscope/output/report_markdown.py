"""The report as Markdown (GitHub's), for the summary of a job or a merge request: totals, images, what saves most."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from layerscope.core.graph import Layer, LayerGraph
from layerscope.text import clean, fit, fold_instruction
from layerscope.units import UNKNOWN, Units, count, format_exact, format_number, format_ratio, format_size
from layerscope.views.names import chain_label, image_label, unique_amount

MOST_IMAGES, MOST_LAYERS = 50, 10
"""Rows of a table; what is left out is counted below it."""
_LONGEST = 120
"""Cells of a name or an instruction."""
_SIGNS = re.compile(r"([\\`*_{}\[\]#|~<>&@$])|(?<=:)(//)|(?<=\bwww)(\.)")
"""What may mean something inside a line; the last two make a link of an address."""


def report_markdown(graph: LayerGraph, units: Units = Units.SI) -> str:
    """Return the report on ``graph`` as Markdown, a newline at its end.

    Text of images and engines is escaped, sign by sign: in Markdown it is nothing but text.
    """
    inventory, totals = graph.inventory, graph.totals
    engine = inventory.engine
    what = {"docker": "Docker", "podman": "Podman"}[engine.kind]
    where = " · ".join(
        filter(None, (f"{what} {clean(engine.version, 40)}", clean(engine.store, 40), clean(engine.name, 100)))
    )

    def at_least(size: int, exact: bool, *, whole: bool = False) -> str:
        words = format_size(size, units) + (f" ({format_exact(size)})" if whole else "")
        return words if exact else f"≥{words}" if size else UNKNOWN

    lines = [f"### What images cost on {escaped(where)}", ""]
    rows = [
        ("Sum of sizes", at_least(totals.listed, totals.exact, whole=True), count(totals.images, "image")),
        ("On disk", at_least(totals.footprint, totals.exact, whole=True), count(totals.layers, "layer")),
        ("Saved by sharing", at_least(totals.saved, totals.exact, whole=True), _ratio(graph)),
    ]
    if graph.content is not None:
        size = graph.content.size
        rows.append(("Content, compressed", f"{format_size(size, units)} ({format_exact(size)})", "each blob once"))
    if inventory.usage is not None and inventory.usage.layers_size is not None:
        size = inventory.usage.layers_size
        rows.append(("The engine's own total", f"{format_size(size, units)} ({format_exact(size)})", ""))
    lines += _table(("", "Size", ""), rows)
    lines += [escaped(f"Layer sizes are in this store's unit: {graph.rules.unit}.")]
    if not totals.exact:
        lines += ["", f"Of {_missing(graph)} the size is not known: sums are at least (≥) what is shown."]

    nodes = graph.images[:MOST_IMAGES]
    if nodes:
        lines += ["", f"#### {count(totals.images, 'image')}", ""]
        images = [
            (
                escaped(fit(image_label(node), _LONGEST)),
                at_least(node.size, node.exact),
                unique_amount(node, totals.unknown_images, units),
                at_least(node.shared, node.sharing_exact),
                format_number(len(node.containers)) if node.containers else "–",
            )
            for node in nodes
        ]
        lines += _table(("Image", "Size", "Unique", "Shared", "Containers"), images)
        if more := len(graph.images) - len(nodes):
            lines += [f"and {count(more, 'more image')}"]
    saving = sorted((la for la in graph.layers if la.saves), key=lambda layer: (-layer.saves, layer.chain_id))
    if saving:
        lines += ["", "#### Layers that save most", ""]
        layers = [
            (
                format_size(one.saves, units),
                format_size(one.size, units),
                format_number(len(one.images)),
                _instruction(one),
            )
            for one in saving[:MOST_LAYERS]
        ]
        lines += _table(("Saves", "Size", "Images", "Instruction"), layers)
        if more := len(saving) - MOST_LAYERS:
            lines += [f"and {count(more, 'more layer')}"] if more > 0 else []
    return "\n".join(lines).rstrip("\n") + "\n"


def escaped(text: str) -> str:
    """Return text that a renderer of Markdown shows as it is, in a table too."""
    text = clean(" ".join(text.split()))
    return _SIGNS.sub(lambda found: _ENTITIES.get(found[0], "\\" + found[0]), text)


_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


_TEXT = frozenset({"", "Image", "Instruction"})
"""Titles of columns of text: to the left. Numbers are to the right."""


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    sides = [":---" if title in _TEXT else "---:" for title in titles]
    return [f"| {' | '.join(cells)} |" for cells in (titles, sides, *rows)] + [""]


def _ratio(graph: LayerGraph) -> str:
    totals = graph.totals
    return f"{totals.ratio_bound}{format_ratio(totals.listed, totals.footprint)}" if totals.ratio_bound != "?" else ""


def _missing(graph: LayerGraph) -> str:
    totals = graph.totals
    parts = [(totals.unknown_images, "image"), (totals.unknown_layers, "layer")]
    return " and ".join(count(number, what) for number, what in parts if number) or "some"


def _instruction(layer: Layer) -> str:
    text = fold_instruction(layer.instruction or "", 400) or clean(layer.comment, 400) or chain_label(layer)
    return escaped(fit(text, _LONGEST))
