"""Scans to keep. Writers in processes of their own make them too: nothing is imported here that is slow to import."""

from __future__ import annotations

import random

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Engine, Inventory
from tests.core.test_changes import image

NOW = 1_780_000_000
HOUR = 3600
ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///d.sock", id="ABCD", driver="overlay2")


def many(number: int, seed: int = 1, images: int = 65, engine: Engine = ENGINE, start: int = 0) -> list[LayerGraph]:
    """Scans an hour apart, from ``start`` on; from one to the next two of the images are replaced."""
    dice = random.Random(seed)
    names = [f"{dice.getrandbits(256):064x}" for _ in range(images)]
    found = []
    for at in range(number):
        for _ in range(2):
            names.remove(dice.choice(names))
            names.append(f"{dice.getrandbits(256):064x}")
        if at >= start:
            built = [replace(image(name, (name, 5)), tags=(f"shop/service:{name[:7]}",)) for name in names]
            found.append(build_graph(Inventory(engine, tuple(built), taken_at=NOW + at * HOUR)))
    return found
