"""Random sets of images, removed from a real overlay2 engine by the product's own remover, and what the disk says then.

The data root is filled once, copied, and put back between sets: loading images again would change who shares what.
The truth is the engine's own table of layers (``image/overlay2/layerdb``), read from its disk.
"""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from layerscope.core.build import build_graph
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.connect import connect
from layerscope.engine.remove import EngineRemover
from layerscope.engine.scan import scan
from layerscope.engine.usage import disk_usage
from layerscope.inventory import Inventory
from layerscope.state.removal_log import RemovalLog
from tests.engine.private import PrivateEngine


@dataclass
class Findings:
    """What came of some sets."""

    sets: int = 0
    exact: int = 0
    footprint_exact: int = 0
    at_once: int = 0
    bytes_freed: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.sets} sets, {self.exact} called exact, {self.at_once} with a figure at once, "
            f"footprint exact before {self.footprint_exact}; {self.bytes_freed:,} B freed; "
            f"{len(self.wrong)} wrong {self.wrong[:5]}"
        )


def layers_on_disk(data: Path) -> dict[str, int]:
    """Return the layers of an overlay2 data root by chain ID, with their sizes in bytes."""
    table = data / "image" / "overlay2" / "layerdb" / "sha256"
    return {f"sha256:{folder.name}": int((folder / "size").read_text()) for folder in table.iterdir()}


def try_sets(engine: PrivateEngine, number: int, seed: str) -> Findings:
    """Remove ``number`` random sets, each from the same filled data root, the first ``engine`` has as it comes."""
    dice = random.Random(seed)
    findings = Findings()
    data, kept = engine.folder / "data", engine.folder / "filled"
    engine.stop()
    subprocess.run(["cp", "-a", "--reflink=auto", data, kept], check=True)
    for at in range(number):
        if at:
            shutil.rmtree(data)
            subprocess.run(["cp", "-a", "--reflink=auto", kept, data], check=True)
        engine.start()
        try:
            findings.wrong += [f"set {at}: {what}" for what in _one(engine, data, dice, findings)]
        finally:
            engine.stop()
        print(f"{at + 1}: {findings}", flush=True)
    shutil.rmtree(kept)
    return findings


def whole_scan(host: str) -> Inventory:
    """Return a scan with the engine's own account of its disk."""
    conn = connect(host)
    return replace(scan(conn), usage=disk_usage(conn))


def _one(engine: PrivateEngine, data: Path, dice: random.Random, findings: Findings) -> list[str]:
    inventory = whole_scan(engine.host)
    graph = build_graph(inventory)
    ids = [node.id for node in dice.sample(graph.images, dice.randint(1, len(graph.images)))]
    before = layers_on_disk(data)
    found = plan(graph, ids)
    conn = connect(engine.host)
    remover = EngineRemover(conn, RemovalLog(engine.folder / "removals", conn.engine))
    steps = remover.remove(found, lambda step: None, lambda: False)
    after, usage = layers_on_disk(data), disk_usage(conn)
    remover.prune_build_cache()
    pruned = layers_on_disk(data)
    odd = [step for step in steps if step.state not in {"removed", "untagged"}]
    wrong = [f"{step.image_id[:19]} {step.state} {step.words}" for step in odd]
    footprint = sum(before[layer.chain_id] for layer in graph.layers)
    wrong += _held("footprint", graph.totals.footprint, graph.totals.footprint_bound, footprint)
    wrong += [
        f"layer {layer.chain_id} {layer.size} for {before[layer.chain_id]}"
        for layer in (*graph.layers, *graph.hidden_layers)
        if layer.size_is == "exact" and layer.size != before[layer.chain_id]
    ]
    gone = sum(before[layer.chain_id] for layer in found.freed)
    wrong += _held("frees", found.frees, found.bound, gone)
    if inventory.usage and usage.layers_size is not None and inventory.usage.layers_size is not None:
        wrong += _held("total", found.frees, found.bound, inventory.usage.layers_size - usage.layers_size)
    wrong += [f"still there: {layer.chain_id}" for layer in found.freed if layer.chain_id in pruned]
    wrong += _at_once(found, before, after)
    findings.sets += 1
    findings.exact += found.exact
    findings.footprint_exact += not graph.totals.footprint_bound
    findings.at_once += found.frees_at_once is not None
    findings.bytes_freed += gone
    return wrong


def _at_once(found: RemovalPlan, before: dict[str, int], after: dict[str, int]) -> list[str]:
    least = found.frees_at_once
    back = sum(before[layer.chain_id] for layer in found.freed if layer.chain_id not in after)
    if least is None or not found.exact:
        return []
    return _held("at once", least, "" if not found.held_by_cache else "≥", back)


def _held(what: str, said: int, bound: str, true: int) -> list[str]:
    fine = {"": said == true, "≥": said <= true, "≤": said >= true}.get(bound, True)
    return [] if fine else [f"{what} {bound}{said} for {true}"]
