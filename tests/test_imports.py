"""What each command loads: starting must stay quick, and a saved scan must need no docker-py."""

import subprocess
import sys
from pathlib import Path

import pytest

from layerscope.sources.scanfile import save_inventory
from tests.hosts import SMALL
from tests.replay import replay

HEAVY = ("docker", "textual", "requests", "asyncio")
AT_NEED = ("humanize", "httpx", "h2", "ijson", "jsonschema")
"""What is light, and yet of no use to somebody who asks for help."""

PROBE = """
import sys
from layerscope.cli import main
try:
    main()
finally:
    found = sorted(name for name in sys.modules if "." not in name)
    print("LOADED", *found, file=sys.stderr)
"""


def loaded(*args: str) -> set[str]:
    result = subprocess.run([sys.executable, "-c", PROBE, *args], capture_output=True, text=True, check=False)
    *_, line = (line for line in result.stderr.splitlines() if line.startswith("LOADED"))
    return set(line.split()[1:])


def loaded_of_ours(*args: str) -> set[str]:
    code = PROBE.replace('"." not in name', 'name.startswith("layerscope")')
    result = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=False)
    *_, line = (line for line in result.stderr.splitlines() if line.startswith("LOADED"))
    return set(line.split()[1:])


@pytest.fixture
def scan(tmp_path: Path) -> str:
    save_inventory(SMALL, tmp_path / "scan.json")
    return str(tmp_path / "scan.json")


def test_the_probe_sees_what_a_live_command_loads() -> None:
    assert "docker" in loaded("report", "--host", "tcp://127.0.0.1:1")


@pytest.mark.parametrize("name", ["docker-28.5-overlay2", "docker-28.5-containerd"])
def test_a_report_on_a_socket_loads_what_it_needs_and_no_more(name: str) -> None:
    """By name, not by time: what is loaded here is waited for at every start."""
    with replay(name) as engine:
        found = loaded("report", "--json", "--no-history", "--host", engine.host)
    assert found & {"textual", *AT_NEED} == ({"h2"} if "containerd" in name else set())  # h2: for the reference graph
    assert {"sqlite3", "json", "click"} <= found
    # docker-py opens connections; those of the first questions are enough for a short scan, but not for a graph
    assert ("docker" in found) == ("containerd" in name)


def test_an_engine_is_asked_before_anything_else_is_loaded() -> None:
    code = "import sys, layerscope.commands.ahead, layerscope.engine.early; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "layerscope.engine.early" in found
    assert not {"msgspec", "click", "rich", "inspect", "sqlite3", "layerscope.cli"}.intersection(found)


OURS = {
    "--version": {"__init__", "cli", "commands", "commands.program"},
    "--help": {"__init__", "cli", "commands", "commands.program"},
}


@pytest.mark.parametrize("option", OURS)
def test_an_option_that_only_tells_loads_only_these_modules_of_ours(option: str) -> None:
    found = {name.removeprefix("layerscope").removeprefix(".") or "__init__" for name in loaded_of_ours(option)}
    assert found == OURS[option]


def test_the_metadata_for_docker_loads_nothing_at_all() -> None:
    code = PROBE.replace("layerscope.cli", "layerscope.plugin").replace('if "." not in name', "")
    arguments = [sys.executable, "-c", code, "docker-cli-plugin-metadata"]
    result = subprocess.run(arguments, capture_output=True, text=True, check=True)
    bare = subprocess.run(
        [sys.executable, "-c", "import sys, json, typing; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(result.stderr.split()) - set(bare.stdout.split())
    assert found.isdisjoint({"click", "dataclasses", "pathlib", "inspect", "datetime"})
    assert {name for name in found if name.startswith("layerscope")} == {"layerscope", "layerscope.plugin"}


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["report", "--help"], ["report", "nonsense"]])
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    assert loaded(*args).isdisjoint({*HEAVY, *AT_NEED})


@pytest.mark.parametrize(
    "args", [["report"], ["report", "--json"], ["export"], ["plan", "app:1", "--json"], ["schema", "scan"], []]
)
def test_a_saved_scan_needs_neither_docker_nor_textual(args: list[str], scan: str) -> None:
    assert loaded("-f", scan, *args).isdisjoint(HEAVY)


def test_a_document_for_programs_needs_no_words_for_people(scan: str) -> None:
    assert "humanize" not in loaded("-f", scan, "report", "--json")
    assert "humanize" in loaded("-f", scan, "report")


def test_a_live_report_loads_no_textual() -> None:
    assert "textual" not in loaded("report", "--host", "unix:///no/such.sock")


def test_the_core_imports_neither_engine_nor_interface() -> None:
    code = """
import importlib, pkgutil, sys, layerscope.core
for module in pkgutil.walk_packages(layerscope.core.__path__, "layerscope.core."):
    importlib.import_module(module.name)
print(*sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names = set(result.stdout.split())
    assert names.isdisjoint({*HEAVY, "click", "layerscope.engine", "layerscope.tui", "layerscope.sources.scanfile"})
    assert "layerscope.core.graph" in names


def test_nothing_is_collected_at_the_end() -> None:
    code = (
        "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count(), file=sys.stderr)); "
        "from layerscope.__main__ import main; sys.argv[1:] = ['--help']; main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(result.stderr) > 1000
