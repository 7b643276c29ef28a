"""Looking closer, copying, saving, and a terminal that is too small: every key of it, by keyboard."""

from __future__ import annotations

import errno
import shlex
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static
from textual.widgets._toast import Toast

from layerscope.core.build import build_graph
from layerscope.errors import BackendError
from layerscope.sources import scanfile
from layerscope.sources.backend import Backend
from layerscope.sources.open import load_sample
from layerscope.sources.scanfile import load_inventory
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs.error import ErrorScreen
from layerscope.tui.dialogs.export import ExportScreen, default_name
from layerscope.tui.dialogs.help import HelpScreen
from layerscope.tui.dialogs.info import FactLine, InfoScreen
from layerscope.tui.dialogs.small import SmallScreen
from layerscope.tui.session import Session
from layerscope.views.rmi import remove_line
from tests.hosts import ENGINE, EVIL, HOSTILE, SMALL, image_id
from tests.tui.conftest import by_size, screen_text
from tests.tui.harness import EMPTY, NOW, SIZES, FakeBackend, inventory, make_app, partly, press, sample, settled

HOST = "docker-28.5-overlay2"
Snap = Callable[..., bool]


def said(pilot: Pilot[Any]) -> str:
    """The last thing that was told in a corner of the screen."""
    return [notice.message for notice in pilot.app._notifications][-1]


def app_of(pilot: Pilot[Any]) -> LayerscopeApp:
    assert isinstance(pilot.app, LayerscopeApp)
    return pilot.app


