"""Make the pictures of README.md from the bundled sample host, a real scan: ``python dev/pictures.py``.

Each picture is the interface itself, driven by the keys that are written here, exported by Textual as SVG
and drawn by a headless Chromium (Debian: ``apt-get install chromium fonts-firacode``). Nothing is drawn by hand.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TEXTUAL_ANIMATIONS"] = "none"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layerscope.sources.backend import SavedBackend
from layerscope.sources.open import load_sample
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.session import Session

HERE = Path(__file__).resolve().parent.parent / "screenshots"
PICTURES: dict[str, tuple[tuple[int, int], list[str], str]] = {
    "main": ((144, 38), ["down", "down", "down", "enter"], "layerscope-dark"),
    "narrow": ((80, 24), ["down"], "layerscope-dark"),
    "light": ((120, 36), ["down", "enter"], "layerscope-light"),
    "layers": ((120, 36), ["2"], "layerscope-dark"),
    "tree": ((120, 36), ["3"], "layerscope-dark"),
    "map": ((120, 36), ["4"], "layerscope-dark"),
    "compare": ((120, 36), ["5", "end"], "layerscope-dark"),
    "engine": ((120, 36), ["6"], "layerscope-dark"),
}
"""Name of the picture: the terminal's size, the keys that are pressed, the theme."""

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)


async def take(size: tuple[int, int], keys: list[str], theme: str) -> str:
    """Return the screen as SVG."""
    app = LayerscopeApp(Session(lambda: SavedBackend(load_sample)), theme=theme)
    async with app.run_test(size=size) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause(0.3)
        for key in keys:
            await pilot.press(key)
            await pilot.pause(0.1)
        await pilot.pause(0.3)
        return app.export_screenshot()


def draw(svg: str, target: Path) -> None:
    """Turn the SVG into a PNG."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    size = f"{int(float(box[1]))},{int(float(box[2]))}"
    # The exported SVG names web fonts; the picture is drawn with the local Fira Code, and nothing is fetched.
    svg = re.sub(r"@font-face\s*{.*?}", "", svg, flags=re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "screen.svg")
        page.write_text(svg, encoding="utf-8")
        subprocess.run(
            [
                CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                f"--user-data-dir={folder}/profile", f"--window-size={size}", f"--screenshot={target}", page.as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip


def main(names: list[str]) -> int:
    """Make the named pictures, or all of them."""
    if not CHROMIUM:
        print("no Chromium on this machine: apt-get install chromium fonts-firacode", file=sys.stderr)
        return 1
    for name in names or list(PICTURES):
        draw(asyncio.run(take(*PICTURES[name])), HERE / f"{name}.png")
        print(HERE / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
