"""From an inventory to its graph: which layers there are, what they weigh, and which images stand on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from layerscope.core.chain import chain_id
from layerscope.core.content import ContentGraph, content_graph
from layerscope.core.graph import ImageNode, Layer, LayerGraph, may_hide_layers, place
from layerscope.core.holding import held_chains, with_roots, without_unstored
from layerscope.core.sizes.evidence import usage_of
from layerscope.core.sizes.ledger import Settled, Stack
from layerscope.core.sizes.resolve import settle
from layerscope.core.sizes.sums import GROUND, Bounds, Tally, Unknowns
from layerscope.core.sizes.unpacked import most_unpacked, with_unpacked
from layerscope.core.stores import STORES, StoreRules
from layerscope.inventory import Container, Image, Inventory


def build_graph(inventory: Inventory) -> LayerGraph:
    """Compute the layer graph of an inventory.

    Raises nothing on odd data: what does not add up is marked unknown or inferred,
    and of records with the same image ID the first counts.
    """
    rules = STORES[inventory.engine.store_kind]
    by_id: dict[str, Image] = {}
    for image in inventory.images:
        by_id.setdefault(image.id, image)
    content = content_graph(inventory)
    images = with_unpacked(content, without_unstored(content, with_roots(content, by_id.values())))
    parents: dict[str, str | None] = {}
    diffs: dict[str, str] = {}
    stacks = _stacks(images, parents, diffs)
    held = held_chains(content, {stack.image.id: stack.chain for stack in stacks})
    needed = _under(held[stack.image.id] for stack in stacks if stack.image.listed)
    stored = needed if len(needed) == len(parents) else _under(held.values())
    told = content is not None and inventory.complete and all(image.diff_ids is not None for image in images)
    most = most_unpacked(content, images) if told else None
    settlement = settle(stacks, parents, rules, usage_of(inventory, rules), most)
    settled = settlement.layers
    made: dict[str, Layer] = {}
    layers: list[Layer] = []
    hidden: list[Layer] = []
    for name, below in parents.items():
        if name not in stored:
            continue
        shelf, first = (layers, 0) if name in needed else (hidden, len(needed))
        layer = _layer(first + len(shelf), name, diffs[name], made[below] if below is not None else None, settled[name])
        made[name] = layer
        shelf.append(layer)
        if layer.parent is not None and name in needed:
            layer.parent.children.append(layer)
    stack_of = {stack.image.id: tuple(map(made.__getitem__, held[stack.image.id])) for stack in stacks}
    return LayerGraph(
        inventory,
        layers=tuple(layers),
        images=_with_content(_images(stack_of, made, inventory, images, rules, settlement.unknowns), content),
        hidden_layers=tuple(hidden),
        unlisted=tuple(image for image in images if not image.listed),
        stacks=stack_of,
        content=content,
        unknowns=settlement.unknowns,
        namings={stack.image.id: stack.naming for stack in stacks},
    )


def _stacks(images: Iterable[Image], parents: dict[str, str | None], diffs: dict[str, str]) -> list[Stack]:
    """Return the stacks of the images whose layers are known; fill in each chain ID's parent and diff ID."""
    stacks: list[Stack] = []
    ground: dict[str, _Fork] = {}
    for image in images:
        if image.diff_ids is None:
            continue
        above = ground
        chain: list[str] = []
        for diff_id in image.diff_ids:
            fork = above.get(diff_id)
            if fork is None:
                below = chain[-1] if chain else None
                fork = above[diff_id] = _Fork(name := chain_id(below, diff_id))
                parents.setdefault(name, below)  # by chance or malice a diff ID may be another layer's chain ID
                diffs.setdefault(name, diff_id)
            chain.append(fork.chain)
            above = fork.above
        stacks.append(Stack(image, image.diff_ids, tuple(chain)))
    return stacks


class _Fork:
    """A layer, and by diff ID what stands on it: to find a chain ID takes no hashing of those that are known."""

    __slots__ = ("above", "chain")

    def __init__(self, chain: str) -> None:
        self.chain = chain
        self.above: dict[str, _Fork] = {}


def _under(stacks: Iterable[Sequence[str]]) -> set[str]:
    """Return the layers of some stacks: each once, from the top down to one that was met on the same layer before."""
    found: dict[str, str | None] = {}
    for stack in stacks:
        for at in range(len(stack) - 1, -1, -1):
            here, below = stack[at], stack[at - 1] if at else None
            if found.get(here, here) == below:
                break
            found[here] = below
    return set(found)


