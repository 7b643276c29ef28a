"""What earlier runs learned of an engine's images and what cannot have changed since: the questions that are not asked.

Kept by image ID: the configuration (layers, creation, system, author, labels) and the history with its sizes. Never
kept: names, digests, when it was tagged last, folders of the store, platforms that are unpacked, containers, refusals.
An image that has been described comes back from memory only where a fresh answer would say the same:

* the engine is the same: ID, name, root folder, driver and version. Podman's ID is a new one at every call, so nothing
  is kept of it;
* the image has the size in the list that it had then. On graphdrivers that is the sum of its layers: the same diff ID
  has another size where it was pulled than where it was built;
* on a containerd store, the same platforms with the same sizes, and the same blobs under it. Its history is taken from
  memory only while the reference graph says that its layers are held: the same image answers with sizes, without and
  with again as others come and go;
* the IDs of steps in a history are worked out anew from the list: an image is named there while it is in the store.

What comes from the file is held to the types of an engine's answer; a row that is anything else is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from layerscope.core.chain import chain_ids
from layerscope.core.content import below
from layerscope.engine.jsonparts import parsed
from layerscope.engine.limits import AnswerTooLong, check_values, limit_of
from layerscope.engine.records import Intern, as_int, platform_name, unpacked_size
from layerscope.inventory import Blob, ContentStore, Engine, HistoryEntry, Image

if TYPE_CHECKING:
    from layerscope.state.cache import ImageCache

Step = tuple[str, int, int | None, str]
"""What an entry of a history says, but for its ID: instruction, bytes, Unix seconds, comment."""


def engine_identity(engine: Engine) -> str:
    """Return what tells an engine from all others, and stays the same; empty where nothing does."""
    if engine.kind != "docker" or not engine.id or not (engine.driver or engine.store):
        return ""
    parts = (engine.id, engine.name, engine.root_dir, engine.store_kind, engine.driver, engine.store)
    told = json.dumps([*parts, engine.version, engine.api_version])
    return sha256(told.encode()).hexdigest()[:32]


class ImageMemory:
    """What is known of the images of one engine."""

    def __init__(self, cache: ImageCache, engine: Engine) -> None:
        """Read nothing yet; an engine without an identity has no memory."""
        self._cache = cache
        self._engine = engine
        self._key = engine_identity(engine)
        self._rows: dict[str, bytes] = {}
        self._known: dict[str, _Known] = {}

    def load(self, intern: Intern) -> None:
        """Read the file: some 20 ms for each 1,000 images, while the engine makes its list. Raises nothing."""
        if not self._key:
            return
        self._rows = self._cache.load(self._key)
        steps: Steps = {}
        for image_id, data in self._rows.items():
            known = _read(data, intern, steps)
            if known is not None:
                self._known[image_id] = known

    def recall(self, listed: Sequence[Image], content: ContentStore | None, intern: Intern) -> list[Image | None]:
        """Return the images of the list that are known, in its place; None for one to ask about.

        One without ``history`` is to be asked for that alone.
        """
        if not self._known:
            return [None] * len(listed)
        look = _Look(self._engine, listed, content)
        found = [_recalled(image, self._known.get(image.id), look, intern) for image in listed]
        held = look.held(image for image in found if image is not None)
        return [replace(image, history=None) if image is not None and not held(image) else image for image in found]

    def keep(self, listed: Sequence[Image], found: Sequence[Image | None], content: ContentStore | None) -> None:
        """Keep what was learned of the images of a list (``found``, in its order; None for one that is gone).

        Raises nothing.
        """
        if not self._key:
            return
        asked = [
            (was, image) for was, image in zip(listed, found, strict=True) if image is not None and not image.remembered
        ]
        rows: dict[str, bytes] = {}
        if asked:
            look = _Look(self._engine, listed, content)
            held = look.held(image for image in found if image is not None)
            said: dict[int, str] = {}
            for was, image in asked:
                data = _row(was, image, look, said) if held(image) else None
                if data is not None and data != self._rows.get(image.id):
                    rows[image.id] = data
        if rows or self._cache.aged:
            self._cache.aged = False
            self._cache.keep(self._key, rows, {image.id for image in listed})
            self._rows.update(rows)


class _Look:
    """What the lists of one moment say of images: what an answer depends on besides the image's ID."""

    def __init__(self, engine: Engine, listed: Sequence[Image], content: ContentStore | None) -> None:
        self.parents = {image.id: image.parent_id for image in listed}
        self._containerd = engine.store_kind == "containerd"
        self._blobs: Mapping[str, Blob] | None = None
        if content is not None and content.blobs is not None:
            self._blobs = {blob.digest: blob for blob in content.blobs}

    def seal(self, image: Image) -> str:
        """Return what must be the same for an answer to be the same; empty where nothing tells that."""
        if image.engine_size is None:
            return ""
        if not self._containerd:
            return str(image.engine_size)
        there: list[str] | None = None
        if self._blobs is not None:
            if image.id not in self._blobs:
                return ""
            there = sorted(below([image.id], self._blobs))
        elif not image.platforms:
            return ""
        told = repr((image.engine_size, image.content_size, image.platforms, there))
        return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def steps(self, image: Image, count: int) -> list[str]:
        """Return the IDs that the newest of ``count`` steps have: the image, its parent, and so on.

        As long as they are in the store: moby ``daemon/images/image_history.go``.
        """
        found: list[str] = []
        this = image.id
        while this in self.parents and len(found) < count:
            found.append(this)
            this = self.parents[this]
        return found

    def held(self, images: Iterable[Image]) -> Any:
        """Return the test whether all layers of an image are kept unpacked by something that ``images`` reach."""
        if not self._containerd:
            return lambda image: True
        if self._blobs is None:
            return lambda image: False
        tops = {name for blob in self._blobs.values() for name in blob.snapshots}
        chains = {image.id: chain_ids(image.diff_ids) for image in images if image.diff_ids is not None}
        kept: set[str] = set()
        for chain in chains.values():
            upto = max((place + 1 for place, name in enumerate(chain) if name in tops), default=0)
            kept.update(chain[:upto])
        return lambda image: image.id in chains and kept.issuperset(chains[image.id])


