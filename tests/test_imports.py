"""What each command loads: starting must stay quick, and a saved scan must need no docker-py."""

import subprocess
import sys
from pathlib import Path

import pytest

from layerscope.sources.scanfile import save_inventory
from tests.hosts import SMALL

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


@pytest.fixture
def scan(tmp_path: Path) -> str:
    save_inventory(SMALL, tmp_path / "scan.json")
    return str(tmp_path / "scan.json")


def test_the_probe_sees_what_a_live_command_loads() -> None:
    assert "docker" in loaded("report", "--host", "unix:///no/such.sock")


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