# -- pictures -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=by_size)
class TestPictures:
    """What a person saw and found right."""

    def test_first_screen_on_the_sample_host(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(sample()), size)

    def test_before_anything_is_there(self, snap: Snap, size: tuple[int, int]) -> None:
        backend = FakeBackend(sample(), held=True)
        assert snap(make_app(backend), size)

    def test_listing_images(self, snap: Snap, size: tuple[int, int]) -> None:
        backend = FakeBackend(sample(), held=True)
        backend.progress(21, 52, "images")
        assert snap(make_app(backend), size)

    def test_part_of_the_layers_read(self, snap: Snap, size: tuple[int, int]) -> None:
        backend = FakeBackend(sample(), held=True)
        backend.progress(20, len(sample().images), "layers")
        backend.part(partly(sample(), 20))
        assert snap(make_app(backend), size, "down", "down")

    def test_error(self, snap: Snap, size: tuple[int, int]) -> None:
        backend = FakeBackend()
        backend.fail(
            "no engine at unix:///var/run/docker.sock: there is no such socket",
            "start Docker, or name another engine with --host",
        )
        assert snap(make_app(backend, demo=load_sample), size)

    def test_empty_engine(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(FakeBackend(EMPTY)), size)

    def test_help(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(sample()), size, "?")

    def test_image_info(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(inventory("docker-28.5-containerd")), size, "i", "down", "down")

    def test_layer_info(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(sample()), size, "enter", "i")

    def test_names_that_are_long_and_hostile(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(replace(HOSTILE, from_file=True)), size)

    def test_unknown_sizes(self, snap: Snap, size: tuple[int, int]) -> None:
        assert snap(make_app(partly(sample(), 12, complete=True)), size, "down", "down", "down")

    def test_without_colour(self, snap: Snap, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        assert snap(make_app(sample()), size, "down", "space", "down", "enter")


@pytest.mark.parametrize("theme", ["light", "contrast", "colourblind"])
def test_picture_in_a_theme(snap: Snap, theme: str) -> None:
    assert snap(make_app(sample(), theme=f"layerscope-{theme}"), (120, 36), "down", "space", "down", "enter")


@pytest.mark.parametrize("keys", [("ctrl+p",), ("ctrl+p", *"mark"), ("T",), ("C",), ("E",)], ids=" ".join)
def test_picture_of_a_box(snap: Snap, keys: tuple[str, ...]) -> None:
    assert snap(make_app(inventory(HOST)), (80, 24), *keys)


def test_picture_of_hostile_text_looked_at_closely(snap: Snap) -> None:
    assert snap(make_app(replace(HOSTILE, from_file=True)), (80, 24), "i")


# -- looking closer -----------------------------------------------------------------------


async def test_i_shows_what_the_cursor_is_on_and_copies_it_line_by_line() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await settled(pilot)
        node = app.main.images_pane.image_here
        assert node is not None
        await press(pilot, "i")
        assert isinstance(app.screen, InfoScreen)
        assert f"Image {node.name}" in screen_text(app)
        await press(pilot, "down", "y")
        assert app.clipboard == node.id
        assert said(pilot) == f"copied {node.id}"
        await press(pilot, "enter")
        assert app.clipboard == node.id
        await press(pilot, "Y")
        assert app.clipboard.startswith("Image · Tags ")
        assert app.clipboard.isprintable(), "one line: none of several is run when it is pasted into a shell"
        assert "History, newest first" in app.clipboard
        for close in ("escape", "q", "i", "backspace"):
            await press(pilot, close)
            assert app.screen is app.main
            await press(pilot, "i")
        await press(pilot, "escape", "enter", "i")
        layer = app.main.images_pane.layer_here
        assert layer is not None
        app.clear_notifications()
        await settled(pilot)
        assert layer.chain_id in screen_text(app)


async def test_a_box_is_seen_when_it_has_its_size_and_what_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: set[Size] = set()
    texts: list[str] = []
    lay_out = Screen._refresh_layout

    def laid_out(screen: Screen[object], *args: Any, **more: Any) -> None:
        lay_out(screen, *args, **more)
        if isinstance(screen, InfoScreen):
            sizes.add(screen.box.size)
        elif isinstance(screen, HelpScreen) and screen.query_one("#help").visible:
            texts.append(str(screen.query_one("#keys", Static).content))

    app = make_app(sample())
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        monkeypatch.setattr(Screen, "_refresh_layout", laid_out)
        await press(pilot, "i", "escape", "question_mark")
        await settled(pilot)
    assert len(sizes) == 1
    assert texts
    assert all("Page up" in text for text in texts)


async def test_every_fact_is_on_some_line_whole_whatever_the_width() -> None:
    app = make_app(inventory("docker-28.5-containerd"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        box = app.screen
        assert isinstance(box, InfoScreen)
        for width in (200, 64, 110):
            await pilot.resize_terminal(width, 24)
            await settled(pilot)
            lines = [line for line in box.table.rows if isinstance(line, FactLine)]
            for section in box.sections:
                for fact in section.facts:
                    assert "".join(line.text for line in lines if line.fact is fact) == fact.value


async def test_a_digest_is_broken_only_where_the_screen_is_too_narrow_for_it() -> None:
    name = "registry.example/app@sha256:" + "0123456789abcdef" * 4
    found = replace(SMALL, from_file=True, images=(replace(SMALL.images[0], tags=(), digests=(name,)),))
    app = make_app(found)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        for width in (120, 122, 160):
            await pilot.resize_terminal(width, 36)
            await settled(pilot)
            assert name in screen_text(app)
        await pilot.resize_terminal(100, 36)
        await settled(pilot)
        assert name not in screen_text(app)


async def test_the_columns_dialog_has_its_cursor_under_its_heading() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        lines = screen_text(app).splitlines()
        top = next(index for index, line in enumerate(lines) if "Columns, where there is room" in line)
        assert "COLUMN" in lines[top + 1]
        assert "✓ SIZE" in lines[top + 2]
        box = app.screen.query_one("#chooser")
        assert "LAYERS" in lines[box.region.bottom - 2]


@pytest.mark.parametrize("key", ["2", "3", "4"], ids=["layers", "tree", "map"])
async def test_the_same_keys_work_in_every_view(key: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, key, "y")
        assert app.clipboard.startswith("sha256:")
        assert app.clipboard in {*app.main.scene.graph.layer_by_chain, *app.main.scene.graph.image_by_id}  # type: ignore[union-attr]
        await press(pilot, "i")
        assert isinstance(app.screen, InfoScreen)
        assert app.clipboard[:40] in screen_text(app)


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_what_is_told_in_passing_leaves_the_lines_that_answer_free(size: tuple[int, int]) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        before = screen_text(app).splitlines()
        await press(pilot, "y")
        app.notify("a short one")
        app.notify("a long story " * 20, severity="error", markup=False)
        await settled(pilot)
        toasts = list(app.screen.query(Toast))
        assert len(toasts) == 3
        lines = screen_text(app).splitlines()
        assert "copied the ID of node-app:1" in "\n".join(lines)
        assert lines[:4] == before[:4]
        assert lines[-3:] == before[-3:]
        assert all(toast.region.right >= size[0] - 2 and toast.region.width <= 40 for toast in toasts)


# -- copying ------------------------------------------------------------------------------


async def test_y_copies_the_id_under_the_cursor_of_each_list() -> None:
    app = make_app(replace(SMALL, from_file=True))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await settled(pilot)
        pane = app.main.images_pane
        await press(pilot, "y")
        assert pane.image_here is not None
        assert app.clipboard == pane.image_here.id
        await press(pilot, "enter", "y")
        assert pane.layer_here is not None
        assert app.clipboard == pane.layer_here.chain_id
        assert said(pilot).startswith("copied the chain ID of layer ")
        await press(pilot, "enter", "end", "y")
        assert app.clipboard == "c" * 64
        assert said(pilot) == "copied the ID of container cccccccccccc"


async def test_with_marks_y_copies_the_command_that_removes_them() -> None:
    app = make_app(replace(SMALL, from_file=True))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk", "y")
        command, verb, *names = shlex.split(app.clipboard)
        assert (command, verb) == ("docker", "rmi")
        assert set(names) == {"deb:base", "app:1", "app:2", "app:latest", image_id("old")}
        assert said(pilot) == "copied the command that removes 4 images · the engine will refuse 1 of them"


def test_no_name_is_obeyed_by_the_shell() -> None:
    good = SMALL.images[0]
    names = [
        ("registry.example:5000/team/app_1/x:1.0-rc.1", True),
        ("[::1]:5000/app:1", True),
        ("localhost/app@sha256", False),
        ("app:1; rm -rf ~", False),
        ("$(reboot):1", False),
        ("`reboot`", False),
        ("--force", False),
        ("-f", False),
        ("a\nb", False),
        ("UPPER", False),
        (EVIL, False),
    ]
    for name, sound in names:
        node = build_graph(replace(SMALL, images=(replace(good, tags=("deb:base", name)),))).images[0]
        line, left_out = remove_line(ENGINE, [node])
        assert left_out == 0
        assert shlex.split(line)[2:] == (["deb:base", name] if sound else [good.id]), name
        assert set(line) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-/:@[]'")


def test_an_image_with_no_sound_name_at_all_is_left_out_and_told() -> None:
    graph = build_graph(HOSTILE)
    line, left_out = remove_line(ENGINE, graph.images)
    assert left_out == 2
    assert shlex.split(line) == ["docker", "rmi", image_id("evil")]
    assert remove_line(ENGINE, []) == ("", 0)


# -- saving -------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


async def test_e_saves_the_scan_under_the_name_that_is_proposed(folder: Path) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settled(pilot)
        await press(pilot, "E")
        assert isinstance(app.screen, ExportScreen)
        name = app.screen.query_one(Input).value
        await press(pilot, "enter")
        assert app.screen is app.main
        assert said(pilot) == f"saved in {name}"
    assert [entry.name for entry in folder.iterdir()] == [name]
    assert load_inventory(name) == inventory(HOST)


async def test_a_part_of_a_scan_is_not_said_to_have_all_layers() -> None:
    backend = FakeBackend(sample(), held=True)
    backend.part(partly(sample(), 20))
    app = make_app(backend)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "E")
        told = " ".join(screen_text(app).replace("│", " ").split())
        assert "and what is read of their layers so far" in told
        assert "with all layers" not in told


async def test_a_file_is_overwritten_only_when_told_twice(folder: Path) -> None:
    taken = folder / "taken.json"
    taken.write_text("mine")
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "E", "end", "ctrl+u", *"taken.json", "enter")
        assert "taken.json exists. Enter again overwrites it" in screen_text(app)
        assert taken.read_text() == "mine"
        await press(pilot, "x", "backspace", "enter")
        assert taken.read_text() == "mine", "the name was changed meanwhile"
        await press(pilot, "enter")
        assert app.screen is app.main
    assert load_inventory(taken) == inventory(HOST)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "type the name of a file"),
        ("nowhere/x.json", "no such file or folder"),
        (".", "it is a folder; name a file"),
        ("~nobody-by-this-name/x", "no such home folder"),
        ("x" * 300, "the name is too long"),
    ],
    ids=["nothing", "no folder", "a folder", "no home", "long"],
)
async def test_what_cannot_be_saved_is_told_in_the_box(folder: Path, name: str, words: str) -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "E")
        app.screen.query_one(Input).value = name
        await press(pilot, "enter")
        assert isinstance(app.screen, ExportScreen)
        assert words in " ".join(str(app.screen.query_one("#said", Static).render()).split())
        await press(pilot, "escape")
        assert app.screen is app.main
    assert not list(folder.iterdir())


