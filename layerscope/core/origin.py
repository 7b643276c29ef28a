"""Origin: can an image be pulled again once it is removed, and by which reference?

What engines tell, measured on Docker 20 to 28 and Podman 5:

- a graphdriver store and Podman keep a repository digest for what was pulled or pushed, and for nothing else;
- a containerd store has one for every image, built ones too. A pull and a push put the label
  ``containerd.io/distribution.source.<registry>`` on every blob of the image, from the one that its name points to
  down to its layers. Either alone says nothing: an image that was built on a pulled base has its layers, and BuildKit
  labels index, manifest and configuration (no layer) of a local image that something was built on.

That a registry still has it, no engine knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from layerscope.core.content import ContentGraph
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.inventory import Image

Again = Literal["yes", "only here", "not known"]
"""Can it be had again: a registry had it; it exists only on this machine, as far as the engine knows; nobody tells."""


class Origin(Struct, frozen=True):
    """Where an image can be had from."""

    again: Again
    reference: str = ""
    """``name@sha256:…``, what to pull; empty unless :attr:`again` is ``yes``. Hostile text: clean before showing."""


_NOT_KNOWN = Origin("not known")


def origin_of(graph: LayerGraph, node: ImageNode) -> Origin:
    """Return where an image of ``graph`` can be had from."""
    if graph.rules.repo_digest_is_origin:
        digest = _of_its_name(node.image)
        return Origin("yes", digest) if digest else Origin("only here")
    sources = _sources(graph.content, node.id) if graph.content is not None else []
    return Origin("yes", f"{_nearest(node.image.tags, sources)}@{node.id}") if sources else _NOT_KNOWN


def only_here(graph: LayerGraph, nodes: Iterable[ImageNode]) -> list[ImageNode]:
    """Return those of ``nodes`` that exist only on this machine, as far as the engine knows."""
    return [node for node in nodes if origin_of(graph, node).again == "only here"]


def _of_its_name(image: Image) -> str:
    """Return the repository digest of the image's own name, else the first there is; empty for none."""
    sound = [digest for digest in image.digests if "@" in digest and not digest.startswith("<none>")]
    names = {tag.rpartition(":")[0] for tag in image.tags}
    return next((digest for digest in sound if digest.partition("@")[0] in names), sound[0] if sound else "")


def _sources(content: ContentGraph, image_id: str) -> list[str]:
    """Return where an image came from: the sources of its top blob that a layer of it has too."""
    top = content.blobs.get(image_id)
    if top is None or not top.sources:
        return []
    of_layers = {
        source
        for digest in content.reach(image_id)
        if content.blobs[digest].diff_id
        for source in content.blobs[digest].sources
    }
    return [source for source in top.sources if source in of_layers]


def _nearest(tags: Sequence[str], sources: Sequence[str]) -> str:
    """Return the source that one of the tags names, else the first."""
    names = {tag.rpartition(":")[0] for tag in tags}
    return next((source for source in sources if source in names or _short(source) in names), sources[0])


def _short(source: str) -> str:
    """Return how docker calls a repository of Docker Hub: ``nginx`` for ``docker.io/library/nginx``."""
    return source.removeprefix("docker.io/").removeprefix("library/")
