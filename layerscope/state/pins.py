"""Pinned images: never proposed for removal. Kept on disk, by name, so that a rebuilt image stays pinned.

``$XDG_STATE_HOME/layerscope/pins.json`` is a list of names; an image without a name is in it by
its ID. An image is pinned when one of its names, or its ID, is in the list.

The list is one for all hosts. IDs are digests of the image's content: the same ID is the same image wherever
it is. A name may mean another image on another host, and that one is then pinned too: a pin can only ever keep an
image that would have been proposed, shown as pinned, and taken off again with one key; while a list for each host would
forget its pins whenever the same engine is reached by another address (socket, context, ssh).

Sessions share the file: a change is made to what is in it at that moment, under a lock (``pins.lock`` beside it).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.state.files import cause, locked, private_folder, read_small, write_whole
from layerscope.state.paths import state_path
from layerscope.text import clean

PATIENCE = 2.0
"""Seconds to wait for another session that is writing: it takes milliseconds, unless it hangs."""


class PinsError(Exception):
    """Pins could not be read or kept; the message is one printable line."""


class Pins:
    """The pinned names. Nothing is read before :meth:`load`; ``Pins(None)`` keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._names: set[str] = set()
        self._added: set[str] = set()
        self._removed: set[str] = set()

    @classmethod
    def of_user(cls) -> Pins:
        """Return the pins of whoever runs the program, not loaded yet."""
        return cls(state_path("pins.json"))

    def load(self) -> None:
        """Read the file; what this session pinned and unpinned stays. Raises PinsError.

        A proposal without the pins would break a promise: do without it, not without them.
        """
        if self.path is None:
            return
        try:
            data = read_small(self.path)
        except FileNotFoundError:
            data = b"[]"
        except (OSError, ValueError) as error:
            raise PinsError(f"{self._file}: pins cannot be read: {cause(error)}") from None
        try:
            found = json.loads(data)
            if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
                raise ValueError("not a list of names")
        except (ValueError, RecursionError):
            raise PinsError(f"{self._file}: pins cannot be read, the file is damaged; mend it or delete it") from None
        self._names = (set(found) | self._added) - self._removed

    def __contains__(self, node: ImageNode) -> bool:
        return not self._names.isdisjoint((*node.image.tags, node.id))

    def ids(self, graph: LayerGraph) -> set[str]:
        """Return the IDs of the pinned images of a graph."""
        return {node.id for node in graph.images if node in self} if self._names else set()

    def toggle(self, nodes: Iterable[ImageNode]) -> bool:
        """Pin these images, or unpin them if all of them are pinned; return True when they are pinned now.

        Raises PinsError when that could not be kept; it holds for this session all the same.
        """
        nodes = list(nodes)
        pinning = not all(node in self for node in nodes)
        names = {name for node in nodes for name in (node.image.tags if pinning else (*node.image.tags, node.id))}
        names |= {node.id for node in nodes if not node.image.tags}
        if pinning:
            self._added |= names
            self._removed -= names
        else:
            self._removed |= names
            self._added -= names
        self._names = (self._names | self._added) - self._removed
        self._save()
        return pinning

    def _save(self) -> None:
        if self.path is None:
            return
        try:
            private_folder(self.path.parent)
            with locked(self.path.with_name("pins.lock"), PATIENCE):
                self.load()  # what another session has changed since
                data = json.dumps(sorted(self._names), indent=1) + "\n"
                write_whole(self.path, data.encode("ascii"), private=True)
        except TimeoutError:
            raise PinsError(f"{self._file}: pins are not kept: another session is writing them, and hangs") from None
        except (OSError, ValueError) as error:
            raise PinsError(f"{self._file}: pins are not kept beyond this session: {cause(error)}") from None
        self._added.clear()  # they are in the file: who takes them out of it now means it
        self._removed.clear()

    @property
    def _file(self) -> str:
        return clean(str(self.path), 200)
