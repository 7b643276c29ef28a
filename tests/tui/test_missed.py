"""What is stored again, as a section of the view of all layers."""

from __future__ import annotations

from textual.pilot import Pilot

from layerscope.inventory import Inventory
from layerscope.tui.widgets.rowtable import RowTable
from tests.core.test_changes import ENGINE, image
from tests.tui.conftest import screen_text
from tests.tui.harness import make_app, press, settled

A, B, C = ("a", 50_000_000), ("b", 20_000_000), ("c", 7_000_000)
HOST = Inventory(ENGINE, (image("one", A, B), image("two", C, B), image("three", A, C)), from_file=True)


def table(pilot: Pilot[None], name: str) -> RowTable:
    return pilot.app.screen.query_one(f"#{name}", RowTable)


async def test_each_content_is_told_with_how_often_it_is_there_and_leads_to_its_layer() -> None:
    app = make_app(HOST)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2")
        text = screen_text(app)
        assert "Stored again" in text
        assert "27.0 MB" in text
        missed = table(pilot, "all-missed")
        assert [(one.is_, one.size.low, len(one.copies)) for one in missed.rows] == [
            ("exact", 20_000_000, 2),
            ("exact", 7_000_000, 2),
        ]
        await press(pilot, "tab", "tab")
        assert missed.has_focus
        await press(pilot, "down")
        assert table(pilot, "all-layers").row.diff_id == "sha256:c"
        assert {row.name for row in table(pilot, "all-users").rows} <= {"two:1", "three:1"}
        await press(pilot, "enter")
        assert table(pilot, "all-layers").has_focus


async def test_a_filter_leaves_what_it_shows_and_where_nothing_is_the_section_goes() -> None:
    app = make_app(HOST)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2", "ampersand", *"three", "enter")
        assert [one.size.low for one in table(pilot, "all-missed").rows] == [7_000_000]
    app = make_app(Inventory(ENGINE, HOST.images[:1], from_file=True))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "2")
        assert not table(pilot, "all-missed").display
        assert "again" not in screen_text(app)
