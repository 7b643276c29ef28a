"""Work that may wait for an engine forever: in a thread that nobody waits for when the user leaves."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.dom import DOMNode

from layerscope.text import clean

if TYPE_CHECKING:
    from textual.worker import WorkType


def fault(error: BaseException | None) -> str:
    """Return a fault of ours in one clean line."""
    return f"a mistake in layerscope itself: {type(error).__name__}: {clean(str(error), 200)}"


def detached(work: Callable[[], None]) -> Awaitable[None]:
    """Run ``work`` in a daemon thread; await the answer for its end, or for what it raises.

    Threads of the event loop's own pool are joined when the program ends, so a connection that
    hangs would keep the user from leaving. Context variables are those of the caller: messages can
    be posted from there. Cancelling the awaitable leaves the thread to find out by itself.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:  # whoever awaits gets it
            error = raised
        with suppress(RuntimeError):  # the loop is closed: the user left meanwhile
            loop.call_soon_threadsafe(partial(settle, error))

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name="layerscope", daemon=True).start()
    return done


def start_detached(node: DOMNode, work: Callable[[], None], group: str) -> None:
    """Let ``node`` run ``work`` so, as the one worker of its group: one that was there is cancelled."""

    async def run() -> None:
        await detached(work)

    # the function, not a coroutine: a worker that is cancelled before it began would never await that
    node.run_worker(cast("WorkType[None]", run), group=group, exclusive=True, exit_on_error=False)
