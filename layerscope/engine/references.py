"""The reference graph of a containerd store: which blob is there, what it keeps alive, who else holds blobs.

Procedure, by what the engine answers:

=================  ==========================================================================
``POST /grpc``     101: HTTP/2 and the calls below. Engine 20.10 to 29.7, over every transport.
404                Podman, or an engine without ``/grpc``: gRPC without the upgrade from API 1.53.
403                An authorization plugin or a socket proxy said no: respected, nothing else is tried.
400, 500           A proxy between that takes no upgrades.
grpc-status 12     The service is not there: Engine 23 and older have no content store on this socket.
an empty list      A failure while there are images: every image has at least a manifest.
=================  ==========================================================================

It is an optional refinement. Where it is refused, :attr:`ContentStore.refused` says so in a
sentence, and nothing else is worse for it. Failed calls show up in the engine's log, so each is tried once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from msgspec.structs import replace

from layerscope.core.chain import chain_ids
from layerscope.core.content import below, unlisted_roots
from layerscope.engine import grpc, protobuf
from layerscope.engine.connect import Connection
from layerscope.engine.dial import Behind, dial
from layerscope.engine.errors import EngineError
from layerscope.engine.explain import explain
from layerscope.engine.records import as_dict, as_list, as_text, as_texts, platform_name
from layerscope.inventory import Blob, BuildCacheRecord, ContentStore, Image, Manifest
from layerscope.text import clean

NATIVE_API = (1, 53)
"""Engine 29.2: gRPC without the upgrade."""
LIST_SECONDS = 30.0
"""The longest for the list of blobs. Measured: 0.04 s for 350 blobs."""
ASK_SECONDS = 20.0
"""The longest for every other call."""
READ_BYTES = 4 << 20
"""The largest manifest or configuration that is read; OCI registries refuse larger ones."""
MOST_READS = 2000
"""Manifests and configurations that are read in one scan."""

_TAG = re.compile(r"<[^<>]{0,200}>")
_CONTENT_REF = "containerd.io/gc.ref.content"
_LAYER_REF = re.compile(r"containerd\.io/gc\.ref\.content\.(?:l\.[0-9]+|[1-9][0-9]*)")
_SNAPSHOT_REF = "containerd.io/gc.ref.snapshot."
_SOURCE = "containerd.io/distribution.source."
_UNCOMPRESSED = "containerd.io/uncompressed"


def read_content(conn: Connection, *, seconds: float = LIST_SECONDS) -> ContentStore | None:
    """Return the engine's content store without :attr:`ContentStore.manifests`; None for a store that has none.

    Raises nothing: a refusal is in the record. ``seconds`` bounds the list of blobs.
    """
    if conn.engine.store_kind != "containerd":
        return None
    with _Calls(conn) as calls:
        try:
            answer = calls.call(grpc.CONTENT_LIST, seconds=seconds)
            blobs = blob_records(answer)
            if not blobs and conn.image_count:
                raise grpc.GrpcError("it lists no content although it has images")
        except _FAILURES as error:
            return ContentStore(refused=_words(error, conn))
        builds, last_build = calls.build_history()
        return ContentStore(blobs, build_history=builds, last_build=last_build, build_cache=calls.build_cache())


def list_blobs(conn: Connection) -> dict[str, int] | None:
    """Return digest -> size in bytes of every blob that the engine lists now; None where it refuses."""
    if conn.engine.store_kind != "containerd":
        return None
    with _Calls(conn) as calls:
        try:
            return {blob.digest: blob.size for blob in blob_records(calls.call(grpc.CONTENT_LIST))}
        except _FAILURES:
            return None


def read_manifests(conn: Connection, content: ContentStore, images: Collection[Image]) -> ContentStore:
    """Return ``content`` with the manifests read of images without known layers, and of roots that no image is.

    What cannot be read is left out. Raises nothing.
    """
    blobs = {blob.digest: blob for blob in content.blobs or ()}
    queue = [image.id for image in images if image.diff_ids is None and image.id in blobs]
    queue += unlisted_roots({image.id for image in images}, blobs, frozenset(content.build_history or ()))
    if not queue:
        return content
    seen = set(queue)
    found: list[Manifest] = []
    with _Calls(conn) as calls:
        while queue and calls.reads < MOST_READS:
            digest = queue.pop(0)
            document = calls.document(blobs[digest])
            if "manifests" in document:
                named = [as_text(as_dict(row).get("digest")) for row in as_list(document["manifests"])]
                fresh = [one for one in named if one in blobs and one not in seen]
                seen.update(fresh)
                queue += fresh
            elif document:
                found.append(_manifest(digest, document, calls, blobs))
    return replace(content, manifests=tuple(found))


def with_layers(image: Image, content: ContentStore) -> Image:
    """Return ``image`` with the layers that its configuration names, where the engine did not tell them.

    An image whose index or whose other platform is incomplete runs, but inspect has no layers
    (moby#49784 and others). Its layers are taken from the configuration only where that one keeps
    the snapshot of its top layer alive, so they are unpacked, and where only one does.
    """
    if image.diff_ids is not None or content.blobs is None:
        return image
    blobs = {blob.digest: blob for blob in content.blobs}
    reached = below([image.id], blobs)
    held = {chain for digest in reached for chain in blobs[digest].snapshots}
    fitting = {
        manifest.diff_ids
        for manifest in content.manifests
        if manifest.digest in reached and manifest.diff_ids and chain_ids(manifest.diff_ids)[-1] in held
    }
    return replace(image, diff_ids=fitting.pop(), note="") if len(fitting) == 1 else image


# calls

_FAILURES = (grpc.GrpcError, protobuf.BadMessage, Behind, EngineError, OSError)


class _Calls:
    """Calls over one channel, which is opened at the first one and again after a failure."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._channel: grpc.Channel | None = None
        self.reads = 0

    def __enter__(self) -> _Calls:
        return self

    def __exit__(self, *error: object) -> None:
        if self._channel is not None:
            self._channel.close()

    def call(
        self, method: str, message: bytes = b"", *, seconds: float = ASK_SECONDS, max_bytes: int = 0
    ) -> list[bytes]:
        if self._channel is None:
            self._channel = open_channel(self._conn)
        try:
            return self._channel.call(method, message, seconds=seconds, max_bytes=max_bytes or grpc.MAX_BYTES)
        except BaseException:
            self._channel.close()
            self._channel = None
            raise

    def build_history(self) -> tuple[tuple[str, ...] | None, int | None]:
        """Return the digests that the build history names, and when the last build was."""
        try:
            return history_digests(self.call(grpc.BUILD_HISTORY, protobuf.varint_field(3, 1)))  # early_exit
        except _FAILURES:
            return None, None

    def build_cache(self) -> tuple[BuildCacheRecord, ...] | None:
        try:
            return cache_records(self.call(grpc.DISK_USAGE))
        except _FAILURES:
            return None

    def document(self, blob: Blob) -> dict[str, Any]:
        """Return a JSON blob, an empty object where it is none or cannot be had."""
        if blob.size > READ_BYTES:
            return {}
        self.reads += 1
        try:
            answer = self.call(grpc.CONTENT_READ, protobuf.string_field(1, blob.digest), max_bytes=2 * READ_BYTES)
            data = b"".join(_data(message) for message in answer)
            return as_dict(json.loads(data))
        except (*_FAILURES, ValueError, RecursionError):
            return {}


def _data(message: bytes) -> bytes:
    """Return the data of a ReadContentResponse: 1 offset, 2 data."""
    return b"".join(value for key, value in protobuf.fields(message) if key == 2 and isinstance(value, bytes))


def open_channel(conn: Connection, seconds: float = ASK_SECONDS) -> grpc.Channel:
    """Open gRPC on the engine's socket as the engine's version wants it. Raises what :data:`_FAILURES` names."""
    headers = conn.endpoint.headers
    try:
        return grpc.Channel(_dial(conn, seconds, "http/1.1"), headers, upgrade=True, seconds=seconds)
    except grpc.NoUpgrade as refused:
        if refused.status != 404 or not conn.api_at_least(NATIVE_API):
            raise
    return grpc.Channel(_dial(conn, seconds, "h2"), headers, upgrade=False, seconds=seconds)


def _dial(conn: Connection, seconds: float, alpn: str) -> Any:
    try:
        return dial(conn, seconds, alpn)
    except (Behind, OSError):
        raise
    except Exception as error:  # paramiko's
        raise explain(error, conn.endpoint) from error


def _words(error: Exception, conn: Connection) -> str:
    """Return the sentence that says why there is no reference graph."""
    said = clean(" ".join(_TAG.sub(" ", str(error)).split()), 200).rstrip(".")  # proxies answer in HTML
    match error:
        case grpc.Status(code=12):
            return "the engine does not list its content: Engine 24 and later do"
        case grpc.NoUpgrade(status=403):
            return f"listing the engine's content is not allowed here: {clean(error.words, 200) or 'HTTP 403'}"
        case grpc.NoUpgrade(status=404):
            return "the engine does not list its content: it has no /grpc"
        case grpc.NoUpgrade():
            return f"something between here and the engine takes no HTTP upgrades ({said})"
        case grpc.NotHttp2():
            return "the engine does not list its content: it has neither /grpc nor gRPC"
        case Behind():
            return f"the engine's content cannot be listed from here: {said}"
        case _:
            return f"the engine did not list its content: {said or type(error).__name__}"


# records


def blob_records(messages: list[bytes]) -> tuple[Blob, ...]:
    """Return the blobs of ListContentResponse messages (1: Info), ordered by digest. Raises protobuf.BadMessage."""
    found: dict[str, Blob] = {}
    for message in messages:
        for key, value in protobuf.fields(message):
            if key == 1:
                blob = _blob(value)
                # the build history's own store may list a blob a second time
                found[blob.digest] = _joined(found[blob.digest], blob) if blob.digest in found else blob
    return tuple(found[digest] for digest in sorted(found))


def _blob(info: protobuf.Value) -> Blob:
    """Return an Info: 1 digest, 2 size, 3 created_at, 5 labels."""
    digest, size, created = "", 0, None
    labels: dict[str, str] = {}
    for key, value in protobuf.inner(info):
        if key == 1:
            digest = protobuf.text(value)
        elif key == 2:
            size = protobuf.number(value)
        elif key == 3:
            created = protobuf.seconds(value)
        elif key == 5:
            name, text = protobuf.pair(value)
            labels[name] = text
    if not digest or size < 0:
        raise protobuf.BadMessage("a blob without a digest or a size")
    return Blob(
        digest=digest,
        size=size,
        refers_to=_texts(text for name, text in labels.items() if name.startswith(_CONTENT_REF) and text != digest),
        snapshots=_texts(text for name, text in labels.items() if name.startswith(_SNAPSHOT_REF)),
        sources=_texts(
            f"{name.removeprefix(_SOURCE)}/{repository}"
            for name, text in labels.items()
            if name.startswith(_SOURCE)
            for repository in text.split(",")
        ),
        diff_id=labels.get(_UNCOMPRESSED, ""),
        created=created,
        packed=_texts(text for name, text in labels.items() if _LAYER_REF.fullmatch(name) and text != digest),
    )


def _texts(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(found)))


