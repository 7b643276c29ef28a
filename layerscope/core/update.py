"""A graph brought up to date in place, where an engine changed names and containers and nothing that has a size.

A tag, an untagging, a container that starts: none of them moves a layer, so the layers of the graph before are
those of the graph after. What it comes to is the same, field for field, as :func:`layerscope.core.build.build_graph` of
the new inventory; where that is not certain, nothing is touched, and the graph is to be built.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from itertools import compress
from operator import is_not
from weakref import ref

from msgspec.structs import replace

from layerscope.core.content import content_graph
from layerscope.core.graph import ImageNode, LayerGraph, place
from layerscope.core.sizes.evidence import usage_of
from layerscope.core.sizes.ledger import name_of
from layerscope.inventory import Container, Image, Inventory

MOST = 200
"""Images that may change at once: of more, a graph is as soon built."""


def updated(old: LayerGraph, inventory: Inventory) -> LayerGraph | None:
    """Return the graph of a newer inventory, made of the very layers and rows of ``old``; None: build it.

    ``old`` then is no graph to go on with: its layers and the rows that did not change are those of the new one. Its
    ``images`` and ``image_by_id`` keep what changed as it was, to be told from what it is. Call it
    where nobody reads the graph meanwhile. Costs time in proportion to what changed, and a glance at each image.
    """
    before = old.inventory
    images = _renamed(before.images, inventory.images)
    if images is None or not _same_sizes(old, inventory) or not _layers_hold(old, images):
        return None
    touched = {name: old.image_by_id[name] for name in images}
    holding = None
    if before.containers is not inventory.containers:
        held, holding = _by_image(before.containers), _by_image(inventory.containers)
        for name in held.keys() | holding.keys():
            node = old.image_by_id.get(name)
            if node is not None and held.get(name, ()) != holding.get(name, ()):
                touched[name] = node
    if len(touched) > MOST:
        return None
    new = copy(old)
    new.__dict__.pop("orphan_containers", None)
    if (said := new.__dict__.pop("_said", None)) is not None:
        new.__dict__["_said"] = {**said, **images}
    new.inventory = inventory
    new.content = content_graph(inventory)
    new.worked_out = {}
    new.touched = ref(old), tuple(touched)
    _leave_behind(old, touched)
    for name, node in touched.items():
        if (image := images.get(name)) is not None:  # beside its names it may have what was worked out for it
            node.image = replace(node.image, tags=image.tags, digests=image.digests, last_tagged=image.last_tagged)
            if name in old.namings:
                old.namings[name].text = name_of(image)
        if holding is not None:
            node.containers = holding.get(name, ())
    moved = _in_order(new, touched.values())
    for name, found in old.worked_out.items():
        carry = getattr(found, "carried_over", None)
        if carry is not None and not moved:
            new.worked_out[name] = carry(new, touched.values())
    return new


def _renamed(before: Sequence[Image], after: Sequence[Image]) -> dict[str, Image] | None:
    """Return by ID the images that differ in their names alone; None where anything else is different."""
    if len(before) != len(after):
        return None
    found: dict[str, Image] = {}
    for old, new in compress(zip(before, after, strict=True), map(is_not, before, after)):
        named = replace(old, tags=new.tags, digests=new.digests, last_tagged=new.last_tagged)
        if not new.listed or new.diff_ids is None or old.id in found or named != new:
            return None
        if new != old:
            found[new.id] = new
    return found


def _same_sizes(old: LayerGraph, inventory: Inventory) -> bool:
    """Does all that sizes are worked out from say what it said before?"""
    before = old.inventory
    if before.engine != inventory.engine or not before.complete or not inventory.complete:
        return False
    if before.content is not inventory.content and before.content != inventory.content:
        return False
    if not old.distinct:
        return False  # two records of one image
    if before.usage is inventory.usage:
        return usage_of(before, old.rules) is usage_of(inventory, old.rules)
    accounts = usage_of(before, old.rules), usage_of(inventory, old.rules)
    return accounts == (None, None) or old.plain


def _layers_hold(old: LayerGraph, images: Mapping[str, Image]) -> bool:
    """Has each of these images a row, with the layers that it had?"""
    rows = (old.image_by_id.get(name) for name in images)
    return all(
        node is not None and node.image.diff_ids == image.diff_ids
        for node, image in zip(rows, images.values(), strict=True)
    )


def _by_image(containers: Sequence[Container]) -> dict[str, tuple[Container, ...]]:
    found: dict[str, list[Container]] = {}
    for container in containers:
        found.setdefault(container.image_id, []).append(container)
    return {image: tuple(them) for image, them in found.items()}


def _leave_behind(old: LayerGraph, touched: Mapping[str, ImageNode]) -> None:
    """Let the old graph keep what it said of the images that change."""
    rows, known = list(old.images), dict(old.image_by_id)
    for name, node in touched.items():
        rows[node.index] = known[name] = copy(node)
    old.images, old.image_by_id = tuple(rows), known


def _in_order(graph: LayerGraph, touched: Collection[ImageNode]) -> bool:
    """Put rows that have another name where they belong; True when any moved."""
    rows = list(graph.images)
    if not any(_is_out_of_order(rows, node) for node in touched):
        return False
    for node in touched:
        for layer in node.layers:
            del layer.images[bisect_left(layer.images, node.index, key=_index)]
    rows.sort(key=place)
    for index, node in enumerate(rows):
        node.index = index
    for node in touched:
        for layer in node.layers:
            layer.images.insert(bisect_left(layer.images, node.index, key=_index), node)
    graph.images = tuple(rows)
    graph.image_by_id = {node.id: node for node in rows}
    return True


def _is_out_of_order(rows: Sequence[ImageNode], node: ImageNode) -> bool:
    here, at = place(node), node.index
    return (at > 0 and place(rows[at - 1]) > here) or (at + 1 < len(rows) and here > place(rows[at + 1]))


def _index(node: ImageNode) -> int:
    return node.index
