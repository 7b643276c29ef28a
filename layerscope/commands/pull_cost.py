"""``layerscope pull-cost``: looks at registries and at the store, and says what a pull would cost. Pulls nothing."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from msgspec import Struct

from layerscope.commands.common import ANSWER, patience, take_inventory, write_out
from layerscope.core.build import build_graph
from layerscope.inventory import Inventory
from layerscope.output.pull_cost import behind_json, pull_cost_json
from layerscope.output.pull_cost_text import MIN_WIDTH, behind_text, pull_cost_text
from layerscope.registry.behind import local_tags, standing
from layerscope.registry.client import RegistryClient
from layerscope.registry.crew import side_by_side
from layerscope.registry.errors import RegistryError
from layerscope.registry.look import Wanted, check_name, look, open_client
from layerscope.registry.manifests import parse_platform
from layerscope.search.select import select
from layerscope.sources.open import Source
from layerscope.text import clean
from layerscope.units import Units, natural_list

NO, WRONG_USE, FAILED = 1, 2, 3
"""Exit statuses: a pull would fail; the question is wrong; a registry failed."""


class Asked(Struct, frozen=True):
    """What the user wants to know."""

    names: tuple[str, ...] = ()
    compose: tuple[str, ...] = ()
    platform: str = ""
    insecure: tuple[str, ...] = ()
    as_json: bool = False
    units: Units = Units.SI


def run(source: Source, asked: Asked) -> int:
    """Print what pulling the images would cost, in this order; errors are a line each. Returns the exit status."""
    try:
        platform = parse_platform(asked.platform) if asked.platform else None
        items = _items(asked)
    except RegistryError as error:
        return _complain([("", error)])
    if all(item.error for item in items):  # a slip is reported before a scan
        return _complain([(item.name, item.error) for item in items if item.error])
    inventory = take_inventory(source)
    graph, stop = build_graph(inventory), threading.Event()
    with _client(inventory, source, stop, asked) as client, _meter() as meter:
        looked = look(client, graph, items, platform, progress=meter, cancelled=stop)
    if asked.as_json:
        write_out(pull_cost_json(looked.cost, looked.platform, looked.failed))
    elif looked.cost.images:
        text = pull_cost_text(
            looked.cost,
            inventory.engine,
            unit=graph.rules.unit,
            remaining=looked.remaining,
            units=asked.units,
            width=_width(),
        )
        write_out(text)
    status = _complain(looked.failed)
    return status or (NO if any(image.refused for image in looked.cost.images) else 0)


def run_behind(source: Source, asked: Asked) -> int:
    """Print which local tags are no longer what their registry has. Returns the exit status."""
    inventory = take_inventory(source, usage=False)  # names are compared, no bytes
    graph = build_graph(inventory)
    nodes = select(graph, asked.names) if asked.names else graph.images
    tags, own = local_tags(nodes)
    stop = threading.Event()
    with _client(inventory, source, stop, asked) as client, _meter() as meter:
        answers = side_by_side([partial(client.digest, tag.reference) for tag in tags], progress=meter, cancelled=stop)
    found = [standing(tag, answer) for tag, answer in zip(tags, answers, strict=True)]
    write_out(behind_json(found, own) if asked.as_json else behind_text(found, own, width=_width()))
    return FAILED if any(one.state == "unknown" for one in found) else 0


def _items(asked: Asked) -> list[Wanted]:
    items = [Wanted(name) for name in asked.names]
    if asked.compose:
        from layerscope.registry.compose import compose_images  # noqa: PLC0415 (PyYAML: only where it is needed)

        for file in asked.compose:
            items += [Wanted(image.name, image.platform) for image in compose_images(Path(file))]
        if not items:
            raise RegistryError("name", f"{natural_list(asked.compose)}: no service in it names an image to pull")
    for item in items:
        check_name(item)
    return items


@contextmanager
def _client(inventory: Inventory, source: Source, stop: threading.Event, asked: Asked) -> Iterator[RegistryClient]:
    """Give what talks to registries as the engine of ``source`` would."""
    with patience(ANSWER) as waits:
        with closing(source.open()) as backend:
            facts = backend.facts()  # its mirrors and insecure registries; nothing of a saved scan
        waits("for registries to answer")
        with open_client(inventory.engine, facts, stop, asked.insecure) as client:
            yield client


def _complain(failed: Sequence[tuple[str, RegistryError]]) -> int:
    """Write a line for each thing that went wrong; return the exit status."""
    status = 0
    for name, error in failed:
        text = str(error)
        line = text if not name or name in text else f"{name}: {text}"
        with suppress(OSError, AttributeError):
            sys.stderr.write(f"layerscope: {clean(line)}\n")
        status = max(status, WRONG_USE if error.wrong_use else FAILED)
    return status


def _width() -> int:
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size((MIN_WIDTH, 24)).columns if on_terminal else MIN_WIDTH


@contextmanager
def _meter() -> Iterator[Callable[[int, int], None] | None]:
    """Show how far it is on standard error, where that is a terminal and it takes more than a moment."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    shown, begun = [time.monotonic() + 0.2], [False]

    def show(done: int, total: int) -> None:
        now = time.monotonic()
        if now >= shown[0]:
            shown[0], begun[0] = now + 0.1, True
            with suppress(OSError):
                sys.stderr.write(f"\r{f'asking registries: {done} of {total}':<60}")
                sys.stderr.flush()

    try:
        yield show
    finally:
        if begun[0]:
            with suppress(OSError):
                sys.stderr.write(f"\r{'':<60}\r")
                sys.stderr.flush()
