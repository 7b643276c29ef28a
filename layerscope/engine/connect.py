"""An open connection to an engine.

docker-py finds the way: it reads addresses and certificates, opens sockets and ssh, and :attr:`Connection.client` is
its own client. But it keeps one pool of connections per URL on Unix sockets and ssh, so two questions never share a
connection; what it does for each answer takes longer than the engine needs for it; and it reads what comes without a
limit. :class:`Connection` therefore asks in its own words (:mod:`layerscope.engine.wire`) over the connections that
docker-py's transports open, within the limits of :mod:`layerscope.engine.limits`, and keeps them. Only the first
questions to a plain Unix socket are under way before docker-py is imported (:mod:`layerscope.engine.early`), and a
scan that is short makes do with their connections (:mod:`layerscope.engine.many`).
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from layerscope.engine.endpoint import Endpoint, find_endpoint, http_address, socket_path
from layerscope.engine.errors import EngineError, Refused
from layerscope.engine.explain import explain, explain_refusal, not_docker, not_json, too_old
from layerscope.engine.jsonparts import parsed
from layerscope.engine.limits import TIMEOUT, AnswerTooLong, Limit, check_values, is_redirect, limit_of
from layerscope.engine.quirks import (
    MINIMUM_API,
    QUIRKS,
    REQUESTS_IN_FLIGHT,
    SSH_REQUESTS_IN_FLIGHT,
    Quirks,
    version_of,
)
from layerscope.engine.records import as_dict, as_int, as_text, engine_record
from layerscope.engine.wire import Dial, Way, Wire
from layerscope.inventory import Engine

if TYPE_CHECKING:
    from layerscope.engine.client import Client
    from layerscope.engine.early import Early

Query = Sequence[tuple[str, str | int]]

SLACK = 60
"""Seconds by which two clocks may differ and count as the same."""


def connect(
    host: str | None = None, context: str | None = None, *, timeout: float = TIMEOUT, early: Early | None = None
) -> Connection:
    """Find the engine that ``docker --host … --context …`` would use, and ask it who it is.

    Two requests: ``/version`` and ``/info``. ``timeout`` is the longest silence, in seconds, where
    :mod:`~layerscope.engine.limits` says 60, and changes the others alike.
    ``early``: questions to this engine that are under way; they end with the connection, or where none comes of it.
    Raises :class:`EngineError` when there is no engine, or none that can be used.
    """
    endpoint = find_endpoint(host, context) if early is None else early.endpoint
    chosen = os.environ.get("DOCKER_API_VERSION", "").removeprefix("v")
    if chosen and not re.fullmatch(r"\d{1,4}\.\d{1,4}", chosen):
        raise EngineError(f"DOCKER_API_VERSION is {chosen!r}, which is no version", "unset it, or write it like 1.43")
    return Connection(endpoint, timeout, chosen, early)


def clock_ahead(date: str, now: float) -> int:
    """Return by how many seconds the clock of a ``Date`` header (RFC 9110) is ahead of ``now`` (Unix seconds).

    0 where there is none, or where it is less than :data:`SLACK`: an answer takes its time, and the header has whole
    seconds.
    """
    found = _DATE.search(date)
    if found is None:
        return 0
    day, month, year, hours, minutes, seconds = found.groups()
    try:
        day_began = datetime(int(year), _MONTHS.index(month.lower()) + 1, int(day), tzinfo=UTC).timestamp()
    except ValueError:
        return 0
    ahead = int(day_began + int(hours) * 3600 + int(minutes) * 60 + int(seconds) - now)
    return ahead if abs(ahead) >= SLACK else 0


_DATE = re.compile(r"(\d{1,2}) ([a-zA-Z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Lines:
    """Lines of an answer, as they come; :meth:`close` ends them from any thread."""

    def __init__(self, wire: Wire, target: str) -> None:
        self._lines = wire.follow(target)
        self.close = wire.close

    def __iter__(self) -> Iterator[bytes]:
        return self._lines


class Connection:
    """One engine, reachable. Safe to use from several threads; a context manager."""

    endpoint: Endpoint
    engine: Engine
    """Who answered, in its own words."""
    quirks: Quirks
    """How its store likes to be asked."""
    timeout: float
    """Seconds of silence after which a question counts as unanswered."""
    image_count: int
    """Images as ``/info`` counts them, for progress before the list is there; 0 when it does not say."""
    engine_id: str
    """The engine's own ID, from ``/info``. Podman's is another one at every call."""
    raw: Dial | None = None
    """Makes an unopened connection without HTTP or TLS on it: to a Unix socket, or over ssh; None elsewhere."""

    def __init__(
        self, endpoint: Endpoint, timeout: float = TIMEOUT, chosen: str = "", early: Early | None = None
    ) -> None:
        """Ask the engine who it is; :func:`connect` is the way in. ``chosen``: the API version to speak, if any."""
        self._early = early
        self.endpoint = endpoint
        self.timeout = timeout
        self._client: Client | None = None
        self._making = threading.Lock()
        self._version = chosen
        self.clock_ahead = 0
        """Seconds by which the engine's clock is ahead of ours, negative where behind; see :func:`clock_ahead`."""
        self._idle: list[Wire] = []
        self._busy: set[Wire] = set()
        self._lock = threading.Lock()
        self._closed = False
        try:
            self._make_wire = self._way()
        except Exception as error:  # certificates that are none; paramiko lets anything through
            self.close()
            raise explain(error, endpoint) from error
        try:
            self._greet(chosen)
        except BaseException:
            self.close()
            raise

    def _greet(self, chosen: str) -> None:
        endpoint = self.endpoint
        version = self._hello()
        api = chosen or as_text(version.get("ApiVersion"))
        spoken = version_of(api)
        if spoken is None:
            raise not_docker(endpoint)
        self._version = api
        self._api = spoken
        if self._api < MINIMUM_API:
            raise too_old(endpoint, api)
        info = self.ask("/info", "its own facts")
        if not isinstance(info, dict):
            raise not_docker(endpoint)
        self.engine = engine_record(version, info, api, endpoint.shown)
        self.engine_id = as_text(info.get("ID"))
        self.quirks = QUIRKS[self.engine.store_kind]
        self.image_count = max(0, as_int(info.get("Images")) or 0)

    @property
    def client(self) -> Client:
        """docker-py's own client of this engine, made when it is first asked for. Raises EngineError."""
        from layerscope.engine.client import Client  # noqa: PLC0415 (docker-py: only where it is needed)

        with self._making:
            if self._client is None:
                self._client = Client(self.endpoint, self.timeout)
        self._client._version = self._version or "auto"
        return self._client

    @property
    def requests_in_flight(self) -> int:
        """How many questions at once are worth it here."""
        return SSH_REQUESTS_IN_FLIGHT if self.endpoint.host.startswith("ssh://") else REQUESTS_IN_FLIGHT

    @property
    def open_now(self) -> int:
        """How many connections are open and wait for a question."""
        return len(self._idle)

    def api_at_least(self, version: tuple[int, int]) -> bool:
        """Does the API that is spoken here have what came with ``version``?"""
        return self._api >= version

    def ask(self, path: str, what: str, query: Query = (), *, timeout: float | None = None) -> Any:
        """Return the JSON answer as :meth:`get_json` does; a refusal to give ``what`` is an :class:`EngineError`."""
        try:
            return self.get_json(path, query, timeout=timeout)
        except Refused as refused:
            raise explain_refusal(refused, self.endpoint, f"to give {what}") from refused

    def get_json(self, path: str, query: Query = (), *, timeout: float | None = None) -> Any:
        """Return the JSON answer to ``GET /v<api><path>?<query>``; see :meth:`send`."""
        return self.send("GET", path, query, timeout=timeout)

    def send(self, method: str, path: str, query: Query = (), *, timeout: float | None = None) -> Any:
        """Return the JSON answer to ``METHOD /v<api><path>?<query>``, None for an empty one.

        ``path`` starts with a slash and is already quoted. ``timeout``: the longest silence, in
        seconds; None: that of :mod:`~layerscope.engine.limits`. Raises :class:`Refused` for a status of 300 and
        above, a redirect included, :class:`EngineError` for anything that is no answer.
        """
        return self._parsed(path, *self._get(method, path, self.target(path, query), timeout))

    def read(self, path: str, status: int, body: bytes, limit: Limit) -> Any:
        """Return the JSON answer to ``GET <path>`` that came over a lent connection; raises as :meth:`send`.

        ``limit``: that of the question.
        """
        self._check(status, body, limit, path)
        return self._parsed(path, status, body)

    def _parsed(self, path: str, status: int, body: bytes) -> Any:
        try:
            answer = parsed(body) if body else None
        except (ValueError, RecursionError) as error:
            if status < 300:
                raise not_json(self.endpoint, path) from error
            answer = None
        if status >= 300:
            words = answer.get("message") if isinstance(answer, dict) else None
            raise Refused(status, words if isinstance(words, str) else body[:500].decode("utf-8", "replace"))
        return answer

    def ping(self) -> None:
        """Ask whether the engine answers, within seconds. Raises :class:`EngineError` when it does not."""
        status, _ = self._get("GET", "/_ping", self.target("/_ping"), None)
        if status >= 300:
            raise explain_refusal(Refused(status, ""), self.endpoint, "to answer a ping")

    @contextmanager
    def stream(self, path: str, query: Query = ()) -> Iterator[Lines]:
        """Lend the lines of an answer that does not end; the first one is empty and says that it has begun.

        Raises :class:`EngineError`, also while lines are taken.
        """
        with self.lend() as wire:
            try:
                yield Lines(wire, self.target(path, query))
            except EngineError:
                raise
            except Exception as error:  # the transports raise what they like
                raise explain(error, self.endpoint) from error
            finally:
                wire.close()

    def close(self) -> None:
        """Close every connection; a question still under way fails."""
        with self._lock:
            self._closed = True
            wires = [*self._idle, *self._busy]
            self._idle.clear()
        if self._early is not None:
            self._early.close()
        for wire in wires:
            wire.close()
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _way(self) -> partial[Wire]:
        """Return what makes a wire to this engine."""
        endpoint = self.endpoint
        over_ssh = endpoint.host.startswith("ssh://")
        if over_ssh or socket_path(endpoint.host) is not None:
            self.raw = self._dial
            if over_ssh:
                _ = self.client  # opens the one connection that all others go over
            return partial(Wire, self.raw, endpoint.headers)
        from layerscope.engine.tcp import dial_tcp, proxy_headers  # noqa: PLC0415 (TLS: only where it is needed)

        address = http_address(endpoint)
        dial = partial(dial_tcp, address, endpoint.tls, endpoint.proxy)
        dial()  # opens nothing, and fails on bad certificates
        parts = urlsplit(address)
        host, below = parts.netloc.rpartition("@")[2], parts.path.rstrip("/")
        if endpoint.proxy is None or parts.scheme == "https":  # a tunnel: the proxy sees no question
            return partial(Wire, dial, endpoint.headers, host, below)
        return partial(Wire, dial, {**endpoint.headers, **proxy_headers(endpoint.proxy)}, host, f"http://{host}{below}")

    def _dial(self) -> Way:
        """Return an unopened connection of docker-py's."""
        from layerscope.engine.client import dial  # noqa: PLC0415 (docker-py: only where it is needed)

        return dial(self.client)

    def _hello(self) -> dict[str, Any]:
        """Return the answer to ``/version``, which is asked without one."""
        status, body = self._get("GET", "/version", "/version", None)
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if status >= 300:
            words = as_text(as_dict(answer).get("message")) or body[:500].decode("utf-8", "replace")
            raise explain_refusal(Refused(status, words), self.endpoint)
        if not isinstance(answer, dict):
            raise not_docker(self.endpoint)
        return answer

    def target(self, path: str, query: Query = ()) -> str:
        """Return the path of a question with the API version before it and the query after it."""
        return f"/v{self._version}{path}" + (f"?{urlencode(query)}" if query else "")

    def _get(self, method: str, path: str, target: str, timeout: float | None) -> tuple[int, bytes]:
        limit = limit_of(method, path)
        silence = self.silence_of(limit) if timeout is None else timeout
        try:
            told = self._early.take(target, timeout) if self._early is not None and method == "GET" else None
            if told is not None:
                (status, body), at, wire = told
                with self._lock:
                    self._idle.append(wire)
                self.clock_ahead = clock_ahead(wire.date, at)
            else:
                with self.lend() as wire:
                    status, body = wire.ask(method, target, limit, silence)
                    self.clock_ahead = clock_ahead(wire.date, time.time())
        except EngineError:
            raise
        except Exception as error:  # the transports raise what they like
            raise explain(error, self.endpoint, path) from error
        self._check(status, body, limit, path)
        return status, body

    def _check(self, status: int, body: bytes, limit: Limit, path: str) -> None:
        """Raise :class:`EngineError` for an answer that is refused before it is read."""
        try:
            if status < 300:
                check_values(body, limit)
        except AnswerTooLong as error:
            raise explain(error, self.endpoint, path) from error
        if is_redirect(status):
            raise explain_refusal(Refused(status, ""), self.endpoint)

    def silence_of(self, limit: Limit) -> float:
        """Return the longest silence, in seconds, that is waited for: the limit's, scaled by the timeout."""
        return limit.silence * self.timeout / TIMEOUT

    @contextmanager
    def lend(self) -> Iterator[Wire]:
        """Lend a connection that no other thread uses; it is kept for the next question unless this one fails."""
        with self._lock:
            if self._closed:
                raise EngineError("the connection to the engine was closed", "connect again")
            wire = self._idle.pop() if self._idle else self._make_wire()
            self._busy.add(wire)
        kept = False
        try:
            yield wire
            kept = True
        finally:
            with self._lock:
                self._busy.discard(wire)
                kept = kept and not self._closed and not wire.closed
                if kept:
                    self._idle.append(wire)
            if not kept:
                wire.close()
