"""The backend that tests steer: it must do what a test says, or every test on it says nothing."""

from layerscope.tui.dialogs.error import ErrorScreen
from tests.tui.harness import FakeBackend, inventory, make_app, settled


async def test_a_held_scan_goes_on_step_by_step_and_fails_when_told() -> None:
    backend = FakeBackend(inventory("docker-28.5-overlay2"), held=True)
    app = make_app(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert (backend.scans, app.main.scene) == (1, None)
        backend.progress(3, 36, "layers")
        await settled(pilot)
        assert app.main.live.progress is not None
        assert app.main.live.progress.done == 3
        backend.part(inventory("docker-28.5-overlay2"))
        await settled(pilot)
        assert app.main.scene is not None
        assert not app.main.scene.graph.inventory.complete
        backend.finish()
        await settled(pilot)
        assert app.main.scene.graph.inventory.complete
        backend.change(inventory("docker-28.5-containerd"))
        backend.lose("it went away")
        await settled(pilot)
        assert app.main.scene.graph.inventory.engine.store == inventory("docker-28.5-containerd").engine.store
        assert app.main.live.lost == "it went away"


async def test_a_scan_that_fails_shows_why() -> None:
    backend = FakeBackend()
    backend.fail("nobody listens there", "start the engine")
    app = make_app(backend)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, ErrorScreen)