async def test_a_full_disk_is_told_and_the_old_file_is_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scanfile, "write_whole", full)
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "E", "enter")
        assert isinstance(app.screen, ExportScreen)
        said = str(app.screen.query_one("#said", Static).render())
        assert said.endswith(".scan.json.gz: not saved: the disk is full; make room, or save elsewhere")


def test_the_proposed_name_is_one_for_any_file_system() -> None:
    assert default_name(replace(SMALL, engine=replace(ENGINE, name="my laptop")), NOW) == (
        "my-laptop-2026-05-28.scan.json.gz"
    )
    assert default_name(HOSTILE, NOW).startswith("docker-")
    assert (
        default_name(replace(SMALL, engine=replace(ENGINE, name="../../" + EVIL), taken_at=2**60), NOW).count("/") == 0
    )


# -- a terminal that is too small ---------------------------------------------------------


async def test_a_terminal_that_is_too_small_says_so_and_recovers() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "down", "down", "down", "enter")
        image, layer, focused = app.main.images_pane.image_here, app.main.images_pane.layer_here, app.focused
        for small in ((59, 36), (120, 14), (20, 3)):
            await pilot.resize_terminal(*small)
            await settled(pilot)
            assert isinstance(app.screen, SmallScreen)
            if small[1] > 3:
                assert f"{small[0]}×{small[1]}, and 60×15 is needed" in screen_text(app)
            await press(pilot, "down", "space", "d")
            await pilot.resize_terminal(60, 15)
            await settled(pilot)
            assert app.screen is app.main
        assert (app.main.images_pane.image_here, app.main.images_pane.layer_here) == (image, layer)
        assert app.focused is focused
        assert app.main.scene is not None
        assert not len(app.main.scene.marks)


