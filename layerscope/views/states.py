"""What is known of an image's layers, in words: never one word for all that is not."""

from __future__ import annotations

from layerscope.core.content import LayersState
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.text import clean

_SHORT: dict[LayersState, str] = {
    "known": "",
    "none": "no layers",
    "not-unpacked": "not unpacked",
    "other-platform": "other platform",
    "refused": "refused",
    "not-asked": "not read",
}
_SHORTEST: dict[LayersState, str] = {
    "none": "none",
    "not-unpacked": "packed",
    "other-platform": "foreign",
    "not-asked": "unread",
}
_LONG: dict[LayersState, str] = {
    "known": "",
    "none": "an image without layers",
    "not-unpacked": "not unpacked: it keeps its content only",
    "other-platform": "for another platform and not unpacked: it keeps its content only",
    "refused": "the engine did not tell its layers",
    "not-asked": "not read yet",
}


def state_words(node: ImageNode, graph: LayerGraph, room: int = 99) -> str:
    """Return why a row shows no layers, in two words, or one for a small ``room``; empty where it shows them."""
    if node.layers:
        return ""
    state = graph.layers_state(node)
    words = _SHORT[state]
    return words if len(words) <= room else _SHORTEST.get(state, words)


def state_sentence(node: ImageNode, graph: LayerGraph) -> str:
    """Return the same in full, with the engine's words where it refused; empty where its layers are known."""
    state = graph.layers_state(node)
    words = _LONG[state]
    note = clean(node.image.note, 200)
    return f"refused: {note}" if state == "refused" and note else words
