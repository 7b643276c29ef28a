"""A small registry of its own on loopback, with every way of logging in, and with every fault on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.registry.layouts import MANIFEST, Layer, config_of, digest_of, manifest_of, tar


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What is answered. ``endless``: send this body over and over, without a length."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False


class Server:
    """An HTTP server on loopback as a context manager; ``answer`` says what to, ``asked`` is what came."""

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        self.asked: list[Request] = []
        self.connections = 0
        self.at_once = 0
        self._now = 0
        lock, outer = threading.Lock(), self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                super().setup()
                with lock:
                    outer.connections += 1

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {key.lower(): value for key, value in self.headers.items()}
                request = Request(self.command, self.path, headers, self.rfile.read(length))
                with lock:
                    outer.asked.append(request)
                    outer._now += 1
                    outer.at_once = max(outer.at_once, outer._now)
                reply = answer(request)
                with lock:
                    outer._now -= 1
                self.send_response(reply.status)
                for key, value in reply.headers.items():
                    self.send_header(key, value)
                if reply.endless:
                    self.send_header("Connection", "close")
                    self.close_connection = True
                elif "Content-Length" not in reply.headers:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                try:
                    while self.command != "HEAD":
                        self.wfile.write(reply.body)
                        if not reply.endless:
                            break
                except OSError:
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = _answer

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.host = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Server:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


LAYERS = (Layer(tar({"a": b"a" * 5000})), Layer(tar({"b": b"b" * 9000})))
CONFIG = config_of(LAYERS)
BODY = manifest_of(LAYERS, CONFIG)


class Images:
    """What a registry holds, as an answer to requests: blobs and manifests by digest, and names."""

    def __init__(self, slow: float = 0.0) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[bytes, str]] = {}
        self.slow = slow
        self.put("shop/api", "1", BODY, (CONFIG, *(layer.blob for layer in LAYERS)))

    def put(self, repository: str, tag: str, manifest: bytes, blobs: tuple[bytes, ...], kind: str = MANIFEST) -> None:
        for blob in blobs:
            self.blobs[f"/v2/{repository}/blobs/{digest_of(blob)}"] = blob
        for target in (tag, digest_of(manifest)):
            self.manifests[f"/v2/{repository}/manifests/{target}"] = (manifest, kind)

    def __call__(self, request: Request) -> Reply:
        if self.slow:
            time.sleep(self.slow)
        path = urlsplit(request.path).path
        if path == "/v2/":
            return Reply(body=b"{}")
        if found := self.manifests.get(path):
            body, kind = found
            return Reply(body=body, headers={"Content-Type": kind, "Docker-Content-Digest": digest_of(body)})
        blob = self.blobs.get(path)
        if blob is None:
            return Reply(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
        span = request.headers.get("range", "")
        if span.startswith("bytes="):
            first, _, last = span[6:].partition("-")
            part = blob[int(first) : int(last) + 1]
            return Reply(206, part, {"Content-Range": f"bytes {first}-{last}/{len(blob)}"})
        return Reply(body=blob)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass
class TokenServer:
    """Gives tokens to those who log in, each good for ``lasts`` uses; wraps a registry that wants them."""

    images: Callable[[Request], Reply]
    login: str = ""
    """The Authorization that it wants; empty: anybody gets a token."""
    refresh: str = ""
    lasts: int = 10**9
    realm: str = ""
    given: dict[str, int] = field(default_factory=dict)
    says: dict[str, Any] = field(default_factory=dict)

    def __call__(self, request: Request) -> Reply:
        path = urlsplit(request.path)
        if path.path == "/token":
            return self._token(request, parse_qs(path.query))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        left = self.given.get(token, 0)
        if not left:
            repository = path.path.removeprefix("/v2/").partition("/manifests/")[0].partition("/blobs/")[0]
            challenge = f'Bearer realm="{self.realm}",service="reg, one",scope="repository:{repository}:pull"'
            return Reply(401, b"{}", {"WWW-Authenticate": challenge})
        self.given[token] = left - 1
        return self.images(request)

    def _token(self, request: Request, query: dict[str, list[str]]) -> Reply:
        if request.method == "POST":
            form = parse_qs(request.body.decode())
            if form.get("refresh_token") != [self.refresh] or form.get("grant_type") != ["refresh_token"]:
                return Reply(401, b"{}")
        elif self.login and request.headers.get("authorization") != self.login:
            return Reply(401, b"{}")
        token = hashlib.sha256(f"{len(self.given)} {query}".encode()).hexdigest()
        self.given[token] = self.lasts
        return Reply(body=json.dumps({"token": token, "expires_in": 300} | self.says).encode())
