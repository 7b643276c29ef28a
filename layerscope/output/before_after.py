"""The difference of two scans for programs, ``layerscope.diff/1``, and as Markdown.

The first is a contract that scripts rely on: fields are added, never renamed, retyped or taken away. Sizes are whole
bytes in the store's unit (field ``unit``). Only totals and layers add up; an image has what it adds or frees alone.
"""

from __future__ import annotations

import json
from typing import Any

from layerscope.core.before_after import Difference, ImageChange, Side
from layerscope.core.graph import Layer, LayerGraph
from layerscope.core.sizes.sums import Bounds
from layerscope.inventory import Container
from layerscope.output.markdown import code, md_table, plain
from layerscope.output.report import engine_dict, rfc3339, totals_dict
from layerscope.units import Units, count, format_size, natural_list
from layerscope.views.before_after import (
    change_words,
    image_rows,
    layer_rows,
    retagged_words,
    span_words,
    total_rows,
)

SCHEMA = "layerscope.diff/1"
MOST_ROWS = 100
"""Rows of a table in Markdown: a comment on a merge request has room for so many."""


def diff_json(found: Difference) -> str:
    """Return the difference as JSON with a newline at its end; see :func:`diff_dict`."""
    return json.dumps(diff_dict(found), indent=1) + "\n"


def diff_dict(found: Difference) -> dict[str, Any]:
    """Return the difference as plain data, ready for JSON.

    Where a figure is not exact it is null, and ``…_at_least_bytes`` and ``…_at_most_bytes`` say between what
    bounds it lies, null where there is none.
    """
    low = found.footprint.low if found.footprint_least_known else None
    return {
        "schema": SCHEMA,
        "before": _scan(found.old),
        "after": _scan(found.new),
        "seconds": found.seconds,
        "unit": found.new.rules.unit,
        "footprint_change_bytes": low if found.exact else None,
        "footprint_change_at_least_bytes": low,
        "footprint_change_at_most_bytes": found.footprint.high,
        "listed_change_bytes": found.listed,
        "content_change_bytes": found.content,
        "exact": found.exact,
        "images": {
            "added": [_image(one, "adds") for one in found.added.images],
            "gone": [_image(one, "frees") for one in found.gone.images],
            "retagged": [
                {
                    "id": one.node.id,
                    "tags": list(one.node.image.tags),
                    "gained": list(one.gained),
                    "lost": list(one.lost),
                }
                for one in found.retagged
            ],
            "moved": [{"name": name, "before": before, "after": after} for name, before, after in found.moved],
            **_between("added_together", found.added.together),
            **_between("gone_together", found.gone.together),
        },
        "layers": {
            "added": [_layer(layer) for layer in found.added.layers],
            "gone": [_layer(layer) for layer in found.gone.layers],
            "resized": [
                {
                    "chain_id": one.after.chain_id,
                    "before_bytes": one.before.size,
                    "after_bytes": one.after.size,
                    "change_bytes": one.change,
                }
                for one in found.resized
            ],
            **_between("added", found.added.size),
            **_between("gone", found.gone.size),
            "not_told_by_layer_bytes": found.untold,
        },
        "containers": {
            "created": [_container(one) for one in found.changes.created],
            "gone": [_container(one) for one in found.changes.gone],
            "changed": [_container(one) for one in found.changes.altered],
        },
    }


def _scan(graph: LayerGraph) -> dict[str, Any]:
    inventory = graph.inventory
    return {
        **totals_dict(graph),
        "engine": engine_dict(graph),
        "taken_at": rfc3339(inventory.taken_at) if inventory.taken_at else None,
        "complete": inventory.complete,
    }


def _between(name: str, bounds: Bounds) -> dict[str, int | None]:
    return {
        f"{name}_bytes": bounds.low if bounds.exact else None,
        f"{name}_at_least_bytes": bounds.low,
        f"{name}_at_most_bytes": bounds.high,
    }


def _image(one: ImageChange, what: str) -> dict[str, Any]:
    return {
        "id": one.node.id,
        "tags": list(one.node.image.tags),
        "size_bytes": one.node.size,
        **_between(what, one.alone),
        f"{what}_content_bytes": one.content,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "chain_id": layer.chain_id,
        "diff_id": layer.diff_id,
        "size_bytes": layer.size,
        "size_is": layer.size_is,
        "instruction": layer.instruction,
        "images": [node.id for node in layer.images],
    }


def _container(one: Container) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, "image": one.image_id, "state": one.state}


def diff_markdown(found: Difference, units: Units = Units.SI) -> str:
    """Return the difference as Markdown, for a comment or a job's summary; a newline at its end."""
    lines = [f"**{change_words(found, units)}**", "", plain(span_words(found)), ""]
    rows = [(label, before, after, change) for label, before, after, change in total_rows(found, units)]
    lines += md_table(("", "Before", "After", "Change"), rows, (1, 2, 3))
    lines += _images(found.added, "Image that came", "Adds alone", units)
    lines += _images(found.gone, "Image that went", "Frees alone", units)
    if found.retagged:
        told = [(code(name), plain(words)) for name, words in retagged_words(found)]
        lines += ["", *md_table(("Retagged", "Names"), told[:MOST_ROWS]), *_rest(len(told))]
    for side, title in ((found.added, "Layer that came"), (found.gone, "Layer that went")):
        if side.layers:
            cells = [(size, code(text), plain(whose)) for size, text, whose in layer_rows(side, units, MOST_ROWS)]
            lines += ["", *md_table(("Size", title, "Of"), cells, (0,)), *_rest(len(side.layers))]
    containers = [
        f"{count(len(some), 'container')} {verb}"
        for some, verb in (
            (found.changes.created, "created"),
            (found.changes.gone, "removed"),
            (found.changes.altered, "changed"),
        )
        if some
    ]
    if containers:
        lines += ["", f"{natural_list(containers)}."]
    return "\n".join(lines) + "\n"


def _images(side: Side, title: str, alone: str, units: Units) -> list[str]:
    if not side.images:
        return []
    rows = [(code(name), size, own) for name, size, own in image_rows(side, units)]
    lines = ["", *md_table((title, "Size", alone), rows[:MOST_ROWS], (1, 2)), *_rest(len(rows))]
    if side.together != (0, 0):
        more = format_size(side.together.low, units)
        sign = "" if side.together.exact else "≥"
        lines += ["", f"{sign}{more} besides, in layers that several images have."]
    return lines


def _rest(number: int) -> list[str]:
    return ["", f"{number - MOST_ROWS:,} more."] if number > MOST_ROWS else []
