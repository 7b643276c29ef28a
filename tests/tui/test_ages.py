"""Ages on screen: dates that builders write for everybody are none, with the reason in the info panel."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.removal.plan import plan
from layerscope.inventory import Inventory
from layerscope.output.plan_text import plan_text
from layerscope.output.report_text import report_text
from layerscope.views.orders import IMAGE_ORDERS
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import NOW, SIZES, inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"


def dated(created: int | None, **more: int) -> Inventory:
    found = inventory(HOST)
    images = tuple(replace(one, created=created, **more) if "node-app:1" in one.tags else one for one in found.images)
    return replace(found, images=images)


@pytest.mark.parametrize("size", SIZES[1:], ids=by_size)
@pytest.mark.parametrize("created", [0, 315_532_801, NOW + 86_400, None], ids=["epoch", "1980", "future", "none"])
async def test_no_age_is_a_dash_and_the_panel_says_why(size: tuple[int, int], created: int | None) -> None:
    app = make_app(dated(created))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        row = next(line for line in screen_text(app).splitlines() if line[:1] == "│" and "node-app:1" in line)
        assert " – " in row.partition("│")[2].partition("││")[0]
        assert "56" not in row.partition("││")[0]
        await press(pilot, "i")
        text = screen_text(app)
        assert "none: it" in text
        assert "56 years" not in text


async def test_when_an_image_was_tagged_last_bounds_how_long_it_is_here() -> None:
    app = make_app(dated(0, last_tagged=NOW - 86_400 * 3))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        assert "3 days ago: here since then, or longer" in screen_text(app)


def test_in_texts_it_is_a_dash_too() -> None:
    graph = build_graph(dated(0))
    node = next(node for node in graph.images if node.name == "node-app:1")
    line = next(line for line in report_text(graph, now=NOW).splitlines() if "node-app:1" in line)
    assert "–" in line
    assert "years" not in line

    line = next(line for line in plan_text(plan(graph, [node.id]), now=NOW).splitlines() if "node-app:1" in line)
    assert "years" not in line


def test_the_order_of_ages_leaves_them_at_the_end() -> None:

    graph = build_graph(dated(315_532_800))
    by, _ = IMAGE_ORDERS["created"]
    assert min(graph.images, key=by).name == "node-app:1"
