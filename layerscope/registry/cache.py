"""Manifests and configurations kept by their digest: what has a digest never changes, so it is asked for once."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 64 << 20
MOST_FILES = 4000
_LARGEST = 8 << 20


def cache_folder() -> Path | None:
    """Return ``$XDG_CACHE_HOME/layerscope/registry`` (XDG Base Directory Specification); None without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():
        try:
            base = Path.home() / ".cache"
        except RuntimeError:
            return None
    return base / "layerscope" / "registry"


class Cache:
    """A folder of bodies, bounded; the least recently used go first. Nothing about it is ever an error."""

    def __init__(self, folder: Path | None, *, most_bytes: int = MOST_BYTES, most_files: int = MOST_FILES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._most_files = most_files
        self._wrote = False

    def get(self, digest: str) -> bytes | None:
        """Return the body that a ``sha256:`` digest names; None when it is not there, or is damaged."""
        path = self._path(digest)
        if path is None:
            return None
        try:
            with path.open("rb") as stream:
                body = stream.read(_LARGEST + 1)
        except OSError:
            return None
        if hashlib.sha256(body).hexdigest() != path.name:
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return body

    def put(self, digest: str, body: bytes) -> None:
        """Keep a body that was checked against its digest."""
        path = self._path(digest)
        if path is None or len(body) > _LARGEST:
            return
        part = path.with_name(f".{secrets.token_hex(8)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # private images have private configurations
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as stream:  # noqa: PTH123 (a descriptor)
                stream.write(body)
            part.replace(path)
            self._wrote = True
        except OSError:
            with suppress(OSError):
                part.unlink()

    def trim(self) -> None:
        """Keep the cache within its bounds, if anything was written."""
        if self._folder is None or not self._wrote:
            return
        found = []
        with suppress(OSError):
            for path in self._folder.iterdir():
                with suppress(OSError):
                    facts = path.stat()
                    stale = path.name.startswith(".") and facts.st_mtime < time.time() - 3600
                    found.append((0.0 if stale else facts.st_mtime, facts.st_size, path))
        size, count = sum(one[1] for one in found), len(found)
        for _, bytes_, path in sorted(found):
            if size <= self._most_bytes and count <= self._most_files:
                break
            with suppress(OSError):
                path.unlink()
            size, count = size - bytes_, count - 1

    def _path(self, digest: str) -> Path | None:
        kind, _, name = digest.partition(":")
        if self._folder is None or kind != "sha256" or len(name) != 64 or not name.isalnum():
            return None
        return self._folder / name
