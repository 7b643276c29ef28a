"""The report for programs: one JSON document, or the table of images as CSV.

``layerscope.report/1`` is a contract that scripts rely on: fields are added to
it, never renamed, retyped or taken away. All sizes are whole bytes in the
store's unit (field ``unit``) unless their name begins with ``engine_``: those are
the engine's own figures, in its own mix of units. Text is as the engine gave
it; the JSON is ASCII, so that whatever the text holds cannot act on a terminal.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.core.missed import missed_sharing
from layerscope.text import clean
from layerscope.views.content import content_missing

SCHEMA = "layerscope.report/1"

CSV_COLUMNS = (
    "id",
    "tags",
    "created",
    "size_bytes",
    "shared_bytes",
    "unique_bytes",
    "exact",
    "engine_size_bytes",
    "layers",
    "containers",
    "sharing_exact",
)
"""Columns of the CSV, a row per image, biggest first.

The names are those of the JSON, with ``tags`` joined by a space, ``layers`` their
number, ``exact`` (the size) and ``sharing_exact`` (what is shared and unique) 1 or 0,
and an empty cell where something is not known.
"""

_FORMULA_STARTS = tuple("=+-@＝＋－＠")
_LONGEST_CELL = 32_000
"""Characters; spreadsheets cut a cell at 32,767."""


def report_dict(graph: LayerGraph, engine_bytes: int | None = None) -> dict[str, Any]:
    """Return the report on ``graph`` as plain data, ready for JSON.

    ``engine_bytes`` is the engine's own total for image layers; None takes the one
    in the inventory, if it has one.
    """
    inventory = graph.inventory
    return {
        "schema": SCHEMA,
        "engine": engine_dict(graph),
        "taken_at": rfc3339(inventory.taken_at),
        "complete": inventory.complete,
        "vanished_images": inventory.vanished,
        "unit": graph.rules.unit,
        "totals": totals_dict(graph, engine_bytes),
        "content_missing_because": content_missing(graph) or None,
        "layers_are_on_disk": graph.disk_rule.once,
        "layers_on_disk_because": graph.disk_rule.words or None,
        "engine_bytes_missing_because": inventory.usage_refused or None,
        "images": [_image(node) | _content_of(graph, node) for node in graph.images],
        "layers": [_layer(layer) for layer in _in_order(graph)],
        "missed": _missed(graph),
    }


def _missed(graph: LayerGraph) -> dict[str, Any]:
    """Return what is stored more than once; see :mod:`layerscope.core.missed`."""
    found = missed_sharing(graph)
    return {
        "exact_bytes": found.size.low if found.size.exact else None,
        "exact_at_least_bytes": found.size.low,
        "groups": [
            {
                "is": one.is_,
                "diff_id": one.copies[0].diff_id if one.is_ == "exact" else None,
                "instruction": one.copies[0].instruction,
                "missed_bytes": one.size.low if one.size.exact else None,
                "missed_at_least_bytes": one.size.low,
                "copies": [layer.chain_id for layer in one.copies],
            }
            for one in (*found.exact, *found.likely)
        ],
    }


def engine_dict(graph: LayerGraph) -> dict[str, Any]:
    """Return what engine a graph is of, ready for JSON."""
    engine = graph.inventory.engine
    return {
        "kind": "scan" if graph.inventory.from_file else engine.kind,
        "version": engine.version,
        "api_version": engine.api_version,
        "store": engine.store,
        "host": engine.host,
        "name": engine.name,
    }


def totals_dict(graph: LayerGraph, engine_bytes: int | None = None) -> dict[str, Any]:
    """Return the sums of a host, ready for JSON; ``engine_bytes`` as for :func:`report_dict`."""
    totals, usage = graph.totals, graph.inventory.usage
    if engine_bytes is None and usage is not None:
        engine_bytes = usage.layers_size
    return {
        "images": totals.images,
        "layers": totals.layers,
        "listed_bytes": totals.listed,
        "footprint_bytes": totals.footprint,
        "saved_bytes": totals.saved,
        "exact": totals.exact,
        "unknown_layers": totals.unknown_layers,
        "unknown_images": totals.unknown_images,
        "footprint_most_bytes": totals.footprint_most,
        "engine_bytes": engine_bytes,
        "engine_listed_bytes": totals.engine_listed,
        **_content_totals(graph),
    }


def _content_totals(graph: LayerGraph) -> dict[str, Any]:
    """Return the sums of compressed blobs; null where the store has none or they are not known.

    ``disk_bytes`` and ``saved_disk_bytes`` are unpacked and content together, which is what a disk holds.
    """
    content, totals = graph.content, graph.totals
    if content is None or totals.content is None:
        none = ("content_bytes", "listed_content_bytes", "disk_bytes", "saved_disk_bytes", "unlisted_content_bytes")
        return dict.fromkeys(none)
    return {
        "content_bytes": totals.content,
        "listed_content_bytes": totals.listed_content,
        "disk_bytes": totals.disk if totals.exact else None,
        "saved_disk_bytes": totals.disk_saved if totals.exact else None,
        "unlisted_content_bytes": content.total(content.of_roots),
    }


def _content_of(graph: LayerGraph, node: ImageNode) -> dict[str, Any]:
    content = graph.content
    if content is None or node.id not in content.blobs:
        return {"content_bytes": None, "content_unique_bytes": None, "layers_state": graph.layers_state(node)}
    use = content.use(node.id)
    return {
        "content_bytes": use.size,
        "content_unique_bytes": use.unique,
        "layers_state": graph.layers_state(node),
    }


def _in_order(graph: LayerGraph) -> list[Layer]:
    """Return the layers image by image, oldest first, each once: not as an engine lists images, which changes."""
    return list({layer.chain_id: layer for node in graph.images for layer in node.layers}.values())


def _image(node: ImageNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "tags": list(node.image.tags),
        "created": rfc3339(node.image.created),
        "size_bytes": node.size,
        "shared_bytes": node.shared,
        "unique_bytes": node.unique,
        "exact": node.exact,
        "sharing_exact": node.sharing_exact,
        "unknown_layers": node.unknown_layers,
        "engine_size_bytes": node.image.engine_size,
        "containers": len(node.containers),
        "layers": [layer.chain_id for layer in node.layers],
        "read_only": node.image.read_only,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "chain_id": layer.chain_id,
        "diff_id": layer.diff_id,
        "parent": None if layer.parent is None else layer.parent.chain_id,
        "size_bytes": layer.size,
        "size_is": layer.size_is,
        "instruction": layer.instruction,
        "images": [node.id for node in layer.images],
    }


def report_json(graph: LayerGraph, engine_bytes: int | None = None) -> str:
    """Return the report as JSON, one image or layer a line; see :func:`report_dict`."""
    document = report_dict(graph, engine_bytes)
    lines = b",\n".join([b"%b:%b" % (_encoded(key), _lines(value)) for key, value in document.items()])
    return (b"{%b}\n" % lines).decode("ascii")


def _lines(value: Any) -> bytes:
    if isinstance(value, list) and value:
        return b"[\n%b]" % b",\n".join(map(_encoded, value))
    return _encoded(value)


def _encoded(value: Any) -> bytes:
    """Return JSON in ASCII: quickly where all text is, and there is no lone surrogate in it."""
    try:
        data = _ENCODE(value)
    except (ValueError, OverflowError):
        data = b"\xff"
    return data if data.isascii() else json.dumps(value, separators=(",", ":")).encode("ascii")


_ENCODE = msgspec.json.Encoder().encode


def report_csv(graph: LayerGraph) -> str:
    """Return the table of images as CSV with a heading (RFC 4180, but lines end in a newline only).

    Text is cleaned, quoted, and kept from being taken for a formula by a
    spreadsheet: what starts with ``=``, ``+``, ``-`` or ``@`` gets an apostrophe in front.
    """
    import csv  # noqa: PLC0415 (not for the JSON)
    import io  # noqa: PLC0415

    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for node in graph.images:
        image = node.image
        writer.writerow(
            (
                _cell(image.id),
                _cell(" ".join(image.tags)),
                rfc3339(image.created),
                node.size if node.exact or node.size else None,
                node.shared if node.exact or node.shared else None,
                node.unique if node.exact or node.unique else None,
                int(node.exact),
                image.engine_size,
                len(node.layers) if node.known else None,
                len(node.containers),
                int(node.sharing_exact),
            )
        )
    return out.getvalue()


def _cell(text: str) -> str:
    text = clean(text, _LONGEST_CELL)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def rfc3339(seconds: int | None) -> str | None:
    """Return Unix seconds as RFC 3339 in UTC; None for None, and for a time that has no year of four digits."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None
