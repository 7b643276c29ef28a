"""Two sessions at once on the same files: what either of them kept is there afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from layerscope.state.settings import Settings, SettingsFile
from layerscope.units import Units

RUNS = 50

SESSION = """
import sys
from pathlib import Path
from types import SimpleNamespace
from layerscope.core.origin import Origin
from layerscope.inventory import Engine, Image
from layerscope.state import pins as pins_file, settings as settings_file
from layerscope.state.pins import Pins
from layerscope.state.removal_log import RemovalLog
from layerscope.state.settings import SettingsFile
from msgspec.structs import replace
pins_file.PATIENCE = settings_file.PATIENCE = 60.0  # on a busy machine the other has its turn late
folder, name, runs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
engine = Engine("docker", "28", "1.51", "overlay2", "graphdriver", "unix:///x")
pins, log = Pins(folder / "pins.json"), RemovalLog(folder / "log.jsonl", engine)
settings = SettingsFile(folder / "s.json")
mine = {"one": "theme", "two": "sort"}[name]
chosen, _ = settings.load()
for run in range(runs):
    print(run, flush=True)
    sys.stdin.readline()  # both go on at once
    image = Image(f"sha256:{name}{run}", tags=(f"{name}:{run}",))
    pins.toggle([SimpleNamespace(id=image.id, image=image)])
    chosen = replace(chosen, **{mine: f"{name}{run}"})
    assert settings.save(chosen) == ""
    log.removing(image, run, Origin("only here"))
    log.became(image, "removed", "x" * 5000)
    assert not log.problem
"""


def test_fifty_runs_of_two_sessions_lose_nothing(tmp_path: Path) -> None:
    sessions = [
        subprocess.Popen(
            [sys.executable, "-c", SESSION, str(tmp_path), name, str(RUNS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for run in range(RUNS):
        for session in sessions:
            assert session.stdout is not None
            assert session.stdout.readline() == f"{run}\n"
        if run:
            found, _ = SettingsFile(tmp_path / "s.json").load()
            assert (found.theme, found.sort) == (f"one{run - 1}", f"two{run - 1}")
        for session in sessions:
            assert session.stdin is not None
            session.stdin.write("\n")
            session.stdin.flush()
    assert [session.wait(60) for session in sessions] == [0, 0]
    names = {f"{name}:{run}" for name in ("one", "two") for run in range(RUNS)}
    assert set(json.loads((tmp_path / "pins.json").read_text())) == names
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert sorted(line["image"] for line in lines) == sorted(2 * [f"sha256:{n.replace(':', '')}" for n in names])


def test_a_session_keeps_what_it_chose_and_no_more(tmp_path: Path) -> None:
    one, two = SettingsFile(tmp_path / "s.json"), SettingsFile(tmp_path / "s.json")
    chosen_one, _ = one.load()
    chosen_two, _ = two.load()
    assert one.save(replace(chosen_one, theme="a", hidden=("size",))) == ""
    assert two.save(replace(chosen_two, units=Units.BINARY)) == ""
    assert SettingsFile(tmp_path / "s.json").load()[0] == Settings(theme="a", hidden=("size",), units=Units.BINARY)
    assert one.save(replace(chosen_one, theme="a")) == "", "what it takes back goes"
    assert SettingsFile(tmp_path / "s.json").load()[0] == Settings(theme="a", units=Units.BINARY)
