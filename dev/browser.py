"""The interface in a browser: textual-serve serves it, a headless Chromium shows it, and keys are pressed there.

usage: python -m dev.browser [--picture FILE.png] [KEY TEXT]...

Each KEY is pressed, and waited for until TEXT is drawn; without any, ``? "Half a page up"``. Needs chromium, and
textual-serve (with the tests). What is drawn is read from the frames that the browser gets, the picture from the
browser itself.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE = 60.0
"""Seconds after which something is said to have failed: far above what it takes."""
_SERVE = """
import sys
from textual_serve.server import Server
Server(sys.argv[2], host="127.0.0.1", port=int(sys.argv[1])).serve()
"""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b.|[\x00-\x1f]")


def chromium() -> str | None:
    """Return the path of a Chromium, None for none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def _running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


@contextmanager
def served(command: str) -> Iterator[str]:
    """Serve a command; give its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _running(sys.executable, "-c", _SERVE, str(port), command):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


class Page:
    """A page of a browser, spoken to by the DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.drawn = ""
        """All text that was drawn so far, without its control sequences."""

    async def read(self) -> None:
        """Take what comes, until the browser closes."""
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            data = json.loads(message.data)
            if future := self._answers.pop(data.get("id", -1), None):
                future.set_result(data.get("result", {}))
            elif data.get("method") == "Network.webSocketFrameReceived":
                frame = data["params"]["response"]
                payload = frame["payloadData"]
                text = base64.b64decode(payload).decode("utf-8", "replace") if frame["opcode"] == 2 else payload
                self.drawn += _CONTROL.sub("", text)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method; return its result."""
        self._number += 1
        future = self._answers[self._number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        return await asyncio.wait_for(future, PATIENCE)

    async def sees(self, text: str) -> None:
        """Wait until a text is drawn. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while text not in self.drawn:
                await asyncio.sleep(0.05)

    async def press(self, key: str) -> None:
        """Press a key; what was drawn before is forgotten."""
        self.drawn = ""
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self) -> bytes:
        """Return a PNG of the page."""
        found = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(found["data"])


async def visit(browser: str, address: str, first: str, keys: Sequence[tuple[str, str]]) -> bytes:
    """Open a page in a browser, wait for what comes ``first``, then for what each key draws; return a picture of it.

    Raises TimeoutError when that does not come.
    """
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as folder:
        options = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-port=0",
            "--window-size=1400,900",
        )
        with _running(browser, *options, f"--user-data-dir={folder}", "about:blank"):
            active = Path(folder, "DevToolsActivePort")
            async with asyncio.timeout(PATIENCE):
                while not active.is_file() or not active.read_text().strip():
                    await asyncio.sleep(0.05)
            port = active.read_text().split()[0]
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                    pages = await answer.json(content_type=None)
                url = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
                async with session.ws_connect(url, max_msg_size=0) as link:
                    page = Page(link)
                    reading = asyncio.create_task(page.read())
                    for domain in ("Page", "Network"):
                        await page.call(f"{domain}.enable")
                    await page.call("Page.navigate", url=address)
                    await page.sees(first)
                    await page.call("Runtime.evaluate", expression="document.querySelector('textarea')?.focus()")
                    for key, text in keys:
                        await page.press(key)
                        await page.sees(text)
                    found = await page.picture()
                    reading.cancel()
                    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Show it; 0 when all was drawn."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--picture", help="where to put a PNG of the last page")
    parser.add_argument("words", nargs="*", metavar="KEY TEXT")
    asked = parser.parse_args(arguments)
    browser = chromium()
    if browser is None:
        print("there is no chromium here (apt-get install chromium)", file=sys.stderr)
        return 1
    words = asked.words or ["?", "Half a page up"]
    with served(f"{sys.executable} -m layerscope --demo --read-only") as address:
        found = asyncio.run(visit(browser, address, "Sum of sizes", list(zip(words[::2], words[1::2], strict=True))))
    if asked.picture:
        Path(asked.picture).write_bytes(found)
    print(f"started, and answered {len(words) // 2} keys; a picture of {len(found):,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
