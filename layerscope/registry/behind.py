"""Which local tags are no longer what their registry has: one HEAD request each, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from layerscope.core.graph import ImageNode
from layerscope.registry.errors import RegistryError
from layerscope.registry.reference import Reference, parse_reference

State = Literal["current", "behind", "gone", "unknown"]


class LocalTag(Struct, frozen=True):
    """A tag of a stored image, and under which digests the engine knows it in that repository."""

    name: str
    node: ImageNode
    reference: Reference
    digests: tuple[str, ...]


class Standing(Struct, frozen=True):
    """How a local tag stands to its registry."""

    tag: LocalTag
    state: State
    there: str = ""
    """The digest in the registry; empty where it has none, or did not say."""
    because: str = ""
    """Why it is unknown, on one line."""


def local_tags(nodes: Iterable[ImageNode]) -> tuple[list[LocalTag], int]:
    """Return the tags that came from a registry or went to one, and how many others there are."""
    found, own = [], 0
    for node in nodes:
        for tag in node.image.tags:
            try:
                reference = parse_reference(tag)
            except RegistryError:
                own += 1
                continue
            digests = tuple(digest for digest in map(_split, node.image.digests) if digest[0] == reference.repository)
            if digests and reference.tag:
                found.append(LocalTag(tag, node, reference, tuple(digest for _, digest in digests)))
            else:
                own += 1
    return found, own


def _split(name: str) -> tuple[str, str]:
    repository, _, digest = name.partition("@")
    try:
        return parse_reference(repository).repository, digest
    except RegistryError:
        return "", digest


def standing(tag: LocalTag, answer: str | RegistryError) -> Standing:
    """Return how a tag stands, from what the registry answered about it: a digest, or an error."""
    if isinstance(answer, RegistryError):
        return Standing(tag, "gone" if answer.kind == "not found" else "unknown", because=str(answer))
    if not answer:
        return Standing(tag, "unknown", because=f"{tag.reference.registry} does not say which digest it has")
    return Standing(tag, "current" if answer in tag.digests else "behind", there=answer)
