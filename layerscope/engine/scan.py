"""A scan: everything an engine says about its images and containers, as an Inventory.

What is asked: the list of images (twice, see :class:`~layerscope.engine.quirks.Quirks`),
the list of containers without their sizes, and inspect and history of every image;
of a containerd store its reference graph too (:mod:`layerscope.engine.references`).
The disk-usage endpoint is never asked here: it may take minutes.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from layerscope.engine.connect import Connection
from layerscope.engine.errors import Cancelled, EngineError, Refused
from layerscope.engine.lists import all_images, list_containers, merged, shown_ids
from layerscope.engine.many import Talk, talk, talk_all
from layerscope.engine.memory import ImageMemory
from layerscope.engine.records import (
    Intern,
    as_dict,
    container_folders,
    history_entries,
    inspected_image,
)
from layerscope.inventory import Container, ContentStore, Image, Inventory

_TICK = 0.05
"""Seconds between two looks at how far it is, and at whether it was cancelled."""
_PARTIAL_EVERY = 0.5
"""Seconds between two partial inventories."""


class Progress(Struct, frozen=True):
    """How far a scan is."""

    done: int
    total: int
    """In phase "images" what the engine counts itself, which may differ a little from its list; 0: not known."""
    phase: str
    """"images" while the lists are made, "layers" while the images are asked for one by one."""


def scan(
    conn: Connection,
    *,
    progress: Callable[[Progress], None] | None = None,
    partial: Callable[[Inventory], object] | None = None,
    cancelled: Callable[[], bool] | None = None,
    memory: ImageMemory | None = None,
    whole: bool = False,
) -> Inventory:
    """Return what the engine says about all its images and containers.

    The three callbacks are called in the calling thread. ``partial`` gets what is known so
    far: the containers while the images are still being listed, all images as soon as
    they are listed, then every half second with those that have been asked for.

    ``cancelled`` is asked some 20 times a second; once it says yes, the answer is what was known by
    then, with ``complete=False``, or :class:`Cancelled` is raised if the images were not even listed.

    What ``memory`` knows of an image is not asked for (:mod:`layerscope.engine.memory`), and it takes what is new.
    ``whole``: also ask for what it never knows, when an image was tagged last and its folders in the store.

    An image that is gone by the time it is asked for is left out and counted in ``vanished``.
    One whose history is refused keeps its layers, with the engine's words in ``note``.
    Raises :class:`EngineError` when the engine fails or stops answering.
    """
    return _Scan(conn, progress, partial, cancelled, memory, whole).run()


def with_folders(conn: Connection, containers: Sequence[Container], images: Iterable[Image]) -> tuple[Container, ...]:
    """Return the containers, those of images that are gone with the folders of the layers that they keep.

    Only a graphdriver names them. A container that cannot be asked about is left as it is.
    """
    if conn.engine.store_kind != "graphdriver":
        return tuple(containers)
    there = {image.id for image in images}
    found = []
    for container in containers:
        if container.image_id not in there:
            with suppress(Refused):
                answer = conn.get_json(f"/containers/{quote(container.id, safe='')}/json")
                container = replace(container, cache_ids=container_folders(answer))  # noqa: PLW2901
        found.append(container)
    return tuple(found)


def needs_folders(conn: Connection, images: Iterable[Image], containers: Iterable[Container]) -> bool:
    """Are the store's folders of images wanted, for containers of images that are gone? See :func:`with_folders`."""
    if conn.engine.store_kind != "graphdriver":
        return False
    there = {image.id for image in images}
    return any(container.image_id not in there for container in containers)


def list_content(conn: Connection) -> ContentStore | None:
    """Return the reference graph of a containerd store, None for other stores; see ``references.read_content``."""
    if conn.engine.store_kind != "containerd":
        return None
    from layerscope.engine.references import read_content  # noqa: PLC0415 (HTTP/2: only where it is needed)

    return read_content(conn)


def with_manifests(
    conn: Connection, images: Sequence[Image], content: ContentStore | None
) -> tuple[tuple[Image, ...], ContentStore | None]:
    """Return the images with the layers that only their configurations name, and the content with what was read."""
    if content is None or content.blobs is None:
        return tuple(images), content
    from layerscope.engine.references import read_manifests, with_layers  # noqa: PLC0415

    content = read_manifests(conn, content, images)
    return tuple(with_layers(image, content) for image in images), content


