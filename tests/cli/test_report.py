"""The report: a contract for scripts, a page for people; exact, and open about what is not known."""

import csv
import io
import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from layerscope.core.build import build_graph
from layerscope.inventory import Image, Inventory
from layerscope.output.report import CSV_COLUMNS, report_csv, report_dict, report_json
from layerscope.output.report_markdown import report_markdown
from layerscope.output.report_text import report_text
from layerscope.units import Units, format_size
from tests.hosts import HOSTILE, NOW, SMALL, image_id
from tests.replay import NAMES, recorded_inventory
from tests.strategies import inventories

SMALL_PAGE = """\
Docker 28.5.2 · overlay2 · unix:///var/run/docker.sock

Sum of sizes  572 MB  572,201,450 B  4 images
On disk       155 MB  154,601,450 B  5 layers, each stored once
Saved         418 MB  417,600,000 B  by sharing: 3.7×
Engine's own  155 MB  154,601,450 B  its total: the same, to the byte

Layer sizes are in this store's unit: apparent size of the files in the layer.

IMAGE                  SIZE  UNIQUE  SHARED  LAYERS  CONTAINERS  CREATED
<none> 6f6c64000000  155 MB  1.0 MB  154 MB       4           –  4 days
app:2 +1 tag         154 MB     0 B  154 MB       3           1  3 days
app:1                147 MB  1.5 kB  147 MB       3           –  2 weeks
deb:base             117 MB     0 B  117 MB       1           –  5 months

  SAVES     SIZE  IMAGES  LAYER THAT SAVES MOST
 351 MB   117 MB       4  ADD rootfs.tar /
60.0 MB  30.0 MB       3  RUN apt-get install -y python3
 6.6 MB   6.6 MB       2  COPY app2 /app
"""


def small_page() -> str:
    return report_text(build_graph(SMALL))


# --- the contract -------------------------------------------------------------

OPTIONAL: Callable[[type], tuple[type, type]] = lambda kind: (kind, type(None))  # noqa: E731
CONTRACT: dict[str, Any] = {
    "schema": str,
    "engine": {"kind": str, "version": str, "api_version": str, "store": str, "host": str},
    "totals": {
        "images": int,
        "layers": int,
        "listed_bytes": int,
        "footprint_bytes": int,
        "saved_bytes": int,
        "exact": bool,
        "unknown_layers": int,
        "engine_bytes": OPTIONAL(int),
    },
    "images": [
        {
            "id": str,
            "tags": [str],
            "created": OPTIONAL(str),
            "size_bytes": int,
            "shared_bytes": int,
            "unique_bytes": int,
            "containers": int,
            "layers": [str],
        }
    ],
    "layers": [
        {
            "chain_id": str,
            "diff_id": str,
            "parent": OPTIONAL(str),
            "size_bytes": OPTIONAL(int),
            "size_is": str,
            "instruction": OPTIONAL(str),
            "images": [str],
        }
    ],
}


