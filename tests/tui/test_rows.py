"""Rows of lists: odd images look deliberate, names keep what tells them apart, and no resize loses the cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from layerscope.inventory import Image
from layerscope.text import clean, fit, fit_name
from layerscope.tui.widgets.hits import excerpt, lit
from tests.hosts import SMALL, image_id, layer_digest
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.looking import HOST, here, in_sight, line, pane, shown, table, type_in

LONG = "registry.local:5000/a-team/with-a-long-name/shop-api:2.4.1"
ODD = replace(
    SMALL,
    images=(
        *SMALL.images,
        Image(
            image_id("long"), tags=(LONG,), diff_ids=(layer_digest("b"),), history=(SMALL.images[0].history or ())[:1]
        ),
        Image(image_id("digest"), digests=(f"ghcr.io/acme/tool@{'sha256:' + '7' * 64}",), diff_ids=()),
        Image(image_id("nolayers"), tags=("empty:1",), diff_ids=(), history=()),
        Image(image_id("unread"), tags=("unread:1",), note="the engine refused"),
        Image(image_id("unsized"), tags=("unsized:1",), diff_ids=(layer_digest("u"),), history=None),
    ),
    containers=(
        replace(SMALL.containers[0], image_id=image_id("app2")),
        replace(SMALL.containers[0], id="d" * 64, name="idle", image_id=image_id("app2"), state="exited"),
    ),
    from_file=True,
)


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("app:2", ["app:2 +1", "154 MB", "●1 ○1"]),
        ("<none>", ["<none> 6f6c64", "155 MB"]),
        (LONG, ["…/shop-api:2.4.1", "117 MB"]),
        ("ghcr.io/acme/tool", ["ghcr.io/acme/tool@646967657374", "0 B", "no layers"]),
        ("empty:1", ["empty:1", "0 B", "no layers"]),
        ("unread:1", ["unread:1", "?", "refused"]),
        ("unsized:1", ["unsized:1", "?", "not known"]),
    ],
)
async def test_every_kind_of_image_looks_deliberate(name: str, looks: list[str]) -> None:
    app = make_app(ODD)
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        images = table(pilot)
        drawn = [line(images, index) for index in range(len(images.rows))]
        (row,) = [text for text in drawn if looks[0] in text]
        for part in looks:
            assert part in row, name


async def test_the_layers_pane_says_why_it_is_empty() -> None:
    app = make_app(ODD)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for name, why in (("empty:1", "an image without layers"), ("unread:1", "the engine refused")):
            await press(pilot, "slash")
            await type_in(pilot, name)
            await press(pilot, "enter", "escape")
            assert why in line(pane(pilot).stack, 0)


async def test_no_resize_loses_the_cursor() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        await press(pilot, *["down"] * 30)
        image = here(pilot)
        for size in ((80, 24), (70, 16), (200, 50), (60, 15), (120, 40)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert here(pilot) == image, size
            assert in_sight(table(pilot)), size
        await press(pilot, "G")
        await pilot.resize_terminal(80, 60)
        await settled(pilot)
        assert in_sight(table(pilot))
        assert table(pilot).top == 0, "all rows fit: none is scrolled away"


async def test_when_the_row_goes_the_cursor_is_on_the_nearest() -> None:
    before = inventory(HOST)
    backend = FakeBackend(before)
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, *["down"] * 5)
        names = shown(pilot)
        gone = {table(pilot).rows[5].id, table(pilot).rows[6].id}
        backend.change(replace(before, images=tuple(image for image in before.images if image.id not in gone)))
        await settled(pilot)
        assert here(pilot) == names[7]


names = st.text("abc/:.-0日", min_size=1, max_size=40).map(clean)


@given(names, st.integers(1, 45), st.data(), st.booleans())
def test_hits_are_drawn_where_they_are(name: str, width: int, data: st.DataObject, middle: bool) -> None:
    places = data.draw(st.sets(st.integers(0, len(name) - 1)))
    shown_name = (fit_name if middle else fit)(name, width)
    pieces = lit(name, shown_name, places, "plain")
    assert "".join(text for text, _ in pieces) == shown_name
    bright = "".join(text for text, style in pieces if style == "hit")
    if shown_name == name:
        assert bright == "".join(name[place] for place in sorted(places))
    else:
        assert set(bright.replace("…", "")) <= {name[place] for place in places}
        assert bright or not places, "a hit that was cut away shows on the ellipsis"


@given(st.text("ab ", min_size=1, max_size=200), st.integers(0, 199), st.integers(8, 60))
def test_an_excerpt_holds_the_hit(text: str, place: int, width: int) -> None:
    place %= len(text)
    pieces = excerpt(text, (place,), width)
    assert len("".join(part for part, _ in pieces)) <= width
    assert [part for part, style in pieces if style == "hit"] == [text[place]]
