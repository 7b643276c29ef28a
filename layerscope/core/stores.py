"""What differs between stores, as data: the one place that knows each store's rules.

Nothing outside this module and ``engine/`` asks which engine it is; it asks a
rule. Sources: moby ``daemon/images``, ``daemon/containerd``, ``daemon/internal/layer``;
Podman ``pkg/api/handlers/compat`` and ``containers/storage``; measured on real engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from layerscope.inventory import StoreKind


@dataclass(frozen=True, slots=True)
class StoreRules:
    """How one family of stores counts, names and removes."""

    unit: str
    """What a layer's bytes are, in words for a person."""
    history_anchor: Literal["bottom", "top"]
    """Which end of the layers a history that is too short belongs to.

    moby walks history oldest first and leaves extra *top* layers without an entry
    (``daemon/images/image_history.go``); Podman walks newest first and leaves
    *bottom* layers without one (``libimage/history.go``).
    """
    zero_size_means_no_layer: bool
    """Is a history entry of size 0 always one that made no layer?

    True where even an empty layer weighs something: containerd snapshots (a 4096-byte
    directory on ext4) and Podman (a tar has an end mark). False on graphdriver.
    """
    empty_diff_is_zero: bool
    """Does the empty tar (diff ID 5f70bf18…) weigh 0 in this store's unit?"""
    image_size_is_layers: bool
    """Is the Size that ``docker images`` prints exactly the sum of the image's layers?"""
    engine_total_is_footprint: bool
    """Must the engine's LayersSize equal our footprint to the byte?"""
    engine_total_note: str
    """What the engine's own total counts here, for the reconciliation."""
    stopped_container_blocks: bool
    """Does a container that is not running make the engine refuse a removal that is not forced?"""
    child_image_blocks: bool
    """Does an image with a child by ParentId (classic build, commit) refuse to be deleted?"""
    removes_untagged_parents: bool
    """Does removing an image also remove its untagged parents that nothing else needs?"""
    build_cache_holds_layers: bool
    """Do layers of BuildKit-built images stay on disk until the build cache is pruned?"""
    running_rule: str
    """The engine's words for refusing to remove the image of a running container."""
    stopped_rule: str
    """The engine's words for refusing, unforced, to remove the image of a container that is not running."""
    child_rule: str
    """The engine's words for refusing to remove an image that others were made from; empty where it does not refuse."""


STORES: dict[StoreKind, StoreRules] = {
    "graphdriver": StoreRules(
        unit="apparent size of the files in the layer",
        history_anchor="bottom",
        zero_size_means_no_layer=False,
        empty_diff_is_zero=True,
        image_size_is_layers=True,
        engine_total_is_footprint=True,
        engine_total_note="the layers of every image, each once",
        stopped_container_blocks=True,
        child_image_blocks=True,
        removes_untagged_parents=True,
        build_cache_holds_layers=True,
        running_rule="image is being used by running container",
        stopped_rule="image is being used by stopped container",
        child_rule="image has dependent child images",
    ),
    "containerd": StoreRules(
        unit="disk blocks of the unpacked snapshot",
        history_anchor="bottom",
        zero_size_means_no_layer=True,
        empty_diff_is_zero=False,
        image_size_is_layers=False,
        engine_total_is_footprint=False,
        engine_total_note=(
            "snapshots and compressed blobs; before Engine 29.6 also those of containers and the build cache"
        ),
        stopped_container_blocks=True,
        child_image_blocks=False,
        removes_untagged_parents=True,
        build_cache_holds_layers=False,
        running_rule="image is being used by running container",
        stopped_rule="image is being used by stopped container",
        child_rule="",
    ),
    "podman": StoreRules(
        unit="size of the layer's uncompressed tar",
        history_anchor="top",
        zero_size_means_no_layer=True,
        empty_diff_is_zero=False,
        image_size_is_layers=False,
        engine_total_is_footprint=False,
        engine_total_note="all layers of the storage, container layers included, and image metadata",
        stopped_container_blocks=True,
        child_image_blocks=False,
        removes_untagged_parents=True,
        build_cache_holds_layers=False,
        running_rule="image is in use by a container",
        stopped_rule="image is in use by a container",
        child_rule="",
    ),
}
