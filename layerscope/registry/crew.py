"""Many questions side by side, with progress, and a way to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from itertools import count
from typing import TypeVar

from layerscope.registry.errors import RegistryError
from layerscope.registry.transport import CONNECTIONS

T = TypeVar("T")
_TICK = 0.05


def side_by_side(
    jobs: Sequence[Callable[[], T]],
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: threading.Event | None = None,
) -> list[T | RegistryError]:
    """Run jobs, at most eight at a time, and return what each gave or the RegistryError it raised, in their order.

    ``progress`` is called in the calling thread, with done and total. Once ``cancelled`` is set, what
    is not begun is not begun, and is a RegistryError of kind "cancelled". KeyboardInterrupt sets it.
    """
    stop = cancelled or threading.Event()
    results: list[T | RegistryError] = [RegistryError("cancelled", "cancelled")] * len(jobs)
    numbers, lock, finished = count(), threading.Lock(), threading.Event()
    failure: list[BaseException] = []
    state = {"done": 0, "left": min(CONNECTIONS, len(jobs))}

    def work() -> None:
        try:
            for number in numbers:
                if number >= len(jobs) or stop.is_set() or failure:
                    break
                try:
                    results[number] = jobs[number]()
                except RegistryError as error:
                    results[number] = error
                with lock:
                    state["done"] += 1
        except BaseException as error:  # raised again in the thread that waits
            failure.append(error)
        with lock:
            state["left"] -= 1
            if state["left"] <= 0:
                finished.set()

    if not jobs:
        return results
    for _ in range(state["left"]):
        threading.Thread(target=work, name="registry", daemon=True).start()
    try:
        while not finished.wait(_TICK) and not stop.is_set():
            if progress is not None:
                progress(state["done"], len(jobs))
    except BaseException:
        stop.set()
        raise
    if failure:
        raise failure[0]
    return list(results)
