"""The engine's own account of its disk: ``/system/df``, asked for on demand only."""

from __future__ import annotations

import time
from typing import Any

from msgspec.structs import replace

from layerscope.core.stores import RUNNING
from layerscope.engine.connect import Connection
from layerscope.engine.errors import EngineError
from layerscope.engine.quirks import TYPED_USAGE_API
from layerscope.engine.records import as_date, as_dict, as_list, as_size, as_text, as_texts, with_prefix
from layerscope.inventory import BuildCacheRecord, DiskUsage

TIMEOUT = 600.0
"""Seconds. Before API 1.42 the engine walks every container and volume too, whatever it is asked for."""


def disk_usage(conn: Connection, *, timeout: float | None = None, whole: bool = False) -> DiskUsage:
    """Return what the engine says about images and build cache; ``timeout`` is in seconds, 600 when None.

    ``whole``: about containers and volumes too. The engine walks over all their files for that, so only who wants to
    know them asks.
    Takes seconds, on an old engine minutes. Raises :class:`EngineError`; engines up to 20.10
    refuse while another such question is under way, in their own words.
    """
    query: list[tuple[str, str]] = []
    if conn.api_at_least(TYPED_USAGE_API):
        query = [("type", "image"), ("type", "build-cache")]
        query += [("type", "container"), ("type", "volume")] if whole else []
    answer = conn.ask("/system/df", "its disk usage", query, timeout=TIMEOUT if timeout is None else timeout)
    if not isinstance(answer, dict):
        raise EngineError(
            f"the engine at {conn.endpoint.shown} gave its disk usage in an unknown form",
            "see whether `docker system df` works there",
        )
    found = usage_record(answer, engine_is_podman=conn.engine.kind == "podman")
    return replace(found, asked_at=int(time.time()) + conn.clock_ahead)


def usage_record(answer: dict[str, Any], *, engine_is_podman: bool = False) -> DiskUsage:
    """Return the record of a ``/system/df`` answer, of the old shape, of the one since API 1.52, or of both at once."""
    images, cache = as_dict(answer.get("ImageUsage")), as_dict(answer.get("BuildCacheUsage"))
    containers, volumes = _containers(answer), _volumes(answer)
    return DiskUsage(
        layers_size=_layers_size(answer, images, engine_is_podman),
        reclaimable=as_size(images.get("Reclaimable")),
        shared_sizes=_shared_sizes(as_list(images.get("Items")) or as_list(answer.get("Images"))),
        build_cache=_build_cache(cache.get("Items"), _legacy_cache(answer), engine_is_podman),
        containers_size=containers[0],
        containers_reclaimable=containers[1],
        volumes_size=volumes[0],
        volumes_reclaimable=volumes[1],
    )


Sums = tuple[int | None, int | None]
"""Bytes, and those of them that nothing uses; None: not told."""


def _containers(answer: dict[str, Any]) -> Sums:
    new = as_dict(answer.get("ContainerUsage"))
    if "TotalSize" in new or "ActiveCount" in new:
        return as_size(new.get("TotalSize")) or 0, as_size(new.get("Reclaimable")) or 0
    rows = answer.get("Containers")
    if not isinstance(rows, list):
        return None, None
    told = [(as_size(row.get("SizeRw")) or 0, as_text(row.get("State")) in RUNNING) for row in map(as_dict, rows)]
    return sum(size for size, _ in told), sum(size for size, runs in told if not runs)


def _volumes(answer: dict[str, Any]) -> Sums:
    new = as_dict(answer.get("VolumeUsage"))
    if "TotalSize" in new or "ActiveCount" in new:
        return as_size(new.get("TotalSize")) or 0, as_size(new.get("Reclaimable")) or 0
    rows = answer.get("Volumes")
    if not isinstance(rows, list):
        return None, None
    total = unused = 0
    for row in map(as_dict, rows):
        usage = as_dict(row.get("UsageData")) or row  # Podman: Size and ReclaimableSize beside the name
        size = as_size(usage.get("Size"))
        if size is None:
            return None, None  # one that is not known makes every sum wrong
        total += size
        unused += size if usage.get("RefCount") == 0 else as_size(usage.get("ReclaimableSize")) or 0
    return total, unused


def _layers_size(answer: dict[str, Any], images: dict[str, Any], engine_is_podman: bool) -> int | None:
    total = as_size(images.get("TotalSize"))
    if total is not None:
        return total
    total = as_size(answer.get("LayersSize"))
    if total is None and "LayersSize" not in answer and not images and answer.get("Images") == []:
        return 0  # left out of the JSON when it is 0
    return None if engine_is_podman and total == 0 else total  # Podman before 5.5 does not work it out


def _shared_sizes(rows: list[Any]) -> tuple[tuple[str, int], ...]:
    sizes: dict[str, int] = {}  # Podman has a row for each tag
    for row in map(as_dict, rows):
        size = as_size(row.get("SharedSize"))
        if size is not None:
            sizes[with_prefix(as_text(row.get("Id")))] = size
    return tuple(sizes.items())


def _legacy_cache(answer: dict[str, Any]) -> Any:
    """Return the list of the old shape: an empty cache is ``null`` there, beside a sound list of images."""
    empty = "BuildCache" in answer and answer["BuildCache"] is None and isinstance(answer.get("Images"), list)
    return [] if empty else answer.get("BuildCache")


def _build_cache(items: Any, legacy: Any, engine_is_podman: bool) -> tuple[BuildCacheRecord, ...] | None:
    rows = items if isinstance(items, list) else legacy
    if engine_is_podman or not isinstance(rows, list):
        return None  # Podman keeps what it builds as images, and answers an empty list
    records = [_cache_record(as_dict(row)) for row in rows]
    # one record of unknown size makes every sum over them wrong
    return None if None in records else tuple(record for record in records if record is not None)


def _cache_record(row: dict[str, Any]) -> BuildCacheRecord | None:
    size = as_size(row.get("Size"))
    if size is None:
        return None
    # " Parents", with a space, is what Engine 28 sends; "Parent" is before API 1.42
    parents = as_texts(row.get("Parents") or row.get(" Parents")) or [
        text for text in [as_text(row.get("Parent"))] if text
    ]
    return BuildCacheRecord(
        id=as_text(row.get("ID")),
        parents=tuple(parents),
        type=as_text(row.get("Type")),
        description=as_text(row.get("Description")),
        in_use=row.get("InUse") is True,
        shared=row.get("Shared") is True,
        size=size,
        created=as_date(row.get("CreatedAt")),
        last_used=as_date(row.get("LastUsedAt")),
    )
