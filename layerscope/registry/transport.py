"""HTTP to registries: kept-alive connections, few at a time, answers of bounded size, polite retries.

A redirect is followed by hand: what authorizes a request never goes to another
host, and never from TLS to plain HTTP (CVE-2020-15157 is what happens otherwise).
"""

from __future__ import annotations

import email.utils
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from msgspec import Struct
from msgspec.structs import replace
from urllib3.exceptions import HTTPError, SSLError
from urllib3.util import Timeout

from layerscope import __version__
from layerscope.engine.limits import Proxy, proxy_for
from layerscope.registry.errors import RegistryError, odd
from layerscope.registry.policy import Policy
from layerscope.units import count, format_number

CONNECTIONS = 8
"""Requests under way at once, whatever the number of registries."""
_TIMEOUT = Timeout(connect=10, read=30)
_WHOLE = 60.0
"""Seconds that one answer may take, however steadily it drips."""
_REDIRECTS = 5
_TRIES = 3
_LONGEST_WAIT = 10
"""Seconds that are waited for when a registry says when to come again."""
_BUSY = frozenset({429, 502, 503, 504})
_CHUNK = 1 << 16


class Response(Struct, frozen=True):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    moved: str = ""
    """The host that answered in the end, where that is another one than was asked."""


class Clock(Struct):
    """The time, and waiting; tests bring their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Transport:
    """Asks; safe to use from several threads. A context manager."""

    def __init__(
        self, policy: Policy, *, clock: Clock | None = None, cancelled: Callable[[], bool] | None = None
    ) -> None:
        self.policy = policy
        self.clock = clock or Clock()
        self.requests = 0
        """How many were sent so far."""
        self._cancelled = cancelled or (lambda: False)
        self._slots = threading.BoundedSemaphore(CONNECTIONS)
        self._pools: dict[tuple[str, str], urllib3.HTTPConnectionPool] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int,
        authorization: str = "",
    ) -> Response:
        """Return the answer to one request, redirects followed; of its body no more than ``limit`` bytes are read.

        Raises RegistryError when there is none, or a longer one, and when the registry says to come
        again later than is worth waiting for.
        """
        for attempt in range(1, _TRIES + 1):
            answer = self._follow(method, url, dict(headers or {}), body, limit, authorization)
            if answer.status not in _BUSY:
                return answer
            wait = retry_after(answer.headers, self.clock.now())
            if wait is None:
                wait = float(attempt) if answer.status != 429 else None
            if wait is None or wait > _LONGEST_WAIT or attempt == _TRIES:
                break
            self.clock.sleep(wait)
        if answer.status == 429:
            raise _limited(urlsplit(url).netloc, wait, self.clock.now())
        raise RegistryError("unreachable", f"{urlsplit(url).netloc} answered {answer.status}, three times", "try later")

    def _follow(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None, limit: int, authorization: str
    ) -> Response:
        asked = url
        for _ in range(_REDIRECTS):
            extra = {"Authorization": authorization} if authorization else {}
            answer = self._once(method, url, headers | extra, body, limit)
            target = answer.headers.get("location", "")
            if answer.status not in {301, 302, 303, 307, 308} or not target:
                return replace(answer, moved=urlsplit(url).netloc) if _origin(url) != _origin(asked) else answer
            there = _joined(url, target)
            if _origin(there) != _origin(url):
                authorization = ""
            url = there
        raise odd(urlsplit(url).netloc, f"{_REDIRECTS} redirects in a row")

    def _once(self, method: str, url: str, headers: dict[str, str], body: bytes | None, limit: int) -> Response:
        host = urlsplit(url).netloc
        with self._slots:
            if self._cancelled():
                raise RegistryError("cancelled", "cancelled")
            self.requests += 1
            started = time.monotonic()
            try:
                pool = self._pool(url)
                response = pool.urlopen(
                    method,
                    _target(url, whole=pool.proxy is not None),
                    body=body,
                    headers={"User-Agent": f"layerscope/{__version__}", "Accept-Encoding": "identity", **headers},
                    redirect=False,
                    assert_same_host=False,  # the pool is the one for it, or its proxy's
                    retries=urllib3.Retry(2, connect=0, read=1, redirect=0, status=0, other=0, raise_on_status=False),
                    timeout=_TIMEOUT,
                    preload_content=False,
                    decode_content=False,
                )
            except (HTTPError, OSError, ValueError) as error:
                raise _unreachable(host, error) from None
            try:
                data = b"" if method == "HEAD" else _read(response, limit, started, host)
                found = Response(response.status, {k.lower(): v for k, v in response.headers.items()}, data)
                response.release_conn()
            except (HTTPError, OSError, ValueError) as error:
                response.close()
                raise _unreachable(host, error) from None
            except RegistryError:
                response.close()
                raise
            return found

    def _pool(self, url: str) -> urllib3.HTTPConnectionPool:
        parts = urlsplit(url)
        key = (parts.scheme, parts.netloc)
        with self._lock:
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = self._new_pool(parts.scheme, parts.netloc)
        return pool

    def _new_pool(self, scheme: str, netloc: str) -> urllib3.HTTPConnectionPool:
        settings: dict[str, Any] = {"maxsize": CONNECTIONS, "block": False}
        if scheme == "https":
            settings["ssl_context"] = self.policy.tls(netloc)
            if self.policy.is_insecure(netloc):
                settings |= {"cert_reqs": "CERT_NONE", "assert_hostname": False}
        proxy = proxy_for(f"{scheme}://{netloc}")
        manager = _through(proxy, settings) if proxy else urllib3.PoolManager(**settings)
        return manager.connection_from_url(f"{scheme}://{netloc}")


def _read(response: urllib3.BaseHTTPResponse, limit: int, started: float, host: str) -> bytes:
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and len(length) < 20 and int(length) > limit:
        raise odd(host, f"{count(int(length), 'byte')} where at most {format_number(limit)} belong")
    if response.headers.get("content-encoding", "identity").lower() not in {"", "identity"}:
        raise odd(host, "with an encoding that was not asked for")
    found = bytearray()
    while chunk := response.read(min(_CHUNK, limit + 1 - len(found)), decode_content=False):
        found += chunk
        if len(found) > limit:
            raise odd(host, f"more than the {count(limit, 'byte')} that belong there")
        if time.monotonic() - started > _WHOLE:
            raise RegistryError("unreachable", f"{host} took longer than {_WHOLE:.0f} s for one answer", "try later")
    return bytes(found)


def _target(url: str, *, whole: bool) -> str:
    """Return what to ask for: a path, or (``whole``) an address, as a proxy of plain HTTP wants it (RFC 9112, 3.2)."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"http://{parts.netloc}{path}" if whole and parts.scheme == "http" else path


