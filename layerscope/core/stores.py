"""What differs between stores, as data: the one table of how each family counts, names and removes.

Nobody else asks which store it is; they ask a rule. Only how a question is best put on the wire
is in ``engine/quirks.py``. Sources: moby ``daemon/images``, ``daemon/containerd``, ``daemon/internal/layer`` and
``daemon/disk_usage.go`` from 20.10 to 29.7; Podman ``pkg/api/handlers/compat`` and ``containers/storage``;
measured on real engines.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from layerscope.core.sizes.sums import Bound
from layerscope.inventory import Engine, StoreKind

RUNNING = frozenset({"running", "paused", "restarting"})
"""States of a container that every engine counts as running."""

ByVersion = tuple[tuple[tuple[int, int], str], ...]
"""What holds from an engine's version (major, minor) on; the oldest first, which begins at (0, 0)."""


class StoreRules(Struct, frozen=True):
    """How one family of stores counts, names and removes."""

    # -- layers ----------------------------------------------------------------------------

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

    keeps_content: bool
    """Does the store keep the compressed blobs of images besides, so that a disk holds both?"""

    # -- removal: an image with a container, running or not, stays everywhere ----------------

    running_rule: str
    """The engine's words for refusing to remove the image of a running container."""
    stopped_rule: str
    """The engine's words for refusing, unforced, to remove the image of a container that is not running."""
    read_only_rule: str
    """The engine's words for refusing to remove an image of a store that it only reads (Podman)."""
    child_rule: str
    """The engine's words for refusing to remove an image with a child by ParentId (classic build, commit);
    empty where it does not refuse."""
    any_child_takes_parents: bool
    """Do untagged parents that are no rows go with the first image made from them, not with the last?

    containerd: ``deleteAll`` of ``daemon/containerd/image_delete.go`` walks up the parents, and asks of each only
    whether it is untagged and without a container. What their other children need of them, these hold themselves.
    """
    build_cache_holds_layers: bool
    """Are the records of the build cache that are marked as shared the very layers of images (and not copies)?

    Those layers stay on disk until the build cache is pruned.
    """

    # -- where images come from --------------------------------------------------------------

    repo_digest_is_origin: bool
    """Does an image have a repository digest only if it was pulled or pushed?"""

    # -- what the engine's own figures count -----------------------------------------------

    image_size_is_layers: bool
    """Is the Size that ``docker images`` prints exactly the sum of the image's layers, in the layers' unit?"""
    size_adds_metadata: bool
    """Is that Size the layers and some metadata (manifest, configuration) in the layers' unit, and nothing else?"""
    size_adds: str
    """What the Size of an image counts besides its layers and its compressed blobs, in words; empty: nothing."""
    total_is_footprint: bool
    """Must the engine's own total for image layers (``LayersSize``) be our footprint to the byte?"""
    total_counts: ByVersion
    """What that total counts, in words that follow "the engine counts"."""
    unique_flaw: ByVersion
    """Why the engine says of some images that more is theirs alone than is; empty where it does not."""

    @property
    def child_image_blocks(self) -> bool:
        """Does an image that others were made from refuse to be deleted?"""
        return bool(self.child_rule)


