"""What was there at a scan, in few bytes: whole, or as what differs from the record before."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from contextlib import suppress

from layerscope.core.graph import LayerGraph

State = dict[str, tuple[bool, tuple[str, ...]]]
"""By image ID: is it in use, and its names. In the order in which they came, which numbers them."""

MOST_BYTES = 32 << 20
"""That a record is ever unpacked to."""


def state_of(graph: LayerGraph) -> State:
    """Return what is there now."""
    return {node.id: (bool(node.containers), node.image.tags) for node in graph.images}


def whole_bytes(state: State) -> bytes:
    """Return all that was there."""
    rows = [[_packed(i), int(used), *names] for i, (used, names) in state.items()]
    return zlib.compress(_json(rows))


def delta_bytes(before: State, after: State) -> bytes:
    """Return what differs: numbers of images that went, of those whose use or names changed, and new images."""
    at = {image_id: number for number, image_id in enumerate(before)}
    gone = [at[i] for i in before if i not in after]
    flipped = [at[i] for i in before if i in after and before[i][0] is not after[i][0]]
    renamed = [[at[i], *after[i][1]] for i in before if i in after and before[i][1] != after[i][1]]
    came = [[_packed(i), int(used), *names] for i, (used, names) in after.items() if i not in before]
    return _json([gone, flipped, renamed, came])


def applied(before: State, whole: bool, data: bytes) -> State | None:
    """Return what was there with a record, :func:`whole_bytes` or else :func:`delta_bytes`; None: it cannot be read."""
    try:
        if whole:
            return {_unpacked(i): (bool(used), tuple(names)) for i, used, *names in json.loads(_inflated(data))}
        gone, flipped, renamed, came = json.loads(data)
        ids = list(before)
        found = dict(before)
        for at in flipped:
            used, names = found[ids[at]]
            found[ids[at]] = (not used, names)
        for at, *names in renamed:
            found[ids[at]] = (found[ids[at]][0], tuple(names))
        for at in gone:
            del found[ids[at]]
        found.update({_unpacked(i): (bool(used), tuple(names)) for i, used, *names in came})
    except (ValueError, TypeError, KeyError, IndexError, zlib.error):
        return None
    return found


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    return unpacker.decompress(data, MOST_BYTES)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _packed(image_id: str) -> str:
    """Write a digest in 43 characters in place of 71."""
    digits = image_id.removeprefix("sha256:")
    if image_id != digits and len(digits) == 64:
        with suppress(ValueError):
            raw = bytes.fromhex(digits)
            if raw.hex() == digits:
                return b64encode(raw).decode()[:-1]
    return f"={image_id}"


def _unpacked(packed: str) -> str:
    return packed[1:] if packed.startswith("=") else f"sha256:{b64decode(packed + '=').hex()}"
