"""Debian's docker-registry, started privately on loopback; its access log says what was really fetched."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

_LINE = re.compile(
    r'"(?P<method>[A-Z]+) /v2/(?P<path>\S+) HTTP/[\d.]+" (?P<status>\d+) (?P<size>\d+) "[^"]*" "(?P<agent>[^"]*)"'
)


def why_not() -> str:
    """Return why no registry can be started here, empty when one can."""
    missing = [name for name in ("docker-registry", "skopeo") if not shutil.which(name)]
    return f"there is no {' and no '.join(missing)} (apt-get install {' '.join(missing)})" if missing else ""


class PrivateRegistry:
    """A running registry as a context manager; ``host`` is ``127.0.0.1:port``."""

    def __init__(self, *, certificate: str = "", key: str = "", client_ca: str = "") -> None:
        """With a certificate it speaks TLS, and with ``client_ca`` wants one of that CA from whoever asks."""
        self.folder = Path(tempfile.mkdtemp(prefix="lsr-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.host = f"127.0.0.1:{probe.getsockname()[1]}"
        self._log = self.folder / "log"
        self._marks = 0
        tls = f"certificate: '{certificate}', key: '{key}'" if certificate else ""
        tls += f", clientcas: ['{client_ca}']" if client_ca else ""
        self._http = f"addr: '{self.host}'" + (f", tls: {{{tls}}}" if tls else "")

    def __enter__(self) -> PrivateRegistry:
        config = self.folder / "config.yml"
        config.write_text(
            "version: 0.1\n"
            "log: {level: error, accesslog: {disabled: false}}\n"
            f"storage: {{filesystem: {{rootdirectory: {self.folder}/data}}, delete: {{enabled: true}}}}\n"
            f"http: {{{self._http}}}\n"
        )
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                address, _, port = self.host.partition(":")
                socket.create_connection((address, int(port)), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("docker-registry did not start: " + self._log.read_text(errors="replace")[-300:])

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def mark(self) -> int:
        """Return where the log ends now."""
        return self._log.stat().st_size

    def requests(self, since: int = 0) -> list[tuple[str, str, int, int, str]]:
        """Return (method, path, status, bytes, agent) of what was asked since then."""
        with self._log.open("rb") as log:
            log.seek(since)
            text = log.read().decode("utf-8", "replace")
        return [(m["method"], m["path"], int(m["status"]), int(m["size"]), m["agent"]) for m in _LINE.finditer(text)]

    def fetched(self, since: int) -> int:
        """Return the bytes of blobs that others than us were sent since then."""
        self._written()
        return sum(
            size
            for method, path, status, size, agent in self.requests(since)
            if method == "GET" and "/blobs/" in path and status in {200, 206} and "layerscope" not in agent
        )

    def _written(self) -> None:
        """Wait until the log has what was asked so far: a line is written when an answer is over, or a little later."""
        self._marks += 1
        path = f"marks/{self._marks}/tags/list"
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"http://{self.host}/v2/{path}", timeout=60).close()
        end = time.monotonic() + 60
        while path not in self._log.read_text(errors="replace"):
            assert time.monotonic() < end, "docker-registry no longer writes its log"
            time.sleep(0.02)
