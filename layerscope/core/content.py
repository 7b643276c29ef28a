"""ContentGraph: who keeps which blob and which snapshot of a containerd store alive.

A pure function of an :class:`~layerscope.inventory.Inventory` whose
``content`` was read. The rules are containerd's garbage collector's (``metadata/gc.go``): a
blob stays while an image record, a lease, or a blob that stays names it by a label
``containerd.io/gc.ref.content…``; a snapshot stays while a blob that stays names it by
``containerd.io/gc.ref.snapshot.…``, or a snapshot on it stays. What an image's RootFS names
decides nothing. All sizes are bytes of blobs as they are stored, compressed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Literal

from msgspec import Struct

from layerscope.inventory import Blob, ContentStore, Inventory, Manifest

LEASE_SECONDS = 300
"""BuildKit keeps what a build made for five more minutes, by a lease that no API lists."""
_CLOCKS = 60
"""Seconds by which the engine's clock and ours may differ."""

LayersState = Literal["known", "none", "not-unpacked", "other-platform", "refused", "not-asked"]
"""What is known of an image's layers; only the last two leave a host's totals open.

``none``: it has none (from scratch, or an artifact). ``not-unpacked``: its content is here, but it keeps no
layers unpacked; they may be there for another image. ``other-platform``: so too, and this engine could not run it.
"""


class ContentUse(Struct, frozen=True):
    """The content of one image."""

    size: int
    """Every blob that it reaches, each once."""
    unique: int
    """Of these, the blobs that no other listed image reaches."""
    missing: int
    """Blobs that it names and that are not in the store: 0 for a whole image."""

    @property
    def shared(self) -> int:
        """Bytes of the blobs that other listed images reach too."""
        return self.size - self.unique


class ContentSums(Struct, frozen=True):
    """The content of some images, in bytes."""

    listed: int
    """That of each image in full, summed."""
    stored: int
    """Every blob that any of them reaches, once."""


class Root(Struct, frozen=True):
    """A blob that stands at the top of others, and that no image of the engine's list is."""

    digest: str
    kind: Literal["image", "artifact", "unknown"]
    size: int
    """Bytes of the blobs that only this root and roots like it reach."""
    sources: tuple[str, ...]
    """Where it came from, ``registry/repository``; () where the store does not know."""


class Between(Struct, frozen=True):
    """A number of bytes between two ends; exact where they are the same."""

    least: int
    most: int

    @property
    def exact(self) -> bool:
        """True when there is but one number in it."""
        return self.least == self.most


class ContentFreed(Struct, frozen=True):
    """What leaves the engine's list of blobs when a set of images goes."""

    blobs: tuple[str, ...]
    """Digests that go once the build cache is pruned as well, in order; those of the build history stay."""
    after_prune: Between
    """Bytes that go once the build cache is pruned as well."""
    at_once: Between
    """Bytes that go with the images.

    The lower end is what only image records can hold: manifests and configurations. Layers may be held
    by the build cache, whose leases no API lists. Within minutes of a build everything may be held.
    """
    because: str
    """Why :attr:`at_once` is no exact number, in one sentence; empty where it is."""
    kept_by_history: int
    """Bytes of their blobs that stay until the build history expires (48 hours)."""


