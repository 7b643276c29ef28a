"""The report for Prometheus, as node_exporter's textfile collector takes it.

The format is "text-based format 0.0.4": HELP and TYPE before each metric, integers, a host label on each. The names
are a contract, as those of the JSON are: metrics are added, never renamed or dropped.
"""

from __future__ import annotations

from collections.abc import Iterator

from layerscope.core.graph import LayerGraph
from layerscope.text import clean, mask_address

_BOUND = "A lower bound where layerscope_exact is 0."


def report_prometheus(graph: LayerGraph) -> str:
    """Return totals as metrics, a newline at the end; what is not known has no metric. Sizes are bytes."""
    lines = []
    engine = graph.inventory.engine
    host = _label(engine.name or mask_address(engine.host))
    for name, words, value in _metrics(graph):
        lines += [f"# HELP layerscope_{name} {words}", f"# TYPE layerscope_{name} gauge"]
        lines.append(f'layerscope_{name}{{host="{host}"}} {value}')
    kinds = {"kind": engine.kind, "version": engine.version, "store": engine.store}
    labels = "".join(f',{key}="{_label(value)}"' for key, value in kinds.items())
    lines += ["# HELP layerscope_engine_info The engine that was looked at.", "# TYPE layerscope_engine_info gauge"]
    lines.append(f'layerscope_engine_info{{host="{host}"{labels}}} 1')
    return "\n".join(lines) + "\n"


def _metrics(graph: LayerGraph) -> Iterator[tuple[str, str, int]]:
    inventory, totals = graph.inventory, graph.totals
    yield "images", "Images that the engine lists.", totals.images
    yield "layers", "Distinct layers that these images stand on.", totals.layers
    yield "listed_bytes", f"Sum of the sizes of all images, shared layers counted each time. {_BOUND}", totals.listed
    yield "footprint_bytes", f"Layers on disk, each counted once. {_BOUND}", totals.footprint
    yield "saved_bytes", f"What sharing of layers saves. {_BOUND}", totals.saved
    unused = [node for node in graph.images if not node.containers]
    yield "unused_images", "Images without a container.", len(unused)
    yield "dangling_images", "Images without a tag.", sum(not node.image.tags for node in graph.images)
    yield "unknown_layers", "Layers of unknown size.", totals.unknown_layers
    yield "unknown_images", "Images of unknown layers.", totals.unknown_images
    yield "exact", "1 if every size is known to the byte.", int(totals.exact)
    if graph.content is not None:
        yield "content_bytes", "Compressed blobs that images reach, each counted once.", graph.content.size
    if inventory.usage is not None and inventory.usage.layers_size is not None:
        yield "engine_bytes", "The engine's own total for image layers, in its own unit.", inventory.usage.layers_size
    if inventory.taken_at:
        yield "scan_timestamp_seconds", "When the engine was looked at, as a Unix time.", inventory.taken_at


def _label(text: str) -> str:
    return clean(text, 200).replace("\\", r"\\").replace('"', r"\"")
