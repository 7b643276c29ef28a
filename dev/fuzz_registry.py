"""Manifests, indexes, configurations and headers of registries, mutated: each is read, or refused in one line.

usage: python -m dev.fuzz_registry [COUNT [SEED]]      (10,000 unless told)
"""

from __future__ import annotations

import json
import random
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from layerscope.core.remote import RemoteImage, RemoteLayer
from layerscope.registry import manifests, trailers
from layerscope.registry.auth import Authorizer, challenges
from layerscope.registry.client import RegistryClient
from layerscope.registry.errors import RegistryError
from layerscope.registry.manifests import MachinePlatform
from layerscope.registry.policy import Policy
from layerscope.registry.reference import parse_reference
from layerscope.registry.transport import Response, Transport, retry_after

MOST_MEMORY = 128 << 20
"""Bytes that reading one hostile answer may take at its peak: a manifest of 4 MiB, all of it empty lists."""
_peaks = [0]
_HEX = "ab" * 32
_DIGEST = f"sha256:{_HEX}"


def _blob(kind: str, size: int = 1000) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _DIGEST, "size": size}


_OCI = "application/vnd.oci.image."
SEEDS: tuple[dict[str, Any], ...] = (
    {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}manifest.v1+json",
        "config": _blob(f"{_OCI}config.v1+json"),
        "layers": [_blob(f"{_OCI}layer.v1.tar+gzip"), _blob(f"{_OCI}layer.v1.tar+zstd"), _blob(f"{_OCI}layer.v1.tar")],
        "annotations": {"a": "b"},
    },
    {
        "schemaVersion": 2,
        "mediaType": f"{_OCI}index.v1+json",
        "manifests": [
            _blob(f"{_OCI}manifest.v1+json") | {"platform": {"os": "linux", "architecture": name, "variant": "v8"}}
            for name in ("amd64", "arm64", "unknown")
        ],
    },
    {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["A=1"]},
        "rootfs": {"type": "layers", "diff_ids": [_DIGEST] * 3},
        "history": [{"created_by": "RUN x", "empty_layer": True}],
    },
)
_ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1 << 63, 1e308, "", "\x1b[31m\n", "\u202e", "a" * 10_000, [], {}, [[]], {"a": {}},
    _DIGEST, "sha256:", "sha512:" + "0" * 128, "md5:00", "../../etc/passwd", [None] * 5000, "unknown", "linux",
)  # fmt: skip
_HEADERS = (
    'Bearer realm="http://127.0.0.1:1/token",service="s",scope="repository:a:pull"',
    "Basic realm=x",
    "120",
    "Fri, 27 Nov 2026 07:00:00 GMT",
    "76;w=21600",
    _DIGEST,
)