def is_remembered(image: Image) -> bool:
    """Is all known of an image from memory but what memory never knows?"""
    return image.remembered and image.history is not None


def describe_image(conn: Connection, image: Image, intern: Intern | None = None) -> Image | None:
    """Return a listed image with its layers and history; None when it is gone.

    A refusal is kept in the image's ``note``, in the engine's words. Raises :class:`EngineError`.
    """
    return talk(conn, _described(conn, image, intern or Intern()))


def describe_images(
    conn: Connection,
    images: Sequence[Image],
    intern: Intern,
    look: Callable[[], bool] = lambda: True,
    *,
    whole: bool = False,
) -> Iterator[tuple[int, Image | None]]:
    """Do as :func:`describe_image` for many, and yield the number of each and its image, in the order of the answers.

    Of images that are remembered only what is missing is asked for, and with ``whole`` their configuration.
    ``look`` is called some 20 times a second; once it says False the rest is left.
    """
    talks = (_described(conn, image, intern, whole) for image in images)
    return talk_all(conn, talks, conn.requests_in_flight, look)


def _described(conn: Connection, image: Image, intern: Intern, whole: bool = False) -> Talk[Image | None]:
    known = image if image.remembered else None
    if known is None or whole:
        try:
            answer = yield from _about(conn, image, "json")
        except Refused as refused:
            if refused.is_gone:
                return None
            note = f"inspect: {refused.message or refused.status}"
            return replace(image, note=note, diff_ids=None, history=None, remembered=False)
        image = inspected_image(image, answer, conn.engine.store_kind, intern)
        if known is not None and known.history is not None and known.diff_ids == image.diff_ids:
            return image
    try:
        answer = yield from _about(conn, image, "history")
    except Refused as refused:
        if refused.is_gone:
            return None
        return replace(image, note=f"history: {refused.message or refused.status}", history=None)
    entries = history_entries(answer, intern)
    if entries is None:
        return replace(image, note="history: the engine answered it in an unknown form", history=None)
    return replace(image, history=entries)


def _about(conn: Connection, image: Image, what: str) -> Talk[Any]:
    """Ask about an image: by name where that is quicker, if the answer proves to be about this ID; else by ID."""
    if conn.quirks.ask_by_name and image.tags:
        with suppress(Refused):  # the name may have gone meanwhile, and the image not
            answer = yield f"/images/{quote(image.tags[0], safe='/:')}/{what}"
            # the newest entry of a history is the image itself
            if as_dict(next(iter(answer), None) if isinstance(answer, list) else answer).get("Id") == image.id:
                return answer
    return (yield f"/images/{image.id if _PLAIN(image.id) else quote(image.id, safe=':')}/{what}")


_PLAIN = re.compile("sha256:[0-9a-f]{64}").fullmatch
"""An ID that needs no quoting."""


# the scan


class _Crew:
    """Jobs in threads of their own. Daemons: an answer that takes 10 s must not hold up leaving the program."""

    def __init__(self, jobs: Iterable[Callable[[], None]]) -> None:
        self.finished = threading.Event()
        self.error: BaseException | None = None
        """The first one raised by a job; the others go on."""
        self._lock = threading.Lock()
        threads = [threading.Thread(target=self._run, args=(job,), name="scan", daemon=True) for job in jobs]
        self._left = len(threads)
        if not threads:
            self.finished.set()
        for thread in threads:
            thread.start()

    def _run(self, job: Callable[[], None]) -> None:
        error: BaseException | None = None
        try:
            job()
        except BaseException as raised:  # raised again in the thread that waits
            error = raised
        with self._lock:
            self._left -= 1
            self.error = self.error or error
            if error is not None or not self._left:
                self.finished.set()


