"""What a mark costs until the line under the list says what it comes to, and a proposal for a size, on a big host.

    python -m dev.benchmarks.marks [--images 5000 --layers 20000]

Processor time of this thread, without drawing: the mark, the figures, what the build cache holds, the words
in 80 cells. Exit status 1 when the slowest of the marks takes more than 5 ms, or a proposal more than a second.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from msgspec.structs import replace

from dev.benchmarks.generate import big_host
from layerscope.core.build import build_graph
from layerscope.core.removal.marks import Marks
from layerscope.core.removal.measured import Freed
from layerscope.core.removal.proposal import propose
from layerscope.inventory import BuildCacheRecord, DiskUsage
from layerscope.units import Units, format_size
from layerscope.views.marks import fit_parts, marked_parts

MARK_MS, FREE_MS = 5.0, 1000.0
SHARES = (0.01, 0.1, 0.5, 0.9)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--layers", type=int, default=20000)
    parser.add_argument("--marks", type=int, default=400)
    args = parser.parse_args()
    inventory = big_host(args.images, args.layers)
    sizes = [layer.known_size for layer in build_graph(inventory).layers[::4]]
    cache = tuple(BuildCacheRecord(str(n), (), "regular", "", False, True, size) for n, size in enumerate(sizes))
    graph = build_graph(replace(inventory, usage=DiskUsage(None, build_cache=cache)))
    chance = random.Random(1)
    nodes = chance.sample(graph.images, len(graph.images))

    marks, took = Marks(graph), []
    step = max(1, len(nodes) // args.marks)
    for place, node in enumerate(nodes):
        begin = time.thread_time()
        marks.mark(node)
        if place % step == 0 or place < 50:
            fit_parts(marked_parts(marks.figures, Units.SI, marks.held_by_cache, Freed()), 80)
            took.append((time.thread_time() - begin) * 1000)
    took.sort()
    print(f"{len(graph.images):,} images on {len(graph.layers):,} layers, {len(cache):,} build cache records")
    print(f"mark to line: median {took[len(took) // 2]:.2f} ms, slowest {took[-1]:.2f} ms (limit {MARK_MS:.0f})")
    wrong = took[-1] > MARK_MS

    most = propose(graph, 1 << 60).most
    for share in SHARES:
        begin = time.thread_time()
        proposal = propose(graph, int(most * share))
        spent = (time.thread_time() - begin) * 1000
        size = format_size(proposal.target)
        print(f"free {size:>8}: {len(proposal.plan.images):5,} images, {spent:6.0f} ms (limit {FREE_MS:.0f})")
        wrong |= spent > FREE_MS or proposal.plan.frees < proposal.target
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
