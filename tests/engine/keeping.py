"""Random keep rules on a real overlay2 engine: what they were said to free, and what the engine says and does then."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from layerscope.core.before_after import difference
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.keep.plan import keep_plan
from layerscope.engine.connect import connect
from layerscope.engine.remove import EngineRemover
from layerscope.search.rules import read_rules
from layerscope.state.removal_log import RemovalLog
from tests.engine.private import PrivateEngine
from tests.engine.sets import layers_on_disk, whole_scan


@dataclass
class KeepFindings:
    """What came of some sets of rules."""

    sets: int = 0
    exact: int = 0
    images: int = 0
    bytes_freed: int = 0
    bytes_promised: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.sets} rule sets, {self.exact} exact, {self.images} images removed, {self.bytes_freed:,} B freed "
            f"where the rules promised {self.bytes_promised:,} B one by one; {len(self.wrong)} wrong {self.wrong[:5]}"
        )


def random_rules(graph: LayerGraph, dice: random.Random) -> str:
    """Return rules in TOML that select something on this host, mostly."""
    repositories = sorted({tag.rpartition(":")[0] for node in graph.images for tag in node.image.tags})
    drops = [
        'filter = "dangling"',
        'filter = "unused"',
        f'filter = ">{dice.choice((1, 20, 120))}MB"',
        'filter = "shared"',
    ]
    drops += [f'names = ["{name}:*"]' for name in dice.sample(repositories, min(3, len(repositories)))]
    keeps = ["last = 1", 'last = 1\nby = "version"', 'last = 2\nby = "arrived"', 'used_within = "30d"']
    keeps += [f'names = ["{name}*"]' for name in dice.sample(repositories, min(3, len(repositories)))]
    parts = [f"[[drop]]\n{one}" for one in dice.sample(drops, dice.randint(1, 3))]
    parts += [f"[[keep]]\n{one}" for one in dice.sample(keeps, dice.randint(0, 2))]
    return "\n".join(parts)


def try_rules(engine: PrivateEngine, number: int, seed: str) -> KeepFindings:
    """Carry out ``number`` random sets of rules, each on the same filled data root."""
    dice = random.Random(seed)
    findings = KeepFindings()
    data, kept = engine.folder / "data", engine.folder / "filled"
    engine.stop()
    subprocess.run(["cp", "-a", "--reflink=auto", data, kept], check=True)
    while findings.sets < number:
        if findings.sets:
            shutil.rmtree(data)
            subprocess.run(["cp", "-a", "--reflink=auto", kept, data], check=True)
        engine.start()
        try:
            findings.wrong += [f"set {findings.sets}: {what}" for what in _one(engine, data, dice, findings)]
        finally:
            engine.stop()
        findings.sets += 1
        print(findings, flush=True)
    shutil.rmtree(kept)
    return findings


def _one(engine: PrivateEngine, data: Path, dice: random.Random, findings: KeepFindings) -> list[str]:
    before = whole_scan(engine.host)
    graph = build_graph(before)
    text = random_rules(graph, dice)
    found = keep_plan(graph, read_rules(text, "rules", int(time.time())).rules)
    there = layers_on_disk(data)
    conn = connect(engine.host)
    remover = EngineRemover(conn, RemovalLog(engine.folder / "removals", conn.engine))
    remover.remove(found.plan, lambda step: None, lambda: False)
    after = whole_scan(engine.host)
    moved = difference(graph, build_graph(after))
    freed = sum(there[layer.chain_id] for layer in found.plan.freed)
    wrong = []
    if found.plan.exact and found.frees != freed:
        wrong.append(f"keep said {found.frees} for {freed}: {text!r}")
    if before.usage and after.usage and before.usage.layers_size is not None and after.usage.layers_size is not None:
        total = after.usage.layers_size - before.usage.layers_size
        if found.plan.exact and -found.frees != total:
            wrong.append(f"keep said {found.frees}, the engine's total moved by {total}: {text!r}")
        if moved.exact and moved.footprint.low != total:
            wrong.append(f"diff said {moved.footprint.low}, the engine's total moved by {total}: {text!r}")
        if not moved.footprint.low <= total <= (total if moved.footprint.high is None else moved.footprint.high):
            wrong.append(f"diff said {moved.footprint}, the engine's total moved by {total}: {text!r}")
    if sum(one.adds for one in found.rules if one.rule.kind == "drop") != found.frees:
        wrong.append(f"what rules add is not what they free: {text!r}")
    if {node.id for node in found.plan.removed} != {one.node.id for one in moved.gone.images}:
        wrong.append(f"other images went than were said to: {text!r}")
    findings.exact += found.plan.exact
    findings.images += len(found.plan.removed)
    findings.bytes_freed += freed
    findings.bytes_promised += found.summed
    return wrong
