"""How long the layer graph of a host takes to build, and how much memory: 50, 1,000 and 5,000 images in one run.

    python -m dev.benchmarks.core_graph

Each host is loaded from a saved scan by a process of its own, which then builds the graph a
few times, without Python's collector, as commands and the interface do; the best is shown, and the peak memory of the
whole process. Exit status 1 when
5,000 images take a second or 200 MB, or an image in the big host costs 4 times one in the small.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

from dev.benchmarks.generate import big_host
from layerscope.collector import no_collector
from layerscope.core.build import build_graph
from layerscope.sources.scanfile import load_inventory, save_inventory

HOSTS = ((50, 200), (1000, 4000), (5000, 20000))
ROUNDS = 5
MOST_SECONDS, MOST_MEMORY, MOST_RATIO = 1.0, 200e6, 4


def measure(scan: str, rounds: int = ROUNDS) -> dict[str, float]:
    """Return seconds of CPU to load and to build, and the peak memory of this process in bytes."""
    start = process_time()
    inventory = load_inventory(scan)
    loaded = process_time() - start
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = process_time()
        with no_collector():
            build_graph(inventory)
        best = min(best, process_time() - start)
    return {"load": loaded, "build": best, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main() -> int:
    """Measure all hosts and print a table."""
    print(f"{'images':>7} {'layers':>7} {'load':>9} {'build':>9} {'per image':>10} {'ratio':>6} {'peak memory':>12}")
    first = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for images, layers in HOSTS:
            scan = Path(folder, f"{images}.scan.json.gz")
            save_inventory(big_host(images, layers), scan)
            command = [sys.executable, "-m", "dev.benchmarks.core_graph", str(scan)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            each = found["build"] / images
            first = first or each
            print(
                f"{images:7,} {layers:7,} {found['load'] * 1e3:6.0f} ms {found['build'] * 1e3:6.1f} ms "
                f"{each * 1e6:7.0f} µs {each / first:6.2f} {found['memory'] / 1e6:9.0f} MB"
            )
    return int(found["build"] > MOST_SECONDS or found["memory"] > MOST_MEMORY or each / first > MOST_RATIO)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:]))))
    else:
        sys.exit(main())
