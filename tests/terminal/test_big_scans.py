"""A big saved scan on a terminal: it is read while the screen is up; what is wrong with it is one line at the end."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from msgspec.structs import replace

from layerscope.sources.open import BIG
from layerscope.sources.scanfile import save_inventory
from tests.hosts import SMALL
from tests.terminal.pty_session import session


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.scan.json"
    noise = random.Random(0).randbytes(BIG // 2).hex()
    image = replace(SMALL.images[0], labels=(("noise", noise[: 1 << 19]), ("more", noise[1 << 19 :])))
    save_inventory(replace(SMALL, images=(image, *SMALL.images[1:])), path)
    assert path.stat().st_size > BIG
    return path


def test_it_is_shown(big: Path, tmp_path: Path) -> None:
    with session("-f", str(big), folder=tmp_path) as run:
        run.sees("saved scan")
        run.keys("q")
        assert run.status() == 0
        run.check_restored()


def test_where_its_end_is_missing_one_line_says_so(big: Path, tmp_path: Path) -> None:
    big.write_bytes(big.read_bytes()[:-40])
    with session("-f", str(big), folder=tmp_path) as run:
        assert run.status() == 2
        run.check_restored()
        last = run.output[run.output.rindex(b"\x1b[?25h") :].decode()
    assert f"layerscope: {big}: cut short: the JSON breaks off" in last
    assert "Traceback" not in last
