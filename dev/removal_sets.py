"""Random sets removed from a real engine: ``python -m dev.removal_sets [-n 60] [--data DIR] [--root CHROOT] …``.

Needs root. The engine is the machine's dockerd, or that of the system under ``--root``, with a data root of its own:
a copy of ``--data`` (that of an engine that is not running), what ``docker save`` wrote (``--archive``), or one that is
filled here. ``--store`` is its store: overlay2, containerd, or podman for Podman's API in place of a dockerd. Prints
what came of the sets; status 1 if anything that was called exact or a bound is wrong.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import docker

from tests.engine.corpus import fill
from tests.engine.private import PrivateEngine
from tests.engine.sets import try_sets


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=60)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--store", choices=("overlay2", "containerd", "podman"), default="overlay2")
    parser.add_argument("--seed", default="layerscope")
    options = parser.parse_args()
    engine = PrivateEngine(
        root=options.root, containerd=options.store == "containerd", podman=options.store == "podman"
    )
    if options.data:
        subprocess.run(["cp", "-a", options.data, engine.folder / "data"], check=True)
    with engine:
        if options.archive:
            with (
                closing(docker.DockerClient(engine.host, version="auto", timeout=600)) as client,
                options.archive.open("rb") as tar,
            ):
                client.images.load(tar)
        elif not options.data:
            fill(engine.host)
        found = try_sets(engine, options.n, options.seed)
    print(found)
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
