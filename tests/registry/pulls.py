"""Pulls on a real engine from a real registry, each said before it is made, then measured.

What came over the wire is the registry's access log; what the store grew by is read from
the engine's own files.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import docker
from docker.errors import APIError

from layerscope.core.build import build_graph
from layerscope.core.pull import ImageCost
from layerscope.engine.connect import connect
from layerscope.engine.scan import scan
from layerscope.inventory import Inventory
from layerscope.registry.client import RegistryClient
from layerscope.registry.look import Wanted, look
from layerscope.registry.policy import Policy
from layerscope.registry.reference import parse_reference
from layerscope.registry.transport import Transport
from tests.registry.layouts import Layer, config_of, digest_of, noise, push, sparse_tar, tar, words, write_layout
from tests.registry.private import PrivateRegistry

BASE = Layer(tar({"etc/": b"", "etc/base": words(3_000_000, 1), "lib/so": noise(900_000, 2)}))
TOOLS = Layer(tar({"usr/": b"", "usr/tool": words(1_500_000, 3)}))
APP = Layer(tar({"srv/app": words(400_000, 4), "srv/link-free": b"x" * 10}))
OTHER = Layer(tar({"srv/other": words(700_000, 5)}))
RANDOM = Layer(tar({"srv/random": noise(2_000_000, 6)}))
ZEROS = Layer(tar({"srv/zeros": bytes(12_000_000)}))
MANY = Layer(tar({f"many/{n}": b"x" for n in range(2_000)}))
EMPTY = Layer(bytes(1024))
PARTS = Layer(tar({"srv/parts": words(1_200_000, 7)}), "parts")
PLAIN = Layer(tar({"srv/plain": words(800_000, 8)}), "tar")
PACKED = Layer(tar({"srv/packed": words(900_000, 9)}))
SPARSE = Layer(sparse_tar("srv/sparse", 5_000_000), "tar")
ARM = Layer(tar({"srv/arm": words(500_000, 10)}))

STEPS: dict[str, tuple[Layer, ...]] = {
    "base": (BASE, TOOLS),
    "app": (BASE, TOOLS, APP),
    "turned": (TOOLS, BASE, APP),
    "plain": (BASE, PLAIN),
    "random": (BASE, RANDOM),
    "zeros": (TOOLS, ZEROS),
    "many": (BASE, MANY),
    "empty": (TOOLS, EMPTY, OTHER),
    "twice": (OTHER, RANDOM, OTHER),
    "parts": (BASE, PARTS),
    "deep": tuple(Layer(tar({f"deep/{n}": words(2_000, 100 + n)})) for n in range(30)),
    "sparse": (SPARSE,),
    "no-layers": (),
}
"""Repository → layers, each pulled once, in this order."""


@dataclass
class Pull:
    """A pull: what was said and what came."""

    step: str
    said: ImageCost
    fetched: int
    grew: int
    content: int
    failed: str = ""

    @cached_property
    def wrong(self) -> list[str]:
        """What was said and is not so."""
        low, high = self.said.download
        if self.said.refused or self.failed:
            return [] if self.said.refused and self.failed else [f"refused {self.said.refused!r}, got {self.failed!r}"]
        found = []
        if not low <= self.fetched <= high:
            found.append(f"download {low}…{high}, came {self.fetched}")
        if self.said.adds_is == "exact" and self.said.adds != self.grew:
            found.append(f"adds {self.said.adds} exact, grew {self.grew}")
        if self.said.adds_content is not None and self.said.adds_content != self.content:
            found.append(f"keeps {self.said.adds_content}, kept {self.content}")
        return found

    def __str__(self) -> str:
        low, high = self.said.download
        off = "" if self.said.adds is None or not self.grew else f"{(self.said.adds - self.grew) / self.grew:+.1%}"
        return (
            f"{self.step:12} download {low:>9,} … {high:>9,} came {self.fetched:>9,}   "
            f"adds {self.said.adds_is:8} {self.said.adds if self.said.adds is not None else '?':>10} "
            f"grew {self.grew:>10,} {off:>8}   "
            f"{f'keeps {self.said.adds_content} kept {self.content}' if self.said.adds_content is not None else ''}"
            f"{self.failed[:60]} {'; '.join(self.wrong)}"
        )


class Engine:
    """An engine that may be changed, and its folder."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.api = docker.APIClient(host, version="auto", timeout=120)
        self.kind = self.inventory().engine.store_kind
        self.root = Path(self.api.info()["DockerRootDir"])

    def inventory(self) -> Inventory:
        with connect(self.host) as connection:
            return scan(connection)

    def stored(self) -> dict[str, int]:
        """Return every stored layer with its bytes, from the engine's own files, by whatever it is called there."""
        if self.kind == "graphdriver":
            found = self.root.glob("image/*/layerdb/sha256/*/size")
            return {path.parent.name: int(path.read_text()) for path in found}
        if self.kind == "podman":
            path = self.root / "overlay-layers/layers.json"
            rows = json.loads(path.read_text()) if path.exists() else []
            return {row["id"]: row["diff-size"] for row in rows}
        folders = self.root.glob("containerd/daemon/io.containerd.snapshotter.v1.*/snapshots/*/fs")
        return {str(path): _blocks(path) for path in folders}

    def kept(self) -> dict[str, int]:
        """Return the packed blobs that a containerd store keeps, with their bytes."""
        blobs = self.root.glob("containerd/daemon/io.containerd.content.v1.content/blobs/*/*")
        return {path.name: path.stat().st_size for path in blobs}

    def remove_all(self, registry: str) -> None:
        """Remove the images that were pulled from the registry."""
        for row in self.api.images():
            for name in row["RepoTags"] or []:
                if name.startswith(registry):
                    with suppress(APIError):
                        self.api.remove_image(name, force=True)


