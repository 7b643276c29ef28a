"""The interface in a browser: it starts there and answers a key. Skipped where there is no Chromium."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")

from dev.browser import chromium, served, visit

BROWSER = chromium()


@pytest.mark.skipif(BROWSER is None, reason="there is no chromium here (apt-get install chromium)")
async def test_it_starts_in_a_browser_and_answers_keys() -> None:
    assert BROWSER is not None
    with served(f"{sys.executable} -m layerscope --demo --read-only") as address:
        picture = await visit(BROWSER, address, "Sum of sizes", [("?", "Half a page up"), ("q", "images")])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000, "an empty page is smaller"
