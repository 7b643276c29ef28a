"""An image that is called just what was typed is meant, whatever else the text may mean."""

from __future__ import annotations

import pytest

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.inventory import Image, Inventory
from layerscope.search.query import parse
from layerscope.search.select import SelectionError, select
from tests.hosts import ENGINE

ADDRESS = "[2001:db8::1]:5000/x:v1"
NAMES = (ADDRESS, "2:5000/x:v1", "tag:1", "id:c0ffee", "older:30d", "other:1", "other:10")


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    rows = tuple(Image(f"sha256:{n:064x}", tags=(name,), diff_ids=()) for n, name in enumerate(NAMES))
    return build_graph(Inventory(ENGINE, rows))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_there_is_meant_in_commands_and_filters(graph: LayerGraph, name: str) -> None:
    assert [node.name for node in select(graph, [name])] == [name]
    assert [node.name for node in parse(name, 0).select(graph)] == [name]
    assert [node.name for node in parse(name.upper(), 0).select(graph)] == [name]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("[2o]*:*1", {"2:5000/x:v1", "other:1"}), ("other:*", {"other:1", "other:10"})],
)
def test_what_is_no_name_is_a_pattern_still(graph: LayerGraph, pattern: str, found: set[str]) -> None:
    assert {node.name for node in select(graph, [pattern])} == found


def test_a_term_without_such_an_image_is_a_term_still(graph: LayerGraph) -> None:
    assert {node.name for node in parse("tag:v1", 0).select(graph)} == {ADDRESS, "2:5000/x:v1"}
    with pytest.raises(SelectionError, match="no image"):
        select(graph, ["[abc]:1"])
