"""Inventory: what an engine said about its images, in frozen records; nothing is computed here.

A live engine, a saved scan and the sample host are all an :class:`Inventory`
to everything downstream. The records keep the engine's own words and numbers;
:mod:`layerscope.core` derives layers, sharing and sizes from them.

All sizes are integers in bytes. *Which* bytes depends on the store (apparent
file sizes, disk blocks, tar stream): see :mod:`layerscope.core.stores`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Literal

from msgspec import Struct

StoreKind = Literal["graphdriver", "containerd", "podman"]
"""The three families of stores whose rules differ; see ``core/stores.py``."""

EngineKind = Literal["docker", "podman"]


class Engine(Struct, frozen=True):
    """The engine that was asked, as it described itself."""

    kind: EngineKind
    version: str
    api_version: str
    store: str
    """The name of the store as users know it: ``overlay2``, ``containerd``, ``overlay`` …"""
    store_kind: StoreKind
    host: str
    """The address that was scanned, e.g. ``unix:///var/run/docker.sock``."""
    name: str = ""
    """The host's own name, from ``/info``."""
    root_dir: str = ""
    os: str = ""
    architecture: str = ""
    id: str = ""
    """The engine's own ID, from ``/info``; empty for Podman, which makes up a new one for every answer."""
    driver: str = ""
    """``/info`` Driver: the graphdriver or snapshotter that stores layers (``overlay2``, ``overlayfs``, ``vfs`` …)."""
    containerd_address: str = ""
    """The socket of the containerd that the engine uses, where it tells (Engine 28)."""


class HistoryEntry(Struct, frozen=True):
    """One entry of an image's history, as ``/images/{id}/history`` gives it."""

    created_by: str
    size: int
    """Bytes in the store's unit; 0 for an entry that made no layer *or* an empty one; -1 where the engine gave none."""
    created: int | None = None
    """Unix seconds; None where the engine gave none (year 1, or null)."""
    comment: str = ""
    id: str | None = None
    """The image ID of this step where the engine knows it (classic builds); None for ``<missing>``."""


class Image(Struct, frozen=True):
    """One image as the engine described it (list, inspect and history together)."""

    id: str
    """``sha256:…``: the config digest (graphdriver, Podman) or the target digest (containerd)."""
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """Repository digests, ``name@sha256:…``."""
    created: int | None = None
    engine_size: int | None = None
    """The Size that ``docker images`` prints for this row, in bytes of the engine's own mix of units."""
    layers_size: int | None = None
    """The engine's own total of this image's stored layers in the store's layer unit; None where it gives none.

    graphdriver: Size of the list. containerd: unpacked size of the platform that was inspected.
    """
    content_size: int | None = None
    """Compressed blobs of the image in the content store (containerd only)."""
    parent_id: str = ""
    """Image ID of the parent for classic builds and commits; empty otherwise."""
    listed: bool = True
    """Does ``docker images`` (without ``-a``) show it? False for build intermediates."""
    diff_ids: tuple[str, ...] | None = None
    """RootFS layers, oldest first; None while not known (not inspected yet, or refused)."""
    history: tuple[HistoryEntry, ...] | None = None
    """Oldest first (the API answers newest first); None while not known or refused, () when the image has none."""
    note: str = ""
    """Why something above is missing, in the engine's words; empty when nothing is."""
    os: str = ""
    architecture: str = ""
    variant: str = ""
    author: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    platforms: tuple[Platform, ...] = ()
    """Platforms of a multi-platform image (containerd), the inspected one included; () elsewhere."""
    last_tagged: int | None = None
    """``Metadata.LastTagTime`` in Unix seconds; None where the engine has none (Podman, never tagged here)."""
    read_only: bool = False
    """True for an image of one of Podman's additional stores: it cannot be removed."""
    cache_ids: tuple[str, ...] | None = None
    """The store's folder of each layer, oldest first (``GraphDriver.Data``); None where the engine names none."""
    remembered: bool = False
    """True where the engine was not asked for details, which an earlier run knew. Not saved.

    :attr:`last_tagged` and :attr:`cache_ids` are None then: they change, and were not asked for.
    """

    @property
    def scanned(self) -> bool:
        """True once inspect and history were both asked for, whatever they answered."""
        return self.diff_ids is not None or self.history is not None or bool(self.note)

    def __eq__(self, other: object) -> bool:
        """Do both say the same? Whether it was remembered does not matter."""
        return isinstance(other, Image) and _said_of_image(self) == _said_of_image(other)

    def __hash__(self) -> int:
        return hash(self.id)


class Platform(Struct, frozen=True):
    """One manifest of a multi-platform image in the containerd store."""

    digest: str
    name: str
    """``linux/arm64/v8``, or ``attestation``/``unknown``."""
    kind: str
    available: bool
    content_size: int | None
    """Compressed blobs, bytes."""
    unpacked_size: int | None
    """Snapshots, bytes in the store's layer unit; 0 when not unpacked."""


class Container(Struct, frozen=True):
    """One container, running or not: it keeps the layers of its image in use."""

    id: str
    name: str
    image_id: str
    """As in :attr:`Image.id`; may name an image that is gone."""
    image: str
    """The name it was created from, as typed."""
    state: str
    """``running``, ``exited``, ``created``, ``paused`` …"""
    created: int | None = None
    cache_ids: tuple[str, ...] | None = None
    """The store's folder of each layer that it stands on, oldest first, as :attr:`Image.cache_ids`.

    Asked for only where :attr:`image_id` is no image of the list; None elsewhere, or where the engine names none.
    """


class BuildCacheRecord(Struct, frozen=True):
    """One record of BuildKit's cache, from the disk-usage endpoint."""

    id: str
    parents: tuple[str, ...]
    type: str
    description: str
    in_use: bool
    shared: bool
    """The engine says that an image uses the same layer."""
    size: int
    created: int | None = None
    last_used: int | None = None


