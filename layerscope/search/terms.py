"""The terms of the filter language: what each means, and what it says of itself.

:mod:`layerscope.search.query` takes a typed line apart; this module knows what one
term is. Terms that compare are in :mod:`layerscope.search.comparisons`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import translate
from functools import cached_property
from weakref import WeakKeyDictionary

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.origin import Again, origin_of
from layerscope.core.stores import RUNNING
from layerscope.search.comparisons import created, seen
from layerscope.search.meaning import Binder, Meaning, Test, WrongTermError
from layerscope.search.reference import split_reference
from layerscope.text import clean

# -- names of a graph, in lower case, once -------------------------------------------------


class Names:
    """The names of a graph's images in lower case, by :attr:`ImageNode.index`."""

    def __init__(self, images: Iterable[ImageNode]) -> None:
        self.references = [_references(node) for node in images]
        self.text = ["\n".join(references) for references in self.references]

    @cached_property
    def repositories(self) -> list[tuple[str, ...]]:
        """Names without tag and digest."""
        return [tuple(split_reference(name)[0] for name in names) for names in self.references]

    @cached_property
    def tags(self) -> list[tuple[str, ...]]:
        """What stands after the colon."""
        return [tuple(split_reference(name)[1] for name in names) for names in self.references]


_NAMES: WeakKeyDictionary[LayerGraph, Names] = WeakKeyDictionary()


def names_of(graph: LayerGraph) -> Names:
    """Return the names of a graph, worked out once for as long as the graph lives."""
    found = _NAMES.get(graph)
    if found is None:
        found = _NAMES[graph] = Names(graph.images)
    return found


def _references(node: ImageNode) -> tuple[str, ...]:
    image = node.image
    own = (*image.tags, *image.digests) if image.tags else ("<none>", *image.digests)
    return tuple(name.lower() for name in own)


# -- single words: states of an image ------------------------------------------------------


def _running(node: ImageNode) -> bool:
    return any(container.state in RUNNING for container in node.containers)


def _shared(node: ImageNode) -> bool:
    # Chains are prefixes: what is shared at all is shared at the bottom.
    return bool(node.layers) and node.layers[0].shared


def _plain(test: Test) -> Binder:
    return lambda _: test


def _from(again: Again) -> Binder:
    return lambda graph: lambda node: origin_of(graph, node).again == again


FLAGS: Mapping[str, tuple[str, Binder]] = {
    "unused": ("no container uses it", _plain(lambda node: not node.containers)),
    "used": ("a container uses it", _plain(lambda node: bool(node.containers))),
    "running": ("a running container uses it", _plain(_running)),
    "stopped": ("only stopped containers use it", _plain(lambda node: bool(node.containers) and not _running(node))),
    "dangling": ("has no tag", _plain(lambda node: node.dangling)),
    "tagged": ("has a tag", _plain(lambda node: not node.dangling)),
    "shared": ("shares a layer with another image", _plain(_shared)),
    "unshared": ("shares no layer with another image", _plain(lambda node: not _shared(node))),
    "local": ("exists only on this machine, as far as the engine knows", _from("only here")),
    "pullable": ("a registry had it: it can be pulled again", _from("yes")),
    "unknown": ("its size is not wholly known", _plain(lambda node: not node.exact)),
}
ALIASES: Mapping[str, str] = {
    "untagged": "dangling",
    "only-here": "local",
    "inuse": "used",
    "in-use": "used",
    "in_use": "used",
    "name": "repo",
    "image": "repo",
    "reference": "repo",
    "sha": "digest",
    "arch": "platform",
    "before": "older",
    "since": "newer",
    "created": "age",
}

# -- key:value -----------------------------------------------------------------------------


def _pattern(value: str, whole: bool) -> Callable[[str], bool]:
    """Return a test of lower-case text: does it contain ``value``; or is it ``value``, if ``whole`` or if a glob."""
    value = value.lower()
    if "*" in value or "?" in value:
        like = re.compile(translate(value.replace("[", "[[]")))
        return lambda text: like.match(text) is not None
    if whole:
        return lambda text: text == value
    return lambda text: value in text


