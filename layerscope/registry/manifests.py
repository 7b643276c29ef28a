"""Manifests, indexes and configurations read into records; nothing hostile in them costs more than a line.

Sources: OCI image-spec ``manifest.md``, ``image-index.md``, ``config.md``; Docker's
"Image Manifest Version 2, Schema 2". Platform matching: containerd ``platforms/compare.go``
(``Only``), which Docker uses; Podman takes no 32-bit image for a 64-bit machine.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from layerscope.core.remote import Packing, RemoteLayer
from layerscope.registry.errors import RegistryError, odd
from layerscope.registry.reference import is_digest
from layerscope.units import natural_list

INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/octet-stream",  # very old registries
    "",
)

LARGEST_MANIFEST = 4 << 20
"""Bytes; registries take no more ("Pushing manifests", distribution-spec)."""
LARGEST_CONFIG = 8 << 20
_MOST_LAYERS = 4096
_MOST_PLATFORMS = 1000
_LARGEST_SIZE = 1 << 50


class MachinePlatform(Struct, frozen=True):
    """An operating system and a processor, as ``--platform`` takes them."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Choice(Struct, frozen=True):
    """One entry of an index."""

    digest: str
    size: int
    platform: MachinePlatform | None
    """None for an attestation, and for an entry that names no platform."""


class Index(Struct, frozen=True):
    """An image for several platforms."""

    choices: tuple[Choice, ...]
    attested: bool


class ImageManifest(Struct, frozen=True):
    """An image for one platform: its configuration and its packed layers."""

    config: str
    config_bytes: int
    blobs: tuple[tuple[str, int, Packing, int | None], ...]
    """(digest, bytes, packing, bytes of its tar where the manifest says them), oldest first."""


_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "armhf": "arm"}


def parse_platform(text: str) -> MachinePlatform:
    """Return the platform that ``text`` names (``linux/arm64``, ``arm/v7``, ``aarch64``).

    Raises RegistryError of kind "name".
    """
    parts = text.strip().lower().split("/")
    if not all(part.replace("-", "").replace("_", "").replace(".", "").isalnum() for part in parts) or len(parts) > 3:
        raise RegistryError("name", f"“{text[:60]}” is no platform", "write it like linux/amd64 or linux/arm/v7")
    if len(parts) == 1 or (len(parts) == 2 and parts[1].startswith("v")):
        parts = ["linux", *parts]
    return normal_platform(*parts)


def normal_platform(os: str, architecture: str, variant: str = "") -> MachinePlatform:
    """Return a platform under the names that manifests use: ``x86_64`` is ``amd64``, ``armv7l`` is ``arm/v7``."""
    os, architecture = os.lower() or "linux", architecture.lower()
    if architecture.startswith(("armv6", "armv7", "armv5")):
        architecture, variant = "arm", variant or architecture[3:5]
    architecture = _ALIASES.get(architecture, architecture)
    if (architecture, variant) in {("arm64", "v8"), ("arm64", "8"), ("amd64", "v1")}:
        variant = ""
    if architecture == "arm" and not variant:
        variant = "v7"
    return MachinePlatform(os, architecture, variant)


def wanted(platform: MachinePlatform, *, also_smaller: bool = True) -> tuple[MachinePlatform, ...]:
    """Return the platforms that a machine runs, the best first. ``also_smaller``: 32-bit images on 64 bits too."""
    os, architecture, variant = platform.os, platform.architecture, platform.variant
    found = [platform]
    if architecture == "amd64":
        levels = range(int(variant[1:]) - 1, 0, -1) if variant[:1] == "v" and variant[1:] in {"2", "3", "4"} else ()
        found += [normal_platform(os, "amd64", f"v{level}") for level in levels]
        found += [MachinePlatform(os, "386")] if also_smaller else []
    elif architecture == "arm64" and also_smaller:
        found += [MachinePlatform(os, "arm", f"v{level}") for level in (8, 7, 6, 5)]
    elif architecture == "arm" and variant in {"v8", "v7", "v6"}:
        found += [MachinePlatform(os, "arm", f"v{level}") for level in range(int(variant[1]) - 1, 4, -1)]
    return tuple(dict.fromkeys(found))


def choose(index: Index, platforms: Sequence[MachinePlatform], name: str) -> Choice:
    """Return the entry of an index that an engine takes. Raises RegistryError of kind "platform" with what there is."""
    for platform in platforms:
        for choice in index.choices:
            if choice.platform == platform:
                return choice
    there = sorted({str(choice.platform) for choice in index.choices if choice.platform})
    raise no_platform(name, platforms[0], natural_list(there, 12))


def no_platform(name: str, platform: MachinePlatform, there: str) -> RegistryError:
    """Return the error for an image that is not there for a platform."""
    hint = f"there is {there}: name one with --platform" if there else "it names no platform at all"
    return RegistryError("platform", f"{name} has no {platform}", hint)


def check_body(body: bytes, digest: str, host: str) -> None:
    """Raise RegistryError if ``body`` is not what ``digest`` names."""
    kind, _, hexadecimal = digest.partition(":")
    if hashlib.new(kind, body).hexdigest() != hexadecimal:
        raise odd(host, f"other bytes than {digest[:19]}… names: damaged on the way, or forged")


