"""What images and layers are called on screen. All of it is cleaned, one line, and bounded in length."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from layerscope.core.ages import why_no_age
from layerscope.core.graph import ImageNode, Layer
from layerscope.search.reference import split_reference
from layerscope.text import clean, fold_instruction
from layerscope.units import UNKNOWN, Units, format_age, format_size, natural_list

if TYPE_CHECKING:
    from layerscope.core.past import Change

NO_HISTORY = "no history for this layer"
NO_INSTRUCTION = "(no instruction given)"
NO_AGE = "–"
IN_FULL = 4000
LONGEST = 400
"""Characters of a name or instruction that are ever shown in one line."""


def short_id(digest: str) -> str:
    """Return 12 digits of a digest, as docker prints them: ``3f2a9c4d5e6f`` for ``sha256:3f2a9c4d5e6f…``."""
    return clean(digest.removeprefix("sha256:"), LONGEST)[:12]


def chain_label(layer: Layer) -> str:
    """Return the beginning of a layer's chain ID; of a first layer that is its diff ID, and may be any text."""
    return clean(layer.chain_id, LONGEST)[:19]


def image_label(node: ImageNode) -> str:
    """Return an image's first tag; without tags, the repository of its digest, or ``<none>``, and its short ID."""
    image = node.image
    if image.tags:
        return clean(image.tags[0], LONGEST)
    if image.digests:
        return f"{clean(image.digests[0].partition('@')[0], LONGEST)}@{short_id(node.id)}"
    return f"<none> {short_id(node.id)}"


def repository(node: ImageNode) -> str:
    """Return the repository of an image's first tag or digest, cleaned; empty when it has neither."""
    names = node.image.tags or node.image.digests
    return _repository(names[0]) if names else ""


@lru_cache(maxsize=1 << 15)
def _repository(name: str) -> str:
    return clean(split_reference(name)[0], LONGEST)


def image_labels(nodes: list[ImageNode], most: int) -> str:
    """Return the labels of some images in one line: ``deb:base, node:1 and 12 more``."""
    shown = nodes[:most]
    return natural_list([image_label(node) for node in shown], more=len(nodes) - len(shown))


def layer_label(layer: Layer) -> str:
    """Return the instruction that made a layer, as in the Dockerfile; else its comment, or that there is none."""
    if layer.instruction is None:
        return NO_HISTORY
    return fold_instruction(layer.instruction, LONGEST) or clean(layer.comment, LONGEST) or NO_INSTRUCTION


def layer_text(layer: Layer) -> str:
    """Return the instruction that made a layer, in full up to :data:`IN_FULL` characters; as :func:`layer_label`."""
    if layer.instruction is None:
        return NO_HISTORY
    return fold_instruction(layer.instruction, IN_FULL) or clean(layer.comment, LONGEST) or NO_INSTRUCTION


def bounded(size: int, bound: str, units: Units = Units.SI) -> str:
    """Return bytes with their bound (:data:`layerscope.core.removal.simulation.Bound`), ``≤5.0 MB``; ``?`` for none."""
    if bound == "?" or (bound == "≥" and not size):
        return UNKNOWN
    return f"{bound}{format_size(size, units)}"


def signed_words(change: Change, units: Units) -> str:
    """Return a change that lies between two bounds in words: ``+31.0 MB``, ``no change``, ``≥+1.0 MB``, ``?``.

    Bounds that are written the same are written once: so is every number between them.
    """
    low, high = (None if size is None else format_size(size, units, signed=True) for size in change)
    if change == (0, 0):
        return "no change"
    if low is not None and high is not None:
        return low if low == high else f"{low} to {high}"
    if change[0] is not None and change[0] > 0:
        return f"≥{low}"
    if change[1] is not None and change[1] < 0:
        return f"≤{high}"
    return UNKNOWN


def unique_amount(node: ImageNode, unknown_images: int, units: Units = Units.SI) -> str:
    """Return what an image alone has; ``≤`` while ``unknown_images`` others, of unknown layers, may need it too."""
    return bounded(node.unique, node.unique_bound, units)


def age_words(created: int | None, now: int) -> str:
    """Return an age, ``7 months``; ``–`` where the date is none (see :mod:`layerscope.core.ages`)."""
    return NO_AGE if why_no_age(created, now) else format_age(created, now)


def amount(size: int | None, unknown: int | bool, units: Units = Units.SI) -> str:
    """Return bytes for a person: ``≥5.0 MB`` when parts of it are unknown, ``?`` when all is; nothing for None."""
    if size is None:
        return ""
    if unknown:
        return f"≥{format_size(size, units)}" if size else UNKNOWN
    return format_size(size, units)
