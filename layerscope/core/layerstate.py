"""What is known of an image's layers, and why where it is not: never one word for all that is unknown."""

from __future__ import annotations

from layerscope.core.content import ContentGraph, LayersState, is_image
from layerscope.inventory import Engine, Image


def layers_state(image: Image, content: ContentGraph | None = None) -> LayersState:
    """Return what is known of an image's layers, and why they are not known where they are not.

    The engine's platforms decide where it gives them (API 1.47); else the manifests that were read.
    """
    if image.diff_ids is not None:
        if not image.diff_ids:
            return "none"
        holds = content is None or image.id not in content.blobs or content.held_snapshots(image.id)
        return "known" if holds else "not-unpacked"
    if not image.scanned:
        return "not-asked"
    kinds = [platform for platform in image.platforms if platform.kind != "attestation"]
    if kinds:
        if all(platform.kind != "image" for platform in kinds):
            return "none"
        if all(platform.unpacked_size == 0 for platform in kinds) and (
            content is None or not content.held_snapshots(image.id)
        ):
            return "not-unpacked" if any(_own(image, p.name) for p in kinds if p.kind == "image") else "other-platform"
        return "refused"
    read = content.manifests(image.id) if content is not None else ()
    if content is None or not read:
        return "refused"
    if not any(map(is_image, read)):
        return "none"
    if content.held_snapshots(image.id):
        return "refused"
    return "not-unpacked" if any(_own(image, manifest.platform) for manifest in read) else "other-platform"


def _own(image: Image, platform: str) -> bool:
    """Is this the platform that the engine chose for the image? It names none where there is none for it."""
    mine = (image.os, image.architecture)
    return bool(image.architecture) and tuple(platform.split("/")[:2]) == mine


def own_containerd(engine: Engine) -> bool | None:
    """Is the engine's containerd its own, so that nobody else's images share the blobs? None where it does not tell.

    An engine that starts its containerd puts the socket under its own run folder
    (``<exec-root>/containerd/containerd.sock``, moby ``libcontainerd/supervisor``); that of the system
    is in ``/run/containerd``.
    """
    if not engine.containerd_address:
        return None
    folder, found, _ = engine.containerd_address.partition("/containerd/containerd.sock")
    return bool(found) and folder not in {"", "/run", "/var/run"} and "k3s" not in folder and "rke2" not in folder
