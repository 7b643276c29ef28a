"""What tests of find, filter, sort and groups read from the screen."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from layerscope.core.graph import ImageNode
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.panes.images import ImagesPane
from layerscope.tui.scene import Scene
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.widgets.prompt import Prompt
from layerscope.tui.widgets.rowtable import RowTable
from tests.tui.harness import press

HOST = "docker-28.5-overlay2"
_KEYS = {
    " ": "space",
    "/": "slash",
    "-": "minus",
    ":": "colon",
    ">": "greater_than_sign",
    ".": "full_stop",
    "_": "underscore",
}


def main(pilot: Pilot[Any]) -> MainScreen:
    assert isinstance(pilot.app, LayerscopeApp)
    return pilot.app.main


def scene(pilot: Pilot[Any]) -> Scene:
    found = main(pilot).scene
    assert found is not None
    return found


def pane(pilot: Pilot[Any]) -> ImagesPane:
    return main(pilot).images_pane


def table(pilot: Pilot[Any], name: str = "images") -> RowTable:
    return main(pilot).query_one(f"#{name}", RowTable)


def here(pilot: Pilot[Any]) -> str:
    """The name of the image under the cursor of the image list."""
    row = table(pilot).row
    assert isinstance(row, ImageNode)
    return row.name


def shown(pilot: Pilot[Any]) -> list[str]:
    """The rows of the image list: names of images, repositories in brackets."""
    return [row.name if isinstance(row, ImageNode) else f"[{row.name}]" for row in table(pilot).rows]


def line(of: RowTable, index: int) -> str:
    """A row as it is drawn."""
    return of.render_line(index - of.top + 1).text


def lit(of: RowTable, index: int) -> str:
    """The characters of a row that are drawn as hits."""
    hit = of.style("hit")
    strip = of.render_line(index - of.top + 1)
    return "".join(s.text for s in strip if s.style and s.style.color == hit.color and s.style.underline)


def in_sight(of: RowTable) -> bool:
    """Is the row of the cursor on screen?"""
    return 0 <= of.cursor - of.top < of.size.height - 1


def heading(of: RowTable) -> str:
    return of.render_line(0).text


async def type_in(pilot: Pilot[Any], text: str) -> None:
    await press(pilot, *(_KEYS.get(char, char) for char in text))


def prompt(pilot: Pilot[Any]) -> Prompt:
    """The bar that is open; with none open, that of find, else that of the filter."""
    bars = main(pilot).prompts
    found = bars.open or bars.find or bars.filter
    assert found is not None, "no bar was opened yet"
    return found


def count(pilot: Pilot[Any]) -> str:
    return str(prompt(pilot).count.render())


def answer(pilot: Pilot[Any]) -> str:
    """What the prompt answers, as drawn."""
    return prompt(pilot).answer.render().plain
