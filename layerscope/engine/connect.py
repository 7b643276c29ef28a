"""An open connection to an engine: docker-py's client, and a fast way to ask many small questions.

docker-py keeps one pool of connections per URL on Unix sockets and ssh, so two
questions never share a connection, and what it does for each answer takes longer
than the engine needs for it. ``Connection.get_json`` therefore speaks over docker-py's
own transports directly (see :mod:`layerscope.engine.wire`) and keeps the
connections. Everything else goes through ``Connection.client`` as usual.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

import docker
import urllib3
from docker.utils.config import load_general_config

from layerscope.engine.endpoint import Endpoint, find_endpoint
from layerscope.engine.errors import EngineError, Refused
from layerscope.engine.explain import explain, explain_refusal, not_docker, not_json, too_old
from layerscope.engine.quirks import MINIMUM_API, QUIRKS, REQUESTS_IN_FLIGHT, SSH_REQUESTS_IN_FLIGHT, Quirks
from layerscope.engine.records import as_dict, as_int, engine_record
from layerscope.engine.wire import Wire, has_wire
from layerscope.inventory import Engine

Query = Sequence[tuple[str, str | int]]

TIMEOUT = 60.0
"""Seconds of silence after which a question counts as unanswered."""


def connect(host: str | None = None, context: str | None = None, *, timeout: float = TIMEOUT) -> Connection:
    """Find the engine that ``docker --host … --context …`` would use, and ask it who it is.

    Two requests: ``/version`` and ``/info``. ``timeout`` is in seconds, for each answer.
    Raises :class:`EngineError` when there is no engine, or none that can be used.
    """
    endpoint = find_endpoint(host, context)
    chosen = os.environ.get("DOCKER_API_VERSION", "").removeprefix("v")
    if chosen and not _VERSION.fullmatch(chosen):
        raise EngineError(f"DOCKER_API_VERSION is {chosen!r}, which is no version", "unset it, or write it like 1.43")
    if endpoint.tls is not None and not endpoint.tls.verify:  # asked for; a warning per answer would ruin the screen
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    try:
        client = Client(
            base_url=endpoint.host,
            version=chosen or "auto",
            timeout=timeout,  # type: ignore[arg-type]  # a float is as good, down to the socket
            tls=endpoint.tls or False,
            max_pool_size=16,
        )
    except Exception as error:  # docker-py lets anything through, from KeyError to paramiko's
        raise explain(error, endpoint) from error
    try:
        return Connection(client, endpoint)
    except BaseException:
        client.close()
        raise


_VERSION = re.compile(r"(\d+)\.(\d+)")


class Client(docker.APIClient):
    """docker-py's client, which remembers what the server said when the client asked for its version."""

    version_answer: Any = None

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Trust the engine's own CA: requests would take REQUESTS_CA_BUNDLE for it, where that is set."""
        verify = self.verify if verify is None else verify
        return super().merge_environment_settings(url, proxies, stream, verify, cert)

    def version(self, api_version: bool = True) -> Any:
        """Return the answer to ``/version``, and keep it."""
        self.version_answer = super().version(api_version)
        return self.version_answer


class Connection:
    """One engine, reachable. Safe to use from several threads; a context manager.

    :attr:`client` is docker-py's own client, for everything that is not asked a thousand times.
    """

    client: docker.APIClient
    endpoint: Endpoint
    engine: Engine
    """Who answered, in its own words."""
    quirks: Quirks
    """How its store likes to be asked."""
    timeout: float
    """Seconds of silence after which a question counts as unanswered."""
    image_count: int
    """Images as ``/info`` counts them, for progress before the list is there; 0 when it does not say."""
    headers: dict[str, str]
    """``HttpHeaders`` of docker's configuration, which go with every request."""

    def __init__(self, client: Client, endpoint: Endpoint) -> None:
        """Ask the engine who it is; :func:`connect` is the way in."""
        self.client = client
        self.endpoint = endpoint
        self.timeout = float(client.timeout)
        self.headers = as_dict(load_general_config().get("HttpHeaders"))
        self._idle: list[Wire] = []
        self._closed = False
        spoken = _VERSION.match(client.api_version)
        if spoken is None:
            raise not_docker(endpoint)
        self._api = (int(spoken[1]), int(spoken[2]))
        if self._api < MINIMUM_API:
            raise too_old(endpoint, client.api_version)
        try:
            version = client.version_answer if client.version_answer is not None else client.version(api_version=False)
        except Exception as error:
            raise explain(error, endpoint) from error
        info = self.ask("/info", "its own facts")
        if not isinstance(version, dict) or not isinstance(info, dict):
            raise not_docker(endpoint)
        self.engine = engine_record(version, info, client.api_version, endpoint.host)
        self.quirks = QUIRKS[self.engine.store_kind]
        self.image_count = max(0, as_int(info.get("Images")) or 0)

    @property
    def requests_in_flight(self) -> int:
        """How many questions at once are worth it here."""
        return SSH_REQUESTS_IN_FLIGHT if self.endpoint.host.startswith("ssh://") else REQUESTS_IN_FLIGHT

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
        """Return the JSON answer to ``GET /v<api><path>?<query>``.

        ``path`` starts with a slash and is already quoted. ``timeout``: the longest silence, in
        seconds; None: that of :func:`connect`. Raises :class:`Refused` for a status of 300 and
        above, :class:`EngineError` for anything that is no answer.
        """
        target = f"/v{self.client.api_version}{path}"
        if query:
            target += "?" + urlencode(query)
        try:
            status, body = self._get(target, self.timeout if timeout is None else timeout)
        except EngineError:
            raise
        except Exception as error:  # the transports raise what they like
            raise explain(error, self.endpoint) from error
        try:
            answer = json.loads(body) if body else None
        except (ValueError, RecursionError) as error:
            if status < 300:
                raise not_json(self.endpoint, path) from error
            answer = None
        if status >= 300:  # a redirect is no answer either
            words = answer.get("message") if isinstance(answer, dict) else None
            raise Refused(status, words if isinstance(words, str) else body[:500].decode("utf-8", "replace"))
        return answer

    def close(self) -> None:
        """Close every connection; a question still under way fails."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        self.client.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _get(self, target: str, timeout: float) -> tuple[int, bytes]:
        adapter = self.client.get_adapter(self.client.base_url)
        if has_wire(adapter):
            with self._wire(adapter) as wire:
                return wire.get(target, timeout)
        # TCP and TLS: requests does keep connections there, and knows proxies and certificates
        answer = self.client.get(self.client.base_url + target, timeout=timeout, headers=self.headers)
        return answer.status_code, answer.content

    @contextmanager
    def _wire(self, adapter: Any) -> Iterator[Wire]:
        """Lend a connection that no other thread uses; it is kept for the next question unless this one fails."""
        if self._closed:
            raise EngineError("the connection to the engine was closed", "connect again")
        try:
            wire = self._idle.pop()
        except IndexError:
            wire = Wire(adapter, self.headers)
        try:
            yield wire
        except BaseException:
            wire.close()
            raise
        if self._closed:
            wire.close()
        else:
            self._idle.append(wire)
