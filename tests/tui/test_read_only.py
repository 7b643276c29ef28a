"""A saved scan, and an engine opened with --read-only, reach no removing code whatever is pressed."""

import subprocess
import sys

import pytest

PROBE = """
import asyncio, sys
from tests.tui.harness import inventory, make_app, press, settled
from layerscope.sources.backend import SavedBackend
from layerscope.engine.backend import LiveBackend
from msgspec.structs import replace

found = inventory("docker-28.5-overlay2")

class Live(LiveBackend):
    warnings = ()
    def scan(self, progress, partial, cancelled):
        return replace(found, from_file=False)
    def follow(self, changed, state):
        pass
    def close(self):
        pass

async def main(backend):
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "space", "d", "y", "enter", "asterisk", "d", "y", "3", "enter", "u", "d", "y")
        await press(pilot, "escape", "d")
        print("TOLD", app.screen.query_one("#question").render())
    assert backend.remover() is None

asyncio.run(main(Live(None, read_only=True) if sys.argv[1] == "read-only" else SavedBackend(lambda: found)))
print("LOADED", *sys.modules)
"""


@pytest.mark.parametrize(("what", "why"), [("read-only", "--read-only"), ("saved", "saved scan")])
def test_no_removing_code_is_loaded(what: str, why: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, what], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    loaded = lines["LOADED"].split()
    assert "layerscope.tui.screens.main" in loaded
    assert not {name for name in loaded if name.endswith((".remove", ".removing", "removal_log"))}
    assert why in lines["TOLD"]