STORES: dict[StoreKind, StoreRules] = {
    "graphdriver": StoreRules(
        unit="apparent size of the files in the layer",
        history_anchor="bottom",
        zero_size_means_no_layer=False,
        empty_diff_is_zero=True,
        keeps_content=False,
        running_rule="image is being used by running container",
        stopped_rule="image is being used by stopped container",
        read_only_rule="cannot remove read-only image",
        child_rule="image has dependent child images",
        any_child_takes_parents=False,
        build_cache_holds_layers=True,
        repo_digest_is_origin=True,
        image_size_is_layers=True,
        size_adds_metadata=False,
        size_adds="",
        total_is_footprint=True,
        total_counts=(((0, 0), "the layers of every image, each once"),),
        unique_flaw=(((0, 0), ""),),
    ),
    "containerd": StoreRules(
        unit="disk blocks of the unpacked snapshot",
        history_anchor="bottom",
        zero_size_means_no_layer=True,
        empty_diff_is_zero=False,
        keeps_content=True,
        running_rule="image is being used by running container",
        stopped_rule="image is being used by stopped container",
        read_only_rule="cannot remove read-only image",
        child_rule="",
        any_child_takes_parents=True,
        build_cache_holds_layers=False,
        repo_digest_is_origin=False,
        image_size_is_layers=False,
        size_adds_metadata=False,
        size_adds="snapshots of other platforms, or of build steps that changed nothing",
        total_is_footprint=False,
        total_counts=(
            ((0, 0), "every snapshot, also those of containers and of the build cache, but no compressed blobs"),
            (
                (28, 2),
                "every snapshot, also those of containers and of the build cache, and the compressed blobs of images",
            ),
            ((29, 6), "the snapshots of images and their compressed blobs, each once"),
        ),
        unique_flaw=(
            ((0, 0), "it takes every compressed blob for theirs alone, also those that images share"),
            ((29, 5), "it adds the compressed blobs of each"),
        ),
    ),
    "podman": StoreRules(
        unit="size of the layer's uncompressed tar",
        history_anchor="top",
        zero_size_means_no_layer=True,
        empty_diff_is_zero=False,
        keeps_content=False,
        running_rule="image is in use by a container",
        stopped_rule="image is in use by a container",
        read_only_rule="cannot remove read-only image",
        child_rule="",
        any_child_takes_parents=False,
        build_cache_holds_layers=False,
        repo_digest_is_origin=True,
        image_size_is_layers=False,
        size_adds_metadata=True,
        size_adds="manifests and configurations",
        total_is_footprint=False,
        total_counts=(
            ((0, 0), "every layer of its storage, those of containers included, and the metadata of images"),
        ),
        unique_flaw=(
            ((0, 0), "it sees what images share only where one was made from the other"),
            ((5, 0), "it adds the manifest and configuration of each"),
        ),
    ),
}


class DiskRule(Struct, frozen=True):
    """How the files of layers lie on a disk, by the driver that stores them."""

    once: bool
    """Does each layer take the space of what it adds, once, so that what a removal frees is what a disk gets back?"""
    bound: Bound
    """What the sum of layers is to what the disk has of them, where not."""
    words: str
    """Why, in one sentence without its full stop; empty where ``once``."""


_ONCE = DiskRule(True, "", "")
_SNAPSHOTS = "keeps a layer as a snapshot of the one below, so that blocks and not files are what goes with it"
_DISK_RULES = {
    **dict.fromkeys(("overlay2", "overlay", "overlayfs", "fuse-overlayfs", "fuse-overlay", "aufs"), _ONCE),
    **dict.fromkeys(
        ("vfs", "native"),
        DiskRule(False, "≥", "keeps in every layer a full copy of all that is below it: more is on disk"),
    ),
    **dict.fromkeys(("btrfs", "zfs", "devicemapper", "devmapper"), DiskRule(False, "~", _SNAPSHOTS)),
}


def disk_rule(engine: Engine) -> DiskRule:
    """Return how an engine's layers lie on its disk, by its driver.

    moby ``daemon/graphdriver``, containerd ``plugins/snapshots``, containers/storage ``drivers``. An old scan does
    not tell a containerd store's snapshotter: it is taken for the one that it has by default.
    """
    driver = engine.driver or ("overlayfs" if engine.store_kind == "containerd" else engine.store)
    known = _DISK_RULES.get(driver)
    if known is not None:
        return known if known.once else replace(known, words=f"{driver} {known.words}")
    name = driver if re.fullmatch(r"[\w.-]{1,40}", driver, re.ASCII) else "this store"
    return DiskRule(False, "?", f"how {name} keeps layers on disk is not known")


def words_for(engine: Engine, words: ByVersion) -> str:
    """Return which of ``words`` hold for an engine; a version that cannot be read is taken for a new one."""
    found = re.match(r"(\d+)\.(\d+)", engine.version)
    if found is None:
        return words[-1][1]
    version = (int(found[1]), int(found[2]))
    return next(text for since, text in reversed(words) if version >= since)