def _quoted(value: str) -> str:
    return f"“{clean(value, 40)}”"


def _repo(value: str, whole: bool) -> Meaning:
    fits = _pattern(value, whole)
    with_tag = bool(split_reference(value)[1])  # repo:api:1 is a whole reference

    def bind(graph: LayerGraph) -> Test:
        names = names_of(graph)
        parts = names.references if with_tag else names.repositories
        return lambda node: any(map(fits, parts[node.index]))

    return Meaning(f"repository {'is' if whole else 'has'} {_quoted(value)}", bind)


def _tag(value: str, whole: bool) -> Meaning:
    fits = _pattern(value, whole)

    def bind(graph: LayerGraph) -> Test:
        parts = names_of(graph).tags
        return lambda node: any(map(fits, parts[node.index]))

    return Meaning(f"tag {'is' if whole else 'has'} {_quoted(value)}", bind)


def _hex(value: str, key: str) -> str:
    digits = value.lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{1,64}", digits):
        raise WrongTermError(f"not a digest: {key} takes hexadecimal digits, like {key}3f2a9c")
    return "sha256:" + digits


def _id(value: str, _: bool) -> Meaning:
    start = _hex(value, "id:")
    return Meaning(f"ID starts with {start[7:19]}", lambda _: lambda node: node.id.startswith(start))


def _digest(value: str, _: bool) -> Meaning:
    start = _hex(value.rpartition("@")[2], "digest:")

    def test(node: ImageNode) -> bool:
        if node.id.startswith(start):
            return True
        image = node.image
        return any(digest.partition("@")[2].startswith(start) for digest in image.digests) or any(
            platform.digest.startswith(start) for platform in image.platforms
        )

    return Meaning(f"digest or ID starts with {start[7:19]}", lambda _: test)


def _layer(value: str, _: bool) -> Meaning:
    start = _hex(value, "layer:")

    def bind(graph: LayerGraph) -> Test:
        having = {
            node.index
            for layer in graph.layers
            if layer.chain_id.startswith(start) or layer.diff_id.startswith(start)
            for node in layer.images
        }
        return lambda node: node.index in having

    return Meaning(f"has the layer {start[7:19]}", bind)


def _label(value: str, _: bool) -> Meaning:
    key, equals, wanted = value.partition("=")
    key = key.lower()
    if equals:
        fits = _pattern(wanted, True)
        return Meaning(
            f"label {clean(key, 40)} is {_quoted(wanted)}",
            lambda _: lambda node: any(k.lower() == key and fits(v.lower()) for k, v in node.image.labels),
        )
    has = _pattern(key, False)
    return Meaning(
        f"has a label {_quoted(key)}", lambda _: lambda node: any(has(k.lower()) for k, _ in node.image.labels)
    )


_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "x64": "amd64", "aarch64": "arm64"}


def _platform(value: str, whole: bool) -> Meaning:
    wanted = "/" + _ARCHITECTURES.get(value.lower(), value.lower()).strip("/") + ("/" if whole else "")

    def test(node: ImageNode) -> bool:
        image = node.image
        names = ["/".join((image.os, image.architecture, image.variant)).rstrip("/")]
        names += [platform.name for platform in image.platforms if platform.kind == "image"]
        return any(wanted in f"/{name.lower()}/" for name in names)

    return Meaning(f"made for {clean(wanted.strip('/'), 40)}", lambda _: test)


def _container(value: str, whole: bool) -> Meaning:
    fits, start = _pattern(value, whole), value.lower()

    def test(node: ImageNode) -> bool:
        return any(fits(c.name.lower()) or c.id.startswith(start) for c in node.containers)

    return Meaning(f"used by a container {_quoted(value)}", lambda _: test)


KEYS: Mapping[str, Callable[[str, bool], Meaning]] = {
    "repo": _repo,
    "tag": _tag,
    "id": _id,
    "digest": _digest,
    "layer": _layer,
    "label": _label,
    "platform": _platform,
    "container": _container,
}
"""``key:value`` (contains) and ``key=value`` (is); the last argument is True for the second."""

