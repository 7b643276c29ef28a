"""Images made of a few lines: OCI layouts on disk, pushed as they are or packed anew by skopeo."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar of these files; a name that ends in a slash is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name.rstrip("/"))
            entry.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            entry.mode = 0o755
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def sparse_tar(name: str, size: int) -> bytes:
    """Return a tar of a few kB with one file of ``size`` bytes, nearly all of it a hole (GNU tar, "PAX format 1.0")."""
    data = b"at the end"
    where = f"1\n{size - len(data)}\n{len(data)}\n".encode()
    body = where.ljust(512, b"\0") + data
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo(f"GNUSparseFile.0/{name}")
        entry.size = len(body)
        facts = {"major": "1", "minor": "0", "name": name, "realsize": str(size)}
        entry.pax_headers = {f"GNU.sparse.{key}": value for key, value in facts.items()}
        archive.addfile(entry, io.BytesIO(body))
    return out.getvalue()


def noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def words(size: int, seed: int) -> bytes:
    """Return text that packs to about a third."""
    return b" ".join(random.Random(seed).choices(_WORDS, k=size // 6))[:size]


_WORDS = [random.Random(n).randbytes(4).hex()[: 3 + n % 6].encode() for n in range(400)]


@dataclass(frozen=True)
class Layer:
    """One layer and how it is packed. ``parts``: gzip of several members, as eStargz is."""

    tar: bytes
    packing: Literal["gzip", "tar", "parts"] = "gzip"

    @property
    def blob(self) -> bytes:
        if self.packing == "tar":
            return self.tar
        if self.packing == "parts":
            half = len(self.tar) // 2
            return gzip.compress(self.tar[:half], mtime=0) + gzip.compress(self.tar[half:], mtime=0)
        return gzip.compress(self.tar, mtime=0)

    @property
    def kind(self) -> str:
        return LAYER if self.packing == "tar" else f"{LAYER}+gzip"


def descriptor(kind: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data), **more}


def config_of(layers: Sequence[Layer], architecture: str = "amd64", **more: Any) -> bytes:
    return json.dumps(
        {
            "created": "2024-01-01T00:00:00Z",
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": ["/bin/true"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer.tar) for layer in layers]},
            "history": [{"created": "2024-01-01T00:00:00Z", "created_by": f"COPY {n} /"} for n in range(len(layers))],
            **more,
        }
    ).encode()


def manifest_of(layers: Sequence[Layer], config: bytes) -> bytes:
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config),
            "layers": [descriptor(layer.kind, layer.blob) for layer in layers],
        }
    ).encode()


def write_layout(folder: Path, images: Mapping[str, tuple[Sequence[Layer], bytes]]) -> None:
    """Write an OCI layout with one image for each architecture; more than one go under an index."""
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def put(data: bytes) -> None:
        (blobs / digest_of(data).removeprefix("sha256:")).write_bytes(data)

    entries = []
    for architecture, (layers, config) in images.items():
        manifest = manifest_of(layers, config)
        for data in (config, manifest, *(layer.blob for layer in layers)):
            put(data)
        entries.append(descriptor(MANIFEST, manifest, platform={"os": "linux", "architecture": architecture}))
    if len(entries) > 1:
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
        put(index)
        entries = [descriptor(INDEX, index)]
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": entries}))


def push(folder: Path, name: str, *options: str) -> None:
    """Push a layout with skopeo; without ``options`` exactly as it is."""
    command = ["skopeo", "--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false"]
    command += options or ["--preserve-digests"]
    result = subprocess.run(
        [*command, f"oci:{folder}", f"docker://{name}"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
