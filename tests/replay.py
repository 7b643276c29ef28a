"""An engine played back from a recording, on a Unix socket, with whatever fault a test asks for.

``python -m tests.replay docker-28.5-containerd`` serves one by hand; ``load_recording``
gives the raw answers (``tests/recordings/pack.py`` says what is in them), and
``recorded_inventory`` what a scan makes of them through the real docker-py.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import socketserver
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from layerscope.engine.connect import connect
from layerscope.engine.scan import scan
from layerscope.inventory import Inventory

FOLDER = Path(__file__).parent / "recordings"
NAMES = tuple(sorted(path.name.removesuffix(".json.gz") for path in FOLDER.glob("*.json.gz")))


@cache
def load_recording(name: str) -> dict[str, Any]:
    """Return the raw answers of a recorded engine; not to be changed, since they are shared."""
    recording: dict[str, Any] = json.loads(gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes()))
    return recording


@cache
def recorded_inventory(name: str) -> Inventory:
    """Return what a scan of the recorded engine gives, through docker-py and a socket."""
    with replay(name) as engine, connect(engine.host) as conn:
        return scan(conn)


@dataclass
class Faults:
    """What goes wrong. Paths are regular expressions, searched in path and query without the version."""

    die_after: int | None = None
    """Number of requests that are answered; at the next one the engine is gone, with all its connections."""
    truncate: str | None = None
    """Answers to these paths end in the middle."""
    hang: str | None = None
    """These paths are never answered."""
    latency: float = 0.0
    """Seconds before each answer."""
    together: int = 0
    """Nothing on one image is answered until so many such questions wait side by side."""
    close_after: int | None = None
    """Requests after which each connection is closed without a word, as an idle one may be."""
    replace: dict[str, object] = field(default_factory=dict)
    """Other answers: ``(status, body)`` or a body; a body is bytes, or goes out as JSON."""


@dataclass
class Answer:
    """One answer on its way out."""

    body: object
    status: int = 200


class Replay:
    """A served recording. ``host`` is its address; ``requests`` and ``connections`` say what was asked of it."""

    def __init__(self, recording: dict[str, Any], socket_path: Path, faults: Faults | None = None) -> None:
        """Serve at once; :meth:`stop` ends it."""
        self.recording = recording
        self.faults = faults or Faults()
        self.path = socket_path
        self.host = f"unix://{socket_path}"
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.dead = threading.Event()
        self.together = threading.Event()
        self.lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(str(socket_path), _Handler)
        self._server.replay = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, and drop every connection."""
        if not self.dead.is_set():
            self.dead.set()
            with suppress(OSError):
                self._server.socket.shutdown(socket.SHUT_RDWR)
            self._server.shutdown()
            self._server.server_close()
            for sock in list(self._sockets):
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    # what it answers

    def answer(self, target: str) -> Answer:
        """Return the recorded answer to ``GET target``, with or without ``/v1.41`` in front."""
        url = urlsplit(target)
        version, path = re.fullmatch(r"(?:/v(\d+\.\d+))?(/.*)", url.path).groups()  # type: ignore[union-attr]
        api = tuple(map(int, (version or self.recording["version"]["ApiVersion"]).split(".")))
        query = parse_qs(url.query)
        for pattern, body in self.faults.replace.items():
            if re.search(pattern, path + (f"?{url.query}" if url.query else "")):
                return Answer(body[1], body[0]) if isinstance(body, tuple) else Answer(body)
        match path.strip("/").split("/"):
            case ["_ping"]:
                return Answer(b"OK")
            case ["events"]:
                return Answer(b"")
            case ["version" | "info" as name]:
                return Answer(self.recording[name])
            case ["containers", "json"]:
                rows = self.recording["containers"]
                return Answer(rows if _true(query, "all") else [row for row in rows if row.get("State") == "running"])
            case ["images", "json"]:
                return Answer(self._images(api, query))
            case ["images", *name, ("json" | "history") as what]:
                return self._about(unquote("/".join(name)), "inspect" if what == "json" else what)
            case ["system", "df"]:
                return Answer(self._usage(api, query))
        return Answer({"message": "page not found"}, 404)

    def _images(self, api: tuple[int, ...], query: dict[str, list[str]]) -> list[dict[str, Any]]:
        if "filters" in query:
            assert json.loads(query["filters"][0]) == {"dangling": ["true"]}, "no other filter is played back"
            assert not _true(query, "all")
            return [row for row in self.recording["images_all0"] if not _names(row)]
        if not _true(query, "all"):
            return list(self.recording["images_all0"])
        with_manifests = _true(query, "manifests") and api >= (1, 47) and "images_manifests" in self.recording
        return list(self.recording["images_manifests" if with_manifests else "images_all1"])

    def _about(self, image: str, what: str) -> Answer:
        answers = self.recording[what]
        named = [row["Id"] for row in self.recording["images_all0"] if image in _names(row)]
        image = named[0] if named else image
        if image not in answers:
            return Answer({"message": f"No such image: {image}"}, 404)
        body = answers[image]
        return Answer(body["_body"], body["_status"]) if isinstance(body, dict) and "_status" in body else Answer(body)

    def _usage(self, api: tuple[int, ...], query: dict[str, list[str]]) -> dict[str, Any]:
        if api < (1, 42) or "type" not in query:
            return dict(self.recording["df"])
        usage = dict(self.recording["df_image"])
        if "build-cache" in query["type"]:
            usage["BuildCache"] = self.recording["df_cache"]["BuildCache"]
        return usage


