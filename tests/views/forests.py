"""Random hosts whose layers branch every which way, for the views that draw the forest."""

from __future__ import annotations

from hypothesis import strategies as st

from layerscope.core.build import build_graph
from layerscope.core.chain import chain_ids
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Engine, HistoryEntry, Image, Inventory

ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///var/run/docker.sock")


def diff(letter: str) -> str:
    return "sha256:" + letter.encode().hex().rjust(64, "0")


def image_id(number: int) -> str:
    return f"sha256:{number:04d}" + "f" * 60


def host(*stacks: str, sizes: dict[str, int] | None = None, tagged: bool = True) -> LayerGraph:
    """A host with an image for each stack of one-letter layers: ``abc`` is c on b on a.

    A letter weighs what ``sizes`` says, 10 to 90 by default, and 1 more for each layer below it.
    Capital letters have a size that nobody knows.
    """
    images = []
    for number, stack in enumerate(stacks):
        known = not any(letter.isupper() for letter in stack)
        weigh = sizes or {}
        history = tuple(
            HistoryEntry(f"ADD {letter} /", weigh.get(letter, (ord(letter) % 9 + 1) * 10) + depth)
            for depth, letter in enumerate(stack)
        )
        images.append(
            Image(
                image_id(number),
                (f"i{number}:{stack}",) if tagged else (),
                diff_ids=tuple(map(diff, stack)),
                history=history if known else None,
            )
        )
    return build_graph(Inventory(ENGINE, tuple(images)))


def chain(stack: str) -> str:
    """The chain ID of the last layer of a stack."""
    return chain_ids(map(diff, stack))[-1]


stacks = st.lists(st.text("abc", max_size=5) | st.text("aB", max_size=3), max_size=9)
hosts = stacks.map(lambda texts: host(*texts))
