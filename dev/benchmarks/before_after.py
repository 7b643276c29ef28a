"""CPU time of diff, keep rules, budgets and history on a big host: ``python -m dev.benchmarks.before_after``.

10,000 images in 40,000 layers, and a history of 10,000 scans of 65 images. The graphs are built before: what is
measured comes beyond loading. Status 1 where a limit is passed.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

from msgspec.structs import replace

from dev.benchmarks.generate import TAKEN_AT, big_host
from layerscope.core.before_after import difference
from layerscope.core.budgets import check
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.keep.plan import keep_plan
from layerscope.core.past import since_look, sparkline
from layerscope.core.removal.holders import holders_of
from layerscope.inventory import Container, Engine, Image, Inventory
from layerscope.output.before_after import diff_json
from layerscope.search.rules import read_rules
from layerscope.state import history as module
from layerscope.state.history import HOUR, ScanHistory

RULES = """
[[keep]]
last = 2
[[keep]]
last = 3
by = "version"
[[keep]]
used_within = "30d"
[[keep]]
names = ["*/api:*"]
[[drop]]
filter = "dangling unused"
[[drop]]
older_than = "90d"
filter = "unused"
[[drop]]
filter = ">500MB"
[budget]
footprint = "1GB"
layers = 110
dangling = 20
missed = "1GB"
growth = "1GB"
[budget.unique]
"shop/*" = "200MB"
"*" = "1GB"
"""
SCANS, IMAGES = 10_000, 65


def timed(what: str, limit: float, act: Callable[[], object], rounds: int = 3) -> bool:
    """Print the best CPU time of some rounds; return whether it is within the limit, in seconds."""
    best = float("inf")
    for _ in range(rounds):
        start = process_time()
        act()
        best = min(best, process_time() - start)
    print(f"{what:<44} {best * 1e3:9.1f} ms of {limit * 1e3:,.0f}")
    return best <= limit


def on_graphs() -> bool:
    inventory = big_host(10_000, 40_000)
    dice = random.Random(1)
    gone = {image.id for image in inventory.images if dice.random() < 0.05}
    before = build_graph(replace(inventory, images=tuple(i for i in inventory.images if i.id not in gone)))
    graph = build_graph(inventory)
    holders_of(graph)
    rules = read_rules(RULES, "rules", TAKEN_AT)

    def fresh() -> LayerGraph:
        graph.__dict__.pop("totals", None)
        return graph

    fine = timed("diff, 10,000 images, with JSON", 2.0, lambda: diff_json(difference(before, fresh())))
    fine &= timed("keep, 7 rules, 10,000 images", 1.0, lambda: keep_plan(fresh(), rules.rules))
    return fine & timed("check, 7 budgets, 10,000 images", 1.0, lambda: check(fresh(), rules.budget, before))


def on_history(path: Path) -> bool:
    engine = Engine("docker", "28", "1.51", "overlay2", "graphdriver", "unix:///x", id="ID", driver="overlay2")
    dice = random.Random(2)

    def image() -> Image:
        name = f"{dice.getrandbits(256):064x}"
        return Image(f"sha256:{name}", tags=(f"shop/service:{name[:7]}",), diff_ids=())

    history = ScanHistory(path, lambda: TAKEN_AT)
    images = [image() for _ in range(IMAGES)]
    keep = module._prune
    module._prune = lambda *_: None  # what is measured is reading
    graph = build_graph(Inventory(engine, (), ()))
    for at in range(SCANS):
        images[dice.randrange(IMAGES)] = image()
        images[dice.randrange(IMAGES)] = image()
        boxes = tuple(Container(str(n), "", images[n].id, "", "running") for n in range(0, IMAGES, 7))
        graph = build_graph(Inventory(engine, tuple(images), boxes, taken_at=TAKEN_AT + at * HOUR))
        history.keep(graph, look=at == SCANS // 2)
    module._prune = keep
    print(f"{SCANS:,} scans of {IMAGES} images: {path.stat().st_size / SCANS:.0f} bytes each")

    def at_start() -> None:
        look = history.last_look(engine)
        assert look is not None
        since_look(look, graph, TAKEN_AT + SCANS * HOUR)
        sparkline([point.disk for point in history.line(engine)], 5)

    fine = timed("sparkline and since the last look", 0.05, at_start, 5)
    return fine & timed("all of the history", 2.0, lambda: history.seen(engine), 2)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        fine = on_history(Path(folder, "history.db"))
    return int(not (on_graphs() and fine))


if __name__ == "__main__":
    sys.exit(main())