class DiskUsage(Struct, frozen=True):
    """What the engine itself says about its disk (``/system/df``): asked for only on demand."""

    layers_size: int | None
    """The engine's own total for image layers; what it counts differs by store and version (``core/stores.py``)."""
    reclaimable: int | None = None
    """The engine's own RECLAIMABLE of images where it answers one (API 1.52)."""
    shared_sizes: tuple[tuple[str, int], ...] = ()
    """(image ID, the engine's SharedSize) where it gives one."""
    build_cache: tuple[BuildCacheRecord, ...] | None = None
    """None where the engine gives none."""
    containers_size: int | None = None
    """What containers wrote, bytes (``SizeRw``); None where the engine was not asked, or does not tell."""
    containers_reclaimable: int | None = None
    """Of that, what containers that do not run wrote."""
    volumes_size: int | None = None
    """The engine's volumes, bytes; as :attr:`containers_size`."""
    volumes_reclaimable: int | None = None
    """Of that, volumes that no container uses."""
    asked_at: int = 0
    """Unix seconds; 0 where that is not known."""


class Blob(Struct, frozen=True):
    """One file of a containerd content store: an index, a manifest, a configuration, a compressed layer …"""

    digest: str
    size: int
    """Bytes of the file, compressed as it is stored."""
    refers_to: tuple[str, ...] = ()
    """Digests that it keeps alive (labels ``containerd.io/gc.ref.content…``); they need not be in the store."""
    snapshots: tuple[str, ...] = ()
    """Chain IDs of the top snapshots that it keeps alive (``containerd.io/gc.ref.snapshot.<snapshotter>``)."""
    sources: tuple[str, ...] = ()
    """Where it was pulled from or pushed to, ``registry/repository`` (``containerd.io/distribution.source.…``)."""
    diff_id: str = ""
    """Diff ID of the layer that it holds compressed, where the store knows it (``containerd.io/uncompressed``)."""
    created: int | None = None
    """Unix seconds at which the store got it."""
    packed: tuple[str, ...] = ()
    """Of :attr:`refers_to` what a manifest has as its layers (labels ``…content.l.N``, or a number above 0).

    The labels of an index look alike: there it is manifests, which refer to others themselves.
    """


class Manifest(Struct, frozen=True):
    """One manifest that was read: of an image whose layers the engine did not tell, or of a root that no image is."""

    digest: str
    config_type: str = ""
    """Media type of the configuration (or of the artifact): it tells an image from an artifact."""
    platform: str = ""
    """``linux/arm64/v8``, from the configuration; empty where it has none."""
    diff_ids: tuple[str, ...] | None = None
    """RootFS layers of the configuration, oldest first; None where it is not in the store, or not an image's."""
    layers: tuple[str, ...] = ()
    """Digests of its compressed layers, oldest first, or of an artifact's files."""


class ContentStore(Struct, frozen=True):
    """The reference graph of a containerd store, read through the engine's own socket."""

    blobs: tuple[Blob, ...] | None = None
    """Every blob that the engine lists, by digest; None where it was refused."""
    refused: str = ""
    """Why :attr:`blobs` is missing, in one sentence; empty when it is not."""
    build_history: tuple[str, ...] | None = None
    """Digests that the build history names (logs, results, attestations); None where it was refused."""
    last_build: int | None = None
    """Unix seconds at which the latest build of the history ended, or began if it has not; None: no build."""
    build_cache: tuple[BuildCacheRecord, ...] | None = None
    """BuildKit's own list of its cache; None where it was refused."""
    manifests: tuple[Manifest, ...] = ()
    """Manifests that were read because something about them was not known otherwise."""


class Inventory(Struct, frozen=True):
    """Everything one scan learned. Frozen: a refresh makes a new one."""

    engine: Engine
    images: tuple[Image, ...]
    """Every image, intermediates included (``listed`` tells them apart), in the engine's order."""
    containers: tuple[Container, ...] = ()
    taken_at: int = 0
    """Unix seconds at the end of the scan."""
    complete: bool = True
    """False while a scan is under way, or when it was cancelled: some images are not scanned yet."""
    vanished: int = 0
    """Images that were listed and gone when asked for: skipped."""
    usage: DiskUsage | None = None
    """None until somebody asked the engine for it."""
    usage_refused: str = ""
    """Why :attr:`usage` is missing although it was asked for, in one sentence; empty otherwise."""
    content: ContentStore | None = None
    """The content store of a containerd engine; None for other stores, and before it was asked for."""
    from_file: bool = False
    """True for a saved scan and the sample host: nothing live behind it. Not saved."""
    clock_ahead: int = 0
    """Seconds by which the engine's clock was ahead of this machine's; 0 for less than a minute. Not saved."""
    sample: bool = False
    """True for the sample host. Not saved."""
    serial: int = 0
    """Of two inventories that one live engine gave, the later has the higher; 0 before a scan ended. Not saved."""
    only_first: bool = False
    """True for the first images of a saved scan that is still being read: there are more of them. Not saved."""

    def __eq__(self, other: object) -> bool:
        """Do both say the same of a host? Where they come from does not matter."""
        return isinstance(other, Inventory) and _said_of_host(self) == _said_of_host(other)

    def __hash__(self) -> int:
        return hash((self.engine, self.taken_at))


_said_of_image = attrgetter(*(name for name in Image.__struct_fields__ if name != "remembered"))
_NOT_OF_THE_HOST = {"clock_ahead", "sample", "serial", "only_first"}
_said_of_host = attrgetter(*(name for name in Inventory.__struct_fields__ if name not in _NOT_OF_THE_HOST))
