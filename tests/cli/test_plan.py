"""``layerscope plan`` and ``layerscope free`` as they are typed: what they print, and the status they leave."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace
from rich.cells import cell_len

from layerscope.cli import cli
from layerscope.core.build import build_graph
from layerscope.core.removal.plan import plan
from layerscope.inventory import Container, HistoryEntry, Image, Inventory
from layerscope.output.plan_json import plan_dict
from layerscope.sources.scanfile import save_inventory
from layerscope.state.pins import Pins
from tests.documents import held
from tests.hosts import HOSTILE, MB, SMALL, image_id
from tests.replay import recorded_inventory, replay
from tests.test_imports import HEAVY, loaded

UNUSED = replace(SMALL, containers=())
DIGEST = f"theirs@sha256:{'1' * 64}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "layerscope"


@pytest.fixture
def scan(tmp_path: Path) -> str:
    return saved(tmp_path, SMALL)


def saved(folder: Path, inventory: Inventory) -> str:
    save_inventory(inventory, folder / "scan.json")
    return str(folder / "scan.json")


def run(*args: str) -> Result:
    return CliRunner().invoke(cli, args)


def complaint(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("layerscope: ").rstrip("\n")


# --- plan ---------------------------------------------------------------------


def test_a_plan_says_what_comes_back_what_stays_and_why(scan: str) -> None:
    result = run("-f", scan, "plan", "app", "app:1")
    assert result.stdout == (
        "Removing 1 of 2 images · listed 301 MB\n"
        "\n"
        "Frees    1.5 kB        1,500 B  1 layer that nothing else needs\n"
        "Stays    154 MB  153,600,000 B  3 layers, for <none> 6f6c64000000 and 2 more\n"
        "How much of it the build cache keeps on disk until it is pruned is not known.\n"
        "Sizes are in this store's unit: apparent size of the files in the layer.\n"
        "\n"
        "GOES     SIZE  FREES ALONE  CREATED  PULL\n"
        "app:1  147 MB       1.5 kB  2 weeks  only here\n"
        "It exists only on this machine.\n"
        "\n"
        "CANNOT GO     BECAUSE OF\n"
        "app:2 +1 tag  container web (running): image is being used by running container\n"
        "\n"
        "  STAYS  FOR                             LAYER\n"
        " 117 MB  <none> 6f6c64000000 and 2 more  ADD rootfs.tar /\n"
        "30.0 MB  <none> 6f6c64000000 and 1 more  RUN apt-get install -y python3\n"
        " 6.6 MB  <none> 6f6c64000000 and 1 more  COPY app2 /app\n"
        "\n"
        "This is a plan: nothing was removed.\n"
    )
    assert result.exit_code == 0


def test_the_json_is_the_contract(scan: str) -> None:
    result = run("-f", scan, "plan", "--json", "app:1", "--filter", "unused")
    assert held(result.stdout) == plan_dict(plan(build_graph(SMALL), [image_id("app1")]))
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["app:*"], ["app1", "app2"]),
        (["--filter", "dangling"], ["old"]),
        (["app:*", "--filter", "unused"], ["app1"]),  # the filter narrows what is named
        (["--filter", "unused", "--filter", ">140MB"], ["app1", "old"]),
        (["app:1", "app:1", image_id("app1")], ["app1"]),
    ],
)
def test_images_are_named_or_selected(scan: str, args: list[str], names: list[str]) -> None:
    found = held(run("-f", scan, "plan", "--json", *args).stdout)
    assert sorted(found["images"]) == sorted(map(image_id, names))


def test_a_plan_that_is_blocked_altogether_is_a_no(scan: str) -> None:
    result = run("-f", scan, "plan", "app:2")
    assert result.exit_code == 1
    assert result.stdout.startswith("Removing nothing: the engine would refuse it.\n")


def test_an_image_that_only_loses_its_name_is_told_with_the_reason(tmp_path: Path) -> None:
    base = next(image for image in UNUSED.images if image.id == image_id("app2"))
    child = replace(base, id=image_id("child"), tags=("child:1",), parent_id=base.id)
    result = run("-f", saved(tmp_path, replace(UNUSED, images=(*UNUSED.images, child))), "plan", "app:2")
    assert result.exit_code == 1, "nothing goes"
    lines = result.stdout.splitlines()
    assert lines[0] == "Removing nothing: it only loses its name."
    at = next(number for number, text in enumerate(lines) if text.startswith("ONLY UNTAGGED"))
    assert lines[at].split() == ["ONLY", "UNTAGGED", "STAYS", "FOR"]
    assert "Frees" not in result.stdout
    assert lines[at + 1] == "app:2 +1 tag   image child:1, made from it: image has dependent child images"


def test_an_engines_rule_is_never_cut(tmp_path: Path) -> None:
    (web,) = SMALL.containers
    used = replace(web, name="a-container-with-quite-a-long-name", state="exited")
    result = run("-f", saved(tmp_path, replace(SMALL, containers=(used,))), "plan", "app:2")
    assert result.stdout.splitlines()[2:5] == [
        "CANNOT GO     BECAUSE OF",
        "app:2 +1 tag  container a-container-with-quite-a-long-name (exited): image is",
        "              being used by stopped container",
    ]


def test_a_filter_that_selects_nothing_is_a_no(scan: str) -> None:
    result = run("-f", scan, "plan", "--filter", "older:9y")
    assert result.exit_code == 1
    assert result.stdout.startswith("No image is meant: nothing to remove.\n")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["plan"], "which images? Name some, or select some with --filter; see `layerscope --help`"),
        (["plan", "app:9"], "there is no image “app:9”; “app” has 1, 2 and latest; “app:*” names all of them"),
        (["plan", "--filter", "size>"], "--filter 'size>': not a size: write it like >500MB, 1.5G or 200MiB"),
        (["plan", "--filter", " "], "--filter ' ': it selects nothing in particular"),
        (["free", "lots"], "not a size: 'lots'; write it like 500MB, 5G or 1.5GiB; see `layerscope --help`"),
        (["free", "1G", "--pin", "nope"], "there is no image “nope”; `layerscope report` lists what there is"),
    ],
)
def test_wrong_use_is_one_line(scan: str, args: list[str], says: str) -> None:
    assert complaint(run("-f", scan, *args)) == says


def test_a_live_plan_knows_what_the_build_cache_holds() -> None:
    with replay("docker-28.5-overlay2") as engine:
        result = run("--host", engine.host, "plan", "node-app:1", "--json")
    found = held(result.stdout)
    assert found["frees_bytes"] == found["frees_after_build_cache_prune_bytes"] == 6_640_000
    assert found["frees_at_once_bytes"] == 0


# --- free ---------------------------------------------------------------------


def test_a_proposal_names_the_images_and_what_they_free(tmp_path: Path) -> None:
    result = run("-f", saved(tmp_path, UNUSED), "free", "30MB")
    lines = result.stdout.splitlines()
    assert lines[0] == "To free 30.0 MB: remove 3 images"
    assert "37.6 MB   37,601,450 B" in lines[2]
    assert " 30.0 MB  3: <none> 6f6c64000000, app:2 and 1 more  RUN apt-get install -y pyth…" in lines
    assert result.exit_code == 0


def test_what_cannot_be_had_is_a_no_that_says_what_can(scan: str) -> None:
    result = run("-f", scan, "free", "1GB", "--pin", image_id("old"))
    lines = result.stdout.splitlines()
    assert lines[0] == "1.00 GB cannot be had. The most is 1.5 kB, with 1 image removed"
    assert lines[1] == "Without pins it would be 1.0 MB (1 image pinned)."
    assert result.exit_code == 1
    result = run("-f", scan, "free", "1GB")
    assert "With images that have containers too it is 155 MB: add --include-used.\n" in result.stdout
    assert result.exit_code == 1


def test_images_in_use_come_with_the_containers_to_remove_first(scan: str) -> None:
    result = run("-f", scan, "free", "100MB", "--include-used")
    assert "REMOVE FIRST  STATE    CONTAINER OF\nweb           running  app:2\n" in result.stdout
    assert result.exit_code == 0


def test_what_exists_only_here_is_spared_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    entry = (HistoryEntry("COPY x /", MB),)
    local, pulled = (
        Image(image_id(name), (f"{name}:1",), digests, created, MB, MB, diff_ids=(f"sha256:{at * 64}",), history=entry)
        for name, digests, created, at in (("mine", (), 10**9, "8"), ("theirs", (DIGEST,), 2 * 10**9, "7"))
    )
    path = saved(tmp_path, replace(UNUSED, images=(local, pulled)))
    spared = held(run("-f", path, "free", "1kB", "--json").stdout)
    assert spared["spares_local"] is True
    assert spared["plan"]["pull_again"] == [{"image": image_id("theirs"), "again": "yes", "reference": DIGEST}]
    alike = held(run("-f", path, "free", "1kB", "--no-spare-local", "--json").stdout)
    assert alike["spares_local"] is False
    assert [one["again"] for one in alike["plan"]["pull_again"]] == ["only here"]


def test_the_pins_of_the_interface_hold_here_too(tmp_path: Path, home: Path) -> None:
    path = saved(tmp_path, UNUSED)
    graph = build_graph(UNUSED)
    assert Pins(home / "pins.json").toggle([graph.image_by_id[image_id("base")]])
    found = held(run("-f", path, "free", "1TB", "--json").stdout)
    assert found["reached"] is False
    assert found["pinned"] == [image_id("base")]
    assert found["most_bytes"] == found["plan"]["frees_bytes"] == found["most_with_pinned_bytes"] - 117 * MB
    assert image_id("base") not in found["plan"]["images"]


def test_damaged_pins_stop_a_proposal(scan: str, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "pins.json").write_text("{")
    assert "the file is damaged; mend it or delete it" in complaint(run("-f", scan, "free", "1MB"))


def test_two_sessions_that_pin_do_not_undo_each_other(home: Path) -> None:
    graph = build_graph(SMALL)
    base, app1, app2 = (graph.image_by_id[image_id(name)] for name in ("base", "app1", "app2"))
    one, two = Pins(home / "pins.json"), Pins(home / "pins.json")
    one.toggle([base])
    two.toggle([app1, app2])
    assert base in two
    assert not one.toggle([base])
    two.toggle([app1])
    fresh = Pins(home / "pins.json")
    fresh.load()
    assert fresh.ids(graph) == {app2.id}


# --- both ---------------------------------------------------------------------


@pytest.mark.parametrize("units", ["si", "binary"])
@pytest.mark.parametrize("name", ["docker-20.10-overlay2", "docker-28.5-containerd", "podman-5.8"])
def test_lines_fit_into_eighty_columns(tmp_path: Path, name: str, units: str) -> None:
    path = saved(tmp_path, recorded_inventory(name))
    for args in (["plan", "*"], ["plan", "--filter", "unused"], ["free", "300MB"], ["free", "1TB", "--include-used"]):
        result = run("-f", path, "--units", units, *args)
        assert result.exit_code in {0, 1}
        assert max(map(cell_len, result.stdout.splitlines())) <= 80


def test_hostile_text_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    gone = Container("f" * 64, HOSTILE.containers[0].name, "sha256:gone", "", "exited")
    path = saved(tmp_path, replace(HOSTILE, containers=(*HOSTILE.containers, gone)))
    for args in (["plan", "--filter", "-repo:zzz"], ["free", "1GB", "--include-used"]):
        result = run("-f", path, *args)
        assert result.stdout.replace("\n", "").isprintable()
        assert max(map(cell_len, result.stdout.splitlines())) <= 80
        assert run("-f", path, *args, "--json").stdout.isascii()


@pytest.mark.parametrize("args", [["plan", "app:1"], ["free", "1MB"]])
def test_a_saved_scan_loads_no_removing_code(scan: str, args: list[str]) -> None:
    assert loaded("-f", scan, *args).isdisjoint(HEAVY)