async def test_a_terminal_that_starts_too_small_shows_everything_once_it_is_larger() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(40, 10)) as pilot:
        await settled(pilot)
        assert "too small" in screen_text(app)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "node-app:1" in screen_text(app)
        await pilot.resize_terminal(40, 10)
        await settled(pilot)
        await pilot.press("q")
        await pilot.pause()
        assert not app.is_running


async def test_a_box_that_is_open_while_the_terminal_is_small_is_still_there_after() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await press(pilot, "i")
        await pilot.resize_terminal(50, 10)
        await settled(pilot)
        await press(pilot, "escape")
        assert isinstance(app.screen, SmallScreen)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert isinstance(app.screen, InfoScreen)


@pytest.mark.parametrize("keys", [(), ("2",), ("3",), ("4",), ("5",), ("6",), ("i",), ("?",), ("E",)], ids="".join)
async def test_the_smallest_terminal_is_enough(keys: tuple[str, ...]) -> None:
    app = make_app(sample())
    async with app.run_test(size=(60, 15)) as pilot:
        await settled(pilot)
        await press(pilot, *keys)
        assert not isinstance(app.screen, SmallScreen)
        assert all(len(line) <= 60 for line in screen_text(app).splitlines())


# -- units, the error screen --------------------------------------------------------------


async def test_b_switches_units_everywhere_and_back() -> None:
    app = make_app(inventory(HOST))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key in ("1", "2", "3", "4", "5", "6"):
            await press(pilot, key)
            before = screen_text(app)
            await press(pilot, "b")
            assert " MiB" in screen_text(app), key
            assert " MB" not in screen_text(app), key
            await press(pilot, "b")
            assert screen_text(app) == before, key


async def test_the_error_screen_tries_again_or_shows_the_sample_host_or_leaves() -> None:
    for key in ("d", "enter"):
        backend = FakeBackend()
        backend.fail("nobody listens", "start the engine")
        app = make_app(backend, demo=lambda: inventory(HOST))
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            assert isinstance(app.screen, ErrorScreen)
            assert "no engine" in screen_text(app)
            await press(pilot, "r")
            assert backend.scans == 2
            assert "connecting" in screen_text(app) or "listing" in screen_text(app)
            backend.fail("nobody listens", "start the engine")
            await settled(pilot)
            assert isinstance(app.screen, ErrorScreen)
            await press(pilot, key)
            assert app.screen is app.main
            assert "node-app:1" in screen_text(app)
    for key in ("q", "escape"):
        backend = FakeBackend()
        backend.fail("nobody listens", "start the engine")
        app = make_app(backend)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            assert "sample host" not in screen_text(app)
            await press(pilot, "d")
            assert isinstance(app.screen, ErrorScreen)
            await pilot.press(key)
            await pilot.pause()
        assert app.return_code == 3


# -- an engine that hangs -----------------------------------------------------------------


async def test_an_engine_that_never_answers_can_be_left_at_once() -> None:
    never = threading.Event()

    def opener() -> Backend:
        never.wait(60)
        raise BackendError("too late")

    app = LayerscopeApp(Session(opener))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "connecting" in screen_text(app)
        await pilot.press("q")
    # The pool of the event loop is joined when the program ends: nothing of ours may hang there.
    pool = {thread.name for thread in threading.enumerate() if not thread.daemon}
    assert not any(name.startswith("asyncio_") or name == "layerscope" for name in pool)
    never.set()


async def test_an_engine_that_answers_after_the_user_turned_away_is_let_go() -> None:
    late, opened = threading.Event(), FakeBackend(inventory(HOST))

    def opener() -> Backend:
        late.wait(60)
        return opened

    app = LayerscopeApp(Session(opener, demo=lambda: inventory("docker-28.5-containerd")))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.session.open_demo()
        await settled(pilot)
        late.set()
        for _ in range(200):
            await pilot.pause(0.01)
            if opened.closed:
                break
        assert opened.closed
        assert opened.scans == 0
        assert app.main.scene is not None
        assert app.main.scene.graph.inventory.engine.store_kind == "containerd"