# rows


def _row(listed: Image, image: Image, look: _Look, said: dict[int, str]) -> bytes | None:
    """Return the bytes of what was learned of an image; None where they would not bring the same back.

    ``said``: what was made of entries of histories, by their ``id()``: most are in many images.
    """
    seal = look.seal(listed)
    history = image.history
    if not seal or image.diff_ids is None or history is None or image.note:
        return None
    if (image.digests, image.parent_id) != (listed.digests, listed.parent_id):
        return None
    steps = look.steps(listed, len(history))
    if [entry.id for entry in reversed(history)] != [*steps, *[None] * (len(history) - len(steps))]:
        return None
    told = [seal, image.created, image.os, image.architecture, image.variant, image.author, image.diff_ids]
    entries = ",".join([said.get(id(entry)) or _said(entry, said) for entry in history])
    return f"{_encoded([*told, image.labels])[:-1]},[{entries}]]".encode("ascii")


def _said(entry: HistoryEntry, said: dict[int, str]) -> str:
    found = said[id(entry)] = _encoded((entry.created_by, entry.size, entry.created, entry.comment))
    return found


_encoded = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class _Known(NamedTuple):
    """What a row says of an image, in the words of :class:`~layerscope.inventory.Image`."""

    seal: str
    created: int | None
    os: str
    architecture: str
    variant: str
    author: str
    diff_ids: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    history: tuple[HistoryEntry, ...]
    """Without the IDs of steps."""


def _recalled(listed: Image, known: _Known | None, look: _Look, intern: Intern) -> Image | None:
    """Return the image of a list with what a row says; None where that is of another state."""
    if known is None or known.seal != look.seal(listed):
        return None
    layers_size = listed.layers_size
    if listed.platforms:
        layers_size = unpacked_size(listed.platforms, platform_name(known.os, known.architecture, known.variant))
    history = known.history
    steps = look.steps(listed, len(history))
    if steps:
        newest = [_named(entry, step, intern) for entry, step in zip(reversed(history), steps, strict=False)]
        history = (*history[: len(history) - len(steps)], *reversed(newest))
    return replace(
        listed,
        created=known.created if listed.created is None else listed.created,
        layers_size=layers_size,
        diff_ids=known.diff_ids,
        history=history,
        os=known.os,
        architecture=known.architecture,
        variant=known.variant,
        author=known.author,
        labels=known.labels,
        remembered=True,
    )


def _named(entry: HistoryEntry, step: str, intern: Intern) -> HistoryEntry:
    return intern.entry(entry.created_by, entry.size, entry.created, entry.comment, step)


_LIMIT = limit_of("GET", "/images/x/history")


Steps = dict[tuple[Any, ...], HistoryEntry]
"""Entries of a history by what a row says of them. Most were seen in another row, and need no second look."""


def _read(data: bytes, intern: Intern, steps: Steps) -> _Known | None:
    """Return what a row says, held to what :func:`_row` writes; None for anything else."""
    try:
        check_values(data, _LIMIT)
        found = parsed(data)
        if type(found) is not list:
            return None
        seal, created, *texts, diff_ids, labels, entries = found
        system, architecture, variant, author = texts
        if not (
            type(diff_ids) is type(labels) is type(entries) is list
            and _all_text([seal, *texts, *diff_ids])
            and _is_date(created)
            and all(type(pair) is list and len(pair) == 2 and _all_text(pair) for pair in labels)
        ):
            return None
        history = tuple([steps.get(tuple(entry)) or _step(entry, intern, steps) for entry in entries])
    except (ValueError, TypeError, RecursionError, AnswerTooLong):
        return None
    text = intern.text
    return _Known(
        seal,
        created,
        text(system),
        text(architecture),
        text(variant),
        text(author),
        intern.texts(diff_ids),
        intern.tuple(tuple([(text(name), text(value)) for name, value in labels])),
        history,
    )


def _step(entry: Any, intern: Intern, steps: Steps) -> HistoryEntry:
    """Return an entry of a row. Raises ValueError, TypeError for what is none."""
    created_by, size, created, comment = entry
    whole = as_int(size)
    if type(entry) is not list or not _all_text([created_by, comment]) or not _is_date(created):
        raise TypeError
    if whole is None or whole < -1:
        raise ValueError
    found = steps[tuple(entry)] = intern.entry(created_by, whole, created, comment, None)
    return found


def _is_date(value: Any) -> bool:
    return value is None or as_int(value) is not None


_TEXT = {str}


def _all_text(values: Iterable[Any]) -> bool:
    return _TEXT.issuperset(map(type, values))
