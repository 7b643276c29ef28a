"""What is on the disk of a private engine, by the tables of its store: the truth that plans are held against."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Protocol

from layerscope.core.chain import chain_id
from tests.engine.private import PrivateEngine


class Disk(Protocol):
    """The store of one engine."""

    def layers(self) -> dict[str, int]:
        """Return the size of every stored layer, in the store's unit, by chain ID."""
        ...

    def blobs(self) -> dict[str, int] | None:
        """Return the bytes of every file of the content store by digest; None where there is none."""
        ...


class LayerDb:
    """``image/overlay2/layerdb`` of a graphdriver."""

    def __init__(self, engine: PrivateEngine) -> None:
        self._table = engine.folder / "data" / "image" / "overlay2" / "layerdb" / "sha256"

    def layers(self) -> dict[str, int]:
        """By the engine's own table."""
        return {f"sha256:{folder.name}": int((folder / "size").read_text()) for folder in self._table.iterdir()}

    def blobs(self) -> dict[str, int] | None:
        """There are none."""
        return None


class Snapshots:
    """The containerd of an engine with a containerd image store, asked by its own ``ctr``."""

    def __init__(self, engine: PrivateEngine) -> None:
        self._engine = engine
        self._files = next((engine.folder / "data" / "containerd").glob("*/io.containerd.content.v1.content/blobs/*"))

    def layers(self) -> dict[str, int]:
        """Committed snapshots, those of the build cache too; a chain ID is the name of a layer's."""
        return {name: size for name, size in self._usage().items() if name.startswith("sha256:")}

    def of_containers(self) -> int:
        """Return the bytes of snapshots that are containers', or their starts: a committed layer stands on its own."""
        return sum(size for name, size in self._usage().items() if re.fullmatch("[0-9a-f]{64}(-init)?", name))

    def _usage(self) -> dict[str, int]:
        command = [] if self._engine.root is None else ["chroot", str(self._engine.root)]
        socket = f"{self._engine.folder}/exec/containerd/containerd.sock"
        command += ["ctr", "-a", socket, "-n", "moby", "snapshots", "--snapshotter", "overlayfs", "usage", "-b"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows = (line.split() for line in answer.splitlines()[1:])
        return {row[0]: int(row[1]) for row in rows if row}

    def blobs(self) -> dict[str, int] | None:
        """The files themselves."""
        return {f"{self._files.name}:{file.name}": file.stat().st_size for file in self._files.iterdir()}


class ContainersStorage:
    """``overlay-layers/layers.json`` of Podman."""

    def __init__(self, engine: PrivateEngine) -> None:
        self._table = engine.folder / "data" / "overlay-layers" / "layers.json"

    def layers(self) -> dict[str, int]:
        """By Podman's own table: the bytes of each layer's tar. Layers of containers have no digest."""
        rows = {row["id"]: row for row in json.loads(self._table.read_text() or "[]")} if self._table.exists() else {}
        chains: dict[str, str] = {}
        for name in sorted(rows, key=lambda name: _depth(rows, name)):
            row = rows[name]
            if row.get("diff-digest") and (not row.get("parent") or row["parent"] in chains):
                chains[name] = chain_id(chains.get(row.get("parent", "")), row["diff-digest"])
        return {chain: rows[name]["diff-size"] for name, chain in chains.items()}

    def blobs(self) -> dict[str, int] | None:
        """There are none."""
        return None


def _depth(rows: dict[str, dict[str, str]], name: str) -> int:
    depth = 0
    while parent := rows.get(name, {}).get("parent", ""):
        name, depth = parent, depth + 1
    return depth


def disk_of(engine: PrivateEngine) -> Disk:
    """Return the store of an engine that has run."""
    if engine.podman:
        return ContainersStorage(engine)
    return Snapshots(engine) if engine.containerd else LayerDb(engine)


def folder_size(folder: Path) -> int:
    """Return the bytes of disk blocks that a folder takes."""
    answer = subprocess.run(["du", "-s", "-B1", folder], check=True, capture_output=True, text=True).stdout
    return int(answer.split()[0])
