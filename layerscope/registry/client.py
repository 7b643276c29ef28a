"""Questions to registries: what a name stands for, its manifest and configuration, a few bytes of a layer."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from layerscope.core.remote import RemoteImage, RemoteLayer
from layerscope.registry import manifests, trailers
from layerscope.registry.auth import Authorizer, refused_login, wants_login
from layerscope.registry.cache import Cache
from layerscope.registry.errors import RegistryError, odd
from layerscope.registry.manifests import ImageManifest, Index, MachinePlatform
from layerscope.registry.reference import HUB, HUB_API, Reference, is_digest
from layerscope.registry.transport import Response, Transport
from layerscope.units import count, format_number

_DEEPEST = 3
"""Indexes within indexes."""


class RegistryClient:
    """Asks registries about images. Safe to use from several threads."""

    def __init__(self, transport: Transport, *, logins: Sequence[Path] = (), cache: Cache | None = None) -> None:
        self.transport = transport
        self.remaining: dict[str, str] = {}
        """Registry → its RateLimit-Remaining, as it was last said."""
        self._auth = Authorizer(transport, logins)
        self._cache = cache or Cache(None)
        self._bases: dict[str, tuple[str, ...]] = {}
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def digest(self, reference: Reference) -> str:
        """Return what a name stands for now, with one HEAD request; empty where the registry does not say.

        Raises RegistryError.
        """
        answer = self._ask("HEAD", reference, f"manifests/{reference.target}", limit=0)
        found = answer.headers.get("docker-content-digest", "").strip()
        if found and not is_digest(found):
            raise odd(reference.registry, "a digest that is none")
        if found and reference.digest and found != reference.digest:
            raise odd(reference.registry, "another digest than was asked for")
        return found

    def image(
        self, reference: Reference, platforms: Sequence[MachinePlatform], *, strict: bool = False, name: str = ""
    ) -> RemoteImage:
        """Return the image that an engine of these platforms (the best first) would pull.

        ``strict``: refuse an image of one other platform, too. Nothing of its layers is fetched.
        Raises RegistryError.
        """
        name = name or str(reference)
        host = reference.registry
        target, body = self._resolve(reference)
        trail = [(target, len(body))]
        found = manifests.read_manifest(body, "", host)
        attested = False
        for _ in range(_DEEPEST):
            if isinstance(found, ImageManifest):
                break
            attested = attested or found.attested
            choice = manifests.choose(found, platforms, name)
            body = self._manifest(reference, choice.digest)
            if len(body) != choice.size:
                said = format_number(choice.size)
                raise odd(host, f"a manifest of {count(len(body), 'byte')} where its index says {said}")
            trail.append((choice.digest, len(body)))
            found = manifests.read_manifest(body, "", host)
        if isinstance(found, Index):
            raise odd(host, f"indexes within indexes, more than {_DEEPEST} deep")
        layers, platform = manifests.read_config(self._config(reference, found), found, host)
        if strict and platform is not None and platform not in platforms:
            raise manifests.no_platform(name, platforms[0], str(platform))
        return RemoteImage(
            name=name,
            digest=target,
            manifest_digest=trail[-1][0],
            config_digest=found.config,
            config_bytes=found.config_bytes,
            manifests=tuple(trail),
            platform=str(platform or platforms[0]),
            layers=layers,
            attested=attested,
        )

    def tar_size(self, reference: Reference, layer: RemoteLayer) -> tuple[int, str] | None:
        """Return the likely bytes of a layer's tar and who says so, from a few bytes of its blob; None for unknown."""
        span = trailers.span(layer)
        if span is None:
            return None
        first, last = span
        headers = {"Range": f"bytes={first}-{last}"}
        try:
            answer = self._ask("GET", reference, f"blobs/{layer.blob}", limit=last - first + 1, headers=headers)
        except RegistryError as error:
            if error.kind in {"cancelled", "limited"}:
                raise
            return None  # it does not know ranges, or has lost the blob: then the pull will say so
        whole = answer.status == 206 and len(answer.body) == last - first + 1
        return trailers.tar_size(layer, answer.body) if whole else None

    # what is behind a name

    def _resolve(self, reference: Reference) -> tuple[str, bytes]:
        digest = reference.digest or self.digest(reference)
        if digest:
            return digest, self._manifest(reference, digest)
        answer = self._get_manifest(reference, reference.tag)
        return "sha256:" + hashlib.sha256(answer.body).hexdigest(), answer.body

    def _manifest(self, reference: Reference, digest: str) -> bytes:
        kept = self._cache.get(digest)
        if kept is not None:
            return kept
        body = self._get_manifest(reference, digest).body
        manifests.check_body(body, digest, reference.registry)
        self._cache.put(digest, body)
        return body

    def _get_manifest(self, reference: Reference, target: str) -> Response:
        return self._ask("GET", reference, f"manifests/{target}", limit=manifests.LARGEST_MANIFEST)

    def _config(self, reference: Reference, manifest: ImageManifest) -> bytes:
        kept = self._cache.get(manifest.config)
        if kept is not None:
            return kept
        if manifest.config_bytes > manifests.LARGEST_CONFIG:
            long = count(manifest.config_bytes, "byte")
            raise odd(reference.registry, f"a manifest with a configuration of {long}")
        body = self._ask("GET", reference, f"blobs/{manifest.config}", limit=manifests.LARGEST_CONFIG).body
        manifests.check_body(body, manifest.config, reference.registry)
        self._cache.put(manifest.config, body)
        return body

    # one request

    def _ask(
        self, method: str, reference: Reference, path: str, *, limit: int, headers: dict[str, str] | None = None
    ) -> Response:
        """Return the answer (status below 300) of the first address that has one. Raises RegistryError."""
        bases = self._usable(reference.registry)
        for base in bases[:-1]:  # mirrors: whatever they lack, Docker Hub has
            try:
                return self._ask_at(base, method, reference, path, limit, headers or {})
            except RegistryError as error:
                if error.kind == "cancelled":
                    raise
        return self._ask_at(bases[-1], method, reference, path, limit, headers or {})

    def _ask_at(
        self, base: str, method: str, reference: Reference, path: str, limit: int, headers: dict[str, str]
    ) -> Response:
        registry = _who(base, reference.registry)
        scope = f"repository:{reference.path}:pull"
        url = f"{base}/v2/{reference.path}/{path}"
        headers = {"Accept": manifests.ACCEPT, **headers} if "/manifests/" in url else headers
        sent = self._auth.known(base, scope)
        answer = self.transport.ask(method, url, headers=headers, limit=max(limit, _WORDS), authorization=sent)
        if answer.status == 401 and not answer.moved:
            sent = self._auth.answer(base, registry, scope, answer, sent)
            answer = self.transport.ask(method, url, headers=headers, limit=max(limit, _WORDS), authorization=sent)
        if remaining := answer.headers.get("ratelimit-remaining", "").partition(";")[0].strip():
            self.remaining[registry] = remaining[:12]
        if answer.status < 300:
            if len(answer.body) > limit:
                long = count(len(answer.body), "byte")
                raise odd(registry, f"{long} where at most {format_number(limit)} belong")
            return answer
        raise self._refusal(answer, base, registry, reference)

    def _refusal(self, answer: Response, base: str, registry: str, reference: Reference) -> RegistryError:
        if answer.moved:
            return odd(answer.moved, f"{answer.status}, to where {registry} redirects")
        if answer.status == 401:
            return refused_login(registry) if self._auth.logins.get(registry) else wants_login(registry)
        if answer.status == 403:
            return RegistryError("refused", f"{registry} refuses {reference}", "ask its owner for the right to pull it")
        if answer.status == 404:
            if not self._is_registry(base):
                return RegistryError("odd", f"{registry} is no registry: it has no /v2/", "check the name")
            return RegistryError("not found", f"{registry} has no {reference}", "check the name and the tag")
        return odd(registry, f"{answer.status} when asked for {reference}")

    # which address

    def _usable(self, registry: str) -> tuple[str, ...]:
        """Return the addresses of a registry that answer; looked for once."""
        with self._lock:
            lock = self._locks.setdefault(registry, threading.Lock())
        with lock:
            found = self._bases.get(registry)
            if found is None:
                found = self._bases[registry] = self._look(registry, self.transport.policy.bases(registry))
            return found

    def _look(self, registry: str, bases: tuple[str, ...]) -> tuple[str, ...]:
        if len(bases) == 1:
            return bases
        if registry == HUB:
            return (*(base for base in bases[:-1] if self._is_registry(base)), bases[-1])
        errors = []
        for base in bases:
            try:
                if self._is_registry(base, or_raise=True):
                    return (base,)
            except RegistryError as error:
                if error.kind == "cancelled":
                    raise
                errors.append(error)
        if len(errors) == len(bases):
            raise errors[0 if self.transport.policy.is_loopback(registry) else -1]
        raise RegistryError("odd", f"{registry} is no registry: it has no /v2/", "check the name")

    def _is_registry(self, base: str, *, or_raise: bool = False) -> bool:
        try:
            answer = self.transport.ask("GET", f"{base}/v2/", limit=_WORDS)
        except RegistryError:
            if or_raise:
                raise
            return False
        return answer.status in {200, 401, 403}


_WORDS = 1 << 16
"""Bytes of an error's words that are read, and no more."""


def _who(base: str, registry: str) -> str:
    """Return under which name logins for an address are kept: that of a mirror is its own."""
    netloc = urlsplit(base).netloc
    return registry if netloc in {registry, HUB_API} else netloc
