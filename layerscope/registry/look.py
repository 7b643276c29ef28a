"""A look before a pull: registries are asked about some images, and the rules of the store say what they would cost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from msgspec import Struct, field

from layerscope.core.graph import LayerGraph
from layerscope.core.pull import PullCost, measured, pull_cost, to_measure
from layerscope.core.remote import RemoteImage
from layerscope.core.stock import Memory, store_of
from layerscope.inventory import Engine, Inventory
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

Progress = Callable[[int, int], None]
"""Told how many questions are answered, and of how many."""


class Wanted(Struct):
    """One image to be looked up, and what came of it."""

    name: str
    platform: str = ""
    reference: Reference | None = None
    found: RemoteImage | None = None
    error: RegistryError | None = None


class Looked(Struct):
    """What a look at registries found."""

    cost: PullCost
    platform: str
    failed: list[tuple[str, RegistryError]] = field(default_factory=list)
    remaining: dict[str, str] = field(default_factory=dict)
    """Registry → how many more pulls it allows for now, where it says so."""


def items_of(names: Sequence[str]) -> list[Wanted]:
    """Return names as they were typed as things to look up; one that is no name has its error already."""
    items = [Wanted(name) for name in names]
    for item in items:
        check_name(item)
    return items


def check_name(item: Wanted) -> None:
    """Read the name of one image."""
    try:
        item.reference = parse_reference(item.name)
    except RegistryError as error:
        item.error = error


@contextmanager
def open_client(
    engine: Engine, facts: Mapping[str, object], stop: threading.Event, insecure: Sequence[str] = ()
) -> Iterator[RegistryClient]:
    """Give a client that talks to registries as the engine would, with the logins of ``docker login``.

    ``facts``: the engine's ``/info``, for its mirrors and insecure registries. Once ``stop`` is set, nothing more
    is asked.
    """
    podman = engine.kind == "podman"
    cache = Cache(cache_folder())
    with Transport(policy_of(dict(facts), insecure, podman=podman), cancelled=stop.is_set) as transport:
        try:
            yield RegistryClient(transport, logins=config_files(podman=podman), cache=cache)
        except KeyboardInterrupt:
            stop.set()
            raise
        finally:
            cache.trim()


def look_at(
    graph: LayerGraph,
    names: Sequence[str],
    facts: Mapping[str, object],
    progress: Progress | None,
    stop: threading.Event,
) -> Looked:
    """Return what pulling ``names`` in this order would cost; what fails is in the answer. See :func:`look`."""
    with open_client(graph.inventory.engine, facts, stop) as client:
        return look(client, graph, items_of(names), progress=progress, cancelled=stop)


def look(
    client: RegistryClient,
    graph: LayerGraph,
    items: Sequence[Wanted],
    platform: MachinePlatform | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> Looked:
    """Ask the registries about all ``items`` side by side, and return what pulling them in their order would cost.

    ``graph``: what is stored. ``platform``: None for the engine's own. What fails is in the answer, and does not
    hold up the others.
    """
    inventory = graph.inventory
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
    store = store_of(graph, _memory(inventory, blobs))

    repositories = {
        layer.blob: item.reference for item in there if item.found and item.reference for layer in item.found.layers
    }
    layers = to_measure(store, images)
    questions = [partial(client.tar_size, repositories[layer.blob], layer) for layer in layers]
    sizes = side_by_side(questions, progress=progress, cancelled=cancelled)
    tars = {la.blob: size for la, size in zip(layers, sizes, strict=True) if isinstance(size, tuple)}
    cost = pull_cost(store, [measured(image, tars) for image in images])
    failed = [(item.name, item.error) for item in items if item.error]
    return Looked(cost, str(platform or own), failed, dict(client.remaining))


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


def _memory(inventory: Inventory, blobs: set[str]) -> Memory:
    content = inventory.content
    known = None if content is None or content.blobs is None else frozenset(blob.digest for blob in content.blobs)
    return Memory(blobs=known, diff_ids=remembered(inventory, blobs))