def _layer(index: int, chain: str, diff: str, parent: Layer | None, found: Settled) -> Layer:
    entry = found.entry
    return Layer(
        index=index,
        chain_id=chain,
        diff_id=diff,
        parent=parent,
        depth=0 if parent is None else parent.depth + 1,
        size=found.size,
        size_is=found.size_is,
        words=found.words,
        instruction=None if entry is None else entry.created_by,
        instruction_is=found.entry_is,
        comment="" if entry is None else entry.comment,
        created=None if entry is None else entry.created,
        sum_exact=found.sum_exact,
        weight=found.weight,
        height=found.height,
    )


def _images(
    stack_of: Mapping[str, tuple[Layer, ...]],
    made: Mapping[str, Layer],
    inventory: Inventory,
    images: Sequence[Image],
    rules: StoreRules,
    unknowns: Unknowns,
) -> tuple[ImageNode, ...]:
    containers: dict[str, list[Container]] = {}
    for container in inventory.containers:
        containers.setdefault(container.image_id, []).append(container)
    folded = _intermediates(images)

    weights, unsized = [0] * (len(made) + 1), [0] * (len(made) + 1)
    """Of a layer and all below it, by index; -1, the ground: none. The one in bytes, the other how many."""
    for layer in made.values():
        at, below = layer.index, -1 if layer.parent is None else layer.parent.index
        weights[at] = weights[below] + layer.weight
        unsized[at] = unsized[below] + (layer.size is None)

    rows: list[ImageNode] = []
    for image in images:
        if not image.listed:
            continue
        layers = stack_of.get(image.id, ())
        top = layers[-1].index if layers else -1
        between = unknowns.of(layers[-1].height if layers else GROUND)
        exact = between.exact
        size = between.low if exact else max(between.low, weights[top])
        if (not exact or image.diff_ids is None) and rules.image_size_is_layers and image.layers_size is not None:
            size = max(size, image.layers_size)  # the engine's own sum is still right
        rows.append(
            ImageNode(
                index=0,
                image=image,
                layers=layers,
                containers=tuple(containers.get(image.id, ())),
                intermediates=folded.get(image.id, ()),
                size=size,
                unique=0,
                shared=0,
                exact=exact and image.diff_ids is not None,
                sharing_exact=False,
                unknown_layers=unsized[top],
            )
        )
    rows.sort(key=place)
    all_known = not any(may_hide_layers(node.image) for node in rows)
    for index, node in enumerate(rows):
        node.index = index
        for layer in node.layers:
            layer.images.append(node)
    for node in rows:
        # What an image has alone lies on top: whoever shares a layer shares those below it.
        own: list[Layer] = []
        for layer in reversed(node.layers):
            if len(layer.images) > 1:
                break
            own.append(layer)
        ground = own[-1].below if own else node.height
        alone = Tally()
        alone.add(node.height, ground)
        unique, shared = unknowns.bounds(alone), unknowns.of(ground)
        node.unique, node.shared = unique.low, shared.low
        if not unique.exact:
            node.unique = max(unique.low, sum(layer.weight for layer in own))
        if not shared.exact:
            node.shared = max(shared.low, sum(layer.weight for layer in node.layers[: len(node.layers) - len(own)]))
        node.sharing_exact = node.exact and unique.exact and shared.exact and all_known
        if node.known:
            node.unique_bound = ("" if unique.exact else "≥") if all_known else "≤" if unique.exact else "?"
        if not all_known and unique == Bounds(0, 0) and node.known:
            node.unique_bound = ""
    return tuple(rows)


def _with_content(rows: tuple[ImageNode, ...], content: ContentGraph | None) -> tuple[ImageNode, ...]:
    for node in rows:
        if content is not None and node.id in content.blobs:
            node.content = content.use(node.id)
    return rows


def _intermediates(images: Sequence[Image]) -> dict[str, tuple[Image, ...]]:
    """Give every listed image the unlisted ancestors (by ParentId) that lie under it."""
    by_id = {image.id: image for image in images}
    found: dict[str, tuple[Image, ...]] = {}
    for image in images:
        if not image.listed or not image.parent_id:
            continue
        line: list[Image] = []
        seen = {image.id}
        parent = by_id.get(image.parent_id)
        while parent is not None and not parent.listed and parent.id not in seen:
            seen.add(parent.id)
            line.append(parent)
            parent = by_id.get(parent.parent_id)
        if line:
            found[image.id] = tuple(line)
    return found
