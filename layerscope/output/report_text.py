"""The report for people: plain text, totals first, then the images, then the layers that save most.

No line is wider than asked for, no number is ever cut (names and instructions
are), and what is not known is a ``?`` or at least (``≥``) what is known.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterable

from rich.cells import cell_len

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.stores import words_for
from layerscope.output.tables import Column, spare, table
from layerscope.text import clean, fit, fit_name, fold_instruction
from layerscope.units import UNKNOWN, Units, count, format_exact, format_number, format_ratio, format_size
from layerscope.views.content import content_missing, unlisted_words
from layerscope.views.names import age_words, bounded, chain_label, unique_amount

MIN_WIDTH = 80
"""Columns; a report is never laid out narrower than this."""
TOP_LAYERS = 15
"""Layers listed: those that save most."""

_LONGEST = 400
"""Characters of an engine's text that are looked at for one cell."""


def report_text(
    graph: LayerGraph,
    *,
    units: Units = Units.SI,
    width: int = MIN_WIDTH,
    now: int | None = None,
    engine_bytes: int | None = None,
) -> str:
    """Return the report on ``graph`` as text of at most ``width`` columns, a newline at its end.

    ``now`` (Unix seconds) is what ages are counted to; None takes the time of the
    scan. ``engine_bytes`` is as for :func:`layerscope.output.report.report_dict`.
    """
    page = _Page(graph, units, max(width, MIN_WIDTH), now)
    usage = graph.inventory.usage
    if engine_bytes is None and usage is not None:
        engine_bytes = usage.layers_size
    parts = [page.heading(), page.totals(engine_bytes), page.images(), page.layers()]
    return "\n".join("\n".join(lines) + "\n" for lines in parts if lines)


