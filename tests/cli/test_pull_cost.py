"""``layerscope pull-cost`` as it is typed: what it prints, what it asks, and the status it leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from rich.cells import cell_len

from layerscope.cli import cli
from layerscope.commands import pull_cost
from layerscope.inventory import Image, Inventory
from layerscope.sources.scanfile import save_inventory
from tests.hosts import ENGINE, MB, SMALL, image_id
from tests.registry.fake import BODY, CONFIG, LAYERS, Images, Reply, Server
from tests.registry.layouts import Layer, config_of, digest_of, manifest_of, tar, words
from tests.replay import replay
from tests.test_imports import HEAVY, loaded

SCHEMAS = Path(__file__).parents[2] / "layerscope/output/schemas"
NEW = (*LAYERS, Layer(tar({"new": words(30_000, 1)})))
BASE = digest_of(LAYERS[0].tar)
HERE = Image(
    image_id("base"),
    tags=("base:1",),
    diff_ids=(BASE,),
    history=SMALL.images[0].history,
    engine_size=117 * MB,
    layers_size=117 * MB,
)
HOST = Inventory(replace(ENGINE, os="linux", architecture="x86_64"), (HERE,))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "DOCKER_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.fixture
def images() -> Images:
    images = Images()
    config = config_of(NEW)
    images.put("shop/web", "2", manifest_of(NEW, config), (config, *(layer.blob for layer in NEW)))
    return images


@pytest.fixture
def server(images: Images) -> Iterator[Server]:
    with Server(images) as server:
        yield server


@pytest.fixture
def scan(tmp_path: Path) -> str:
    save_inventory(HOST, tmp_path / "scan.json")
    return str(tmp_path / "scan.json")


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def test_it_says_what_comes_what_it_adds_and_why(scan: str, server: Server) -> None:
    api, web = f"{server.host}/shop/api:1", f"{server.host}/shop/web:2"
    result = run("-f", scan, "pull-cost", api, web)
    assert result.exit_code == 0, result.stderr
    packed = [len(layer.blob) for layer in NEW]
    lines = [line.rstrip() for line in result.stdout.replace(server.host, "HOST").splitlines()]
    api_high = sum(packed[:2]) + len(CONFIG)
    assert lines[0].split() == ["HOST/shop/api:1", "linux/amd64", "·", "docker", "28.5.2", "·", "overlay2"]
    assert lines[1].startswith(
        f"  packed {sum(packed[:2])} B   download {packed[1] + len(CONFIG)} B … {api_high} B   adds ≈"
    )
    assert lines[1].endswith("2 layers, 1 here")
    assert lines[2].split() == ["LAYER", "PACKED", "FETCHED", "ADDS", "WHY"]
    assert lines[3].split() == [digest_of(LAYERS[0].blob)[7:19], str(packed[0]), "B", "maybe", "–", "here:", "base:1"]
    assert lines[4].split()[-3:] == ["new:", "gzip", "trailer"]
    assert "  2 layers" in "\n".join(lines), "those that come with the one before are one row"
    assert any("comes with" in line for line in lines)
    assert lines[-2:] == ["docker pull HOST/shop/api:1", "docker pull HOST/shop/web:2"]
    assert any(
        line.startswith("The span: layers that were built or loaded here may be fetched again") for line in lines
    )
    assert max(map(cell_len, lines)) <= 80


def test_the_json_is_the_contract(scan: str, server: Server) -> None:
    api, web = f"{server.host}/shop/api:1", f"{server.host}/shop/web:2"
    result = run("-f", scan, "pull-cost", "--json", api, web, f"{server.host}/none:1", "No:1")
    assert result.exit_code == 2
    found = json.loads(result.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / "pull-cost.json").read_text()))
    assert found["platform"] == "linux/amd64"
    assert [(one["name"], one["kind"]) for one in found["failed"]] == [
        (f"{server.host}/none:1", "not found"),
        ("No:1", "name"),
    ]
    first, second = found["images"]
    assert first["digest"] == first["manifest_digest"] == digest_of(BODY)
    assert first["layers"][0]["shared_with"] == [image_id("base")]
    assert second["layers"][1]["comes_with"] == api
    assert found["set"]["packed_bytes"] == sum(len(layer.blob) for layer in NEW)
    assert found["set"]["adds_bytes"] == sum(len(layer.tar) for layer in NEW[1:])
    assert found["set"]["adds_is"] == "inferred"
    assert len(result.stderr.splitlines()) == 2


def test_of_layers_only_a_few_bytes_are_fetched(scan: str, server: Server) -> None:
    run("-f", scan, "pull-cost", f"{server.host}/shop/web:2")
    blobs = {f"/v2/shop/web/blobs/{digest_of(layer.blob)}" for layer in NEW}
    asked = [request for request in server.asked if request.path in blobs]
    assert len({request.path for request in asked}) == 2, "nothing of the one that is here"
    assert all("range" in request.headers for request in asked)
    assert {request.method for request in server.asked} == {"GET", "HEAD"}


@pytest.mark.parametrize(
    ("args", "says", "status"),
    [
        (["pull-cost"], "which images? Name some, or a compose file with --compose; see `layerscope --help`", 2),
        (["pull-cost", "A:1"], "“A:1” is no name of an image: its repository has capital letters", 2),
        (
            ["pull-cost", "--platform", "a/b/c/d", "x"],
            "“a/b/c/d” is no platform; write it like linux/amd64 or linux/",
            2,
        ),
        (["pull-cost", "--behind", "--compose", "x"], "--behind looks at local tags; give it no --compose and no", 2),
        (["pull-cost", "--compose", "/no/such"], "/no/such: no such file or folder; check the path", 2),
        (["pull-cost", "127.0.0.1:1/x"], "127.0.0.1:1 cannot be reached: [Errno 111] Connection refused; check its", 3),
    ],
)
def test_what_goes_wrong_is_one_line(scan: str, args: list[str], says: str, status: int) -> None:
    result = run("-f", scan, *args)
    assert result.exit_code == status
    assert result.stdout == ""
    line = result.stderr.removeprefix("layerscope: ").rstrip("\n")
    assert line.removeprefix("127.0.0.1:1/x: ").startswith(says)
    assert "\n" not in line


def test_another_platform_has_to_be_there(scan: str, server: Server) -> None:
    result = run("-f", scan, "pull-cost", "--platform", "arm64", f"{server.host}/shop/api:1")
    assert result.exit_code == 2
    assert "has no linux/arm64; there is linux/amd64" in result.stderr


def test_the_images_of_a_compose_file(scan: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(f"services: {{a: {{image: '{server.host}/shop/api:1'}}, b: {{build: .}}}}")
    result = run("-f", scan, "pull-cost", "--json", "--compose", str(tmp_path / "c.yaml"))
    assert [image["name"] for image in json.loads(result.stdout)["images"]] == [f"{server.host}/shop/api:1"]
    (tmp_path / "c.yaml").write_text("services: {b: {build: .}}")
    result = run("-f", scan, "pull-cost", "--compose", str(tmp_path / "c.yaml"))
    assert result.exit_code == 2
    assert "no service in it names an image to pull" in result.stderr


def test_a_pull_that_would_fail_is_a_no(tmp_path: Path, images: Images, server: Server) -> None:
    body = manifest_of(LAYERS, CONFIG).replace(b"+gzip", b"+zstd")
    images.put("z", "1", body, (CONFIG,))
    save_inventory(replace(HOST, engine=replace(HOST.engine, version="20.10.24")), tmp_path / "old.json")
    result = run("-f", str(tmp_path / "old.json"), "pull-cost", f"{server.host}/z:1")
    assert result.exit_code == 1
    assert "The pull would fail: Docker 20.10.24 cannot unpack zstd layers; 23.0 and later can." in " ".join(
        result.stdout.split()
    )
    assert "docker pull" not in result.stdout


# --behind


@pytest.fixture
def tagged(tmp_path: Path, server: Server) -> str:
    def at(name: str, tag: str, digest: str) -> Image:
        host = server.host
        return replace(HERE, id=image_id(tag), tags=(f"{host}/{name}:{tag}",), digests=(f"{host}/{name}@{digest}",))

    found = (
        at("shop/api", "1", digest_of(BODY)),
        at("shop/web", "2", digest_of(b"an older one")),
        at("shop/gone", "3", digest_of(b"gone")),
        replace(HERE, tags=("built:1",)),
    )
    save_inventory(replace(HOST, images=found), tmp_path / "tagged.json")
    return str(tmp_path / "tagged.json")


def test_tags_that_are_behind_cost_one_head_request_each(tagged: str, server: Server) -> None:
    result = run("-f", tagged, "pull-cost", "--behind")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.replace(server.host, "HOST").splitlines()
    assert lines[1].split()[:2] == ["HOST/shop/web:2", "behind"]
    assert lines[2].split()[:5] == ["HOST/shop/gone:3", "not", "in", "the", "registry"]
    assert "1 tag behind, 1 current, of 3 asked for." in lines
    assert "1 tag never came from a registry, and was not asked for." in lines
    asked = [request for request in server.asked if request.path != "/v2/"]
    assert [request.method for request in asked] == ["HEAD"] * 3


def test_tags_are_compared_without_the_engines_own_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_cost, "local_tags", lambda nodes: ([], []))
    with replay("docker-28.5-overlay2") as engine:
        assert run("-H", engine.host, "pull-cost", "--behind").exit_code == 0
        assert engine.requests
        assert not [path for path in engine.requests if "/system/df" in path]


def test_behind_as_json_and_of_some_only(tagged: str, server: Server) -> None:
    result = run("-f", tagged, "pull-cost", "--behind", "--json", f"{server.host}/shop/web:2")
    found = json.loads(result.stdout)
    jsonschema.validate(found, json.loads((SCHEMAS / "behind.json").read_text()))
    assert [(one["name"], one["state"]) for one in found["tags"]] == [(f"{server.host}/shop/web:2", "behind")]


def test_a_registry_that_fails_makes_it_unknown(tagged: str, images: Images, server: Server) -> None:
    images.manifests.clear()
    images.__class__ = type("Broken", (Images,), {"__call__": lambda self, request: Reply(403)})
    result = run("-f", tagged, "pull-cost", "--behind")
    assert result.exit_code == 3
    assert "refuses" in result.stdout


def test_it_loads_neither_docker_nor_textual(scan: str) -> None:
    assert loaded("-f", scan, "pull-cost", "127.0.0.1:1/x").isdisjoint(set(HEAVY) - {"asyncio"})
    assert "urllib3" not in loaded("pull-cost", "--help")
