"""An image in a registry: what its manifest and its configuration say, before any of it is here."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Packing = Literal["tar", "gzip", "zstd", "unknown"]


class RemoteLayer(Struct, frozen=True):
    """One layer as a manifest and a configuration name it."""

    blob: str
    """Digest of the packed bytes."""
    packed: int
    """Bytes to download."""
    diff_id: str
    packing: Packing
    tar: int | None = None
    """Bytes of its tar as a gzip trailer or a zstd frame says it; for an unpacked one, of the blob itself."""
    tar_from: str = ""
    """``gzip trailer``, ``zstd frame``, ``plain tar``, ``its manifest``; empty while nothing is known."""


class RemoteImage(Struct, frozen=True):
    """One image of one platform, as a registry described it."""

    name: str
    digest: str
    """What the name resolves to: the index where it is one."""
    manifest_digest: str
    config_digest: str
    config_bytes: int
    manifests: tuple[tuple[str, int], ...]
    """(digest, bytes) of the manifest, and of the indexes above it."""
    platform: str
    layers: tuple[RemoteLayer, ...]
    """Oldest first."""
    attested: bool = False
    """Does its index name attestations too? Newer engines fetch them."""
