"""The JSON Schemas: strict about every field that is there, open to more, and at hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import NODEFAULT
from msgspec.structs import fields, replace

from layerscope import inventory as records
from layerscope.cli import cli
from layerscope.core.before_after import difference
from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.removal.plan import plan
from layerscope.core.removal.proposal import propose
from layerscope.inventory import Container, HistoryEntry, Image, Inventory
from layerscope.output.before_after import diff_dict
from layerscope.output.plan_json import free_dict, plan_dict
from layerscope.output.report import report_dict
from layerscope.output.schemas import names, schema
from layerscope.sources.scanfile import dumps
from layerscope.units import natural_list
from tests.documents import hold, validator
from tests.hosts import HOSTILE, MB, SMALL, image_id
from tests.replay import NAMES, recorded_inventory
from tests.strategies import inventories

OF_A_HOST = ("diff", "free", "plan", "report", "scan")
"""Documents that are made of an inventory alone; those of a registry are held to their schemas wherever one is made."""

CHILD = replace(SMALL.images[0], id=image_id("child"), tags=("child:1",), parent_id=image_id("base"))
RICH = replace(
    SMALL,
    images=(*SMALL.images, CHILD, Image(image_id("new"), tags=("new:1",))),
    containers=(*SMALL.containers, Container("c" * 64, "old-one", image_id("old"), "old", "exited")),
)
"""A host of which a plan has something in every list."""


def changed() -> LayerGraph:
    """Return a host of which the difference to RICH has something in every list."""
    base, app, *rest = RICH.images
    app = replace(app, id=image_id("rebuilt"), diff_ids=(*(app.diff_ids or ()), "sha256:more"))
    states = tuple(replace(box, state="dead") for box in RICH.containers[:1])
    heavier = HistoryEntry("ADD rootfs.tar / # buildkit", 117 * MB + 77, comment="buildkit.dockerfile.v0")
    base = replace(base, tags=("other:1",), history=(heavier,), layers_size=heavier.size, engine_size=heavier.size)
    boxes = (*states, Container("d" * 64, "gone", "x", "x", "exited"))
    return build_graph(replace(RICH, images=(base, app, *rest[1:-1]), containers=boxes, usage=None))


@cache
def documents(name: str) -> list[Any]:
    """Return documents of one schema, of every host that is at hand."""
    hosts = [RICH, SMALL, HOSTILE, *map(recorded_inventory, NAMES)]
    graphs = [build_graph(host) for host in hosts]
    if name == "scan":
        return [json.loads(dumps(host)) for host in hosts]
    if name == "report":
        return [report_dict(graph) for graph in graphs]
    if name == "diff":
        other = [build_graph(replace(host, images=host.images[1:], containers=host.containers[1:])) for host in hosts]
        pairs = [*zip(other, graphs, strict=True), *zip(graphs, other, strict=True)]
        return [diff_dict(difference(old, new)) for old, new in [(changed(), graphs[0]), *pairs]]
    if name == "plan":
        some = plan_dict(plan(graphs[0], [image_id(image) for image in ("base", "app1", "app2")]))
        return [some, *(plan_dict(plan(graph, [node.id for node in graph.images])) for graph in graphs)]
    assert name == "free"
    every = [free_dict(propose(graph, 10**8, include_used=True), {"sha256:pinned"}) for graph in graphs]
    return [*every, free_dict(propose(graphs[0], 10**15), ())]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the path of every value in a document; of a list of records the first ones."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def test_there_is_a_schema_for_each_document() -> None:
    assert set(OF_A_HOST) <= set(names())


@pytest.mark.parametrize("name", names())
def test_a_schema_is_one_and_is_what_the_command_prints(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    result = CliRunner().invoke(cli, ["schema", name])
    assert result.exit_code == 0
    assert result.stdout.isascii()
    assert json.loads(result.stdout) == schema(name)


@pytest.mark.parametrize("args", [[], ["nope"], ["../plan"], ["plan.json"], ["__init__"]])
def test_without_a_name_or_with_a_wrong_one_the_names_are_told(args: list[str]) -> None:
    result = CliRunner().invoke(cli, ["schema", *args])
    assert (result.exit_code, result.stdout) == (2, "")
    assert natural_list(names()) in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", OF_A_HOST)
def test_every_document_keeps_to_its_schema(name: str) -> None:
    for document in documents(name):
        hold(document)


@pytest.mark.parametrize("name", OF_A_HOST)
def test_every_value_has_its_type(name: str) -> None:
    """Whatever is put in place of a value by mistake is found."""
    for document in documents(name)[:2]:
        for path in places(document):
            wrong = copy.deepcopy(document)
            at(wrong, path[:-1])[path[-1]] = {"an": "object"}
            assert not validator(name).is_valid(wrong), path


@pytest.mark.parametrize("name", [name for name in OF_A_HOST if name != "scan"])
def test_no_field_may_be_missing(name: str) -> None:
    for document in documents(name)[:2]:
        for path in places(document):
            if isinstance(path[-1], str):
                wrong = copy.deepcopy(document)
                del at(wrong, path[:-1])[path[-1]]
                assert not validator(name).is_valid(wrong), path


@pytest.mark.parametrize("name", OF_A_HOST)
def test_more_fields_may_come(name: str) -> None:
    document = copy.deepcopy(documents(name)[0])
    for path in [(), *places(document)]:
        if isinstance(inner := at(document, path), dict):
            inner["later"] = ["anything"]
    assert validator(name).is_valid(document)


def test_every_list_of_a_plan_is_tried() -> None:
    (rich, *_) = documents("plan")
    assert all(value for key, value in rich.items() if isinstance(value, list))
    assert documents("free")[0]["containers_first"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("report", {"schema": "layerscope.report/2"}),
        ("report", {"taken_at": "yesterday"}),
        ("report", {"layers": [{**report_dict(build_graph(SMALL))["layers"][0], "size_is": "unknown"}]}),
        ("plan", {"frees_bytes": -1}),
        ("plan", {"frees_bytes": 1.5}),
        ("plan", {"exact": True, "doubts": ["a doubt"]}),
        ("plan", {"exact": False, "doubts": []}),
        ("free", {"plan": {"schema": "layerscope.plan/1"}}),
        ("scan", {"taken_at": 2**63}),
    ],
)
def test_what_cannot_be_is_refused(name: str, change: dict[str, Any]) -> None:
    assert not validator(name).is_valid(documents(name)[1] | change)


KINDS = {
    "engine": records.Engine,
    "containers": records.Container,
    "usage": records.DiskUsage,
    "history": records.HistoryEntry,
    "images": records.Image,
    "content": records.ContentStore,
}


def test_the_schema_of_a_scan_has_every_field_of_the_records() -> None:
    whole = schema("scan")
    found = {name: whole["properties"][name] for name in KINDS}
    kinds: dict[str, tuple[Any, type]] = {
        name: (found[name].get("items", found[name]), kind) for name, kind in KINDS.items()
    }
    kinds["platforms"] = (kinds["images"][0]["properties"]["platforms"]["items"], records.Platform)
    kinds["build_cache"] = (whole["$defs"]["cacheRecord"], records.BuildCacheRecord)
    kinds["blobs"] = (found["content"]["properties"]["blobs"]["items"], records.Blob)
    kinds["manifests"] = (found["content"]["properties"]["manifests"]["items"], records.Manifest)
    for place, (shape, kind) in kinds.items():
        assert set(shape["properties"]) == {field.name for field in fields(kind)} - {"remembered"}, place
        assert set(shape.get("required", ())) == {field.name for field in fields(kind) if field.default is NODEFAULT}, (
            place
        )
    of_its_own = {"schema", "layers", "history", "folders"}
    saved = {field.name for field in fields(Inventory)} - {"from_file", "sample", "clock_ahead", "serial", "only_first"}
    assert set(whole["properties"]) == saved | of_its_own


@given(inventories, st.integers(0, 2**63))
def test_whatever_the_host_its_documents_keep_to_their_schemas(inventory: Inventory, target: int) -> None:
    graph = build_graph(inventory)
    hold(json.loads(dumps(inventory)))
    hold(report_dict(graph))
    hold(plan_dict(plan(graph, [node.id for node in graph.images])))
    hold(free_dict(propose(graph, target), ()))
