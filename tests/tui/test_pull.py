"""Key P: what a pull would cost, asked of a registry on loopback; and the line after the pull."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from textual.widgets import Input

from layerscope.core.build import build_graph
from layerscope.core.chain import chain_ids
from layerscope.core.pull import pull_cost
from layerscope.core.remote import RemoteImage, RemoteLayer
from layerscope.core.stock import Memory, store_of
from layerscope.inventory import Blob, ContentStore, HistoryEntry, Image, Inventory
from layerscope.registry.errors import RegistryError
from layerscope.registry.look import Looked
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs.pull import PullScreen
from layerscope.views.pulled import complete_name, names_here
from tests.hosts import ENGINE, MB
from tests.registry.fake import Images, Server
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import SIZES, FakeBackend, make_app, press, settled


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().ljust(64, "0")


def local(name: str, *diffs: str, **more: Any) -> Image:
    history = tuple(HistoryEntry(f"COPY {one} /srv", 10 * MB) for one in diffs)
    size = 10 * MB * len(diffs)
    found = Image(digest(f"c-{name}"), tags=(name,), diff_ids=tuple(map(digest, diffs)), history=history)
    return replace(found, engine_size=size, layers_size=size, created=1_790_000_000, **more)


def remote(name: str, *diffs: str) -> RemoteImage:
    layers = tuple(
        RemoteLayer(digest(f"b-{one}"), 4 * MB, digest(one), "gzip", 9 * MB, "gzip trailer") for one in diffs
    )
    ids = digest(f"m-{name}"), digest(f"m-{name}"), digest(f"c-{name}")
    return RemoteImage(name, *ids, 2000, ((ids[0], 700),), "linux/amd64", layers)


HOST = Inventory(
    replace(ENGINE, os="linux", architecture="x86_64"),
    (
        local("corp.example/shop/api:2.3", "base", "tools"),
        local("corp.example/shop/web:1", "base"),
        local("built:1", "z"),
    ),
)
NEWER = "corp.example/shop/api:2.3", "corp.example/shop/web:2"


class Registry:
    """A looker that knows some images, and waits as it is told."""

    def __init__(self, *images: RemoteImage, memory: Memory | None = None) -> None:
        self.images = {image.name: image for image in images}
        self.memory = memory
        self.asked: list[tuple[str, ...]] = []
        self.facts: object = None
        self.hold: threading.Event | None = None
        self.stopped = False

    def __call__(self, graph: Any, names: Sequence[str], facts: object, progress: Any, stop: Any) -> Looked:
        self.asked.append(tuple(names))
        self.facts = facts
        if self.hold is not None:
            progress(3, 20)
            while not self.hold.wait(0.01):
                self.stopped = self.stopped or stop.is_set()
        gone = [
            (n, RegistryError("not found", f"corp.example has no {n}", "check the name"))
            for n in names
            if n not in self.images
        ]
        found = [self.images[name] for name in names if name in self.images]
        return Looked(pull_cost(store_of(graph, self.memory), found), "linux/amd64", gone)


REGISTRY = remote(NEWER[0], "base", "tools", "new"), remote(NEWER[1], "base", "new")


@pytest.fixture
def registry() -> Registry:
    return Registry(replace(REGISTRY[0], config_digest=digest("c-newer")), REGISTRY[1])


def app_of(registry: Registry, source: Any = HOST) -> LayerscopeApp:
    return make_app(source, looker=registry)


def dialog(app: LayerscopeApp) -> PullScreen:
    assert isinstance(app.screen, PullScreen)
    return app.screen


@pytest.mark.parametrize("size", SIZES, ids=by_size)
def test_the_screen_before_a_pull(snap: Any, registry: Registry, size: tuple[int, int]) -> None:
    async def ask(pilot: Any) -> None:
        await press(pilot, "P")
        pilot.app.screen.query_one(Input).value = " ".join((*NEWER, "corp.example/none:1"))

    assert snap(app_of(registry), size, "enter", before=ask)


@pytest.mark.parametrize("size", SIZES[:1], ids=by_size)
def test_the_question(snap: Any, registry: Registry, size: tuple[int, int]) -> None:
    assert snap(app_of(registry), size, "P")


async def test_it_begins_with_a_newer_one_of_what_the_cursor_is_on(registry: Registry) -> None:
    app = app_of(registry)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        assert "what would a newer corp.example/shop/api:2.3 cost?" in screen_text(app)
        await press(pilot, "enter")
        assert registry.asked == [(NEWER[0],)]
        assert "3 layers, 2 here" in screen_text(app)
        await press(pilot, "tab", "x", "enter")
        assert registry.asked[-1] == (f"{NEWER[0]}x",), "back in the line one types on"
        assert f"corp.example has no {NEWER[0]}x; check the name." in screen_text(app)
        await press(pilot, "escape")
        assert not isinstance(app.screen, PullScreen)


async def test_a_letter_replaces_what_is_proposed_and_tab_completes_it(registry: Registry) -> None:
    app = app_of(registry)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "P", "c", "o", "tab", "tab", "enter")
        assert registry.asked == [("corp.example/shop/web:1",)]


async def test_the_command_is_copied_as_one_line(registry: Registry) -> None:
    app = app_of(registry)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        dialog(app).line.value = " ".join(NEWER)
        await press(pilot, "enter", "y")
        assert app.clipboard == f"docker pull {NEWER[0]} && docker pull {NEWER[1]}"


async def test_a_name_that_a_shell_would_obey_is_never_on_the_line() -> None:
    evil = replace(REGISTRY[0], name="x;rm -rf /", config_digest=digest("other"))
    app = app_of(Registry(evil, REGISTRY[1]))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        registry = app.session._looker
        assert isinstance(registry, Registry)
        registry.images["a"] = evil
        dialog(app).line.value = f"a {NEWER[1]}"
        await press(pilot, "enter", "y")
        assert app.clipboard == f"docker pull {NEWER[1]}"


async def test_a_look_shows_how_far_it_is_and_can_be_stopped(registry: Registry) -> None:
    registry.hold = threading.Event()
    app = app_of(registry)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("P", "enter")
        while "3 of 20" not in screen_text(app):
            await pilot.pause(0.01)
        assert "Esc stop" in screen_text(app)
        await pilot.press("escape")
        while not registry.stopped:
            await pilot.pause(0.01)
        assert "Stopped." in screen_text(app)
        registry.hold.set()
        await settled(pilot)
        assert "layers," not in screen_text(app), "what came of it is not shown any more"
        await press(pilot, "escape")
        assert not isinstance(app.screen, PullScreen)


async def test_a_fault_is_a_line(registry: Registry) -> None:
    def broken(*_: object) -> Looked:
        raise RuntimeError("what\x1b[31m")

    app = make_app(HOST, looker=broken)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "P", "enter")
        assert "what" in screen_text(app)
        assert "\x1b" not in screen_text(app)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Images()) as server:
        yield server


async def test_a_real_look_asks_the_registry(server: Server) -> None:
    app = make_app(HOST)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        dialog(app).line.value = f"{server.host}/shop/api:1"
        await press(pilot, "enter")
        assert "2 layers, 0 here" in screen_text(app)
        assert {request.method for request in server.asked} == {"HEAD", "GET"}


# -- after it -----------------------------------------------------------------------------


def pulled_host(host: Inventory, *, weighs: int = 10 * MB) -> Inventory:
    web = local(NEWER[1], "base", "new")
    assert web.history is not None
    history = (web.history[0], replace(web.history[1], size=weighs))
    web = replace(web, history=history, engine_size=10 * MB + weighs, layers_size=10 * MB + weighs)
    return replace(host, images=(*host.images, web))


async def test_after_the_pull_what_was_said_stands_beside_what_came(registry: Registry) -> None:
    backend = FakeBackend(HOST)
    app = app_of(registry, backend)
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        dialog(app).line.value = NEWER[1]
        await press(pilot, "enter", "escape")
        backend.change(pulled_host(HOST))
        await settled(pilot)
        line = "predicted 4.0 MB … 8.0 MB to download and ≈9.0 MB on disk · 10.0 MB on disk"
        assert app.main.live.log[0].wordings[0] == f"pulled corp.example/shop/web:2: {line}"
        assert "predicted 4.0 MB" in screen_text(app)
        backend.change(HOST)
        backend.change(pulled_host(HOST))
        await settled(pilot)
        assert len([news for news in app.main.live.log if "predicted" in news.wordings[0]]) == 1, "told once"


async def test_where_the_store_keeps_what_it_fetched_that_is_told_too() -> None:
    def holds(*images: Image) -> tuple[Blob, ...]:
        return tuple(Blob(one.id, 2000, snapshots=tuple(chain_ids(one.diff_ids or ())[-1:])) for one in images)

    blobs = (*holds(*HOST.images), Blob(digest("b-base"), 4 * MB))
    engine = replace(HOST.engine, store="overlayfs", store_kind="containerd")
    before = replace(HOST, engine=engine, content=ContentStore(blobs=blobs))
    web = pulled_host(HOST).images[-1]
    came = (*blobs, *holds(web), Blob(digest("b-new"), 4 * MB), Blob(digest("else"), 9 * MB))
    after = replace(pulled_host(before), content=ContentStore(blobs=came))
    backend = FakeBackend(before)
    memory = Memory(blobs=frozenset(blob.digest for blob in blobs))
    app = app_of(Registry(REGISTRY[1], memory=memory), backend)
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        dialog(app).line.value = NEWER[1]
        await press(pilot, "enter", "escape")
        backend.change(after)
        await settled(pilot)
        line = "predicted 4.0 MB to download and ≈9.0 MB on disk · 4.0 MB and 10.0 MB"
        assert app.main.live.log[0].wordings[0] == f"pulled corp.example/shop/web:2: {line}"


async def test_what_was_here_before_is_no_pull(registry: Registry) -> None:
    backend = FakeBackend(HOST)
    app = app_of(registry, backend)
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "P")
        dialog(app).line.value = NEWER[1]
        await press(pilot, "enter", "escape")
        backend.change(replace(HOST, images=HOST.images[:2]))
        await settled(pilot)
        assert not any("predicted" in news.wordings[0] for news in app.main.live.log)


# -- names --------------------------------------------------------------------------------


def test_names_are_completed_word_by_word_and_in_turn() -> None:
    names = names_here(build_graph(HOST))
    assert names == ("built:1", "corp.example/shop/api:2.3", "corp.example/shop/web:1")
    assert complete_name(names, "corp") == "corp.example/shop/api:2.3"
    assert complete_name(names, "x:1 b") == "x:1 built:1"
    assert complete_name(names, "corp", "corp.example/shop/api:2.3") == "corp.example/shop/web:1"
    assert complete_name(names, "corp", "corp.example/shop/web:1") == "corp.example/shop/api:2.3"
    assert complete_name(names, "nothing") == ""
    assert complete_name(names, "built:1 ") == ""


def test_the_new_layer_is_the_one_that_was_said() -> None:
    chain = chain_ids([digest("base"), digest("new")])[-1]
    cost = pull_cost(store_of(build_graph(HOST)), [REGISTRY[1]])
    assert [row.chain_id for row in cost.images[0].layers if not row.here] == [chain]
