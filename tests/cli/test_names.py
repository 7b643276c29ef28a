"""``free -q`` and ``plan -q``: names that ``docker rmi`` takes, one a line; all of them or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from layerscope.cli import cli
from layerscope.inventory import Container, Image, Inventory
from layerscope.sources.scanfile import save_inventory
from tests.hosts import ENGINE

UNTAGGED = "sha256:" + "e" * 64


def host(*images: Image) -> Inventory:
    return Inventory(replace(ENGINE, store_kind="graphdriver"), images)


def image(number: int, *tags: str, id_: str = "") -> Image:
    diff = f"sha256:{number:064x}"
    return Image(id_ or f"sha256:{number + 100:064x}", tags=tags, diff_ids=(diff,), engine_size=10, layers_size=10)


def ran(tmp_path: Path, inventory: Inventory, *args: str) -> Result:
    path = tmp_path / "scan.json"
    save_inventory(inventory, path)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    return CliRunner().invoke(cli, ["-f", str(path), *args], env=environment)


def test_every_name_of_an_image_is_named_and_one_without_a_name_by_its_id(tmp_path: Path) -> None:
    done = ran(tmp_path, host(image(1, "a:1", "a:2"), image(2, id_=UNTAGGED)), "plan", "-q", "a:1", UNTAGGED)
    assert done.exit_code == 0
    assert sorted(done.stdout.split()) == ["a:1", "a:2", UNTAGGED]


def test_free_names_what_the_proposal_is(tmp_path: Path) -> None:
    done = ran(tmp_path, host(image(1, "a:1"), image(2, "b:1")), "free", "20B", "-q")
    assert done.exit_code == 0
    assert sorted(done.stdout.split()) == ["a:1", "b:1"]


@pytest.mark.parametrize("args", [["plan", "-q", "*"], ["free", "20B", "-q"]])
def test_where_one_has_no_name_that_docker_takes_nothing_is_printed(tmp_path: Path, args: list[str]) -> None:
    done = ran(tmp_path, host(image(1, "a:1"), image(2, "b:1;reboot", id_="no digest")), *args)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("layerscope: 1 image of the plan has no name")


def test_where_so_much_is_not_there_nothing_is_printed(tmp_path: Path) -> None:
    done = ran(tmp_path, host(image(1, "a:1")), "free", "1GB", "-q")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "at most 10 B" in done.stderr


def test_names_and_a_document_are_not_both_to_be_had(tmp_path: Path) -> None:
    done = ran(tmp_path, host(image(1, "a:1")), "plan", "a:1", "-q", "--json")
    assert done.exit_code == 2


@pytest.mark.parametrize("args", [["-H", "a", "--host", "b"], ["--host", "a", "report", "--host", "b"]])
def test_a_second_host_is_refused(args: list[str]) -> None:
    done = CliRunner().invoke(cli, args)
    assert done.exit_code == 2
    assert "more than once" in done.stderr


def test_what_the_engine_would_refuse_is_told_beside_the_names(tmp_path: Path) -> None:
    used = image(2, "b:1")
    inventory = replace(host(image(1, "a:1"), used), containers=(Container("c", "web", used.id, "b:1", "exited"),))
    done = ran(tmp_path, inventory, "plan", "-q", "*")
    assert (done.exit_code, done.stdout) == (0, "a:1\n")
    assert done.stderr == "layerscope: 1 image stays, as the engine would refuse; leave out -q to see why\n"
