"""``pull-cost`` for two hundred images on a terminal: it says how far it is, and Ctrl-C ends it at once."""

from __future__ import annotations

from pathlib import Path

from layerscope.sources.scanfile import save_inventory
from tests.hosts import SMALL
from tests.registry.fake import Images, Server
from tests.terminal.pty_session import session


def test_two_hundred_show_progress_and_can_be_cancelled(tmp_path: Path) -> None:
    save_inventory(SMALL, tmp_path / "scan.json")
    with Server(Images(slow=0.1)) as server:
        names = [f"{server.host}/shop/api:{number}" for number in range(200)]
        with session("-f", str(tmp_path / "scan.json"), "pull-cost", *names, folder=tmp_path) as run:
            run.until(lambda: b" of 200" in run.output)
            run.keys("\x03")
            assert run.status() == 130
        asked = len(server.asked)
    assert b"Traceback" not in run.output
    assert b"docker pull" not in run.output
    assert asked < 400, "what had not begun was not begun"
