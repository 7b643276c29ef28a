"""What an engine's account of its disk says about sums of layers, on stores where it counts nothing else.

moby ``daemon/images/image_list.go``: SharedSize of an image is the sum of its layers that more than one image has.
Those are the lowest of its layers, so it is the height of the last of them. Up to Engine 20.10 images are the rows of
``docker images``, later build steps count too (measured on 20.10 and 28.5): it is used where both
come to the same layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from layerscope.core.sizes.ledger import Naming, Stack
from layerscope.core.sizes.sums import Bounds, Height, Heights
from layerscope.core.stores import StoreRules
from layerscope.inventory import DiskUsage, Inventory


def usage_of(inventory: Inventory, rules: StoreRules) -> DiskUsage | None:
    """Return the engine's account where its sums are over the very layers of this inventory; else None.

    It was asked for at another moment than the images: it counts only while its rows are the same.
    """
    usage = inventory.usage
    if usage is None or not rules.total_is_footprint or not inventory.complete:
        return None
    rows = {image.id for image in inventory.images if image.listed}
    if rows != {name for name, _ in usage.shared_sizes}:
        return None
    return usage if all(image.diff_ids is not None for image in inventory.images) else None


def needed_by_rows(stacks: Iterable[Stack], up: Sequence[int]) -> list[int]:
    """Return the numbers of the layers that rows need: what the engine's total is over."""
    counts = _counts((stack for stack in stacks if stack.image.listed), up)
    return [number for number in range(len(up)) if counts[number]]


def near_heights(stacks: Iterable[Stack], rules: StoreRules) -> dict[str, Bounds]:
    """Return between what bounds the heights of images lie, where their Size is layers and a little metadata.

    containers/storage ``store.go`` ImageSize: layers and "big data", which is the manifest, kept twice, the
    configuration and signatures. Measured: 1,086 to 17,555 bytes. These grow with the texts of the history and with
    labels, each of which may be escaped; more is allowed for than was ever seen.
    """
    if not rules.size_adds_metadata:
        return {}
    found: dict[str, Bounds] = {}
    for stack in stacks:
        image, size = stack.image, stack.image.engine_size
        if size is None or not stack.chain or image.history is None:
            continue
        texts = sum(len(entry.created_by) + len(entry.comment) + 200 for entry in image.history)
        texts += sum(len(name) + len(text) + 20 for name, text in image.labels)
        low = max(0, size - _METADATA - _ESCAPED * texts - _PER_LAYER * len(stack.chain))
        top = stack.chain[-1]
        before = found.get(top, Bounds(low, size))
        high = size if before.high is None else min(size, before.high)
        found[top] = Bounds(min(high, max(low, before.low)), high)
    return found


_METADATA, _ESCAPED, _PER_LAYER = 65_536, 6, 2_000


def shared_heights(
    stacks: Sequence[Stack], up: Sequence[int], usage: DiskUsage, known: Heights
) -> dict[int, tuple[int, Naming]]:
    """Return by number the heights that SharedSize tells, with the name of an image of which it was said.

    None of them where one cannot be, by what is ``known``: then they are of other images than these.
    """
    by_rows = _last_shared(_counts((stack for stack in stacks if stack.image.listed), up), up)
    by_all = _last_shared(_counts(stacks, up), up)
    shared = dict(usage.shared_sizes)
    told: dict[int, tuple[int, Naming]] = {}
    for stack in stacks:
        size = shared.get(stack.image.id) if stack.image.listed else None
        if size is None or not stack.path:
            continue
        last = by_rows[stack.path[-1]]
        if last != by_all[stack.path[-1]]:
            continue
        if told.setdefault(last, (size, stack.naming))[0] != size:
            return {}
    for number, (size, _) in told.items():
        between = known.unknowns.of(known.of[number])
        if size < between.low or (between.high is not None and size > between.high):
            return {}
    return {number: said for number, said in told.items() if number >= 0 and known.of[number] != Height(0, said[0])}


def _counts(stacks: Iterable[Stack], up: Sequence[int]) -> list[int]:
    """Return by how many images each layer is needed."""
    counts = [0] * (len(up) + 1)
    for stack in stacks:
        if stack.path:
            counts[stack.path[-1]] += 1
    for number in range(len(up) - 1, -1, -1):
        counts[up[number]] += counts[number]
    return counts


def _last_shared(counts: Sequence[int], up: Sequence[int]) -> list[int]:
    found = [-1] * (len(up) + 1)
    for number, parent in enumerate(up):
        found[number] = number if counts[number] > 1 else found[parent]
    return found
