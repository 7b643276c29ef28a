"""``layerscope pull-cost``: looks at registries and at the store, and says what a pull would cost. Pulls nothing."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from layerscope.commands.common import take_inventory, write_out
from layerscope.core.build import build_graph
from layerscope.core.pull import PullCost, measured, pull_cost, to_measure
from layerscope.core.remote import RemoteImage
from layerscope.core.stock import Memory, store_of
from layerscope.inventory import Engine, Inventory
from layerscope.output.pull_cost import behind_json, pull_cost_json
from layerscope.output.pull_cost_text import MIN_WIDTH, behind_text, pull_cost_text
from layerscope.registry.behind import local_tags, standing
from layerscope.registry.cache import Cache, cache_folder
from layerscope.registry.client import RegistryClient
from layerscope.registry.credentials import config_files
from layerscope.registry.crew import side_by_side
from layerscope.registry.errors import RegistryError
from layerscope.registry.manifests import MachinePlatform, normal_platform, parse_platform, wanted
from layerscope.registry.memory import remembered
from layerscope.registry.policy import policy_of
from layerscope.registry.reference import Reference, parse_reference
from layerscope.registry.transport import Transport
from layerscope.search.select import select
from layerscope.sources.open import Source
from layerscope.text import clean
from layerscope.units import Units, natural_list

NO, WRONG_USE, FAILED = 1, 2, 3
"""Exit statuses: a pull would fail; the question is wrong; a registry failed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants to know."""

    names: tuple[str, ...] = ()
    compose: tuple[str, ...] = ()
    platform: str = ""
    insecure: tuple[str, ...] = ()
    as_json: bool = False
    units: Units = Units.SI


@dataclass(slots=True)
class Wanted:
    """One image to be looked up, and what came of it."""

    name: str
    platform: str = ""
    reference: Reference | None = None
    found: RemoteImage | None = None
    error: RegistryError | None = None


@dataclass(slots=True)
class Looked:
    """What a look at registries found."""

    cost: PullCost
    platform: str
    failed: list[tuple[str, RegistryError]] = field(default_factory=list)


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
    stop = threading.Event()
    with _client(source, inventory.engine, asked.insecure, stop) as client, _meter() as meter:
        looked = look(client, inventory, items, platform, progress=meter, cancelled=stop)
        remaining = dict(client.remaining)
    if asked.as_json:
        write_out(pull_cost_json(looked.cost, looked.platform, looked.failed))
    elif looked.cost.images:
        graph = build_graph(Inventory(inventory.engine, ()))
        text = pull_cost_text(
            looked.cost,
            inventory.engine,
            unit=graph.rules.unit,
            remaining=remaining,
            units=asked.units,
            width=_width(),
        )
        write_out(text)
    status = _complain(looked.failed)
    return status or (NO if any(image.refused for image in looked.cost.images) else 0)


def run_behind(source: Source, asked: Asked) -> int:
    """Print which local tags are no longer what their registry has. Returns the exit status."""
    inventory = take_inventory(source)
    graph = build_graph(inventory)
    nodes = select(graph, asked.names) if asked.names else graph.images
    tags, own = local_tags(nodes)
    stop = threading.Event()
    with _client(source, inventory.engine, asked.insecure, stop) as client, _meter() as meter:
        answers = side_by_side([partial(client.digest, tag.reference) for tag in tags], progress=meter, cancelled=stop)
    found = [standing(tag, answer) for tag, answer in zip(tags, answers, strict=True)]
    write_out(behind_json(found, own) if asked.as_json else behind_text(found, own, width=_width()))
    return FAILED if any(one.state == "unknown" for one in found) else 0


def look(
    client: RegistryClient,
    inventory: Inventory,
    items: Sequence[Wanted],
    platform: MachinePlatform | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Looked:
    """Ask the registries about all ``items`` side by side, and return what pulling them in their order would cost.

    ``platform``: None for the engine's own. What fails is in the answer, and does not hold up the others.
    """
    engine = inventory.engine
    own = normal_platform(engine.os, engine.architecture)
    for item in items:
        item.error = item.error or _checked(item, engine, platform)
    open_ = [item for item in items if item.error is None and item.reference is not None]
    jobs = [partial(_image, client, item, engine, platform) for item in open_]
    for item, answer in zip(open_, side_by_side(jobs, progress=progress, cancelled=cancelled), strict=True):
        if isinstance(answer, RegistryError):
            item.error = answer
        else:
            item.found = answer
    there = [item for item in open_ if item.found is not None]
    images = [item.found for item in there if item.found is not None]
    blobs = {layer.blob for image in images for layer in image.layers}
    store = store_of(build_graph(inventory), _memory(inventory, blobs))

    repositories = {
        layer.blob: item.reference for item in there if item.found and item.reference for layer in item.found.layers
    }
    layers = to_measure(store, images)
    questions = [partial(client.tar_size, repositories[layer.blob], layer) for layer in layers]
    sizes = side_by_side(questions, progress=progress, cancelled=cancelled)
    tars = {la.blob: size for la, size in zip(layers, sizes, strict=True) if isinstance(size, tuple)}
    cost = pull_cost(store, [measured(image, tars) for image in images])
    failed = [(item.name, item.error) for item in items if item.error]
    return Looked(cost, str(platform or own), failed)


def _checked(item: Wanted, engine: Engine, platform: MachinePlatform | None) -> RegistryError | None:
    if item.platform and platform is None:
        try:
            parse_platform(item.platform)
        except RegistryError as error:
            return error
    return None


def _image(client: RegistryClient, item: Wanted, engine: Engine, platform: MachinePlatform | None) -> RemoteImage:
    assert item.reference is not None
    named = platform or (parse_platform(item.platform) if item.platform else None)
    own = normal_platform(engine.os, engine.architecture)
    platforms = wanted(named or own, also_smaller=engine.kind != "podman")
    strict = named is not None or engine.store_kind == "containerd"
    return client.image(item.reference, platforms, strict=strict, name=item.name)


def _items(asked: Asked) -> list[Wanted]:
    items = [Wanted(name) for name in asked.names]
    if asked.compose:
        from layerscope.registry.compose import compose_images  # noqa: PLC0415 (PyYAML: only where it is needed)

        for file in asked.compose:
            items += [Wanted(image.name, image.platform) for image in compose_images(Path(file))]
        if not items:
            raise RegistryError("name", f"{natural_list(asked.compose)}: no service in it names an image to pull")
    for item in items:
        try:
            item.reference = parse_reference(item.name)
        except RegistryError as error:
            item.error = error
    return items


def _memory(inventory: Inventory, blobs: set[str]) -> Memory:
    content = inventory.content
    known = None if content is None or content.blobs is None else frozenset(blob.digest for blob in content.blobs)
    return Memory(blobs=known, diff_ids=remembered(inventory, blobs))


@contextmanager
def _client(source: Source, engine: Engine, insecure: Sequence[str], stop: threading.Event) -> Iterator[RegistryClient]:
    podman = engine.kind == "podman"
    policy = policy_of(_info(source), insecure, podman=podman)
    cache = Cache(cache_folder())
    with Transport(policy, cancelled=stop.is_set) as transport:
        try:
            yield RegistryClient(transport, logins=config_files(podman=podman), cache=cache)
        except KeyboardInterrupt:
            stop.set()
            raise
        finally:
            cache.trim()


def _info(source: Source) -> dict[str, object]:
    """Return the engine's ``/info``, for its mirrors and insecure registries; nothing of a saved scan."""
    if not source.live:
        return {}
    with source.connect() as connection:
        info = connection.ask("/info", "its own facts")
    return info if isinstance(info, dict) else {}


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
