"""Find: which rows of a list fit what was typed, how well, and where in each.

Names and tags are found a few letters at a time (:mod:`layerscope.search.fuzzy`), an ID by its
beginning. An image is also found by the instructions of its layers, but there a word must
stand as it was typed: with letters apart, nearly every image would fit nearly everything.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, KeysView, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

from msgspec import Struct
from msgspec.structs import replace

from layerscope.core.graph import ImageNode, Layer, LayerGraph
from layerscope.inventory import Container
from layerscope.search.fuzzy import Finder, Hit
from layerscope.text import clean
from layerscope.views.names import LONGEST, image_label, layer_label

if TYPE_CHECKING:
    from layerscope.views.tree import TreeRow

ID_DIGITS = 4
"""Digits from which on an ID is looked for: fewer are in too many."""
WORD_LETTERS = 3
"""Letters from which on the instructions of an image's layers are looked through: fewer are in all of them."""
_ABOVE = 10**6
"""What a fit in a name scores above one in an instruction."""


class Spot(Struct, eq=False):
    """Where a row fits."""

    what: str
    """In what, for a person: ``name``, ``tag``, ``ID``, ``digest``, ``layer`` …"""
    name: str
    """The text that fits, where it is not the instruction of a layer."""
    score: int
    """Higher is better, among the spots of one search."""
    words: tuple[str, ...] = ()
    """What is in the text as it is, in lower case."""
    hit: Hit | None = None
    """What is in it letter by letter."""
    among: Mapping[int, Layer] | None = None
    """The layers that fit, by index, for an image that fits by one of them."""
    node: ImageNode | None = None
    """That image."""

    @property
    def layer(self) -> Layer | None:
        """Of an image that fits by an instruction: the newest of its layers that does."""
        if self.among is None or self.node is None:
            return None
        return next((layer for layer in reversed(self.node.layers) if layer.index in self.among), None)

    @property
    def text(self) -> str:
        """The text that fits, cleaned."""
        layer = self.layer
        return self.name if layer is None else layer_label(layer)

    @property
    def positions(self) -> tuple[int, ...]:
        """The characters of the text to highlight, rising."""
        return self.hit.positions if self.hit is not None else places(self.text, self.words)


def places(text: str, words: Iterable[str]) -> tuple[int, ...]:
    """Return the characters of ``text`` in which ``words`` (lower case) stand as they are, each where it is first."""
    lower = text.lower()
    found: set[int] = set()
    for word in words:
        at = lower.find(word)
        if at >= 0:
            found.update(range(at, at + len(word)))
    return tuple(sorted(found))


class Spots(Mapping[Hashable, Spot]):
    """The images that fit, by ID. Where one does is not made out before it is looked at: most never are."""

    def __init__(
        self,
        hits: Mapping[Hashable, Hit],
        texts: Sequence[tuple[str, str, str]],
        digits: Mapping[Hashable, Spot],
        by_layer: Spot,
        nodes: Mapping[Hashable, ImageNode],
    ) -> None:
        """Take those that fit by a name, one of ``texts``; by an ID; and by a layer. One may be among each of them."""
        self.levels: tuple[Mapping[Hashable, Hit | Spot], ...] = hits, digits
        """Those of the first are worth more than those of the second, and these more than all others."""
        self._hits, self._texts, self._digits, self._by_layer, self._nodes = hits, texts, digits, by_layer, nodes
        self._all: dict[Hashable, object] = {**hits, **digits, **nodes}
        self._made: dict[Hashable, Spot] = {}

    def __getitem__(self, key: Hashable) -> Spot:
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._spot(key)
        return found

    def _spot(self, key: Hashable) -> Spot:
        hit = self._hits.get(key)
        if hit is not None:
            _, what, name = self._texts[hit.index]
            return Spot(what, name, hit.score + _ABOVE, hit=hit)
        return self._digits.get(key) or replace(self._by_layer, node=self._nodes[key])

    def __contains__(self, key: object) -> bool:
        return key in self._all

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def keys(self) -> KeysView[Hashable]:
        """The IDs, in what answers at once whether one is among them: thousands are asked for."""
        return self._all.keys()

    def unlike(self) -> Iterator[tuple[Hashable, Spot]]:
        """Yield what fits, but of those that do by a layer alone, which share that, only the first."""
        for key in self._all:
            yield key, self[key]
            if self[key].among is not None:
                break


