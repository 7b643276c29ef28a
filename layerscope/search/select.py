"""Which images somebody means by what they type: names, tags, digests, IDs, globs.

Names are read as ``docker`` reads them (``distribution/reference``): ``docker.io/library/`` and
``docker.io/`` may be left out, and a name without a tag means ``:latest``. So may Podman's ``localhost/``.
A name is looked for before an ID, as engines do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.search.reference import split_reference
from layerscope.text import clean
from layerscope.units import count, natural_list

_ID = re.compile(r"(sha256:)?([0-9a-f]{4,64})", re.IGNORECASE)
_GLOB = re.compile(r"[*?]|\[.*\]")
_DEFAULTS = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/", "localhost/")
_SHOWN = 4
"""Names in a message."""


class SelectionError(ValueError):
    """What was typed means no image, or not one alone; the message is one printable line."""


def select(graph: LayerGraph, patterns: Iterable[str]) -> list[ImageNode]:
    """Return the images that the patterns mean, each once, in the order of the patterns.

    A pattern is a name with or without tag, a name with a digest, a digest, an image ID or
    the start of one (4 digits or more), or a glob (``*``, ``?``, ``[…]``; it is held against whole
    names, and ``*`` stands for slashes and colons too). Raises SelectionError for a pattern
    that means nothing, and for the start of an ID that several images have.
    """
    names = _Names(graph)
    found: dict[int, ImageNode] = {}
    for pattern in patterns:
        for node in names.find(pattern.strip()):
            found.setdefault(node.index, node)
    return list(found.values())


def short_name(name: str) -> str:
    """Return a reference without what may be left out: ``nginx:1`` for ``docker.io/library/nginx:1``."""
    for default in _DEFAULTS:
        if name.startswith(default):
            return name[len(default) :]
    return name


class _Names:
    """Images by their names, in full and in short."""

    def __init__(self, graph: LayerGraph) -> None:
        self.graph = graph
        self.full: dict[str, ImageNode] = {}
        self.short: dict[str, list[ImageNode]] = {}
        for node in graph.images:
            for name in node.image.tags:
                self.full[name] = node
            for name in dict.fromkeys(map(short_name, node.image.tags)):
                self.short.setdefault(name, []).append(node)

    def find(self, pattern: str) -> list[ImageNode]:
        if not pattern:
            raise SelectionError("an empty name means no image; name one, or use --filter")
        if _GLOB.search(pattern):  # unless an image is called just that: [2001:db8::1]:5000/x:v1 is a name
            return self.named(pattern) or self.like(pattern)
        nodes = self.of_digest(pattern) if "@" in pattern else self.named(pattern) or self.of_id(pattern)
        if not nodes:
            raise SelectionError(self.why_none(pattern))
        if len(nodes) > 1:
            candidates = _listed([_called(node, full=True) for node in nodes])
            raise SelectionError(
                f"{_quoted(pattern)} may be any of {count(len(nodes), 'image')}: {candidates}; type more of it"
            )
        return nodes

    def like(self, pattern: str) -> list[ImageNode]:
        nodes = [
            node
            for node in self.graph.images
            if any(fnmatchcase(name, pattern) or fnmatchcase(short_name(name), pattern) for name in node.image.tags)
        ]
        if not nodes:
            raise SelectionError(f"no image has a name like {_quoted(pattern)}{self.near(pattern.rstrip('*?:'))}")
        return nodes

    def named(self, name: str) -> list[ImageNode]:
        for whole in (name,) if split_reference(name)[1] else (f"{name}:latest", name):
            if whole in self.full:
                return [self.full[whole]]
            if short_name(whole) in self.short:
                return self.short[short_name(whole)]
        return []

    def of_id(self, text: str) -> list[ImageNode]:
        found = _ID.fullmatch(text)
        if not found:
            return []
        start = "sha256:" + found[2].lower()
        nodes = [node for node in self.graph.images if node.id.startswith(start)]
        if not nodes and found[1]:  # a repository's digest, copied without the name
            nodes = [n for n in self.graph.images if any(d.partition("@")[2] == start for d in n.image.digests)]
        return nodes

    def of_digest(self, text: str) -> list[ImageNode]:
        name, _, digest = text.partition("@")
        wanted = f"{short_name(split_reference(name)[0])}@{digest}"
        return [
            node
            for node in self.graph.images
            if any(short_name(known) == wanted for known in node.image.digests)
            or (
                node.id == digest
                and any(short_name(split_reference(tag)[0]) + "@" + digest == wanted for tag in node.image.tags)
            )
        ]

    def why_none(self, pattern: str) -> str:
        parent = self.unlisted(pattern)
        if parent:
            return parent
        repository, tag = split_reference(pattern)
        tags = [split_reference(name)[1] for name in self.short if split_reference(name)[0] == short_name(repository)]
        if tags and "@" not in pattern:
            missing = f"{repository}:{tag or 'latest'}"
            every = f"; {_quoted(f'{repository}:*')} names all of them" if len(tags) > 1 else ""
            return f"there is no image {_quoted(missing)}; {_quoted(repository)} has {_listed(sorted(tags))}{every}"
        return f"there is no image {_quoted(pattern)}{self.near(pattern.partition('@')[0])}"

    def unlisted(self, pattern: str) -> str:
        """Say what an ID is that is known, but no row."""
        found = _ID.fullmatch(pattern)
        start = "sha256:" + found[2].lower() if found else ""
        for node in self.graph.images:
            if found and any(image.id.startswith(start) for image in node.intermediates):
                of = _called(node)
                return f"{_quoted(pattern)} is a build parent of {of}, which `docker images` does not list: name {of}"
        return ""

    def near(self, typed: str) -> str:
        """Return ``; did you mean …?``, or where to look."""
        known = [*self.short, *dict.fromkeys(split_reference(name)[0] for name in self.short)]
        close = get_close_matches(short_name(typed), known, 3, 0.6)
        if not close and len(typed) > 2:
            close = [name for name in known if typed in name][:3]
        return (
            f"; did you mean {' or '.join(map(_quoted, close))}?"
            if close
            else "; `layerscope report` lists what there is"
        )


def _called(node: ImageNode, *, full: bool = False) -> str:
    digits = clean(node.id.removeprefix("sha256:"), 64)[:16]
    name = clean(node.name, 60) if node.image.tags else ""
    return f"{name} {digits}".strip() if full or not name else name


def _quoted(text: str) -> str:
    return f"“{clean(text, 80)}”"


def _listed(names: list[str]) -> str:
    return natural_list([clean(name, 80) for name in names], _SHOWN)