class _Scan:
    """One scan. Threads ask; the calling thread collects, calls back, and raises."""

    def __init__(
        self,
        conn: Connection,
        progress: Callable[[Progress], None] | None,
        partial: Callable[[Inventory], object] | None,
        cancelled: Callable[[], bool] | None,
        memory: ImageMemory | None,
        whole: bool,
    ) -> None:
        self.memory = memory
        self.whole = whole
        self.conn = conn
        self.progress = progress
        self.partial = partial
        self.cancelled = cancelled
        self.intern = Intern()
        self.all: list[Image] = []
        self.shown: set[str] = set()
        self.containers: tuple[Container, ...] | None = None
        self.content: ContentStore | None = None
        self.images: list[Image | None] = []
        """In the engine's order; replaced one by one by what is learned, None for one that is gone."""
        self.phase = "images"
        self.done = 0
        self.total = conn.image_count
        self.reported: Progress | None = None
        self.published_at = 0.0

    def run(self) -> Inventory:
        try:
            self._report()
            jobs = [self._ask_all, self._ask_shown, self._ask_containers, self._ask_content]
            if self.memory is not None:
                jobs.append(partial(self.memory.load, self.intern))
            if not self._watch(_Crew(jobs)):
                raise Cancelled
            self.images = list(merged(self.conn, self.all, self.shown))
            self.all, self.phase, self.total = [], "layers", len(self.images)
            complete = self._describe_all()
            if complete:
                complete = self._watch(_Crew([self._finish]))
        except EngineError as error:
            if self.phase == "images":
                raise
            raise EngineError(f"{error.cause} (after {self.done} of {self.total} images)", error.hint) from error
        return self._inventory(complete)

    def _watch(self, crew: _Crew) -> bool:
        """Wait until the crew is done, calling back on the way. False: cancelled. Raises the crew's first error."""
        while not crew.finished.wait(_TICK):
            if self.cancelled is not None and self.cancelled():
                return False
            self._report()
            if self.phase == "images" and self.containers is not None and not self.published_at:
                self._publish()
        if crew.error is not None:
            raise crew.error
        self._report()
        return True

    def _describe_all(self) -> bool:
        """Ask about every image. False: cancelled."""
        listed = [image for image in self.images if image is not None]
        whole = self.whole or needs_folders(self.conn, listed, self.containers or ())
        ask = list(range(len(listed)))
        if self.memory is not None:
            for number, image in enumerate(self.memory.recall(listed, self.content, self.intern)):
                self.images[number] = image or listed[number]
            ask = [n for n, image in enumerate(self.images) if image and not (is_remembered(image) and not whole)]
        self.done = len(listed) - len(ask)
        self._publish()
        wanted = [image for n in ask if (image := self.images[n]) is not None]
        for number, image in describe_images(self.conn, wanted, self.intern, self._look, whole=whole):
            self.images[ask[number]] = image
            self.done += 1
        self._report()
        if self.done == self.total and self.memory is not None:
            self.memory.keep(listed, self.images, self.content)
        return self.done == self.total

    def _look(self) -> bool:
        """Call back while images are asked about. False: cancelled."""
        if self.cancelled is not None and self.cancelled():
            return False
        self._report()
        if time.monotonic() >= self.published_at + _PARTIAL_EVERY:
            self._publish()
        return True

    def _report(self) -> None:
        now = Progress(self.done, self.total, self.phase)
        if self.progress is not None and now != self.reported:
            self.reported = now
            self.progress(now)

    def _publish(self) -> None:
        self.published_at = time.monotonic()
        if self.partial is not None:
            self.partial(self._inventory(complete=False))

    def _inventory(self, complete: bool) -> Inventory:
        images = tuple([image for image in self.images if image is not None])
        return Inventory(
            engine=self.conn.engine,
            images=images,
            containers=self.containers or (),
            taken_at=int(time.time()) + self.conn.clock_ahead,
            clock_ahead=self.conn.clock_ahead,
            complete=complete,
            vanished=len(self.images) - len(images),
            content=self.content,
        )

    # in threads

    def _ask_content(self) -> None:
        self.content = list_content(self.conn)

    def _finish(self) -> None:
        """Ask what could not be asked before every image was known."""
        known = [image for image in self.images if image is not None]
        images, self.content = with_manifests(self.conn, known, self.content)
        fresh = {image.id: image for image in images}
        self.images = [None if image is None else fresh[image.id] for image in self.images]
        self.containers = with_folders(self.conn, self.containers or (), known)

    def _ask_all(self) -> None:
        self.all = all_images(self.conn, self.intern)

    def _ask_shown(self) -> None:
        self.shown = shown_ids(self.conn)

    def _ask_containers(self) -> None:
        self.containers = list_containers(self.conn)
