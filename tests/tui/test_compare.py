"""Compare, by keyboard: what is compared, how the two lists follow each other, and where Enter leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from layerscope.core.graph import ImageNode, Layer
from layerscope.inventory import Inventory
from layerscope.tui.dialogs.info import InfoScreen
from layerscope.tui.panes.compare import ComparePane
from layerscope.tui.panes.view import View
from layerscope.tui.subject import subject_of
from layerscope.tui.widgets.rowtable import RowTable
from layerscope.views.aligned import LayerRow
from tests.hosts import HOSTILE
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import EMPTY, SIZES, FakeBackend, inventory, make_app, press, sample, settled
from tests.tui.looking import HOST, heading, line, lit, main, scene, table, type_in

Snap = Callable[..., bool]
MARKED = ("space", "down", "down", "space", "down", "down", "space", "down", "space")


def subject(pilot: Pilot[Any]) -> object:
    return subject_of(main(pilot).focused, main(pilot).view)


def compare(pilot: Pilot[Any]) -> ComparePane:
    return main(pilot).query_one(ComparePane)


def names(pilot: Pilot[Any]) -> list[str]:
    """The rows of the matrix."""
    return [row.name for row in table(pilot, "pairs").rows]


def title(pilot: Pilot[Any]) -> str:
    return str(table(pilot, "aligned").border_title)


def row_of(pilot: Pilot[Any], says: str) -> int:
    """The row of the layers that says this."""
    return next(i for i, row in enumerate(table(pilot, "aligned").rows) if row.says.startswith(says))


# -- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=by_size)
class TestPictures:
    def test_marked(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(sample()), size, *MARKED, "5", "down")

    def test_relatives(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(sample()), size, "c", "tab", "down")

    def test_more_than_there_is_room_for(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(sample()), size, "asterisk", "5")

    def test_hostile_and_unread(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(replace(HOSTILE, from_file=True)), size, "asterisk", "5")


def test_picture_in_the_light(snap: Snap) -> None:
    assert snap(make_app(sample(), theme="layerscope-light"), (120, 36), "5", "tab", "down", "down", "space")


def test_picture_without_colour(snap: Snap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap(make_app(sample()), (120, 36), *MARKED, "5", "down")


# -- what is compared --------------------------------------------------------------------------


async def test_it_is_a_view_on_5_and_on_c() -> None:
    for key in ("5", "c"):
        app = make_app(inventory(HOST))
        async with app.run_test(size=(120, 36)) as pilot:
            await settled(pilot)
            await press(pilot, key)
            assert main(pilot).view is compare(pilot)
            assert isinstance(compare(pilot), View)
            assert table(pilot, "aligned").has_focus
            assert "[5 Compare]" in screen_text(app)


async def test_the_marked_are_compared_biggest_first() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, *MARKED, "5")
        marked = [node for node in scene(pilot).graph.images if node in scene(pilot).marks]
        assert len(marked) == 4
        assert names(pilot) == [node.name for node in marked]
        assert "4 marked images" in title(pilot)
        totals = scene(pilot).graph.totals_of(marked)
        assert f"on disk {scene(pilot).size(totals.footprint)}" in str(table(pilot, "aligned").border_subtitle)


async def test_with_nothing_marked_an_image_is_compared_with_those_that_share_most() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "5")
        here = scene(pilot).graph.images[2]
        assert here.name in names(pilot)
        assert len(names(pilot)) == 6
        assert title(pilot).startswith(f"Compare · nothing marked: {here.name} and the 5 that share most with it"[:60])
        row = table(pilot, "pairs").row
        assert isinstance(row, ImageNode)
        assert row is here  # and the cursor is on it


async def test_marking_two_here_compares_these_two_and_unmarking_keeps_the_rows() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "tab", "down")
        before = names(pilot)
        await press(pilot, "space")
        assert names(pilot) == before  # one is no set: nothing jumps
        assert "1 marked" in title(pilot)
        await press(pilot, "down", "space")
        assert names(pilot) == before[1:3]
        await press(pilot, "space")
        assert names(pilot) == before[1:3]  # in sight, so that it can be marked again
        assert "2 images, 1 marked" in title(pilot)
        await press(pilot, "5")
        assert "only" in title(pilot)
        assert len(names(pilot)) == 6
        await press(pilot, "asterisk")
        assert len(names(pilot)) == len(scene(pilot).graph.images)


async def test_a_filter_chooses_the_relatives() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "&")
        await type_in(pilot, "ml-train")
        await press(pilot, "enter", "5")
        assert names(pilot) == ["acme/ml-train:0.4", "acme/ml-train:0.3"]


# -- moving about ------------------------------------------------------------------------------


async def test_an_image_leads_to_where_it_leaves_and_a_row_to_its_image() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "tab", "end")
        last = table(pilot, "pairs").row
        assert isinstance(last, ImageNode)
        assert main(pilot).view.image_here is last
        row = table(pilot, "aligned").row
        assert isinstance(row, LayerRow)
        assert row.images == (5,)
        await press(pilot, "backspace")  # out of the matrix
        assert table(pilot, "aligned").has_focus
        table(pilot, "aligned").move_to(row_of(pilot, "A leaves"))
        await settled(pilot)
        assert table(pilot, "pairs").cursor == 0


async def test_layers_fold_and_unfold_as_in_the_tree() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "home")
        rows = table(pilot, "aligned")
        whole = len(rows.rows)
        layers = len(rows.rows[0].stretch.layers)
        assert rows.rows[0].open
        await press(pilot, "left")
        assert len(rows.rows) == whole - layers
        await press(pilot, "enter")
        assert len(rows.rows) == whole
        await press(pilot, "right", "down")
        assert rows.cursor == 2
        await press(pilot, "h")
        assert rows.cursor == 0
        folded = any(row.foldable and not row.open for row in rows.rows)
        await press(pilot, "z")
        assert {row.open for row in rows.rows if row.foldable} == {folded}
        await press(pilot, "z")
        assert {row.open for row in rows.rows if row.foldable} == {not folded}


async def test_enter_pivots_to_the_image_or_to_the_layer() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "tab", "down", "down")
        image = table(pilot, "pairs").row
        await press(pilot, "enter")
        assert main(pilot).view is main(pilot).images_pane
        assert main(pilot).images_pane.image_here is image
        await press(pilot, "5")
        rows = table(pilot, "aligned")
        rows.move_to(next(i for i, row in enumerate(rows.rows) if row.kind == "layer" and len(row.images) == 2))
        layer = rows.row.layer
        await press(pilot, "enter")
        assert main(pilot).images_pane.layer_here is layer
        there = main(pilot).images_pane.image_here
        assert there is not None
        assert layer in there.layers


async def test_the_cursor_comes_along_and_goes_back() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "enter", "down")
        image, layer = main(pilot).view.image_here, main(pilot).view.layer_here
        assert image is not None
        assert layer is not None
        await press(pilot, "5")
        row = table(pilot, "aligned").row
        assert isinstance(row, LayerRow)
        assert row.stretch is not None
        assert layer in row.stretch.layers
        assert main(pilot).view.image_here is image
        await press(pilot, "1")
        assert main(pilot).images_pane.image_here is image


async def test_space_on_a_heading_marks_the_images_it_names() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "home", "space")
        assert [node.name for node in scene(pilot).marks.images] == names(pilot)
        assert "6 marked images" in title(pilot)
        await press(pilot, "space")
        assert not len(scene(pilot).marks)


async def test_space_on_a_layer_marks_every_image_that_must_go_to_free_it() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "home", "down", "space")
        layer = scene(pilot).graph.images[0].layers[0]
        assert scene(pilot).marks.ids == {node.id for node in layer.images}


# -- find, sort, info, copy --------------------------------------------------------------------


async def test_find_looks_through_the_layers_folded_ones_too() -> None:
    app = make_app(sample())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "5")
        rows = table(pilot, "aligned")
        folded = len(rows.rows)
        await press(pilot, "/")
        await type_in(pilot, "mercurial")
        assert "mercurial" in rows.row.by
        assert "mercurial" in lit(rows, rows.cursor).replace(" ", "")
        await press(pilot, "enter", "n", "escape")
        assert len(rows.rows) == folded
        assert rows.row.stretch is not None
        assert any("mercurial" in (layer.instruction or "") for layer in rows.row.stretch.layers)


async def test_find_and_sort_in_the_matrix() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "tab", "/")
        await type_in(pilot, "runner")
        assert table(pilot, "pairs").row.name == "acme/ci-runner:2.3"
        await press(pilot, "enter", "escape")
        start = names(pilot)
        seen = set()
        pairs = table(pilot, "pairs")
        assert isinstance(pairs, RowTable)
        for _ in range(4):
            await press(pilot, "s")
            seen.add(pairs.sort.key)
            rows = list(pairs.rows)
            if pairs.sort.key == "name":
                assert "NAME▴" in heading(pairs)
                assert [node.dangling for node in rows] == sorted(node.dangling for node in rows)
            elif pairs.sort.key == "size":
                assert [node.size for node in rows] == sorted((node.size for node in rows), reverse=True)
            elif pairs.sort.key == "alone":
                comparison = compare(pilot).comparison
                assert comparison is not None
                sizes = [comparison.alone(comparison.images.index(node)).size for node in rows]
                assert sizes == sorted(sizes, reverse=True)
                letters = [line(pairs, at).split()[0] for at in range(len(rows))]
                assert letters == ["ABCDEF"[comparison.images.index(node)] for node in rows]  # they keep their letters
            else:
                assert names(pilot) == start
        assert seen == {"name", "size", "alone", ""}


async def test_info_and_copy_are_of_what_the_cursor_is_on() -> None:
    app = make_app(sample())
    async with app.run_test(size=(120, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "5", "tab", "down")
        image = table(pilot, "pairs").row
        assert subject(pilot) is image
        await press(pilot, "y")
        assert app.clipboard == image.id
        await press(pilot, "shift+tab", "home", "down")
        layer = table(pilot, "aligned").row.layer
        assert isinstance(layer, Layer)
        assert subject(pilot) is layer
        await press(pilot, "y")
        assert app.clipboard == layer.chain_id
        await press(pilot, "i")
        assert isinstance(app.screen, InfoScreen)
        await press(pilot, "escape")
        table(pilot, "aligned").move_to(row_of(pilot, "F ends"))
        assert subject(pilot) is table(pilot, "pairs").rows[5]


# -- odd hosts ---------------------------------------------------------------------------------


async def test_the_view_of_odd_hosts_stands() -> None:
    full = inventory(HOST)
    unread = replace(full, images=tuple(replace(i, diff_ids=None, history=None, note="gone mad") for i in full.images))
    bare = replace(full, images=tuple(replace(i, diff_ids=(), history=()) for i in full.images))
    for odd in (replace(full, images=()), unread, bare, replace(HOSTILE, from_file=True), replace(EMPTY)):
        app = make_app(odd)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            await press(
                pilot, "5", "down", "enter", "5", "right", "left", "z", "tab", "s", "space", "backspace", "space"
            )
            await press(pilot, "asterisk", "5", "end", "i", "escape", "y", "u", "5")
            assert main(pilot).view is compare(pilot)


async def test_it_follows_the_engine() -> None:
    whole: Inventory = inventory(HOST)
    backend = FakeBackend(whole)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "5")
        before = names(pilot)
        gone = next(image for image in whole.images if before[1] in image.tags)
        backend.change(replace(whole, images=tuple(image for image in whole.images if image.id != gone.id)))
        await settled(pilot)
        assert set(names(pilot)) == set(before) - {before[1]}


@pytest.mark.parametrize("width", [60, 80, 120, 200])
async def test_columns_fit_whatever_the_room(width: int) -> None:
    app = make_app(sample())
    async with app.run_test(size=(width, 30)) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "5")
        more = len(scene(pilot).graph.images)
        for name in ("aligned", "pairs"):
            head = heading(table(pilot, name))
            assert "…" in head
            assert len(head) <= width - 2
        shown = str(table(pilot, "pairs").border_title)
        columns = compare(pilot).pairs._lanes
        assert f"{columns.more} columns not shown" in shown
        assert columns.images + columns.more == more
        await pilot.resize_terminal(200, 50)
        await settled(pilot)
        assert len(heading(table(pilot, "pairs"))) > 190
