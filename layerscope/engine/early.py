"""The first questions to an engine, sent before what reads their answers is loaded.

An engine works on its lists for as long as Python needs to import the rest of the program; so the two go on side by
side. Only where the way is a plain Unix socket: anything else needs docker-py first. What was asked is what
:class:`~layerscope.engine.connect.Connection` would ask, in the same words; it takes each answer once, in place of
asking, and a failure as its own.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from functools import partial

from layerscope.engine.endpoint import Endpoint, find_endpoint, socket_path
from layerscope.engine.errors import EngineError
from layerscope.engine.limits import limit_of
from layerscope.engine.quirks import MANIFESTS_API, TYPED_USAGE_API, Version, version_of
from layerscope.engine.wire import Wire

_LIST_SILENCE = 600.0
"""The longest silence before a list, in seconds: as :mod:`layerscope.engine.lists` waits."""


class UnixSocket:
    """A connection to a Unix socket."""

    def __init__(self, path: str) -> None:
        """Open nothing yet."""
        self.path = path
        self.timeout: float | None = None
        self.sock: socket.socket | None = None

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(self.timeout)
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        self.sock = sock

    def close(self) -> None:
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()


class _Question:
    """One question under way."""

    def __init__(self, wire: Wire, path: str, target: str, silence: float | None = None) -> None:
        self.wire = wire
        self.answer: tuple[int, bytes] | None = None
        self.error: Exception | None = None
        self.at = 0.0
        """Unix seconds at which it was answered."""
        self._ask = partial(wire.ask, "GET", target, limit_of("GET", path), silence)
        self._thread = threading.Thread(target=self._run, name="early", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.answer = self._ask()
            self.at = time.time()
        except Exception as error:  # raised again in the thread that takes the answer
            self.error = error

    def wait(self, seconds: float | None) -> bool:
        """Is it answered, or has it failed?"""
        self._thread.join(seconds)
        return not self._thread.is_alive()


class Early:
    """Questions that are under way to the engine at ``endpoint``; :func:`begin` is the way in."""

    def __init__(self, endpoint: Endpoint, path: str, *, usage: bool) -> None:
        """Ask for the version, and as soon as it is there for the rest; ``usage``: for the engine's own total too."""
        self.endpoint = endpoint
        self._dial = partial(UnixSocket, path)
        self._questions: dict[str, _Question] = {}
        self._lock = threading.Lock()
        self._under_way: list[_Question] = []
        self._closed = False
        self._asked = threading.Event()
        """Has everything been asked that will be?"""
        first = self._ask("/version", "/version")
        threading.Thread(target=self._go_on, args=(first, usage), name="early", daemon=True).start()

    def _ask(self, path: str, target: str, silence: float | None = None) -> _Question:
        question = _Question(Wire(self._dial, self.endpoint.headers), path, target, silence)
        self._questions[target] = question
        self._under_way.append(question)
        return question

    def _add(self, path: str, target: str, silence: float | None = None) -> None:
        with self._lock:
            if not self._closed:
                self._ask(path, target, silence)

    def _go_on(self, first: _Question, usage: bool) -> None:
        try:
            self._ask_rest(first, usage)
        finally:
            self._asked.set()

    def _ask_rest(self, first: _Question, usage: bool) -> None:
        first.wait(None)  # who connects may have taken it by now
        api = _spoken(first.answer)
        if api is None:
            return
        before = f"/v{api[0]}.{api[1]}"
        self._add("/info", f"{before}/info")
        manifests = "&manifests=1" if api >= MANIFESTS_API else ""
        self._add("/images/json", f"{before}/images/json?all=1{manifests}", _LIST_SILENCE)
        self._add("/containers/json", f"{before}/containers/json?all=1", _LIST_SILENCE)
        if usage:
            types = "?type=image&type=build-cache" if api >= TYPED_USAGE_API else ""
            self._add("/system/df", f"{before}/system/df{types}")

    def take(self, target: str, seconds: float | None = None) -> tuple[tuple[int, bytes], float, Wire] | None:
        """Return the answer to a question that is under way, when it came, and on which wire; None if none is.

        The wire is the caller's from then on. Raises what the question raised, and TimeoutError after ``seconds``.
        """
        if target != "/version":
            self._asked.wait(seconds)
        with self._lock:
            question = self._questions.pop(target, None)
        if question is None:
            return None
        if not question.wait(seconds):
            question.wire.close()
            raise TimeoutError("no answer")
        if question.error is not None:
            question.wire.close()
            raise question.error
        with self._lock:
            self._under_way.remove(question)
        assert question.answer is not None
        return question.answer, question.at, question.wire

    def close(self) -> None:
        """Let go of what is under way; who waits for it is told that the connection ended."""
        with self._lock:
            self._closed = True
            left = self._under_way.copy()
            self._questions.clear()
        for question in left:
            question.wire.close()


def _spoken(answer: tuple[int, bytes] | None) -> Version | None:
    """Return the API version of an answer to ``/version``; None where it is none."""
    if answer is None or answer[0] != 200 or os.environ.get("DOCKER_API_VERSION"):
        return None
    try:
        said = json.loads(answer[1])
        return version_of(said["ApiVersion"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


_ahead: list[tuple[tuple[str | None, str | None, bool], Early]] = []
"""Questions that nobody has taken yet, and the arguments of :func:`begin` that they are for."""


def begin_ahead(host: str | None, context: str | None, *, usage: bool) -> None:
    """Do at once what :func:`begin` will be asked for with the same arguments; it takes the questions then."""
    early = begin(host, context, usage=usage)
    if early is not None:
        _ahead.append(((host, context, usage), early))


def begin(host: str | None, context: str | None, *, usage: bool) -> Early | None:
    """Send the first questions to the engine that ``docker --host … --context …`` would use.

    None where that is no plain Unix socket, or no engine at all: connecting tells why.
    They may be under way, see :func:`begin_ahead`.
    """
    while _ahead:
        asked, early = _ahead.pop()
        if asked == (host, context, usage):
            return early
        early.close()
    try:
        endpoint = find_endpoint(host, context)
    except EngineError:
        return None
    path = socket_path(endpoint.host)
    return None if path is None else Early(endpoint, str(path), usage=usage)