def read_manifest(body: bytes, kind: str, host: str) -> Index | ImageManifest:
    """Return what the body of a manifest says; ``kind`` is its Content-Type. Raises RegistryError."""
    data = _object(body, host, "a manifest")
    kind = _text(data.get("mediaType")) or kind.partition(";")[0].strip()
    if data.get("schemaVersion") == 1 or "distribution.manifest.v1" in kind:
        raise RegistryError(
            "odd",
            f"{host} has it in schema 1 only, of 2015, which engines no longer pull",
            "push it again with a current docker",
        )
    if "manifests" in data and "layers" not in data:
        return _index(data, host)
    if "layers" in data and "manifests" not in data:
        return _manifest(data, host)
    raise odd(host, "something that is neither an image nor an index")


def _index(data: dict[str, Any], host: str) -> Index:
    entries = data["manifests"]
    if not isinstance(entries, list) or len(entries) > _MOST_PLATFORMS:
        raise odd(host, "an index without a list that could be one of platforms")
    choices, attested = [], False
    for entry in entries:
        digest, size = _descriptor(entry, host)
        given = entry.get("platform")
        platform = None
        if isinstance(given, dict):
            names = [_text(given.get(key)) for key in ("os", "architecture", "variant")]
            if "unknown" in names[:2]:
                attested = True
            elif names[0] and names[1]:
                platform = normal_platform(*names)
        choices.append(Choice(digest, size, platform))
    return Index(tuple(choices), attested)


def _manifest(data: dict[str, Any], host: str) -> ImageManifest:
    layers, config = data["layers"], data.get("config")
    if not isinstance(layers, list) or len(layers) > _MOST_LAYERS:
        raise odd(host, "a manifest without a list that could be one of layers")
    digest, size = _descriptor(config, host)
    kind = _text(config.get("mediaType")) if isinstance(config, dict) else ""
    if kind not in CONFIG_TYPES or data.get("artifactType"):
        what = _text(data.get("artifactType")) or kind
        raise RegistryError(
            "odd", f"it is no image but an artifact ({what[:80]})", "pull it with the tool that made it"
        )
    blobs = []
    for layer in layers:
        blob, packed = _descriptor(layer, host)
        notes, packing = layer.get("annotations"), _packing(_text(layer.get("mediaType")))
        blobs.append((blob, packed, "unknown" if _has_parts(notes) else packing, _said_size(notes)))
    return ImageManifest(digest, size, tuple(blobs))


def read_config(
    body: bytes, manifest: ImageManifest, host: str
) -> tuple[tuple[RemoteLayer, ...], MachinePlatform | None]:
    """Return the layers that a manifest and its configuration name together, and the platform. Raises RegistryError."""
    data = _object(body, host, "a configuration")
    rootfs = data.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    diff_ids = [] if diff_ids is None and not manifest.blobs else diff_ids
    if not isinstance(diff_ids, list) or not all(map(is_digest, diff_ids)):
        raise odd(host, "a configuration that does not name the image's layers")
    if len(diff_ids) != len(manifest.blobs):
        raise odd(host, f"a manifest of {len(manifest.blobs)} layers with a configuration of {len(diff_ids)}")
    layers = []
    for diff_id, (blob, packed, packing, said) in zip(diff_ids, manifest.blobs, strict=True):
        tar = (packed, "plain tar") if packing == "tar" else (said, "its manifest" if said is not None else "")
        layers.append(RemoteLayer(blob, packed, diff_id, packing, *tar))
    names = [_text(data.get(key)) for key in ("os", "architecture", "variant")]
    return tuple(layers), normal_platform(*names) if names[0] and names[1] else None


def _packing(kind: str) -> Packing:
    if kind.endswith(("+gzip", ".gzip")):
        return "gzip"
    if kind.endswith(("+zstd", ".zstd")):
        return "zstd"
    return "tar" if kind.endswith(".tar") else "unknown"


_PARTS = ("containerd.io/snapshot/stargz/", "io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.")


def _has_parts(annotations: object) -> bool:
    """Is the blob said to be of many members (eStargz, zstd:chunked), so that its end tells nothing of the whole?"""
    return isinstance(annotations, dict) and any(isinstance(key, str) and key.startswith(_PARTS) for key in annotations)


_TAR_SIZE = "io.containers.estargz.uncompressed-size"
"""What builders note on an eStargz layer (stargz-snapshotter, ``estargz/types.go``)."""


def _said_size(annotations: object) -> int | None:
    text = annotations.get(_TAR_SIZE) if isinstance(annotations, dict) else None
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,16}", text):
        return None
    return min(int(text), _LARGEST_SIZE)


def _descriptor(value: Any, host: str) -> tuple[str, int]:
    if not isinstance(value, dict) or not is_digest(value.get("digest")):
        raise odd(host, "a manifest with an entry that has no digest")
    size = value.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _LARGEST_SIZE:
        raise odd(host, "a manifest with an entry that has no size")
    return value["digest"], size


def _object(body: bytes, host: str, what: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise odd(host, f"{what} that is no JSON object: is it a registry?")
    return data


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() and len(value) < 200 else ""
