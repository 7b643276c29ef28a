"""How each kind of store is best asked; what it means by its answers is in :mod:`layerscope.core.stores`.

Times
are of 1,000 small images, two cores, Docker 20.10 overlay2 and 28.5 containerd.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from layerscope.inventory import StoreKind

Version = tuple[int, int]
"""Of an engine's API."""
MINIMUM_API = (1, 40)
"""Engine 19.03: the oldest API whose answers were checked."""

MANIFESTS_API = (1, 47)
"""``/images/json?manifests=1``: platforms of an image, with their sizes. Free of charge on the server."""

TYPED_USAGE_API = (1, 42)
"""``/system/df?type=``: before it, a server walks every container and volume too, which takes minutes."""


_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})")


def version_of(text: str) -> Version | None:
    """Return the API version that a text begins with; None where it is none."""
    found = _VERSION.match(text)
    return None if found is None else (int(found[1]), int(found[2]))


class Quirks(NamedTuple):
    """How one kind of store likes to be asked."""

    ask_listed: Literal["again", "dangling", "parents"]
    """How to learn which untagged images ``docker images`` shows.

    ``parents``: those that are no image's parent, which the list says itself (moby ``daemon/images/image_list.go``).
    ``again``: the list once more without ``all``. ``dangling``: only the untagged ones of that
    list, since a containerd store works out every image's size from its blobs for each list (7 s).
    """
    ask_by_name: bool
    """Are questions about a named image to be asked by its name?

    A containerd store finds an ID by looking at every image, a name at once: a quarter of the time saved.
    """


QUIRKS: dict[StoreKind, Quirks] = {
    "graphdriver": Quirks(ask_listed="parents", ask_by_name=False),
    "containerd": Quirks(ask_listed="dangling", ask_by_name=True),
    "podman": Quirks(ask_listed="again", ask_by_name=False),
}

REQUESTS_IN_FLIGHT = 8
"""Questions asked side by side. Measured against one at a time: 0.65 s instead of 1.07 on a graphdriver store,
about half the time on containerd; more gains nothing, since our interpreter or the engine is busy then."""

SSH_REQUESTS_IN_FLIGHT = 4
"""The same over ssh, where sshd allows 10 sessions on a connection (MaxSessions), and each question needs one."""
