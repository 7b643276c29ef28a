"""An engine that removes images by moby's rules (``daemon/images/image_delete.go``), in memory, on a Unix socket.

A test sees every request, and can change the engine before one is answered, as another session would.
"""

from __future__ import annotations

import json
import socketserver
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

VERSION = {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12", "Os": "linux", "Arch": "amd64"}


class Conflict(Exception):
    """What the engine answers with status 409."""


class Answer(Exception):
    """Any other answer: a status and a body as it is."""

    def __init__(self, status: int, body: bytes | str = b"") -> None:
        self.status = status
        self.body = body.encode() if isinstance(body, str) else body


@dataclass
class Record:
    """An image of the engine."""

    refs: list[str]
    """Tags, and digests as ``name@sha256:…``."""
    parent: str = ""
    containers: dict[str, str] = field(default_factory=dict)
    """Name to state."""


class Moby:
    """The engine. ``requests`` are (method, target) of all that was asked but for ``/version`` and ``/info``."""

    def __init__(self, images: dict[str, Record]) -> None:
        self.images = images
        self.host = ""
        self.version: dict[str, Any] = VERSION
        self.info: dict[str, Any] = {"ID": "the engine", "Driver": "overlay2", "DriverStatus": [], "OSType": "linux"}
        self.requests: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        """Of the requests that were to change something."""
        self.prunes = True
        """Do untagged parents go along? Not always in a containerd store."""
        self.before: Callable[[str, str], None] = lambda method, path: None
        """Called with method and path before each request is answered; may raise Answer, or ConnectionAbortedError."""

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The requests that were to change something, each with its path."""
        return [(method, unquote(urlsplit(target).path)) for method, target in self.requests if method != "GET"]

    def answer(self, method: str, path: str) -> Any:
        parts = path.strip("/").split("/")
        match (method, parts[0], "/".join(parts[1:])):
            case "GET", "version", _:
                return self.version
            case "GET", "info", _:
                return {**self.info, "Images": len(self.images)}
            case "GET", "system", "df":
                return {"LayersSize": 10 * len(self.images), "Images": [], "BuildCache": []}
            case "GET", "containers", "json":
                return [
                    {"Id": name * 8, "Names": [f"/{name}"], "ImageID": image, "State": state}
                    for image, record in self.images.items()
                    for name, state in record.containers.items()
                ]
            case "GET", "images", "json":
                return [
                    {"Id": image, "RepoTags": record.refs, "ParentId": record.parent}
                    for image, record in self.images.items()
                ]
            case "POST", "build", "prune":
                return {"CachesDeleted": ["x"], "SpaceReclaimed": 1234}
            case "GET", "_ping", _:
                return "OK"
            case "GET", "images", name if name.endswith("/history"):
                image = self.find(name.removesuffix("/history"))
                return [{"Id": image, "Created": 1_700_000_000, "CreatedBy": "RUN true", "Size": 10, "Tags": None}]
            case "GET", "images", name:
                image = self.find(name.removesuffix("/json"))
                tags = [ref for ref in self.images[image].refs if "@" not in ref]
                return {"Id": image, "RepoTags": tags, "RootFS": {"Type": "layers", "Layers": [image]}}
            case "DELETE", "images", name:
                return self.delete(name)
        raise KeyError(f"page not found: {path}")

    def find(self, name: str) -> str:
        if name in self.images:
            return name
        found = [image for image, record in self.images.items() if name in record.refs]
        if not found:
            raise KeyError(f"No such image: {name}")
        return found[0]

    def delete(self, name: str) -> list[dict[str, str]]:
        image = self.find(name)
        record, by_name = self.images[image], name not in self.images
        if by_name:
            if len(_tags(record)) <= 1 and record.containers:
                raise Conflict(
                    f'conflict: unable to remove repository reference "{name}" (must force) - container uses it'
                )
            record.refs.remove(name)
            repository = name.rpartition(":")[0]
            if "@" not in name and not any(ref.rpartition(":")[0] == repository for ref in _tags(record)):
                record.refs = [ref for ref in record.refs if ref.partition("@")[0] != repository]
            if record.refs:
                return [{"Untagged": name}]
        elif _single(record.refs):
            self.check(image, references=False)
            record.refs = []
        elif record.refs:
            self.check(image, references=True)
        if by_name and any(other.parent == image for other in self.images.values()):
            return [{"Untagged": name}]
        self.check(image, references=True)
        return [*([{"Untagged": name}] if by_name else []), *self.gone(image)]

    def check(self, image: str, *, references: bool) -> None:
        record = self.images[image]
        short = image.removeprefix("sha256:")[:12]
        if any(other.parent == image for other in self.images.values()):
            raise Conflict(f"conflict: unable to delete {short} (cannot be forced) - image has dependent child images")
        for name, state in record.containers.items():
            if state == "running":
                words = f"(cannot be forced) - image is being used by running container {name}"
                raise Conflict(f"conflict: unable to delete {short} {words}")
        if references and record.refs:
            words = "(must be forced) - image is referenced in multiple repositories"
            raise Conflict(f"conflict: unable to delete {short} {words}")
        for name in record.containers:
            words = f"(must be forced) - image is being used by stopped container {name}"
            raise Conflict(f"conflict: unable to delete {short} {words}")

    def gone(self, image: str) -> list[dict[str, str]]:
        parent = self.images.pop(image).parent
        rows = [{"Deleted": image}]
        above = self.images.get(parent) if self.prunes else None
        if above and not (above.refs or above.containers or any(o.parent == parent for o in self.images.values())):
            rows += self.gone(parent)
        return rows


def _tags(record: Record) -> list[str]:
    return [ref for ref in record.refs if "@" not in ref]


def _single(refs: list[str]) -> bool:
    """At most one tag, and digests of its repository only."""
    tags = [ref for ref in refs if "@" not in ref]
    repositories = {ref.partition("@")[0] if "@" in ref else ref.rpartition(":")[0] for ref in refs}
    return len(tags) <= 1 and len(repositories) <= 1


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    moby: Moby


class _TcpServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    block_on_close = False
    moby: Moby


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server | _TcpServer

    def _answer(self) -> None:
        moby = self.server.moby
        path = unquote(urlsplit(self.path).path)
        path = path.partition("/v1.41")[2] or path
        if path not in {"/version", "/info"}:
            moby.requests.append((self.command, self.path.partition("/v1.41")[2]))
        if self.command != "GET":
            moby.headers.append(dict(self.headers))
        data = b""
        try:
            moby.before(self.command, path)
            status, body = 200, moby.answer(self.command, path)
        except Answer as answer:
            status, body, data = answer.status, None, answer.body
        except ConnectionAbortedError:
            self.close_connection = True
            return
        except KeyError as error:
            status, body = 404, {"message": error.args[0]}
        except Conflict as error:
            status, body = 409, {"message": str(error)}
        if body is not None:
            data = json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):  # whoever asked has left
            self.close_connection = True

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def serve(images: dict[str, Record], *, tcp: bool = False) -> Iterator[Moby]:
    """Serve an engine with these images while the context lasts; ``tcp``: on a free port of this machine."""
    moby = Moby(images)
    with tempfile.TemporaryDirectory(prefix="moby-") as folder:
        path = str(Path(folder, "engine.sock"))
        server = _TcpServer(("127.0.0.1", 0), _Handler) if tcp else _Server(path, _Handler)
        server.moby = moby
        moby.host = "tcp://{}:{}".format(*server.server_address) if tcp else f"unix://{path}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield moby
        finally:
            server.shutdown()
            server.server_close()
