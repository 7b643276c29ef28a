"""A picture of every view in every state that it has to look right in.

Each is in the dark at three sizes in ``test_views.py``, ``test_comfort.py`` and ``test_compare.py``;
here they are in the light, without colour, with marks, filtered, with long and hostile names, with sizes
that are not known, stale and empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from layerscope.inventory import Inventory
from tests.hosts import HOSTILE
from tests.tui.conftest import by_size
from tests.tui.harness import EMPTY, SIZES, FakeBackend, inventory, make_app, partly, sample

Snap = Callable[..., bool]

VIEWS = {"1": "images", "2": "layers", "3": "tree", "4": "map", "5": "compare", "6": "engine"}
every_view = pytest.mark.parametrize("view", VIEWS, ids=VIEWS.get)
every_size = pytest.mark.parametrize("size", SIZES, ids=by_size)
HOST = "docker-28.5-overlay2"
LONG = "registry.internal.example.com:5000/platform/a-team/services/checkout-and-payments/backend-for-frontend"
MIDDLE = (120, 36)


def long_names() -> Inventory:
    """The images of a host, all in one deep repository with long tags."""
    host = inventory(HOST)
    images = (
        replace(image, tags=(f"{LONG}:2026.11.24-{number:04}-feature-with-a-long-name",) if image.tags else ())
        for number, image in enumerate(host.images)
    )
    return replace(host, images=tuple(images))


@every_view
def test_looks(picture: Snap, view: str) -> None:
    """The one set of pictures for people to look at."""
    assert picture(make_app(sample()), MIDDLE, "down", "down", view)


@every_size
@every_view
def test_light(snap: Snap, view: str, size: tuple[int, int]) -> None:
    assert snap(make_app(sample(), theme="layerscope-light"), size, "down", "down", view)


@every_view
def test_without_colour(snap: Snap, view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap(make_app(sample()), MIDDLE, "down", "space", "down", "down", view)


@every_view
def test_marks(snap: Snap, view: str) -> None:
    assert snap(make_app(sample()), MIDDLE, "down", "down", "space", "down", "space", "down", "down", "space", view)


@every_view
def test_filter(snap: Snap, view: str) -> None:
    assert snap(make_app(sample()), MIDDLE, "ampersand", *"acme", "enter", view)


@every_view
def test_long_names(snap: Snap, view: str) -> None:
    assert snap(make_app(long_names()), MIDDLE, "down", view)


@every_view
def test_hostile_names(snap: Snap, view: str) -> None:
    assert snap(make_app(HOSTILE), MIDDLE, view)


@every_view
def test_unknown_sizes(snap: Snap, view: str) -> None:
    assert snap(make_app(partly(sample(), 12, complete=True)), MIDDLE, "down", "down", "down", view)


@every_view
def test_stale(snap: Snap, view: str) -> None:
    backend = FakeBackend(sample_live())
    app = make_app(backend)

    async def lose(_: Pilot[Any]) -> None:
        backend.lose("nobody listens at /var/run/docker.sock")

    assert snap(app, MIDDLE, view, before=lose)


@every_view
def test_empty(snap: Snap, view: str) -> None:
    assert snap(make_app(FakeBackend(EMPTY)), MIDDLE, view)


def sample_live() -> Inventory:
    """The sample host as if its engine were there."""
    return replace(sample(), from_file=False)