def _joined(one: Blob, other: Blob) -> Blob:
    return replace(
        one,
        refers_to=_texts(one.refers_to + other.refers_to),
        snapshots=_texts(one.snapshots + other.snapshots),
        sources=_texts(one.sources + other.sources),
        diff_id=one.diff_id or other.diff_id,
        packed=_texts(one.packed + other.packed),
    )


def history_digests(messages: list[bytes]) -> tuple[tuple[str, ...], int | None]:
    """Return what BuildHistoryEvent messages (1 type, 2 record) name, and the time of the last build.

    Digests of the logs (8), the results (10; 11 by platform), the trace (13) and the error (19) of each record.
    """
    digests: set[str] = set()
    last: int | None = None
    for message in messages:
        fields = list(protobuf.fields(message))
        if any(key == 1 and value == _DELETED for key, value in fields):
            continue
        for record in (value for key, value in fields if key == 2):
            for key, value in protobuf.inner(record):
                if key in (6, 7):  # created_at, completed_at
                    last = max(filter(None, (last, protobuf.seconds(value))), default=None)
                elif key in (8, 13, 19):
                    digests.update(_descriptor(value))
                elif key == 10:
                    digests.update(_results(value))
                elif key == 11:
                    for entry_key, entry in protobuf.inner(value):
                        if entry_key == 2:
                            digests.update(_results(entry))
    return tuple(sorted(digests)), last