def _blocks(folder: Path) -> int:
    seen, total = set(), 0
    for path in (folder, *folder.rglob("*")):
        facts = path.lstat()
        if facts.st_ino not in seen:
            seen.add(facts.st_ino)
            total += facts.st_blocks * 512
    return total


def fill(registry: PrivateRegistry) -> None:
    """Push every image of STEPS, and some that are packed in other ways."""
    folder = registry.folder / "layouts"
    for name, layers in STEPS.items():
        write_layout(folder / name, {"amd64": (layers, config_of(layers))})
        push(folder / name, f"{registry.host}/{name}:1")
    many = {"amd64": ((BASE, OTHER), config_of((BASE, OTHER))), "arm64": ((ARM,), config_of((ARM,), "arm64"))}
    write_layout(folder / "index", many)
    push(folder / "index", f"{registry.host}/index:1")
    loose = tuple(Layer(layer.tar, "tar") for layer in (BASE, TOOLS, PACKED))
    write_layout(folder / "loose", {"amd64": (loose, config_of(loose, author="packed anew"))})
    push(folder / "loose", f"{registry.host}/anew:1", "--dest-compress-format=gzip", "--dest-compress-level=1")
    push(folder / "loose", f"{registry.host}/schema2:1", "--format=v2s2", "--dest-compress-level=1")
    loose = tuple(Layer(layer.tar, "tar") for layer in (TOOLS, APP))
    write_layout(folder / "zstd", {"amd64": (loose, config_of(loose, author="zstd"))})
    push(folder / "zstd", f"{registry.host}/zstd:1", "--dest-compress-format=zstd", "--dest-compress")
    loaded = (TOOLS, OTHER, PLAIN)
    write_layout(folder / "loaded", {"amd64": (loaded, config_of(loaded))})
    push(folder / "loaded", f"{registry.host}/loaded:1")
    write_layout(folder / "on-loaded", {"amd64": ((*loaded, APP), config_of((*loaded, APP)))})
    push(folder / "on-loaded", f"{registry.host}/on-loaded:1")


def archive(layers: tuple[Layer, ...], name: str) -> bytes:
    """Return what ``docker load`` takes."""
    out = io.BytesIO()
    config = config_of(layers, author="loaded")
    with tarfile.open(fileobj=out, mode="w") as made:

        def put(path: str, data: bytes) -> None:
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))

        put("config.json", config)
        paths = [f"{digest_of(layer.tar)[7:19]}/layer.tar" for layer in layers]
        for path, layer in zip(paths, layers, strict=True):
            put(path, layer.tar)
        put("manifest.json", json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": paths}]).encode())
    return out.getvalue()


def run(engine: Engine, registry: PrivateRegistry, *, by_api_only: bool = True) -> Iterator[Pull]:
    """Pull everything, one after the other, each said before."""

    def pull(step: str, name: str) -> Pull:
        with Transport(Policy()) as transport:
            inventory = engine.inventory()
            if by_api_only:  # as if its folder could not be read
                inventory = _elsewhere(inventory)
            wanted = Wanted(name, reference=parse_reference(name))
            looked = look(RegistryClient(transport), build_graph(inventory), [wanted])
            assert not looked.failed, looked.failed[0][1]
        before, kept, mark = engine.stored(), engine.kept(), registry.mark()
        failed = _pull(engine, name)
        after = engine.stored()
        grew = sum(size for key, size in after.items() if key not in before)
        content = sum(size for key, size in engine.kept().items() if key not in kept)
        return Pull(step, looked.cost.images[0], registry.fetched(mark), grew, content, failed)

    for step in STEPS:
        yield pull(step, f"{registry.host}/{step}:1")
    for step in ("index", "anew", "schema2", "zstd"):
        yield pull(step, f"{registry.host}/{step}:1")
    engine.api.load_image(archive((TOOLS, OTHER, PLAIN), "loaded-here:1"))
    yield pull("loaded", f"{registry.host}/loaded:1")
    yield pull("on-loaded", f"{registry.host}/on-loaded:1")
    yield pull("again", f"{registry.host}/app:1")
    engine.api.remove_image(f"{registry.host}/zeros:1")
    yield pull("removed", f"{registry.host}/zeros:1")


def _elsewhere(inventory: Inventory) -> Inventory:
    from msgspec.structs import replace

    return replace(inventory, engine=replace(inventory.engine, root_dir=""))


def _pull(engine: Engine, name: str) -> str:
    """Pull; return what went wrong, in the engine's words, empty for nothing."""
    if engine.kind == "podman":  # its compatible API does not take registries without TLS
        url = f"{engine.api.base_url}/v4.0.0/libpod/images/pull"
        answer = engine.api.post(url, params={"reference": name, "tlsVerify": "false"}, timeout=120)
        lines = [json.loads(line) for line in answer.text.splitlines() if line]
        return next((str(line["error"]) for line in lines if line.get("error")), "")
    try:
        for line in engine.api.pull(name, stream=True, decode=True):
            if "error" in line:
                return str(line["error"])
    except APIError as error:
        return str(error.explanation or error)
    return ""
