"""A registry with one image, on this machine only: what is pulled from it has a digest, and can be pulled again."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.engine.corpus import steps

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@contextmanager
def serve(repository: str, layers: Sequence[bytes]) -> Iterator[str]:
    """Serve an image of these layers while the context lasts; give its name, ``127.0.0.1:port/repository``."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
            "history": steps(*(f"COPY {number} /" for number in range(len(layers)))),
        }
    ).encode()
    zipped = [gzip.compress(layer, mtime=0) for layer in layers]

    def described(kind: str, data: bytes) -> dict[str, Any]:
        return {"mediaType": kind, "size": len(data), "digest": _digest(data)}

    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": described(CONFIG, config),
            "layers": [described(LAYER, data) for data in zipped],
        }
    ).encode()
    content = {f"/v2/{repository}/blobs/{_digest(data)}": data for data in (config, *zipped)}
    content |= {f"/v2/{repository}/manifests/{which}": manifest for which in ("1", _digest(manifest))}
    content["/v2/"] = b"{}"

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            data = content.get(self.path)
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Type", MANIFEST if data is manifest else "application/octet-stream")
            self.send_header("Content-Length", str(len(data or b"")))
            if data is not None:
                self.send_header("Docker-Content-Digest", _digest(data))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data or b"")

        do_GET = do_HEAD = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}/{repository}"
    finally:
        server.shutdown()
        server.server_close()
