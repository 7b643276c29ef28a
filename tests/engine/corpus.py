"""Images that share, nearly share and oddly share layers, made on any Docker engine without network or registry.

Archives written here are loaded; builds start from scratch or from what was loaded. Where a static
busybox is installed (Debian: busybox-static) there are RUN steps, commits and containers too.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError


def fill(host: str) -> None:
    """Make the corpus on the engine at ``host``."""
    client = docker.DockerClient(host, version="auto", timeout=300)
    try:
        _loaded(client)
        _imported(client)
        _classic(client, host)
        _buildkit(client, host)
        _containers(client)
    finally:
        client.close()


# archives


def layer(*names: str, size: int = 5000) -> bytes:
    """Return a layer's tar with a file of each name; the same names and size give the same layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in names:
            data = random.Random(f"{name} {size}").randbytes(size)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def archive(tags: list[str], layers: list[bytes], history: list[dict[str, Any]] | None) -> bytes:
    """Return a ``docker load`` archive of one image; ``history`` is the config's own, None for an image without one."""
    config: dict[str, Any] = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {"made.by": "the tests"}},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(data).hexdigest()}" for data in layers]},
    }
    if history is not None:
        config["history"] = history
    buffer = io.BytesIO()
    manifest = [{"Config": "config.json", "RepoTags": tags, "Layers": [f"{n}/layer.tar" for n in range(len(layers))]}]
    files = {f"{n}/layer.tar": data for n, data in enumerate(layers)}
    files |= {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def steps(*texts: str) -> list[dict[str, Any]]:
    """Return history entries as the classic builder writes them; ENV and CMD made no layer."""
    entries: list[dict[str, Any]] = []
    for text in texts:
        word = text.split()[0]
        shell = "/bin/sh -c " if word == "RUN" else "/bin/sh -c #(nop) "
        entry: dict[str, Any] = {"created": "2024-01-01T00:00:00Z", "created_by": shell + text.removeprefix("RUN ")}
        if word in {"ENV", "CMD"}:
            entry["empty_layer"] = True
        entries.append(entry)
    return entries


def _loaded(client: docker.DockerClient) -> None:
    base, a, b = layer("base", size=20_000), layer("a"), layer("b", size=7_000)
    empty = layer()  # an archive of nothing: a layer of 0 bytes
    images: list[tuple[list[str], list[bytes], list[dict[str, Any]] | None]] = [
        (["load:base"], [base], steps("ADD base /", "CMD sh")),
        (["load:ab"], [base, a, b], steps("ADD base /", "CMD sh", "COPY a /", "COPY b /")),
        (["load:ba"], [base, b, a], steps("ADD base /", "CMD sh", "COPY b /", "COPY a /")),  # other parents
        (["load:a"], [base, a], steps("ADD base /", "CMD sh", "COPY a /")),
        (["load:aa"], [base, a, a], steps("ADD base /", "COPY a /", "COPY a /")),  # one diff twice
        (["load:empty"], [base, empty, a, empty], steps("ADD base /", "RUN true", "ENV X=1", "COPY a /", "RUN true")),
        (["load:nohistory"], [base, a, b], None),
        (["load:short"], [base, a, layer("c")], steps("ADD base /", "CMD sh")),
        (["load:many", "load:other", "elsewhere.example:5000/team/name:1"], [base, layer("d")], steps("ADD", "COPY d")),
        ([], [base, layer("nameless")], steps("ADD base /", "COPY nameless /")),  # dangling
    ]
    for tags, layers, history in images:
        client.images.load(archive(tags, layers, history))


def busybox_rootfs() -> bytes | None:
    """Return the tar of a root file system with a static busybox and its commands; None where there is none."""
    path = Path(shutil.which("busybox") or "/bin/busybox")
    if not path.exists() or b"/ld-linux" in path.read_bytes()[:4096]:  # its interpreter: not static
        return None
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(path.resolve(), "bin/busybox")
        for name in ("sh", "ls", "dd", "mkdir", "rm", "touch", "echo", "sleep", "true"):
            info = tarfile.TarInfo(f"bin/{name}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
        for name in ("tmp", "etc"):
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
    return buffer.getvalue()


def _imported(client: docker.DockerClient) -> None:
    rootfs = busybox_rootfs()
    if rootfs is not None:
        client.api.import_image_from_data(rootfs, repository="import", tag="busybox", changes=["CMD sh"])


# builds

ZERO = "FROM scratch\nLABEL only=label\n"
COPIES = "FROM load:base\nENV K=1\nCOPY a.bin /a.bin\nCOPY b.bin /b.bin\nLABEL x=y\n"
SWAPPED = "FROM load:base\nENV K=1\nCOPY b.bin /b.bin\nCOPY a.bin /a.bin\n"
RUNS = (
    "FROM import:busybox\nENV K=1\nRUN mkdir /new\nRUN true\nWORKDIR /tmp\nWORKDIR /brandnew\n"
    "RUN dd if=/dev/zero of=/big bs=1k count=100\nRUN rm /big\nCOPY a.bin /a.bin\nRUN true\n"
)


def _has(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except docker.errors.ImageNotFound:
        return False
    return True


def _context(folder: Path) -> None:
    for name, size in (("a.bin", 50_000), ("b.bin", 30_000)):
        path = folder / name
        path.write_bytes(random.Random(name).randbytes(size))
        os.utime(path, (1_700_000_000, 1_700_000_000))


def _classic(client: docker.DockerClient, host: str) -> None:
    """The classic builder leaves an untagged image for each step."""
    files = {"classic:ab": COPIES, "classic:ba": SWAPPED, "classic:zero": ZERO}
    if _has(client, "import:busybox"):
        files["classic:runs"] = RUNS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _context(folder)
        for tag, text in files.items():
            (folder / "Dockerfile").write_text(text)
            client.images.build(path=name, tag=tag, rm=True, network_mode="none")
        # a tag that moves on leaves a dangling image behind
        (folder / "Dockerfile").write_text(COPIES + "ENV MOVED=1\n")
        client.images.build(path=name, tag="classic:ba", rm=True, network_mode="none")


def _buildkit(client: docker.DockerClient, host: str) -> None:
    """BuildKit, where the ``docker`` command here can use it."""
    files = {"kit:ab": COPIES, "kit:ba": SWAPPED, "kit:zero": ZERO}
    if _has(client, "import:busybox"):
        files["kit:runs"] = RUNS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _context(folder)
        environ = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "1"}
        for binary in {shutil.which("docker"), shutil.which("docker", path="/usr/bin")} - {None}:
            for tag, text in files.items():
                (folder / "Dockerfile").write_text(text)
                command = [str(binary), "build", "-q", "--network=host", "-t", tag, name]
                done = subprocess.run(command, env=environ, check=False, capture_output=True, timeout=120)
                if done.returncode:
                    break  # this one has no BuildKit (a newer one without buildx): the classic images must do


def _containers(client: docker.DockerClient) -> None:
    if not _has(client, "import:busybox"):
        return
    client.containers.create("load:ab", "true", name="created")
    with suppress(APIError):  # a machine may not let containers run; the images are what counts
        stopped = client.containers.run(
            "import:busybox",
            "dd if=/dev/zero of=/file bs=1k count=200",
            name="stopped",
            detach=True,
            network_mode="none",
        )
        stopped.wait(timeout=60)
        stopped.commit("commit", "file")
        client.containers.run("import:busybox", "sleep 100000", name="running", detach=True, network_mode="none")
    client.containers.create("import:busybox", "true", name="empty").commit("commit", "empty")