class ContentGraph:
    """The reference graph of one store. Build it with :func:`content_graph`."""

    def __init__(self, inventory: Inventory, store: ContentStore, blobs: tuple[Blob, ...]) -> None:
        """Take an inventory whose content was listed."""
        self.store = store
        self.blobs: Mapping[str, Blob] = {blob.digest: blob for blob in blobs}
        self._taken_at = inventory.taken_at
        self._images = {image.id: image for image in inventory.images}
        self._below: dict[str, frozenset[str]] = {}
        self._read = {manifest.digest: manifest for manifest in store.manifests}

    # what holds what

    def reach(self, top: str) -> frozenset[str]:
        """Return the digests that are in the store and that ``top`` keeps alive, itself included."""
        found = self._below.get(top)
        if found is None:
            found = self._below[top] = frozenset(below([top], self.blobs))
        return found

    def held_snapshots(self, image_id: str) -> frozenset[str]:
        """Return the chain IDs of the top layers that an image keeps unpacked; those under them stay with them."""
        return frozenset(chain for digest in self.reach(image_id) for chain in self.blobs[digest].snapshots)

    @cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """Digest -> IDs of the listed images that reach it, in the order of the inventory."""
        found: dict[str, list[str]] = {}
        for image in self._images.values():
            if image.listed:
                for digest in self.reach(image.id):
                    found.setdefault(digest, []).append(image.id)
        return {digest: tuple(ids) for digest, ids in found.items()}

    def use(self, image_id: str) -> ContentUse:
        """Return the content of one image of the inventory."""
        reached = self.reach(image_id)
        named = {one for digest in reached for one in self.blobs[digest].refers_to} | {image_id}
        return ContentUse(
            size=self._sum(reached),
            unique=self._sum(digest for digest in reached if len(self.users.get(digest, ())) < 2),
            missing=len(named - reached),
        )

    def sums(self, image_ids: Iterable[str]) -> ContentSums:
        """Return the sums of some images, as if they were alone."""
        found: set[str] = set()
        listed = 0
        for image_id in image_ids:
            found |= self.reach(image_id)
            listed += self._sum(self.reach(image_id))
        return ContentSums(listed, self._sum(found))

    def blobs_of(self, diff_id: str, image_ids: Iterable[str]) -> tuple[str, ...]:
        """Return the blobs that hold a layer compressed and that some of these images reach, in order."""
        wanted = self._packed.get(diff_id, ())
        return tuple(digest for digest in wanted if any(digest in self.reach(image) for image in image_ids))

    @cached_property
    def _packed(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for digest, blob in self.blobs.items():
            if blob.diff_id:
                found[blob.diff_id] = (*found.get(blob.diff_id, ()), digest)
        return found

    def manifests(self, image_id: str) -> tuple[Manifest, ...]:
        """Return the manifests under an image that were read, in the order of their digests."""
        return tuple(self._read[digest] for digest in sorted(self.reach(image_id)) if digest in self._read)

    # the store's list, in parts that add up to it

    @cached_property
    def of_images(self) -> frozenset[str]:
        """Digests that listed images reach."""
        return frozenset(self.users)

    @cached_property
    def of_steps(self) -> frozenset[str]:
        """Digests that only unlisted images of the inventory (build steps) reach."""
        hidden = [image.id for image in self._images.values() if not image.listed]
        return frozenset(below(hidden, self.blobs)) - self.of_images

    @cached_property
    def of_history(self) -> frozenset[str]:
        """Digests that the build history alone keeps in the list."""
        return self.held_by_history - self.of_images - self.of_steps

    @cached_property
    def held_by_history(self) -> frozenset[str]:
        """Digests of the list that stay while the build history names them, whatever becomes of images.

        BuildKit copies results into a store of its own, all but layers (``llbsolver/history.go``, migrateBlobV2); what
        an attestation says is a layer there. An engine lists that store beside its own since 28.1; an older one does
        not, which shows by the logs of builds, which are nowhere else.
        """
        named = [digest for digest in self.store.build_history or () if digest in self.blobs]
        if all(digest in self.of_images or digest in self.of_steps for digest in named):
            return frozenset()  # not one log: the list is without that store
        found: set[str] = set()
        while named:
            digest = named.pop()
            blob = self.blobs.get(digest)
            if blob is None or digest in found or blob.diff_id:
                continue
            found.add(digest)
            named += [one for one in blob.refers_to if one not in blob.packed or self._is_top(one)]
        return frozenset(found)

    def _is_top(self, digest: str) -> bool:
        """Does this blob refer to others, as no layer does?"""
        return digest in self.blobs and bool(self.blobs[digest].refers_to)

    @cached_property
    def roots(self) -> tuple[Root, ...]:
        """Images and artifacts that are stored although the engine lists no image for them, in order of digest."""
        taken = self.of_images | self.of_steps | self.of_history
        found = []
        for digest in unlisted_roots(self._images, self.blobs, self.held_by_history):
            own = self.reach(digest) - taken
            kind = _kind(self.manifests(digest))
            found.append(Root(digest, kind, self._sum(own), self.blobs[digest].sources))
        return tuple(found)

    @cached_property
    def of_roots(self) -> frozenset[str]:
        """Digests that only :attr:`roots` reach."""
        reached = below([root.digest for root in self.roots], self.blobs)
        return frozenset(reached) - self.of_images - self.of_steps - self.of_history

    @cached_property
    def of_cache(self) -> frozenset[str]:
        """The rest of the list: blobs that leases of the build cache hold, or of a build, load or pull under way."""
        taken = self.of_images | self.of_steps | self.of_history | self.of_roots
        return frozenset(self.blobs.keys() - taken)

    @property
    def size(self) -> int:
        """Bytes of the blobs that listed images reach, each once."""
        return self._sum(self.of_images)

    @cached_property
    def listed(self) -> int:
        """Bytes of the content of every listed image, each counted in full."""
        return sum(self._sum(self.reach(image.id)) for image in self._images.values() if image.listed)

    def total(self, part: Iterable[str]) -> int:
        """Return the bytes of some blobs, named by digest."""
        return self._sum(part)

    # what goes

    def frees(self, gone: Collection[str]) -> ContentFreed:
        """Return what leaves the list when the images ``gone`` (IDs) are removed and all others stay."""
        taken = set(gone)
        staying = [image_id for image_id in self._images if image_id not in taken]
        staying += [root.digest for root in self.roots]
        kept = below(staying, self.blobs)
        going = below(taken, self.blobs) - kept
        freed = going - self.held_by_history
        size = self._sum(freed)
        surely, because = self._surely(freed)
        least = self._sum(surely)
        after = Between(size, size)
        if self.store.build_history is None:
            after = Between(0, size)
        elif self._just_built and self.store.build_cache != ():
            after = Between(least, size)
        elif self._may_hold_bases:
            after = Between(self._sum(digest for digest in freed if self.blobs[digest].diff_id), size)
        return ContentFreed(
            blobs=tuple(sorted(freed)),
            after_prune=after,
            at_once=Between(least, size),
            because=because if least != size else "",
            kept_by_history=self._sum(going & self.held_by_history),
        )

    def _surely(self, freed: set[str]) -> tuple[set[str], str]:
        """Return which of these blobs go at once whatever the engine does not tell, and why not all do."""
        if self.store.build_history is None:
            return set(), "the engine does not tell what its build history holds"
        if self._just_built:
            return set(), "a build ended minutes ago and may hold all of it a little longer"
        if self._may_hold_bases:
            layers = {digest for digest in freed if self.blobs[digest].diff_id}
            return layers if self.store.build_cache == () else set(), "builds of this engine may hold manifests"
        if self.store.build_cache is None:
            return self._no_layers(freed), "the engine does not tell what its build cache holds"
        if self.store.build_cache:
            return self._no_layers(freed), "the build cache may hold the layers until it is pruned"
        held = below(self.of_cache, self.blobs)
        return freed - held, "content that no image has refers to them, and may go any time" if freed & held else ""

    def _no_layers(self, freed: set[str]) -> set[str]:
        """Of these blobs, those that refer to others: manifests and indexes, which no layer is."""
        return {digest for digest in freed if self.blobs[digest].refers_to and not self.blobs[digest].diff_id}

    @property
    def _may_hold_bases(self) -> bool:
        """Did an engine build that keeps, pruned or not, manifests and configurations of images that it built on?

        Measured on 26.1, not on 28.5; which of the two it is shows by the build history, see :attr:`held_by_history`.
        """
        return bool(self.store.build_history) and not self.held_by_history

    @property
    def _just_built(self) -> bool:
        last = self.store.last_build
        return last is not None and self._taken_at - last < LEASE_SECONDS + _CLOCKS

    def _sum(self, digests: Iterable[str]) -> int:
        return sum(self.blobs[digest].size for digest in digests)


def content_graph(inventory: Inventory) -> ContentGraph | None:
    """Return the reference graph; None where the store has none or the engine refused it (``content.refused``)."""
    store = inventory.content
    return None if store is None or store.blobs is None else ContentGraph(inventory, store, store.blobs)


def below(
    tops: Iterable[str], blobs: Mapping[str, Blob], follow: Callable[[Blob], bool] = lambda blob: True
) -> set[str]:
    """Return the digests of ``blobs`` that ``tops`` keep alive, themselves included.

    A blob that ``follow`` refuses is left out, with what only it keeps alive.
    """
    found: set[str] = set()
    queue = list(tops)
    while queue:
        digest = queue.pop()
        blob = blobs.get(digest)
        if blob is not None and digest not in found and follow(blob):
            found.add(digest)
            queue += blob.refers_to
    return found


def unlisted_roots(
    images: Collection[str], blobs: Mapping[str, Blob], apart: Collection[str] = frozenset()
) -> tuple[str, ...]:
    """Return the blobs that refer to others, that nothing refers to, and that no image is; in order.

    ``images`` are IDs. ``apart``: digests that are held for another reason (the build history).
    """
    reached = below(images, blobs)
    named = {one for blob in blobs.values() for one in blob.refers_to}
    return tuple(
        digest
        for digest, blob in sorted(blobs.items())
        if blob.refers_to and not blob.diff_id and digest not in named and digest not in reached and digest not in apart
    )


def _kind(manifests: Collection[Manifest]) -> Literal["image", "artifact", "unknown"]:
    if not manifests:
        return "unknown"
    return "image" if any(is_image(manifest) for manifest in manifests) else "artifact"


IMAGE_CONFIGS = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)
"""Media types of a configuration that make a manifest an image's (OCI image-spec ``manifest.md``)."""


def is_image(manifest: Manifest) -> bool:
    """Is it an image's manifest, not an artifact's?"""
    return manifest.config_type in IMAGE_CONFIGS
