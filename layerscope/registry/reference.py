"""Names of images as people type them: ``api``, ``shop/api:2``, ``registry.corp:5000/shop/api@sha256:…``.

The grammar is that of ``github.com/distribution/reference`` (``reference.go``,
``normalize.go``): what stands before the first slash is a registry if it has a
dot, a colon or a capital letter in it, or is ``localhost``.
"""

from __future__ import annotations

import ipaddress
import re

from msgspec import Struct

from layerscope.registry.errors import RegistryError

HUB = "docker.io"
HUB_API = "registry-1.docker.io"
"""The host that answers for Docker Hub's names."""

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?P<six>[a-fA-F0-9:]+)\])(?::(?P<port>[0-9]{{1,5}}))?")
_DIGEST = re.compile(r"sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}")
_ID = re.compile(r"[a-f0-9]{64}")
_LONGEST_PATH = 255
_LONGEST = 1024


class Reference(Struct, frozen=True):
    """An image in a registry."""

    registry: str
    """As it stands in names: ``docker.io``, ``registry.corp:5000``, ``[::1]:5000``."""
    path: str
    """The repository, ``library/alpine`` for Docker Hub's short names."""
    tag: str
    """Empty where only a digest was given."""
    digest: str = ""
    """``sha256:…`` where one was given; it counts more than the tag."""

    @property
    def target(self) -> str:
        """What to ask the registry for: the digest, else the tag."""
        return self.digest or self.tag

    @property
    def repository(self) -> str:
        """The name without tag and digest, as ``docker images`` prints it."""
        if self.registry != HUB:
            return f"{self.registry}/{self.path}"
        return self.path.removeprefix("library/") if self.path.count("/") == 1 else self.path

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}{'@' if self.digest else ''}{self.digest}"


def is_digest(text: object) -> bool:
    """Is it a digest that can be checked: SHA-256 or SHA-512, in full?"""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def parse_reference(text: str) -> Reference:
    """Return the image that ``text`` names, with ``latest`` where it has neither tag nor digest.

    Raises RegistryError of kind "name" for what is no name.
    """
    if len(text) > _LONGEST:
        raise _wrong(text, "it is too long")
    if _ID.fullmatch(text) or _DIGEST.fullmatch(text):
        raise _wrong(text, "it is an ID; a registry knows names")
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _wrong(text, "its digest is not sha256: with 64 digits")
    registry, path = _split(rest)
    path, colon, tag = path.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _wrong(text, "its tag is not letters, digits, dots and dashes, 128 at most")
    found = _DOMAIN.fullmatch(registry)
    if found is None or int(found["port"] or 1) not in range(1, 65536) or not _is_six(found["six"]):
        raise _wrong(text, "its registry is no host name")
    if path != path.lower():
        raise _wrong(text, "its repository has capital letters")
    if not _PATH.fullmatch(path) or len(path) > _LONGEST_PATH:
        raise _wrong(text, "write it like name, name:tag or host:port/name:tag")
    if registry == HUB and "/" not in path:
        path = f"library/{path}"
    return Reference(registry, path, tag or ("" if digest else "latest"), digest)


def _split(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    named = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not named:
        return HUB, text
    return (HUB if first == "index.docker.io" else first), rest


def _is_six(text: str | None) -> bool:
    if text is None:
        return True
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def host_name(registry: str) -> str:
    """Return a registry's host without its port, an IPv6 address without its brackets."""
    if registry.startswith("["):
        return registry[1:].partition("]")[0]
    return registry.partition(":")[0]


def _wrong(text: str, why: str) -> RegistryError:
    return RegistryError("name", f"“{text[:100]}” is no name of an image: {why}")
