"""Recorded engines, through the real docker-py: every layer has a size, and it is the one on their disks."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.engine.usage import usage_record
from tests.replay import FOLDER, NAMES, load_recording, recorded_inventory

OVERLAY2 = ("docker-20.10-overlay2", "docker-28.5-overlay2")
LAYERS_SIZE = 798_575_911
"""What both Docker engines say of the same images (``LayersSize`` of ``/system/df``)."""


def graph_of(name: str) -> LayerGraph:
    """The graph with the engine's own account of its disk, as a report asks for it."""
    usage = usage_record(load_recording(name)["df"], engine_is_podman=name.startswith("podman"))
    return build_graph(replace(recorded_inventory(name), usage=usage))


@pytest.fixture(params=NAMES)
def recorded(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_sum_of_every_store_is_exact(recorded: str) -> None:
    """On overlay2 a layer that weighs nothing may hide another: there single sizes may be inferred."""
    graph = graph_of(recorded)
    certain = {"exact", "inferred"} if recorded in OVERLAY2 else {"exact"}
    assert {layer.size_is for layer in (*graph.layers, *graph.hidden_layers)} <= certain
    assert all(layer.sum_exact for layer in graph.layers)
    assert graph.totals.exact
    assert all(node.exact and node.sharing_exact for node in graph.images)


@pytest.mark.parametrize("name", OVERLAY2)
def test_on_overlay2_the_footprint_is_the_engine_s_own_total(name: str) -> None:
    assert load_recording(name)["df"]["LayersSize"] == LAYERS_SIZE
    assert graph_of(name).totals.footprint == LAYERS_SIZE


@pytest.mark.parametrize("name", OVERLAY2)
def test_on_overlay2_every_size_is_the_one_on_disk(name: str) -> None:
    disk = load_recording(name)["disk_layerdb"]
    graph = graph_of(name)
    exact = [layer for layer in graph.layers if layer.size_is == "exact"]
    assert {layer.chain_id: layer.size for layer in exact} == {
        layer.chain_id: disk[layer.chain_id]["size"] for layer in exact
    }
    assert len(exact) >= 60
    assert {layer.chain_id: layer.parent and layer.parent.chain_id for layer in graph.layers} == {
        layer.chain_id: disk[layer.chain_id].get("parent") or None for layer in graph.layers
    }


@pytest.mark.parametrize("name", OVERLAY2)
def test_on_overlay2_images_weigh_what_docker_images_prints(name: str) -> None:
    graph = graph_of(name)
    assert {node.id: node.size for node in graph.images} == {
        row["Id"]: row["Size"] for row in load_recording(name)["images_all0"]
    }


def test_on_containerd_every_size_is_that_of_its_snapshot() -> None:
    """As ``ctr snapshots usage`` gave it on the same engine, for the snapshots that are chain IDs."""
    snapshots = json.loads((FOLDER / "docker-28.5-containerd.snapshots.json").read_text())
    graph = graph_of("docker-28.5-containerd")
    assert {layer.chain_id: layer.size for layer in graph.layers} == snapshots


def test_a_refused_history_costs_nothing_where_another_image_has_the_layers() -> None:
    graph = graph_of("docker-28.5-containerd")
    refused = {node.name: node for node in graph.images if node.image.history is None}
    assert set(refused) == {"hist:long", "hist:noflag"}
    assert all(node.image.note and node.exact for node in refused.values())


@pytest.mark.parametrize(
    ("name", "rows", "intermediates", "layers"),
    [
        ("docker-20.10-overlay2", 36, 15, 89),
        ("docker-28.5-overlay2", 36, 15, 89),
        ("docker-28.5-containerd", 38, 15, 88),
        ("podman-4.3", 37, 12, 95),
        ("podman-5.8", 34, 7, 92),
    ],
)
def test_rows_are_those_of_docker_images_and_every_intermediate_has_a_row(
    name: str, rows: int, intermediates: int, layers: int
) -> None:
    graph = graph_of(name)
    recording = load_recording(name)
    unlisted = {image.id for image in graph.inventory.images if not image.listed}
    assert {node.id for node in graph.images} == {row["Id"] for row in recording["images_all0"]}
    assert {parent.id for node in graph.images for parent in node.intermediates} == unlisted
    assert (len(graph.images), len(unlisted), len(graph.layers)) == (rows, intermediates, layers)


def test_every_layer_knows_the_instruction_that_made_it(recorded: str) -> None:
    graph = graph_of(recorded)
    assert {layer.instruction_is for layer in graph.layers} <= {"exact", "inferred"}
