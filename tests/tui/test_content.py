"""A containerd store on screen: bars of two parts, content in rows and in dialogs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from layerscope.inventory import Inventory
from tests.core.contents import with_content
from tests.hosts import SMALL
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, inventory, make_app, press, settled
from tests.tui.remover import Engine

Snap = Callable[..., bool]
HOST = "docker-28.5-containerd"


def packed() -> Inventory:
    return with_content(inventory(HOST))


class TestPictures:
    @pytest.mark.parametrize("size", SIZES, ids=by_size)
    def test_the_main_view(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(packed()), size)

    @pytest.mark.parametrize("size", SIZES, ids=by_size)
    def test_removal(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(Engine(packed())), size, "space", "d")


async def test_the_line_of_marks_and_the_dialog_count_content() -> None:
    app = make_app(Engine(with_content(replace(SMALL, containers=()))))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space")
        assert " content" in screen_text(app).splitlines()[-2]
        await press(pilot, "d")
        await settled(pilot)
        text = screen_text(app)
        assert "Content, compressed: frees" in text
        assert "The disk gets back" in text


async def test_free_counts_the_disk() -> None:
    app = make_app(with_content(SMALL))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "f", *"900G")
        await settled(pilot)
        assert "900 GB on disk cannot be had" in " ".join(screen_text(app).split())