_DELETED = 2


def _descriptor(value: protobuf.Value) -> list[str]:
    """Return the digest of a Descriptor: 1 media type, 2 digest, 3 size."""
    return [protobuf.text(item) for key, item in protobuf.inner(value) if key == 2]


def _results(value: protobuf.Value) -> list[str]:
    """Return the digests of a BuildResultInfo: 1 result, 2 attestations, 3 results by number."""
    found: list[str] = []
    for key, item in protobuf.inner(value):
        if key in (1, 2):
            found += _descriptor(item)
        elif key == 3:
            for entry_key, entry in protobuf.inner(item):
                if entry_key == 2:
                    found += _descriptor(entry)
    return found


def cache_records(messages: list[bytes]) -> tuple[BuildCacheRecord, ...]:
    """Return the UsageRecords (field 1) of DiskUsageResponse messages."""
    return tuple(_cache_record(value) for message in messages for key, value in protobuf.fields(message) if key == 1)


def _cache_record(value: protobuf.Value) -> BuildCacheRecord:
    """Return a UsageRecord.

    1 ID, 3 InUse, 4 Size, 5 Parent, 6 CreatedAt, 7 LastUsedAt, 9 Description, 10 RecordType, 11 Shared, 12 Parents.
    """
    texts = {1: "", 9: "", 10: ""}
    flags = {3: False, 11: False}
    dates: dict[int, int | None] = {6: None, 7: None}
    parents: list[str] = []
    size = 0
    for key, item in protobuf.inner(value):
        if key in texts:
            texts[key] = protobuf.text(item)
        elif key in flags:
            flags[key] = bool(item)
        elif key in dates:
            dates[key] = protobuf.seconds(item)
        elif key in (5, 12):
            parents.append(protobuf.text(item))
        elif key == 4:
            size = max(0, protobuf.number(item))
    return BuildCacheRecord(
        id=texts[1],
        parents=tuple(dict.fromkeys(parents)),
        type=texts[10],
        description=texts[9],
        in_use=flags[3],
        shared=flags[11],
        size=size,
        created=dates[6],
        last_used=dates[7],
    )


def _manifest(digest: str, document: dict[str, Any], calls: _Calls, blobs: dict[str, Blob]) -> Manifest:
    """Return an OCI or Docker manifest, with what its configuration says where that is an image's."""
    config = as_dict(document.get("config"))
    kind = as_text(document.get("artifactType")) or as_text(config.get("mediaType"))
    blob = blobs.get(as_text(config.get("digest")))
    about = calls.document(blob) if blob is not None else {}
    diff_ids = as_dict(about.get("rootfs")).get("diff_ids")
    return Manifest(
        digest=digest,
        config_type=kind,
        platform=platform_name(about.get("os"), about.get("architecture"), about.get("variant")),
        diff_ids=tuple(as_texts(diff_ids)) if isinstance(diff_ids, list) else None,
        layers=tuple(as_text(as_dict(layer).get("digest")) for layer in as_list(document.get("layers"))),
    )
