"""What the figures count that an engine itself gives of its disk, by store and version.

Beside :mod:`layerscope.core.stores`, which has the rules for layers: these are
needed only to explain why the engine's figures are not ours. Sources: moby
``daemon/images/service.go``, ``daemon/containerd``, ``daemon/disk_usage.go`` from 20.10 to 29.7;
Podman ``pkg/api/handlers/compat``; compared on real engines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from layerscope.inventory import Engine


@dataclass(frozen=True, slots=True)
class Accounts:
    """What one engine's own figures count."""

    total_is_footprint: bool
    """Must its total for image layers be our footprint to the byte?"""
    total: str
    """What that total counts, in words that follow "the engine counts"."""
    size_adds: str
    """What the Size of an image counts besides its layers and its compressed blobs, in words; empty: nothing."""
    unique_flaw: str
    """Why it says of some images that more is theirs alone than is; empty where it does not."""
    cache_is_layers: bool
    """Are build cache records that are marked shared the very layers of images (and not copies of them)?"""


def accounts_of(engine: Engine) -> Accounts:
    """Return what the figures of ``engine`` count; a version that cannot be read is taken for a new one."""
    found = re.match(r"(\d+)\.(\d+)", engine.version)
    version = (int(found[1]), int(found[2])) if found else (10**6, 0)
    if engine.store_kind == "graphdriver":
        return Accounts(
            total_is_footprint=True,
            total="the layers of every image, each once",
            size_adds="",
            unique_flaw="",
            cache_is_layers=True,
        )
    if engine.store_kind == "podman":
        return Accounts(
            total_is_footprint=False,
            total="every layer of its storage, those of containers included, and the metadata of images",
            size_adds="manifests and configurations",
            unique_flaw="it adds the manifest and configuration of each"
            if version >= (5, 0)
            else "it sees what images share only where one was made from the other",
            cache_is_layers=True,
        )
    if version < (28, 2):
        total = "every snapshot, also those of containers and of the build cache, but no compressed blobs"
    elif version < (29, 6):
        total = "every snapshot, also those of containers and of the build cache, and the compressed blobs of images"
    else:
        total = "the snapshots of images and their compressed blobs, each once"
    return Accounts(
        total_is_footprint=False,
        total=total,
        size_adds="snapshots of other platforms, or of build steps that changed nothing",
        unique_flaw="it takes every compressed blob for theirs alone, also those that images share"
        if version < (29, 5)
        else "it adds the compressed blobs of each",
        cache_is_layers=False,
    )
