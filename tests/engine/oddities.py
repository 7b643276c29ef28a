"""Archives of images that builders and stores make now and then, and that figures were once wrong for.

Layers are seeded random bytes: diff IDs are the same everywhere.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from tests.engine.corpus import archive, layer, steps

GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
AMD, ARM = {"os": "linux", "architecture": "amd64"}, {"os": "linux", "architecture": "arm64"}
L = [layer(f"odd{number}", size=20_000 * (number + 1)) for number in range(8)]
DATA = layer("odd data", size=2_000_000)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class _Layout:
    """An OCI image layout that is being put together."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def blob(self, data: bytes, kind: str) -> dict[str, Any]:
        self.files[f"blobs/sha256/{_digest(data).removeprefix('sha256:')}"] = data
        return {"mediaType": kind, "digest": _digest(data), "size": len(data)}

    def manifest(self, layers: Sequence[tuple[bytes, str]], config: bytes, kind: str = CONFIG) -> dict[str, Any]:
        document = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.blob(config, kind),
            "layers": [self.blob(data, media) for data, media in layers],
        }
        return self.blob(json.dumps(document).encode(), str(document["mediaType"]))

    def index(self, manifests: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        kind = "application/vnd.oci.image.index.v1+json"
        document = {"schemaVersion": 2, "mediaType": kind, "manifests": manifests}
        return self.blob(json.dumps(document).encode(), kind)

    def tar(self, top: Mapping[str, Any], name: str) -> bytes:
        names = {
            "io.containerd.image.name": f"docker.io/{name}",
            "org.opencontainers.image.ref.name": name.split(":")[1],
        }
        entry = {**top, "annotations": names}
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]}
        self.files["index.json"] = json.dumps(index).encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, data in self.files.items():
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return buffer.getvalue()


def config_of(layers: Sequence[bytes], platform: Mapping[str, str]) -> bytes:
    history = [{"created_by": f"COPY {number}"} for number, _ in enumerate(layers)]
    rootfs = {"type": "layers", "diff_ids": [_digest(data) for data in layers]}
    return json.dumps({**platform, "config": {}, "rootfs": rootfs, "history": history}).encode()


def packed(layers: Sequence[bytes]) -> list[tuple[bytes, str]]:
    return [(gzip.compress(data, mtime=0), GZIP) for data in layers]


def for_platform(name: str, layers: Sequence[bytes], platform: Mapping[str, str]) -> bytes:
    """An image of one platform, its manifest at the top."""
    layout = _Layout()
    return layout.tar(layout.manifest(packed(layers), config_of(layers, platform)), name)


def artifact(name: str, kind: str) -> bytes:
    """An OCI artifact: no image, and no layers."""
    layout = _Layout()
    files = [(layer(name, size=50_000), "application/vnd.cncf.helm.chart.content.v1.tar+gzip")]
    return layout.tar(layout.manifest(files, b'{"name":"chart"}', kind), name)


def attested(name: str, layers: Sequence[bytes]) -> bytes:
    """An image with an attestation beside it."""
    layout = _Layout()
    image = {**layout.manifest(packed(layers), config_of(layers, AMD)), "platform": AMD}
    proof = layout.manifest([(b'{"_type":"x"}' * 2000, "application/vnd.in-toto+json")], config_of([], {}))
    about = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image["digest"]}
    nowhere = {"os": "unknown", "architecture": "unknown"}
    return layout.tar(layout.index([image, {**proof, "platform": nowhere, "annotations": about}]), name)


def half_pulled(name: str, layers: Sequence[bytes]) -> bytes:
    """An index that names a manifest for another platform which is not there."""
    layout = _Layout()
    image = {**layout.manifest(packed(layers), config_of(layers, AMD)), "platform": AMD}
    other = {**layout.manifest(packed(L[1:2]), config_of(L[1:2], ARM)), "platform": ARM}
    del layout.files[f"blobs/sha256/{other['digest'].removeprefix('sha256:')}"]
    return layout.tar(layout.index([image, other]), name)


def on_any_store() -> dict[str, bytes]:
    """By name: images whose layers have fewer entries of history than there are layers, or odd ones."""
    made: dict[str, tuple[list[bytes], list[dict[str, Any]] | None]] = {
        "odd/lambda:7": (L[:7], None),
        "odd/lambda:child": (L[:8], steps("RUN child")),
        "odd/kiwi:1": (L[:2], steps("COPY kiwi")),
        "odd/kaniko:tar": (L[:3], [{"author": "kaniko", "created_by": text} for text in ("ADD b", "RUN c", "COPY d")]),
        "odd/paketo:run": (L[:5], [{"created_by": text} for text in "abcd"]),
        "odd/nocreated:1": (L[:2], [{"created_by": "ADD"}, {"created_by": "CMD", "empty_layer": True}, {}]),
        "odd/twice:1": (
            [L[0], L[1], L[0], layer(".wh.odd0", size=0), L[1]],
            [{"created_by": text} for text in "12345"],
        ),
        "odd/zero:1": ([], [{"created_by": "CMD x", "empty_layer": True}]),
    }
    return {name: archive([name], layers, history) for name, (layers, history) in made.items()}


def on_containerd() -> dict[str, bytes]:
    """By name: what names layers and does not hold them, what has none, and what is not all there."""
    return {
        "odd/data:amd64": for_platform("odd/data:amd64", [DATA], AMD),
        "odd/data:arm64": for_platform("odd/data:arm64", [DATA], ARM),
        "odd/armonly:1": for_platform("odd/armonly:1", L[6:7], ARM),
        "odd/helm:1": artifact("odd/helm:1", "application/vnd.cncf.helm.config.v1+json"),
        "odd/model:1": artifact("odd/model:1", "application/vnd.oci.empty.v1+json"),
        "odd/attest:1": attested("odd/attest:1", [L[0], L[2]]),
        "odd/partial:1": half_pulled("odd/partial:1", L[3:4]),
        "odd/hold:a": _labelled("odd/hold:a", "1"),
        "odd/hold:b": _labelled("odd/hold:b", "2"),
    }


def _labelled(name: str, label: str) -> bytes:
    """The same layers under another configuration, which the time of a step makes so."""
    return archive([name], L[4:6], [{"created_by": text, "comment": label} for text in ("COPY a", "COPY b")])