def _joined(url: str, target: str) -> str:
    try:
        there = urljoin(url, target)
        parts = urlsplit(there)
        port = parts.port  # raises ValueError for what is none
        if parts.scheme in {"http", "https"} and parts.hostname and port != 0 and "@" not in parts.netloc:
            return there
    except ValueError:
        pass
    raise odd(urlsplit(url).netloc, "a redirect to what is no address")


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _through(proxy: Proxy, settings: dict[str, Any]) -> urllib3.ProxyManager:
    parts = urlsplit(proxy.url)
    user = ":".join(unquote(part or "") for part in (parts.username, parts.password)) if parts.username else None
    headers = urllib3.make_headers(proxy_basic_auth=user) if user else None
    try:
        return urllib3.ProxyManager(proxy.url, proxy_headers=headers, **settings)
    except (HTTPError, ValueError):
        cause = f"registries cannot be reached through the proxy {proxy.shown}: it is no http:// or https:// address"
        raise RegistryError("unreachable", cause, "change that variable, or name the registry in NO_PROXY") from None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds to wait that a registry asks for (RFC 9110, Retry-After: seconds or a date); None for none."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now) if text else None
    except (ValueError, OverflowError):
        return None


def _limited(host: str, wait: float | None, now: float) -> RegistryError:
    if wait is None:
        return RegistryError("limited", f"{host} takes no more requests for now", "log in with `docker login`, or wait")
    until = time.strftime("%H:%M:%S", time.localtime(now + min(wait, 10**9)))
    return RegistryError(
        "limited", f"{host} takes no more requests until {until}", "log in with `docker login`, or wait"
    )


_WHO = re.compile(r"^.*?HTTPS?Connection(?:Pool)?\(.*?\): (?:Failed to establish a new connection: )?")
"""What urllib3 puts before the reason."""


def _unreachable(host: str, error: Exception) -> RegistryError:
    reason = getattr(error, "reason", None) or error
    if isinstance(error, SSLError) or isinstance(reason, SSLError) or "SSL" in type(reason).__name__:
        words = str(reason)
        if "CERTIFICATE_VERIFY_FAILED" in words:
            hint = f"put its CA into /etc/docker/certs.d/{host}/ca.crt, or allow it with --insecure {host}"
            return RegistryError("unreachable", f"{host} has a certificate that nobody here trusts", hint)
        hint = f"if it has no TLS: --insecure {host}"
        return RegistryError("unreachable", f"{host} does not speak TLS", hint)
    words = str(getattr(reason, "args", [""])[-1] if getattr(reason, "args", None) else reason)
    words = _WHO.sub("", words)
    return RegistryError("unreachable", f"{host} cannot be reached: {words}", "check its name, the network and proxies")