def mutated(value: Any, rng: random.Random, most: int = 500) -> Any:
    """Return a copy with one part of it changed for something odd, left out or repeated (``most``: how often)."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        kind = rng.random()
        if kind < 0.1:
            return {name: part for name, part in value.items() if name != key}
        if kind < 0.15:
            return value | {rng.choice(("layers", "manifests", "artifactType", "fsLayers", "urls")): rng.choice(_ODD)}
        return value | {key: mutated(value[key], rng, most)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.1:
            return value[:at] + value[at + 1 :]
        if kind < 0.2:
            return value * rng.choice((2, most))
        return [*value[:at], mutated(value[at], rng, most), *value[at + 1 :]]
    return rng.choice(_ODD)


def damaged(text: bytes, rng: random.Random) -> bytes:
    """Return a copy with some bytes changed, cut off or repeated."""
    kind = rng.random()
    if kind < 0.3:
        return text[: rng.randrange(len(text) + 1)]
    if kind < 0.4:
        return rng.choice((b"[", b'{"a":', b'"', b"\xff\xfe")) * rng.choice((1, 1000, 200_000))
    if kind < 0.5:
        return text + text
    changed = bytearray(text)
    for _ in range(rng.randrange(1, 6)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


class _Canned(Transport):
    """Answers what it is told to, without a network."""

    def __init__(self, answers: Callable[[str, str], Response]) -> None:
        super().__init__(Policy())
        self._answers = answers

    def ask(self, method: str, url: str, **_: Any) -> Response:
        return self._answers(method, url)


def one(rng: random.Random) -> str:
    """Read one mutated answer; return what came of it. Raises whatever should never be raised."""
    what = rng.randrange(4)
    try:
        return _header(rng) if what == 3 else _body(rng, what)
    except RegistryError as error:
        line = str(error)
        assert line.isprintable(), repr(line)
        assert len(line) <= 802, len(line)
        return error.kind


def _body(rng: random.Random, what: int) -> str:
    value: Any = SEEDS[what]
    for _ in range(rng.randrange(1, 4)):
        value = mutated(value, rng)
    text = json.dumps(value).encode()
    if rng.random() < 0.4:
        text = damaged(text, rng)
    text = text[: manifests.LARGEST_MANIFEST]  # more is never read
    del value
    return _measured(lambda: _read(text, what))


def _measured(read: Callable[[], str]) -> str:
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    try:
        return read()
    finally:
        _peaks[0] = max(_peaks[0], tracemalloc.get_traced_memory()[1] - before)


def _read(text: bytes, what: int) -> str:
    if what == 2:
        known = manifests.ImageManifest(_DIGEST, 1000, ((_DIGEST, 1000, "gzip", None),) * 3)
        layers, _ = manifests.read_config(text, known, "registry")
        assert len(layers) == 3
        return "read"
    found = manifests.read_manifest(text, "", "registry")
    if isinstance(found, manifests.Index):
        assert manifests.choose(found, (MachinePlatform("linux", "amd64"),), "name").digest
    return "read"


def _header(rng: random.Random) -> str:
    kept = rng.choice(_HEADERS)
    text = damaged(kept.encode(), rng).decode("latin-1") if rng.random() < 0.9 else kept
    assert len(challenges(text)) <= len(text) + 1
    wait = retry_after({"retry-after": text}, 0)
    assert wait is None or wait >= 0
    layer = RemoteLayer(_DIGEST, rng.randrange(1 << 20), _DIGEST, rng.choice(("gzip", "zstd")))
    tail = rng.randbytes(rng.choice((0, 3, 18, 64)))
    if rng.random() < 0.5:
        tail = (b"\x28\xb5\x2f\xfd" + tail)[:18]
    size = trailers.tar_size(layer, tail)
    assert size is None or size[0] >= 0
    headers = {rng.choice(("www-authenticate", "docker-content-digest", "location", "ratelimit-remaining")): text}
    status = rng.choice((200, 301, 401, 403, 404, 418, 500))
    body = json.dumps(mutated({"token": "t", "expires_in": 60}, rng)).encode()

    def answer(method: str, url: str) -> Response:
        return (
            Response(200, {}, body) if url.startswith("http://127.0.0.1:1/token") else Response(status, headers, body)
        )

    client = RegistryClient(_Canned(answer))
    with suppress(RegistryError):
        Authorizer(_Canned(answer), ()).answer("http://r", "r", "s", Response(401, headers, b""), "")
    found = client.image(parse_reference("r.corp/a:1"), (MachinePlatform("linux", "amd64"),))
    assert isinstance(found, RemoteImage)
    return "read"


def fuzz(count: int, seed: int) -> Counter[str]:
    """Read ``count`` mutated answers; return how often each thing came of it."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    for number in range(count):
        state = rng.getstate()
        try:
            found[one(rng)] += 1
        except Exception as error:
            raise AssertionError(f"case {number} of seed {seed}: {error!r}; its generator: {state[1][:3]}…") from error
    return found


def main(args: list[str]) -> int:
    count = int(args[0]) if args else 10_000
    seed = int(args[1]) if len(args) > 1 else 1
    tracemalloc.start()
    found = fuzz(count, seed)
    with suppress(RegistryError):
        _measured(lambda: _read(b"[" + b"[]," * (manifests.LARGEST_MANIFEST // 3 - 2) + b"[]]", 0))
    peak = _peaks[0]
    print(f"{count:,} of seed {seed}: " + ", ".join(f"{kind} {n:,}" for kind, n in found.most_common()))
    print(f"peak of one answer {peak / 1e6:.1f} MB")
    return 0 if peak < MOST_MEMORY else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