class Search(Protocol):
    """Looks through one list."""

    def find(self, text: str) -> Mapping[Hashable, Spot]:
        """Return the keys of the rows that fit, with where they do; nothing for a blank."""
        ...


class ImageSearch:
    """Looks through images by name, further tags, ID, digests and instructions. Keys are image IDs."""

    def __init__(self, graph: LayerGraph) -> None:
        self._texts: list[tuple[str, str, str]] = []
        self._digests: list[tuple[str, str, str]] = []
        for node in graph.images:
            # The digits of an ID in a label are left out: letters from a to f would be found in most of them.
            label = image_label(node) if node.image.tags else re.split(r"(?<=>) |@", image_label(node))[0]
            self._texts.append((node.id, "name", label))
            self._texts += [(node.id, "tag", clean(tag, LONGEST)) for tag in node.image.tags[1:]]
            self._digests.append((node.id, "ID", node.id))
            self._digests += [(node.id, "digest", digest.rpartition("@")[2]) for digest in node.image.digests]
        self._names = Finder([text for _, _, text in self._texts])
        self._layers = _Instructions(graph.layers)
        self._having: Sequence[Layer] = ()
        """The layers that had what was looked for last; by index; and the images that need any of them."""
        self._among: dict[int, Layer] = {}
        self._nodes: dict[Hashable, ImageNode] = {}

    def find(self, text: str) -> Mapping[Hashable, Spot]:
        """Return the images that fit, by ID."""
        hits: dict[Hashable, Hit] = {}
        for hit in self._names.find(text):  # the best first
            hits.setdefault(self._texts[hit.index][0], hit)
        digits: dict[Hashable, Spot] = {}
        for key, spot in _by_digits(text, self._digests):
            digits.setdefault(key, spot)
        words = tuple(text.lower().split())
        if len("".join(words)) < WORD_LETTERS:
            return Spots(hits, self._texts, digits, Spot("layer", "", 0), {})
        layers = self._layers.having(words)
        if layers is not self._having:
            self._having = layers
            self._among = {layer.index: layer for layer in layers}
            nodes: set[ImageNode] = set()
            for layer in layers:
                if layer.images and layer.images[0] not in nodes:  # else so are all: they stand on one that fits
                    nodes.update(layer.images)
            self._nodes = {node.id: node for node in nodes}
        return Spots(hits, self._texts, digits, Spot("layer", "", 0, words, among=self._among), self._nodes)


