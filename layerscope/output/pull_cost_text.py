"""``pull-cost`` for people: what would come, what would stay on disk, and why, one image after the other.

``≈`` stands before what is likely, ``?`` where nothing is known.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.cells import cell_len

from layerscope.core.pull import ImageCost, LayerCost, PullCost
from layerscope.core.stock import AddsIs
from layerscope.inventory import Engine
from layerscope.output.tables import Column, table
from layerscope.registry.behind import Standing
from layerscope.text import clean, fit, fit_name
from layerscope.units import UNKNOWN, Units, count, format_number, format_size
from layerscope.views.names import LONGEST, image_labels, short_id
from layerscope.views.removal import Said

MIN_WIDTH = 80
"""Columns; nothing is laid out narrower than this."""
_NAMED = 2
"""Images that are named as sharers of a layer; the others are counted."""
_MARKS: dict[AddsIs, str] = {"exact": "", "inferred": "≈", "unknown": ""}


def pull_cost_text(
    cost: PullCost,
    engine: Engine,
    *,
    unit: str,
    remaining: Mapping[str, str],
    units: Units = Units.SI,
    width: int = MIN_WIDTH,
) -> str:
    """Return a cost as text of at most ``width`` columns, with a newline at its end.

    ``unit`` is what the store's bytes are, ``remaining`` what registries said of their rate limits.
    """
    said = pull_cost_said(cost, engine, unit=unit, remaining=remaining, units=units, width=max(width, MIN_WIDTH))
    commands = [Said(line) for line in pull_commands(cost, engine)]
    return "".join(f"{one.text}\n" for one in [*said, *([Said(""), *commands] if commands else [])])


def pull_cost_said(
    cost: PullCost, engine: Engine, *, unit: str, remaining: Mapping[str, str], units: Units, width: int
) -> list[Said]:
    """Return a cost as lines of at most ``width`` cells, without the commands that pull."""
    page = _Page(engine, units, width)
    parts = [page.image(image) for image in cost.images]
    if len(cost.images) > 1:
        parts.append([Said(line, "strong" if not n else "") for n, line in enumerate(page.set(cost))])
    parts.append([Said(line, "quiet") for line in page.notes(cost, unit, remaining)])
    return [line for part in parts if part for line in (Said(""), *part)][1:]


def pull_commands(cost: PullCost, engine: Engine) -> list[str]:
    """Return the commands that pull what is not here yet, each of one word more than the tool and "pull".

    Names that the registry client took are references by their grammar; whatever else a name holds is left out.
    """
    return [
        f"{engine.kind if engine.kind == 'podman' else 'docker'} pull {shlex.quote(image.image.name)}"
        for image in cost.images
        if not image.already_here and not image.refused and _SOUND.fullmatch(image.image.name)
    ]


_SOUND = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/@\[\]-]{0,511}")


def behind_text(found: Sequence[Standing], own: int, *, width: int = MIN_WIDTH) -> str:
    """Return how local tags stand to their registries: those that are behind first."""
    order = {"behind": 0, "gone": 1, "unknown": 2, "current": 3}
    rows = sorted(found, key=lambda one: (order[one.state], one.tag.name))
    shown = [one for one in rows if one.state != "current"]
    lines = []
    if shown:
        words = {"behind": "behind", "gone": "not in the registry", "unknown": "unknown"}
        lines = table(
            max(width, MIN_WIDTH),
            Column("TAG", [clean(one.tag.name, LONGEST) for one in shown], right=False, cut=fit_name),
            Column("IS", [words[one.state] for one in shown], right=False),
            Column("HERE", [short_id(one.tag.digests[0]) for one in shown], right=False),
            Column("REGISTRY", [short_id(one.there) if one.there else "–" for one in shown], right=False),
        )
        lines.append("")
        reasons = dict.fromkeys(one.because for one in shown if one.state == "unknown")
        lines += [line for reason in reasons for line in textwrap.wrap(clean(reason), max(width, MIN_WIDTH))]
    behind = sum(1 for one in found if one.state == "behind")
    current = sum(1 for one in found if one.state == "current")
    lines.append(
        f"{count(behind, 'tag')} behind, {format_number(current)} current, of {format_number(len(found))} asked for."
    )
    if own:
        lines.append(
            f"{count(own, 'tag')} never came from a registry, and {'was' if own == 1 else 'were'} not asked for."
        )
    return "\n".join(lines) + "\n"


class _Page:
    def __init__(self, engine: Engine, units: Units, width: int) -> None:
        self.engine = engine
        self.units = units
        self.width = width

    def size(self, size: int | None) -> str:
        return format_size(size, self.units)

    def adds(self, size: int | None, kind: AddsIs) -> str:
        return UNKNOWN if size is None else _MARKS[kind] + self.size(size)

    def span(self, download: tuple[int, int]) -> str:
        low, high = map(self.size, download)
        return low if low == high else f"{low} … {high}"

    def title(self, name: str, right: str) -> str:
        room = self.width - cell_len(right) - 2
        name = fit_name(clean(name, LONGEST), room)
        return name + " " * (self.width - cell_len(name) - cell_len(right)) + right

    def set(self, cost: PullCost) -> list[str]:
        here = sum(layer.here for image in cost.images for layer in image.layers)
        layers = sum(len(image.layers) for image in cost.images)
        return [
            f"All {format_number(len(cost.images))}, pulled in this order",
            *self.figures(cost, f"{count(layers, 'layer')}, {format_number(here)} here by then"),
        ]

    def image(self, cost: ImageCost) -> list[Said]:
        image, engine = cost.image, self.engine
        where = f"{image.platform} · {engine.kind} {engine.version.partition('+')[0]} · {engine.store}"
        lines = [Said(self.title(image.name, fit(clean(where), 48)), "strong")]
        here = sum(layer.here for layer in cost.layers)
        layers = count(len(cost.layers), "layer")
        how_many = "here already" if cost.already_here else f"{layers}, {format_number(here)} here"
        lines += [Said(line) for line in self.figures(cost, how_many)]
        if cost.refused:
            refused = f"The pull would fail: {clean(cost.refused)}."
            lines += [Said(line, "bad") for line in textwrap.wrap(refused, self.width)]
        if cost.already_here or not cost.layers:
            return lines
        rows = list(_rows(cost.layers))
        return lines + [
            Said("  " + line, "quiet" if not number else "")
            for number, line in enumerate(
                table(
                    self.width - 2,
                    Column("LAYER", [self.label(row) for row in rows], right=False),
                    Column("PACKED", [self.size(sum(one.layer.packed for one in row)) for row in rows]),
                    Column("FETCHED", [_fetched(row) for row in rows], right=False),
                    Column("ADDS", ["–" if row[0].here else self.adds(row[0].adds, row[0].adds_is) for row in rows]),
                    Column("WHY", [_why(row) for row in rows], right=False, cut=fit),
                )
            )
        ]

    def figures(self, cost: ImageCost | PullCost, layers: str) -> list[str]:
        parts = [
            f"packed {self.size(cost.packed)}",
            f"download {self.span(cost.download)}",
            f"adds {self.adds(cost.adds, cost.adds_is)}",
        ]
        if cost.adds_content:
            parts[-1] += f" + {self.size(cost.adds_content)} content"
        line = "  " + "   ".join((*parts, layers))
        return [line] if cell_len(line) <= self.width else ["  " + "   ".join(parts), f"  {layers}"]

    def label(self, row: Sequence[LayerCost]) -> str:
        return short_id(row[0].layer.blob) if len(row) == 1 else count(len(row), "layer")

    def notes(self, cost: PullCost, unit: str, remaining: Mapping[str, str]) -> list[str]:
        return [line for note in self.said(cost, unit, remaining) for line in textwrap.wrap(note, self.width)]

    def said(self, cost: PullCost, unit: str, remaining: Mapping[str, str]) -> Iterator[str]:
        low, high = cost.download
        if low != high:
            yield _SPAN[self.engine.store_kind]
        kinds = {layer.adds_is for image in cost.images for layer in image.layers}
        if "inferred" in kinds:
            yield (
                "≈ is likely, not certain: what the end of a packed layer says, or equal content that is stored here. "
                "Thousands of small files, or a sparse one, can make it wrong by much."
            )
        if any(layer.content_known for image in cost.images for layer in image.layers):
            yield "Stored again: the same content is here already, on top of other layers."
        if "unknown" in kinds:
            yield "? Nothing short of fetching the layer tells how much it adds."
        yield f"Adds is in this store's unit: {unit}."
        if self.engine.store_kind == "containerd" and cost.adds_content is None:
            yield "The packed layers are kept too; how much of them is new is not known here."
        for registry, left in remaining.items():
            yield f"{clean(registry)} allows {clean(left)} more pulls for now."


_SPAN = {
    "graphdriver": "The span: layers that were built or loaded here may be fetched again; only the engine knows.",
    "containerd": "The span: packed layers may be here without their image; the engine does not say which.",
    "podman": "The span: a layer is fetched again where Podman does not know what it is packed as.",
}


def _rows(layers: Iterable[LayerCost]) -> Iterator[list[LayerCost]]:
    """Give the layers, oldest first, with those beside each other in one row that are here for the same reason."""
    row: list[LayerCost] = []
    for layer in layers:
        if row and not (layer.here and row[0].here and _same(row[0], layer)):
            yield row
            row = []
        row.append(layer)
    if row:
        yield row


def _same(one: LayerCost, other: LayerCost) -> bool:
    return one.comes_with == other.comes_with and one.fetched == other.fetched and one.shared_with == other.shared_with


def _fetched(row: Sequence[LayerCost]) -> str:
    return row[0].fetched


def _why(row: Sequence[LayerCost]) -> str:
    first = row[0]
    if first.comes_with:
        return f"comes with {clean(first.comes_with, LONGEST)}"
    if first.here:
        return f"here: {image_labels(list(first.shared_with), _NAMED)}" if first.shared_with else "here"
    if first.content_known:
        some = list(first.same_content)
        who = f"{image_labels(some, 1)} has it" if len(some) == 1 else f"{count(len(some), 'image')} have it"
        return f"stored again: {who}" if some else "stored again"
    return f"new: {first.adds_from}" if first.adds_from else "new"
