"""What a term of the filter language means: a test of an image, and words for it.

A term is turned into a test in two steps, since some need the whole graph first (``layer:`` looks its layers up
once): *meaning* of the text, then *bind* to a graph.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from layerscope.core.graph import ImageNode, LayerGraph

Test = Callable[[ImageNode], bool]
Binder = Callable[[LayerGraph], Test]


class WrongTermError(ValueError):
    """A term that means nothing; the message is one line for a person."""


class Meaning(Struct, frozen=True):
    """What one term selects: in words, and as a test once it is bound to a graph."""

    says: str
    bind: Binder
