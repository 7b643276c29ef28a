"""What is kept between sessions is a convenience: nothing about its file can do harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layerscope.state.settings import Settings, SettingsFile, default_path
from layerscope.units import Units
from tests.tui.conftest import screen_text
from tests.tui.harness import inventory, make_app, press, settled

HOST = "docker-28.5-overlay2"
DAMAGED = "damaged, so it is not used; it is written anew when you change a setting"
CHOSEN = Settings(theme="nord", units=Units.BINARY, sort="created", reverse=True, hidden=("layers", "shared"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "layerscope" / "settings.json"


def test_what_is_kept_comes_back(path: Path) -> None:
    assert SettingsFile(path).load() == (Settings(), "")
    assert SettingsFile(path).save(CHOSEN) == ""
    assert SettingsFile(path).load() == (CHOSEN, "")
    assert {entry.name for entry in path.parent.iterdir()} == {"settings.json", "settings.lock"}


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff\xfe", b'{"theme": "nord"' * 2, b"[" * 60_000, b'"' + b"x" * 100_000 + b'"'],
    ids=["empty", "cut", "a list", "no text", "two", "deep", "long"],
)
def test_a_damaged_file_is_told_once_and_not_used(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    file = SettingsFile(path)
    settings, line = file.load()
    assert settings == Settings()
    assert line.startswith(f"{path}: damaged")
    assert "\n" not in line
    assert file.load()[1] == ""
    assert file.save(CHOSEN) == ""
    assert SettingsFile(path).load() == (CHOSEN, "")


def test_only_sound_values_are_taken(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"theme": 7, "units": ["si"], "sort": None, "reverse": "yes", "hidden": ["a", 3, {}]}))
    assert SettingsFile(path).load() == (Settings(hidden=("a",)), "")


def test_a_file_that_cannot_be_written_is_told_once(path: Path) -> None:
    path.parent.parent.mkdir()
    path.parent.write_text("in the way")
    file = SettingsFile(path)
    line = file.save(CHOSEN)
    assert line.startswith(f"{path}: not written, settings last for this session only: ")
    assert "\n" not in line
    assert file.save(CHOSEN) == ""
    assert file.load() == (Settings(), "")
    assert SettingsFile(path).load()[1].startswith(f"{path}: not read: ")
    assert path.parent.read_text() == "in the way"


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path() == tmp_path / "layerscope" / "settings.json"
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_STATE_HOME", ignored)
        assert default_path() == tmp_path / "home" / ".local" / "state" / "layerscope" / "settings.json"


async def test_a_session_keeps_what_was_chosen_in_the_one_before(path: Path) -> None:
    app = make_app(inventory(HOST), settings=SettingsFile(path))
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        assert not path.exists(), "nobody chose anything yet"
        await press(pilot, "b", "s", "S", "C", "down", "space", "escape")
        app.theme = "layerscope-light"
        await settled(pilot)
        order, shown = app.main.images_pane.images.sort, screen_text(app)
    kept, line = SettingsFile(path).load()
    assert line == ""
    assert kept == Settings("layerscope-light", Units.BINARY, order.key, True, ("unique",))

    again = make_app(inventory(HOST), settings=SettingsFile(path))
    async with again.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        assert again.theme == "layerscope-light"
        assert "MiB" in screen_text(again)
        assert "UNIQUE unique" not in screen_text(again)
        assert screen_text(again).splitlines()[3:12] == shown.splitlines()[3:12]


async def test_what_was_asked_for_wins_over_what_was_kept(path: Path) -> None:
    SettingsFile(path).save(CHOSEN)
    before = path.read_bytes()
    app = make_app(inventory(HOST), settings=SettingsFile(path), units=Units.SI, theme="dracula")
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert (app.theme, app.session.units) == ("dracula", Units.SI)
    assert path.read_bytes() == before


async def test_without_colour_the_theme_that_was_kept_stays_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SettingsFile(path).save(CHOSEN)
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(inventory(HOST), settings=SettingsFile(path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert app.theme == "layerscope-plain"
        await press(pilot, "b")
    assert SettingsFile(path).load()[0].theme == "nord"


async def test_names_of_another_version_do_no_harm(path: Path) -> None:
    SettingsFile(path).save(Settings(theme="gone", sort="colour", hidden=("colour", "name")))
    app = make_app(inventory(HOST), settings=SettingsFile(path))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert app.theme == "layerscope-dark"
        assert app.main.images_pane.images.sort.key == "size"
        assert "NAME" in screen_text(app)


async def test_a_damaged_file_is_told_on_screen_and_the_session_goes_on(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("[red]{")
    app = make_app(inventory(HOST), settings=SettingsFile(path))
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await settled(pilot)
        assert [notice.message for notice in app._notifications] == [f"{path}: {DAMAGED}"]
        assert "setting" in screen_text(app)  # where the line wraps depends on the length of the path
        await press(pilot, "b")
    assert SettingsFile(path).load() == (Settings(units=Units.BINARY), "")
