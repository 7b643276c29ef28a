"""No engine: the cause, the next step, every key, and an exit status that says so."""

from __future__ import annotations

import pytest

from layerscope.engine.errors import UsageError
from layerscope.errors import BackendError, Elsewhere
from layerscope.sources.backend import Backend
from layerscope.tui.app import LayerscopeApp
from layerscope.tui.dialogs.error import ErrorScreen
from layerscope.tui.screens.main import MainScreen
from layerscope.tui.session import Session
from tests.tui.conftest import by_size
from tests.tui.harness import SIZES, FakeBackend, _End, inventory, make_app, press, settled
from tests.tui.test_panes import screen_text

ELSEWHERE = (
    Elsewhere("unix:///home/me/.colima/default/docker.sock", "Colima"),
    Elsewhere("unix:///run/user/1000/podman/podman.sock", "rootless Podman"),
)
CAUSE, HINT = "nobody listens on /var/run/docker.sock", "start the engine"


async def test_every_key_is_on_the_first_picture_and_q_leaves_with_3() -> None:
    backend = FakeBackend()
    backend.fail(CAUSE, HINT)
    app = make_app(backend, demo=lambda: inventory("docker-28.5-overlay2"))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ErrorScreen)
        text = "\n".join(screen_text(pilot))
        for word in (CAUSE, HINT, "sample host", "try the engine again", " quit"):
            assert word in text, word
        await press(pilot, "q")
    assert app.return_code == 3


async def test_without_a_sample_host_its_key_is_not_offered() -> None:
    backend = FakeBackend()
    backend.fail(CAUSE)
    app = make_app(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "sample host" not in "\n".join(screen_text(pilot))


@pytest.mark.parametrize("size", SIZES, ids=by_size)
async def test_one_key_turns_to_an_engine_that_does_answer(size: tuple[int, int]) -> None:
    lost = FakeBackend()
    lost.held = True
    lost._steps.put(_End(error=BackendError(CAUSE, HINT, ELSEWHERE)))
    asked: list[str] = []

    def open_at(host: str) -> Backend:
        asked.append(host)
        return FakeBackend(inventory("docker-28.5-overlay2"))

    app = make_app(lost, open_at=open_at)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        text = "\n".join(screen_text(pilot))
        assert "turn to Colima" in text
        assert "turn to rootless Podman" in text
        await press(pilot, "3")
        assert isinstance(app.screen, ErrorScreen), "there is no third one"
        await press(pilot, "2")
        assert asked == [ELSEWHERE[1].host]
        assert isinstance(app.screen, MainScreen)
        assert "node-app:1" in "\n".join(screen_text(pilot))


async def test_an_engine_that_was_named_wrongly_is_left_with_2() -> None:
    def opener() -> FakeBackend:
        raise UsageError("there is no docker context “nope”", "docker context ls lists them")

    app = LayerscopeApp(Session(opener))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ErrorScreen)
        await press(pilot, "q")
    assert app.return_code == 2


async def test_what_was_passed_over_of_the_configuration_is_shown() -> None:
    backend = FakeBackend(inventory("docker-28.5-overlay2"))
    backend.warnings = ("/home/me/.docker/config.json: auths: it is no object [b]",)
    app = make_app(backend)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await settled(pilot)
        assert [toast.message for toast in app._notifications] == list(backend.warnings)
        await press(pilot, "r")
        assert len(list(app._notifications)) == 1, "once"
