"""Does the program run on the versions that are installed here: ``python dev/smoke.py``.

CI runs it on the oldest Textual that pyproject.toml allows. It runs the commands, then walks the interface over the
bundled sample host: every view, find, filter, marks, the dialogs. It asks for no picture, only that nothing fails
and that each key did something that can be seen. Needs no pytest.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.tui.harness import make_app, press, sample, settled  # noqa: E402
from tests.tui.remover import Engine  # noqa: E402

COMMANDS = (["--version"], ["report", "--demo"], ["report", "--demo", "--json"], ["schema", "free"], ["--help"])
WALK = (
    ("2",), ("3",), ("4",), ("5",), ("6",), ("1",),
    ("down", "enter"), ("backspace",), ("space",), ("m",), ("m",),
    ("i",), ("escape",), ("question_mark",), ("escape",), ("d",), ("escape",), ("f",), ("escape",),
    ("slash", *"node"), ("escape",), ("ampersand", *"unused"), ("enter",), ("s",), ("ctrl+p",), ("escape",),
)  # fmt: skip
"""Keys that are pressed in turn; after each group the screen has to be another than before it."""


def commands() -> None:
    """Run the commands that need no engine."""
    for args in COMMANDS:
        done = subprocess.run(
            [sys.executable, "-m", "layerscope", *args], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode or not done.stdout or done.stderr:
            sys.exit(f"layerscope {' '.join(args)}: status {done.returncode}\n{done.stdout[-500:]}{done.stderr}")


async def interface() -> None:
    """Walk the interface; whatever a key or a drawing raises ends the program with it."""
    app = make_app(Engine(sample()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        before = app.export_screenshot(simplify=True)
        for keys in WALK:
            await press(pilot, *keys)
            after = app.export_screenshot(simplify=True)
            if after == before:
                sys.exit(f"the keys {' '.join(keys)} changed nothing on screen")
            before = after
    if app.return_code:
        sys.exit(f"the interface ended with status {app.return_code}")


if __name__ == "__main__":
    commands()
    asyncio.run(interface())
    print(f"smoke test passed: Python {sys.version.split()[0]}, Textual {version('textual')}")
