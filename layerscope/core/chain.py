"""Chain IDs: the names under which an engine stores layers."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

EMPTY_DIFF_ID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
"""Diff ID of the empty tar (1024 NUL bytes): a layer in which nothing changed."""


def chain_id(parent: str | None, diff_id: str) -> str:
    """Return the chain ID of the layer ``diff_id`` on top of the chain ``parent`` (None: it is the first).

    OCI image-spec ``config.md``, "Layer ChainID". The same diff on another
    parent is another chain, and is stored again.
    """
    if parent is None:
        return diff_id
    return "sha256:" + sha256(f"{parent} {diff_id}".encode("utf-8", "surrogatepass")).hexdigest()


def chain_ids(diff_ids: Iterable[str]) -> tuple[str, ...]:
    """Return the chain IDs of a stack of layers, oldest first, one for each diff ID."""
    chain: list[str] = []
    parent: str | None = None
    for diff_id in diff_ids:
        parent = chain_id(parent, diff_id)
        chain.append(parent)
    return tuple(chain)
