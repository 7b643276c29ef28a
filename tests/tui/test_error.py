"""No engine: the cause, the next step, every key, and an exit status that says so."""

from __future__ import annotations

from layerscope.tui.dialogs.error import ErrorScreen
from tests.tui.harness import FakeBackend, inventory, make_app, press, settled
from tests.tui.test_panes import screen_text

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
