"""The lists of images and of containers, as an engine gives them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from layerscope.engine.connect import Connection, Query
from layerscope.engine.errors import EngineError
from layerscope.engine.quirks import MANIFESTS_API
from layerscope.engine.records import Intern, container_record, listed_image
from layerscope.inventory import Container, Image

_LIST_PATIENCE = 10
"""A containerd store answers nothing for 7 s per 1,000 images while it makes its list."""

T = TypeVar("T")


def list_images(conn: Connection, intern: Intern | None = None) -> list[Image]:
    """Return every image of the engine, not scanned yet, in the engine's order."""
    return merged(conn, all_images(conn, intern or Intern()), shown_ids(conn))


def list_containers(conn: Connection) -> tuple[Container, ...]:
    """Return every container, running or not. Sizes are not asked for: they make an engine walk its disk."""
    return tuple(_ask_list(conn, "/containers/json", "containers", container_record, [("all", 1)]))


def all_images(conn: Connection, intern: Intern) -> list[Image]:
    """Return every row of the list of all images, in the engine's order."""
    query: list[tuple[str, str | int]] = [("all", 1)]
    if conn.api_at_least(MANIFESTS_API):
        query.append(("manifests", 1))
    store = conn.engine.store_kind
    return _ask_list(conn, "/images/json", "images", lambda row: listed_image(row, store, intern), query)


def shown_ids(conn: Connection) -> set[str]:
    """Return the IDs of the images that ``docker images`` shows, of the untagged ones, or none: see Quirks."""
    if conn.quirks.ask_listed == "parents":
        return set()
    query: list[tuple[str, str | int]] = []
    if conn.quirks.ask_listed == "dangling":
        query.append(("filters", json.dumps({"dangling": ["true"]})))
    store, intern = conn.engine.store_kind, Intern()
    images = _ask_list(conn, "/images/json", "images", lambda row: listed_image(row, store, intern), query)
    return {image.id for image in images}


def merged(conn: Connection, images: Iterable[Image], shown: set[str]) -> list[Image]:
    """Return the images with ``listed`` set, one of each ID."""
    images = list(images)
    named_are_shown = conn.quirks.ask_listed != "again"
    if conn.quirks.ask_listed == "parents":
        shown = {image.id for image in images}.difference(image.parent_id for image in images)
    found: dict[str, Image] = {}
    for image in images:
        listed = image.id in shown or (named_are_shown and bool(image.tags or image.digests))
        same = found.get(image.id)
        if same is None and listed == image.listed:
            found[image.id] = image  # most are: no copy of 40,000
            continue
        same = same or image
        found[image.id] = replace(
            image,
            listed=listed,
            tags=tuple(dict.fromkeys(same.tags + image.tags)),
            digests=tuple(dict.fromkeys(same.digests + image.digests)),
        )
    return list(found.values())


def _ask_list(conn: Connection, path: str, what: str, read: Callable[[Any], T | None], query: Query) -> list[T]:
    rows = conn.ask(path, f"the list of {what}", query, timeout=conn.timeout * _LIST_PATIENCE)
    if not isinstance(rows, list):
        said = "null" if rows is None else "an object" if isinstance(rows, dict) else "something else"
        raise _odd(conn, f"{said} where a list of {what} belongs")
    records = []
    for row in rows:
        record = read(row)
        if record is None:
            raise _odd(conn, f"a list of {what} with an entry that has no Id")
        records.append(record)
    return records


def _odd(conn: Connection, said: str) -> EngineError:
    return EngineError(
        f"the engine at {conn.endpoint.shown} answered {said}",
        "see whether `docker images -a` works there, then scan again",
    )
