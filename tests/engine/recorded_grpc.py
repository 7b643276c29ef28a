"""Recorded gRPC answers of real containerd engines on a socket (``tests/recordings/pack_grpc.py`` made them)."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from layerscope.core.content import ContentGraph, content_graph
from layerscope.engine import grpc
from layerscope.engine.connect import Connection, connect
from layerscope.engine.records import Intern, engine_record, listed_image
from layerscope.engine.references import blob_records, cache_records, history_digests
from layerscope.inventory import ContentStore, Inventory
from tests.engine.grpcserver import Engine, serve

FOLDER = Path(__file__).parents[1] / "recordings"
NAMES = ("docker-26.1-containerd", "docker-28.5-containerd")


@cache
def recording(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{name}.grpc.gz").read_bytes()))
    return found


def messages(name: str, call: str) -> list[bytes]:
    return [base64.b64decode(text) for text in recording(name)[call]]


def answers(name: str) -> dict[str, list[bytes]]:
    return {
        grpc.CONTENT_LIST: messages(name, "list"),
        grpc.BUILD_HISTORY: messages(name, "history"),
        grpc.DISK_USAGE: messages(name, "cache"),
    }


@cache
def recorded_store(name: str) -> ContentStore:
    history, last = history_digests(messages(name, "history"))
    cache_ = cache_records(messages(name, "cache"))
    return ContentStore(blob_records(messages(name, "list")), "", history, last, cache_)


def recorded_content(name: str) -> Inventory:
    """The images of the engine as they were listed, and its content."""
    said, intern = recording(name), Intern()
    rows = [listed_image(row, "containerd", intern) for row in said["images"]]
    images = tuple(row for row in rows if row is not None)
    from msgspec.structs import replace

    images = tuple(replace(image, listed=image.id in said["shown"]) for image in images)
    engine = engine_record(said["version"], said["info"], said["version"]["ApiVersion"], "unix:///recorded")
    return Inventory(engine, images, taken_at=2_000_000_000, content=recorded_store(name))


def recorded_graph(name: str) -> ContentGraph:
    graph = content_graph(recorded_content(name))
    assert graph is not None
    return graph


def rest(name: str, api: str = "") -> Any:
    """Answer ``/version`` and ``/info`` as recorded, ``api`` for its own version."""
    said = recording(name)
    version = {**said["version"], "ApiVersion": api} if api else said["version"]

    def answer(head: bytes) -> bytes:
        path = re.sub(r"^/v[\d.]+", "", head.split()[1].decode())
        body = json.dumps({"/version": version, "/info": said["info"]}[path]).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    return answer


@contextmanager
def connected(engine: Engine, name: str = NAMES[1], api: str = "") -> Iterator[Connection]:
    engine.rest = rest(name, api)
    with serve(engine), connect(engine.host) as conn:
        yield conn