def conforms(value: Any, shape: Any, path: str = "report") -> None:
    """Every field of the contract is there, and of its type; more fields may be."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), path
        for key, inner in shape.items():
            assert key in value, f"{path}.{key}"
            conforms(value[key], inner, f"{path}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), path
        for index, item in enumerate(value):
            conforms(item, shape[0], f"{path}[{index}]")
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        assert type(value) in kinds, f"{path}: {value!r}"


@given(inventories)
def test_the_json_keeps_the_contract_whatever_the_host(inventory: Inventory) -> None:
    graph = build_graph(inventory)
    text = report_json(graph)
    assert text.isascii()
    document = json.loads(text)
    assert document == json.loads(json.dumps(report_dict(graph)))
    conforms(document, CONTRACT)
    assert document["schema"] == "layerscope.report/1"
    sizes = [image["size_bytes"] for image in document["images"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(image["id"] for image in document["images"]) == sorted(i.id for i in inventory.images if i.listed)
    chains = {layer["chain_id"]: layer for layer in document["layers"]}
    for image in document["images"]:
        below = None
        for chain in image["layers"]:
            assert chains[chain]["parent"] == below
            assert image["id"] in chains[chain]["images"]
            below = chain


@pytest.mark.parametrize("name", NAMES)
def test_a_report_is_the_same_in_whatever_order_the_engine_lists_its_images(name: str) -> None:
    """Engines list images of the same second in another order each time."""
    inventory = recorded_inventory(name)
    shuffled = replace(inventory, images=tuple(Random(name).sample(inventory.images, len(inventory.images))))
    assert report_json(build_graph(shuffled)) == report_json(build_graph(inventory))
    assert report_text(build_graph(shuffled), now=NOW) == report_text(build_graph(inventory), now=NOW)


def test_every_figure_of_the_small_host() -> None:
    document = report_dict(build_graph(SMALL))
    assert document["engine"]["kind"] == "docker"
    assert document["totals"] == {
        "images": 4,
        "layers": 5,
        "listed_bytes": 572_201_450,
        "footprint_bytes": 154_601_450,
        "saved_bytes": 417_600_000,
        "exact": True,
        "unknown_layers": 0,
        "unknown_images": 0,
        "footprint_most_bytes": 154_601_450,
        "engine_bytes": 154_601_450,
        "engine_listed_bytes": 572_201_450,
        **dict.fromkeys(
            ("content_bytes", "listed_content_bytes", "disk_bytes", "saved_disk_bytes", "unlisted_content_bytes")
        ),
    }
    assert [
        (i["tags"], i["size_bytes"], i["shared_bytes"], i["unique_bytes"], i["containers"]) for i in document["images"]
    ] == [
        ([], 154_599_950, 153_600_000, 999_950, 0),
        (["app:2", "app:latest"], 153_600_000, 153_600_000, 0, 1),
        (["app:1"], 147_001_500, 147_000_000, 1_500, 0),
        (["deb:base"], 117_000_000, 117_000_000, 0, 0),
    ]
    assert document["images"][1]["created"] == "2026-05-25T20:26:40Z"
    assert document["layers"][0]["images"] == [image_id(name) for name in ("old", "app2", "app1", "base")]
    assert document["layers"][0]["size_is"] == "exact"
    assert document["layers"][0]["instruction"] == "ADD rootfs.tar / # buildkit"


def test_a_saved_scan_is_reported_as_one() -> None:
    graph = build_graph(replace(SMALL, from_file=True))
    assert report_dict(graph)["engine"]["kind"] == "scan"
    assert report_text(graph).startswith("Saved scan of Docker 28.5.2 ")


def test_what_is_not_known_is_null_in_json_and_empty_in_csv() -> None:
    unknown = replace(SMALL, images=(*SMALL.images, Image(image_id("new"), tags=("new:1",))), usage=None)
    graph = build_graph(unknown)
    document = report_dict(graph)
    assert document["totals"]["engine_bytes"] is None
    assert document["totals"]["exact"] is False
    assert document["totals"]["unknown_images"] == 1
    row = list(csv.DictReader(io.StringIO(report_csv(graph))))[-1]
    assert (row["tags"], row["size_bytes"], row["exact"], row["layers"]) == ("new:1", "", "0", "")


# --- CSV ----------------------------------------------------------------------


@given(inventories)
def test_csv_has_a_row_per_image_and_no_formula_in_it(inventory: Inventory) -> None:
    rows = list(csv.reader(io.StringIO(report_csv(build_graph(inventory)))))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 1 + sum(image.listed for image in inventory.images)
    for row in rows[1:]:
        assert len(row) == len(CSV_COLUMNS)
        assert all(cell.isprintable() and cell[:1] not in set("=+-@＝＋－＠") for cell in row)


# --- the page -----------------------------------------------------------------


def test_the_page_of_the_small_host() -> None:
    assert small_page() == SMALL_PAGE


def test_binary_units() -> None:
    page = report_text(build_graph(SMALL), units=Units.BINARY)
    assert "On disk       147 MiB  154,601,450 B" in page
    assert " MB" not in page


@given(inventories, st.sampled_from([0, 80, 81, 133]))
def test_no_line_is_too_wide_or_does_anything(inventory: Inventory, width: int) -> None:
    for line in report_text(build_graph(inventory), width=width, now=NOW).splitlines():
        assert cell_len(line) <= max(width, 80)
        assert line.isprintable()


def test_hostile_text_is_shown_as_data_in_every_form() -> None:
    graph = build_graph(HOSTILE)
    page = report_text(graph)
    assert all(line.isprintable() and cell_len(line) <= 80 for line in page.splitlines())
    assert "␛]0;x␇␊[red]\\u202e" in page
    assert report_json(graph).isascii()
    tags = [row["tags"] for row in csv.DictReader(io.StringIO(report_csv(graph)))]
    assert any(tag.startswith("'=cmd|") for tag in tags)


@pytest.mark.parametrize("history", [None, ()])
def test_the_name_of_a_layer_without_text_is_shown_as_data(history: tuple[()] | None) -> None:
    """A chain ID begins with a diff ID, which a damaged scan may have any text for."""
    bare = [
        replace(image, diff_ids=("two\nlines\x1b[31m | x", *(image.diff_ids or ())[1:]), history=history)
        for image in SMALL.images
    ]
    graph = build_graph(replace(SMALL, images=tuple(bare)))
    assert "two␊lines␛[31m" in report_text(graph)
    assert "two␊lines␛\\[31m" in report_markdown(graph)
    assert "\x1b" not in report_text(graph) + report_markdown(graph)


def test_what_is_not_known_is_said_and_never_a_zero() -> None:
    unknown = (
        Image(image_id("new"), tags=("new:1",)),
        replace(SMALL.images[1], id=image_id("half"), tags=("half:1",), layers_size=None, history=None),
    )
    half = replace(unknown[1], diff_ids=(*(unknown[1].diff_ids or ()), "sha256:more"))
    page = report_text(
        build_graph(replace(SMALL, images=(*SMALL.images, unknown[0], half), vanished=2, complete=False))
    )
    assert "The scan was not finished" in page
    assert "2 images went away during the scan" in page
    assert "1 image of unknown layers: sums are at least what is shown." in page
    assert "1 layer of unknown size: sums are at least what is shown." in page
    assert "On disk       ≥155 MB  ≥154,601,450 B" in page
    row = next(line for line in page.splitlines() if line.startswith("new:1"))
    assert row.split() == ["new:1", "?", "?", "?", "?", "–", "–"]
    row = next(line for line in page.splitlines() if line.startswith("half:1"))
    assert row.split()[1:4] == ["≥147", "MB", "?"]


def test_while_layers_of_an_image_are_not_known_no_other_image_is_said_to_have_bytes_alone() -> None:
    graph = build_graph(replace(SMALL, images=(*SMALL.images, Image(image_id("new"), tags=("new:1",)))))
    row = next(line for line in report_text(graph).splitlines() if line.startswith("app:1"))
    assert row.split()[1:7] == ["147", "MB", "≤1.5", "kB", "≥147", "MB"]
    app = next(image for image in report_dict(graph)["images"] if image["tags"] == ["app:1"])
    assert (app["exact"], app["sharing_exact"], app["unique_bytes"]) == (True, False, 1_500)
    cells = next(row for row in csv.DictReader(io.StringIO(report_csv(graph))) if row["tags"] == "app:1")
    assert (cells["exact"], cells["sharing_exact"]) == ("1", "0")
    known = report_dict(build_graph(SMALL))
    assert all(image["sharing_exact"] for image in known["images"])


def test_names_that_are_too_long_cost_the_least_telling_column_first() -> None:
    long = replace(SMALL.images[0], tags=("registry.example.com/team/project/service:1.2.3",))
    page = report_text(build_graph(replace(SMALL, images=(long,))))
    assert "LAYERS" not in page
    row = next(line for line in page.splitlines() if line.startswith("regist"))
    assert row.endswith("…/service:1.2.3  117 MB  117 MB     0 B           –  5 months")
    assert len(row) == 80


def test_an_empty_engine() -> None:
    page = report_text(build_graph(replace(SMALL, images=(), containers=(), usage=None)))
    assert "No images." in page
    assert "On disk       0 B" in page


def test_the_engine_s_other_arithmetic_is_explained() -> None:
    inventory = recorded_inventory("docker-28.5-containerd")
    page = report_text(build_graph(inventory), engine_bytes=10**12)
    assert "what `docker images` adds up to" in page
    assert "its total: 999 GB more" in page
    assert "The engine's own total counts every snapshot, also those of containers" in " ".join(page.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_engine_fits_the_page_with_no_number_cut(name: str) -> None:
    graph = build_graph(recorded_inventory(name))
    lines = report_text(graph, now=NOW).splitlines()
    assert max(map(cell_len, lines)) <= 80
    heading = next(index for index, line in enumerate(lines) if line.startswith("IMAGE "))
    for node, line in zip(graph.images, lines[heading + 1 :], strict=False):
        assert f"{format_size(node.size)}  " in line or not node.exact
        for size in (node.unique, node.shared):
            assert f"{format_size(size)}  " in line or not node.sharing_exact
        assert line.split()[0] in {node.name[: len(line.split()[0])], "<none>"} or "…" in line
