"""Random keep rules on a real overlay2 engine: ``python -m dev.keep_sets [-n 20] [--data DIR] [--root CHROOT]``.

As ``dev.removal_sets``, but the sets are what random rules select: what ``keep`` says that they free is held against
what the product's own removal frees, and the difference of the scans before and after against what the engine's total
moved by. Status 1 if anything that was called exact is wrong.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.engine.corpus import fill
from tests.engine.keeping import try_rules
from tests.engine.private import PrivateEngine


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=20)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--seed", default="layerscope")
    options = parser.parse_args()
    engine = PrivateEngine(root=options.root)
    if options.data:
        subprocess.run(["cp", "-a", options.data, engine.folder / "data"], check=True)
    with engine:
        if not options.data:
            fill(engine.host)
        found = try_rules(engine, options.n, options.seed)
    print(found)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