EXAMPLES: Mapping[str, str] = {
    "repo": "repo:api",
    "tag": "tag:latest",
    "id": "id:3f2a9c",
    "digest": "digest:3f2a9c",
    "layer": "layer:8c1d",
    "label": "label:stage=prod",
    "platform": "platform:arm64",
    "container": "container:web",
    "older": "older:30d",
    "newer": "newer:2w",
    "used": "used:30d",
    "unused": "unused:30d",
}
AGES = ("older", "newer", "used", "unused")


def keyed(key: str, value: str, whole: bool, now: int) -> Meaning:
    """Return the meaning of ``key:value``, or of ``key=value`` when ``whole``; raises :class:`WrongTermError`."""
    if not value:
        raise WrongTermError(f"what after “{key}”? Write it like {EXAMPLES[key]}")
    if key in {"used", "unused"}:
        return seen(key == "used", value, now)
    if key in AGES:
        return created(key == "older", value, now, f"{key}:")
    return KEYS[key](value, whole)


# -- plain words ---------------------------------------------------------------------------

_ID_LIKE = re.compile("(?:sha256:)?([0-9a-f]{4,64})")


def word(text: str) -> Meaning:
    """Return the meaning of a plain word: part of a name or tag, in any case, or the start of an ID (4 digits or more).

    The middle of an ID is not looked at: most words of the letters a to f would be in one.
    """
    lower = text.lower()
    found = _ID_LIKE.fullmatch(lower)
    start = "sha256:" + found[1] if found else None
    globbed = "*" in lower or "?" in lower
    like = _pattern(lower, False)

    def bind(graph: LayerGraph) -> Test:
        names = names_of(graph)
        if globbed:  # myapp:* is also localhost/myapp:1
            return lambda node: any(
                like(name) or any(like(name[i + 1 :]) for i, c in enumerate(name) if c == "/")
                for name in names.references[node.index]
            )
        hay = names.text
        if start is None:
            return lambda node: lower in hay[node.index]
        return lambda node: lower in hay[node.index] or node.id.startswith(start)

    meaning = Meaning(f"name {'is like' if globbed else 'has'} {_quoted(text)}", bind)
    return exact_name_first(text, meaning) if ":" in text else meaning


def exact_name_first(text: str, meaning: Meaning) -> Meaning:
    """Return ``meaning``, but on a host where an image is called just ``text`` that image alone.

    So ``tag:1`` finds the image ``tag:1`` where there is one, and a name with ``*`` or ``[`` in it is no pattern.
    """
    name = text.lower()

    def bind(graph: LayerGraph) -> Test:
        references = names_of(graph).references
        if any(name in names for names in references):
            return lambda node: name in references[node.index]
        return meaning.bind(graph)

    return Meaning(meaning.says, bind)


HELP: tuple[tuple[str, str], ...] = (
    *((flag, says) for flag, (says, _) in FLAGS.items()),
    (">500MB  <1G  >=2GiB", "size of the image"),
    ("unique>100MB  shared>1G", "bytes that only it needs, or that others need too"),
    ("layers>20  tags>1  containers=0", "counts"),
    ("older:30d  newer:2w  older:2026-01-31", "when it was made"),
    ("used:30d  unused:30d", "seen in use by an earlier scan; watched so long and not seen in use"),
    ("repo:api  tag:latest  repo=api", "contains; with = is; * and ? stand for anything"),
    ("id:3f2a9c  digest:3f2a9c", "an image ID or digest starts so"),
    ("layer:8c1d", "the chain or diff ID of one of its layers starts so"),
    ("label:stage  label:stage=prod", "a label"),
    ("platform:arm64", "made for it"),
    ("container:web", "a container of that name uses it"),
    ("api  'two words'  myapp:*", "name, tag, or start of the ID"),
    ("-unused  !tag:latest", "not"),
    ("dangling or older:1y", "either; without it, all must be true"),
)
"""(examples, meaning) for the help screen and the manual."""