class _Page:
    def __init__(self, graph: LayerGraph, units: Units, width: int, now: int | None) -> None:
        self.graph = graph
        self.units = units
        self.width = width
        inventory = graph.inventory
        self.now = now if now is not None else inventory.taken_at or int(time.time())

    def size(self, size: int | None) -> str:
        return format_size(size, self.units)

    def at_least(self, size: int, exact: bool) -> str:
        if exact:
            return self.size(size)
        return f"≥{self.size(size)}" if size else UNKNOWN

    def unique(self, node: ImageNode) -> str:
        return unique_amount(node, self.graph.totals.unknown_images, self.units)

    def heading(self) -> list[str]:
        inventory = self.graph.inventory
        engine = inventory.engine
        name = {"docker": "Docker", "podman": "Podman"}[engine.kind]
        saved = "Saved scan of " if inventory.from_file else ""
        what = f"{saved}{name} {clean(engine.version, 40)} · {clean(engine.store, 40)}"
        host = clean(engine.host, _LONGEST)
        both = f"{what} · {host}"
        lines = [both] if cell_len(both) <= self.width else [what, host]
        return [*(fit(line, self.width) for line in lines), *self.doubts()]

    def doubts(self) -> Iterable[str]:
        """What keeps the figures from being the whole truth, a line each."""
        inventory, totals = self.graph.inventory, self.graph.totals
        if not inventory.complete:
            yield "The scan was not finished: what it had not come to is unknown."
        if inventory.vanished:
            yield f"{count(inventory.vanished, 'image')} went away during the scan; not counted."
        if totals.unknown_images:
            yield f"{count(totals.unknown_images, 'image')} of unknown layers: sums are at least what is shown."
        if totals.unknown_layers:
            yield f"{count(totals.unknown_layers, 'layer')} of unknown size: sums are at least what is shown."

    def totals(self, engine_bytes: int | None) -> list[str]:
        inventory, totals, rules = self.graph.inventory, self.graph.totals, self.graph.rules
        times = format_ratio(totals.listed, totals.footprint)
        ratio = f": {totals.ratio_bound}{times}" if totals.footprint and totals.ratio_bound != "?" else ""
        ours = [
            ("Sum of sizes", totals.listed, totals.listed_bound, count(totals.images, "image")),
            (
                "On disk" if self.graph.disk_rule.once else "Each once",
                totals.footprint,
                totals.footprint_bound,
                f"{count(totals.layers, 'layer')}, each stored once{self.at_most()}",
            ),
            ("Saved", totals.saved, totals.saved_bound, f"by sharing{ratio}"),
        ]
        rows = [(label, bounded(size, bound, self.units), size, words) for label, size, bound, words in ours]
        if totals.content is not None:
            words = f"compressed, each once; listed {self.size(totals.listed_content)}"
            rows.append(("Content", self.size(totals.content), totals.content, words))
            disk = bounded(totals.disk, totals.disk_bound, self.units)
            rows.append(("Both", disk, totals.disk, "layers and content on disk"))
        if totals.engine_listed not in (None, totals.listed):
            words = f"what `{inventory.engine.kind} images` adds up to"
            rows.append(("Engine's sum", self.size(totals.engine_listed), totals.engine_listed or 0, words))
        if engine_bytes is not None:
            rows.append(("Engine's own", self.size(engine_bytes), engine_bytes, self.compared(engine_bytes)))
        exact = [
            "" if text == UNKNOWN else f"{text[: text.startswith('≥')]}{format_exact(size)}"
            for _, text, size, _ in rows
        ]
        wide, wider = max(len(row[1]) for row in rows), max(map(len, exact))
        lines = [
            fit(f"{label:<12}  {size:>{wide}}  {whole:>{wider}}  {words}", self.width)
            for (label, size, _, words), whole in zip(rows, exact, strict=True)
        ]
        lines.append("")
        lines += textwrap.wrap(unlisted_words(self.graph, self.units), self.width)
        if missing := content_missing(self.graph):
            lines += textwrap.wrap(f"Content is {missing}.", self.width)
        if not self.graph.disk_rule.once:
            lines += textwrap.wrap(f"These are not bytes on disk: {clean(self.graph.disk_rule.words)}.", self.width)
        if engine_bytes is None and inventory.usage_refused:
            why = clean(inventory.usage_refused, _LONGEST).rstrip(".")
            lines += textwrap.wrap(f"The engine's own total is missing: {why}.", self.width)
        lines += textwrap.wrap(f"Layer sizes are in this store's unit: {rules.unit}.", self.width)
        if engine_bytes is not None and engine_bytes != totals.footprint:
            counts = words_for(self.graph.inventory.engine, rules.total_counts)
            lines += textwrap.wrap(f"The engine's own total counts {counts}.", self.width)
        return lines

    def at_most(self) -> str:
        """The other end of what is no more than a bound, where there is one."""
        totals = self.graph.totals
        if not totals.footprint_bound or totals.footprint_most is None:
            return ""
        return f"; at most {format_exact(totals.footprint_most)}"

    def compared(self, engine_bytes: int) -> str:
        difference = engine_bytes - self.graph.totals.footprint
        if difference == 0:
            return "its total: the same, to the byte"
        return f"its total: {self.size(abs(difference))} {'more' if difference > 0 else 'less'}"

    def images(self) -> list[str]:
        nodes = self.graph.images
        if not nodes:
            return ["No images."]
        columns = [
            Column("IMAGE", [_name(node) for node in nodes], right=False, cut=_cut_name),
            Column("SIZE", [self.at_least(node.size, node.exact) for node in nodes]),
            Column("UNIQUE", [self.unique(node) for node in nodes]),
            Column("SHARED", [self.at_least(node.shared, node.sharing_exact) for node in nodes]),
            Column("LAYERS", [format_number(len(node.layers)) if node.known else UNKNOWN for node in nodes]),
            Column("CONTAINERS", [format_number(len(node.containers)) if node.containers else "–" for node in nodes]),
            Column("CREATED", [age_words(node.image.created, self.now) for node in nodes], right=False),
        ]
        if spare(self.width, columns) < 0:  # names are worth more than the number of layers
            columns = [column for column in columns if column.title != "LAYERS"]
        return table(self.width, *columns)

    def layers(self) -> list[str]:
        saving = [layer for layer in self.graph.layers if layer.saves]
        saving.sort(key=lambda layer: (-layer.saves, layer.chain_id))  # the engine's order of equals changes
        if not saving:
            return []
        top, rest = saving[:TOP_LAYERS], saving[TOP_LAYERS:]
        lines = table(
            self.width,
            Column("SAVES", [self.size(layer.saves) for layer in top]),
            Column("SIZE", [("~" if layer.size_is == "inferred" else "") + self.size(layer.size) for layer in top]),
            Column("IMAGES", [format_number(len(layer.images)) for layer in top]),
            Column("LAYER THAT SAVES MOST", [_instruction(layer) for layer in top], right=False, cut=fit),
        )
        if rest:
            saved = self.size(sum(layer.saves for layer in rest))
            lines.append(f"{count(len(rest), 'more layer')} {'saves' if len(rest) == 1 else 'save'} {saved}.")
        if any(layer.size_is == "inferred" for layer in top):
            lines.append("~ inferred: see size_is in the JSON report")
        return lines


_MORE_TAGS = " +"


def _name(node: ImageNode) -> str:
    """The first tag, and how many more there are; for an image without one the start of its ID."""
    tags = node.image.tags
    if not tags:
        return f"<none> {clean(node.id.removeprefix('sha256:')[:12])}"
    name = clean(tags[0], _LONGEST)
    more = len(tags) - 1
    return f"{name}{_MORE_TAGS}{count(more, 'tag')}" if more else name


def _cut_name(name: str, room: int) -> str:
    head, plus, more = name.rpartition(_MORE_TAGS)
    tail = plus + more
    return fit_name(head, room - len(tail)) + tail if head and len(tail) < room // 2 else fit_name(name, room)


def _instruction(layer: Layer) -> str:
    if layer.instruction is None:
        return f"{UNKNOWN} {chain_label(layer)}"
    text = fold_instruction(layer.instruction, _LONGEST) or clean(layer.comment, _LONGEST)
    return text or f"(no text) {chain_label(layer)}"