class LayerSearch:
    """Looks through layers by instruction, chain ID and diff ID. Keys are chain IDs."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._digests = [(layer.chain_id, "chain ID", layer.chain_id) for layer in layers]
        self._digests += [(layer.chain_id, "diff ID", layer.diff_id) for layer in layers]
        self._layers = _Instructions(layers)
        self._texts = list(self._layers.having_text)
        self._finder = Finder(self._texts)

    def find(self, text: str) -> Mapping[Hashable, Spot]:
        """Return the layers that fit, by chain ID."""
        found: dict[Hashable, Spot] = {}
        for hit in self._finder.find(text):
            label = self._texts[hit.index]
            spot = Spot("instruction", label, hit.score + _ABOVE, hit=hit)
            found.update(dict.fromkeys(self._layers.chains(label), spot))
        for key, spot in _by_digits(text, self._digests):
            found.setdefault(key, spot)
        return found


class NameSearch:
    """Looks through rows by one text each, and by an ID where one is given."""

    def __init__(self, rows: Iterable[tuple[Hashable, str, str]]) -> None:
        """Take (key, text, ID or nothing) for each row."""
        self._keys: list[Hashable] = []
        texts: list[str] = []
        self._digests: list[tuple[Hashable, str, str]] = []
        for key, text, digest in rows:
            self._keys.append(key)
            texts.append(text)
            if digest:
                self._digests.append((key, "ID", digest))
        self._texts = texts
        self._finder = Finder(texts)

    def find(self, text: str) -> Mapping[Hashable, Spot]:
        """Return the rows that fit, by key."""
        found: dict[Hashable, Spot] = {}
        for hit in self._finder.find(text):
            found.setdefault(self._keys[hit.index], Spot("name", self._texts[hit.index], hit.score + _ABOVE, hit=hit))
        for key, spot in _by_digits(text, self._digests):
            found.setdefault(key, spot)
        return found


def user_search(rows: Iterable[ImageNode | Container]) -> NameSearch:
    """Return a search through what uses a layer; keys are IDs."""
    return NameSearch(
        (row.id, clean(row.name, LONGEST) if isinstance(row, Container) else image_label(row), row.id) for row in rows
    )


def tree_search(rows: Iterable[TreeRow]) -> NameSearch:
    """Return a search through rows of the tree: names and tags of images, instructions of runs of layers."""
    return NameSearch((row.key, _tree_text(row), "" if row.image is None else row.image.id) for row in rows)


def _tree_text(row: TreeRow) -> str:
    """What is found begins with what is shown, so that places in it can be highlighted there."""
    if row.image is not None:
        return " ".join((row.label, *(clean(tag, LONGEST) for tag in row.image.image.tags[1:])))
    if row.layer is not None or row.run is None:
        return row.label
    return " ".join((row.label, *(layer_label(layer) for layer in row.run.layers[-8:] if layer is not row.run.biggest)))


_SEARCHES: WeakKeyDictionary[LayerGraph, tuple[ImageSearch | None, LayerSearch | None]] = WeakKeyDictionary()


def image_search(graph: LayerGraph) -> ImageSearch:
    """Return the search through all images of a graph, made once."""
    images, layers = _SEARCHES.get(graph, (None, None))
    if images is None:
        images = ImageSearch(graph)
        _SEARCHES[graph] = images, layers
    return images


def layer_search(graph: LayerGraph) -> LayerSearch:
    """Return the search through all layers of a graph, made once."""
    images, layers = _SEARCHES.get(graph, (None, None))
    if layers is None:
        layers = LayerSearch(graph.layers)
        _SEARCHES[graph] = images, layers
    return layers


class _Instructions:
    """Instructions as they are shown, each once: on a big host one stands in many layers."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        labels: dict[str, str] = {}
        self.having_text: dict[str, list[Layer]] = {}
        for layer in layers:
            raw = layer.instruction
            if raw is None:
                continue
            label = labels.get(raw) if raw.strip() else layer_label(layer)
            if label is None:
                label = labels[raw] = layer_label(layer)
            self.having_text.setdefault(label, []).append(layer)
        self._lower = [(label.lower(), layers) for label, layers in self.having_text.items()]
        self._words: tuple[str, ...] = ()
        """What was looked for last, the instructions that hold it, and their layers."""
        self._texts: list[tuple[str, list[Layer]]] = []
        self._found: list[Layer] = []

    def having(self, words: Sequence[str]) -> Sequence[Layer]:
        """Return the layers whose instruction holds all the words as they are, parents before children.

        It is the very list of the time before where the same do.
        """
        texts = self._lower
        longer = bool(self._words) and all(any(old in new for new in words) for old in self._words)
        if longer:  # what holds these, holds those
            texts = self._texts
        for word in words:
            texts = [one for one in texts if word in one[0]]
        self._words = tuple(words)
        if longer and len(texts) == len(self._texts):
            return self._found
        self._texts = texts
        self._found = [layer for _, layers in texts for layer in layers]
        self._found.sort(key=attrgetter("index"))
        return self._found

    def chains(self, label: str) -> list[str]:
        return [layer.chain_id for layer in self.having_text[label]]


def _by_digits(text: str, digests: Iterable[tuple[Hashable, str, str]]) -> Iterable[tuple[Hashable, Spot]]:
    """Yield (key, spot) of those whose digest begins with what was typed."""
    typed = text.strip().lower().rpartition("@")[2].removeprefix("sha256:")
    if len(typed) < ID_DIGITS or not re.fullmatch("[0-9a-f]+", typed):
        return
    start = "sha256:" + typed
    for key, what, digest in digests:
        if digest.startswith(start):
            yield key, Spot(what, clean(digest, 80), _ABOVE // 2, (typed,))
