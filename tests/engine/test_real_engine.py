"""On a real engine: what is scanned is what the engine itself says, to the byte."""

from __future__ import annotations

import subprocess
import sys

import docker
import pytest

from layerscope.core.build import build_graph
from layerscope.engine import many
from layerscope.engine.connect import connect
from layerscope.engine.lists import list_containers, list_images
from layerscope.engine.records import Intern
from layerscope.engine.scan import describe_image, describe_images, scan
from layerscope.engine.usage import disk_usage
from layerscope.inventory import Image

pytestmark = pytest.mark.engine


def test_the_footprint_is_the_engines_own_total(engine_host: str) -> None:
    """On a graphdriver store; elsewhere the engine counts other things too, and never less."""
    with connect(engine_host) as conn:
        inventory = scan(conn)
        usage = disk_usage(conn)
    graph = build_graph(inventory)
    if inventory.engine.store_kind == "graphdriver":
        assert graph.totals.exact
        assert graph.totals.footprint == usage.layers_size
    elif usage.layers_size:
        assert graph.totals.footprint <= usage.layers_size


def test_the_images_and_containers_are_those_of_docker_py(engine_host: str) -> None:
    with connect(engine_host) as conn:
        inventory = scan(conn)
    with docker.APIClient(engine_host, version="auto") as client:
        everything, shown = client.images(all=True), client.images()
        containers = client.containers(all=True)
    assert {image.id for image in inventory.images} == {row["Id"] for row in everything}
    assert {image.id for image in inventory.images if image.listed} == {row["Id"] for row in shown}
    assert {container.id for container in inventory.containers} == {row["Id"] for row in containers}
    assert all(image.scanned for image in inventory.images)
    assert inventory.complete
    assert inventory.vanished == 0


def test_an_image_alone_is_described_as_in_a_scan(engine_host: str) -> None:
    with connect(engine_host) as conn:
        inventory = scan(conn)
        scanned = {image.id: image for image in inventory.images}
        images = list_images(conn)
        assert {image.id for image in images} == set(scanned)
        for image in images[:5]:
            assert describe_image(conn, image) == scanned[image.id]
        assert list_containers(conn) == inventory.containers


def test_answers_to_several_questions_on_one_connection_come_in_their_order(
    engine_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an engine says is the same whether it is asked one by one, or the next before it has answered."""
    found = []
    with connect(engine_host) as conn:
        images = list_images(conn) * 10
    monkeypatch.setattr(many, "JUDGED", 1)
    for quick in (0.0, float("inf")):
        monkeypatch.setattr(many, "QUICK", quick)
        with connect(engine_host) as conn:
            told = dict(describe_images(conn, images, Intern()))
        assert sorted(told) == list(range(len(images)))
        found.append(told)
    assert found[0] == found[1]
    for number, image in found[1].items():
        assert image is not None
        assert image.id == images[number].id
        assert image.scanned


def test_an_image_that_is_removed_is_gone_when_asked_for(engine_host: str) -> None:
    with connect(engine_host) as conn:
        assert describe_image(conn, Image(id="sha256:" + "0" * 64)) is None


def test_the_report_runs_on_it(engine_host: str) -> None:
    command = [sys.executable, "-m", "layerscope", "--host", engine_host, "report", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert '"layerscope.report/1"' in done.stdout
