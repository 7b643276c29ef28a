"""What reading the reference graph of a containerd store costs: a report with it beside one without it.

    python -m dev.benchmarks.graph_cost --host unix:///… [--images 300]

The engine gets so many small images where it has fewer: those of ``report_1000``, whose ``--remove`` deletes them.
Both reports are processes of their own, in turns, and remember nothing of the engine; best of a few rounds.
Exit status 1 when the graph makes a report take more than 1.1 times as long.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from dev.benchmarks.report_1000 import load, timed
from layerscope.engine.connect import connect

LIMIT = 1.1
WITHOUT = "import layerscope.engine.scan as scan; scan.list_content = lambda conn: None; "
COMMAND = "import sys; from layerscope.cli import main; sys.exit(main())"


def report(host: str, before: str) -> None:
    """Run the command with an empty folder for what it keeps, its output thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "XDG_CACHE_HOME": folder, "XDG_STATE_HOME": folder}
        subprocess.run(
            [sys.executable, "-c", before + COMMAND, "--host", host, "report", "--json"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=environment,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default=os.environ.get("DOCKER_HOST"), help="default: DOCKER_HOST")
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with connect(options.host) as conn:
        host = conn.endpoint.host
        if conn.engine.store_kind != "containerd":
            sys.exit(f"{host} has no containerd store")
        load(conn.client, options.images)
        print(f"{conn.engine.version}: {len(conn.client.images(all=True))} images")
    best = {"with": (float("inf"), 0.0), "without": (float("inf"), 0.0)}
    for _ in range(options.rounds):
        for name, before in (("with", ""), ("without", WITHOUT)):
            best[name] = min(best[name], timed(lambda before=before: report(host, before)))
    for name, (wall, cpu) in best.items():
        print(f"{name + ' the graph':18}{wall:8.2f} s, {cpu:6.2f} s of processor time")
    ratio = best["with"][0] / best["without"][0]
    print(f"with / without = {ratio:.3f}, at most {LIMIT}: {'kept' if ratio <= LIMIT else 'MISSED'}")
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