def _true(query: dict[str, list[str]], key: str) -> bool:
    return query.get(key, ["0"])[0].lower() in {"1", "true"}


def _names(row: dict[str, Any]) -> list[str]:
    names = row["RepoTags"]
    return [name for name in names if "<none>" not in str(name)] if isinstance(names, list) else []


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    replay: Replay

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are part of the tests. Our own mistakes are shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        replay = self.server.replay
        with replay.lock:
            replay.connections += 1
            replay._sockets.add(self.request)
        self.asked_here = 0
        super().setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.server.replay._sockets.discard(self.request)

    def do_GET(self) -> None:
        replay, faults = self.server.replay, self.server.replay.faults
        with replay.lock:
            replay.requests.append(self.path)
            replay.headers.append(dict(self.headers))
            number = len(replay.requests)
            replay.in_flight += 1
            replay.most_in_flight = max(replay.most_in_flight, replay.in_flight)
        try:
            self.asked_here += 1
            if faults.die_after is not None and number > faults.die_after:
                threading.Thread(target=replay.stop, daemon=True).start()
            if faults.close_after is not None and self.asked_here > faults.close_after:
                self.close_connection = True
                return
            if faults.hang is not None and re.search(faults.hang, self.path):
                replay.dead.wait()
            if replay.dead.is_set() or (faults.die_after is not None and number > faults.die_after):
                self.close_connection = True
                return
            if faults.latency:
                time.sleep(faults.latency)
            if faults.together and "/images/sha256" in self.path:
                if replay.in_flight >= faults.together:
                    replay.together.set()
                replay.together.wait(60)
            self._send(replay.answer(self.path))
        finally:
            with replay.lock:
                replay.in_flight -= 1

    def _send(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        truncate = self.server.replay.faults.truncate
        if truncate is not None and re.search(truncate, self.path):
            body, self.close_connection = body[: len(body) // 2], True
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def replay(source: str | dict[str, Any], **faults: Any) -> Iterator[Replay]:
    """Serve a recording (its name, or the answers themselves) while the context lasts; ``faults`` as in Faults."""
    recording = load_recording(source) if isinstance(source, str) else source
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        server = Replay(recording, Path(folder, "engine.sock"), Faults(**faults))
        try:
            yield server
        finally:
            server.stop()


def main() -> None:
    """Serve the recording named on the command line until interrupted."""
    if len(sys.argv) != 2 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m tests.replay {{{','.join(NAMES)}}}")
    with replay(sys.argv[1]) as engine, suppress(KeyboardInterrupt):
        print(f"export DOCKER_HOST={engine.host}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
