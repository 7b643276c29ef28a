"""How much of an answer is taken, how long it may take, and which way a question may go: one table for all transports.

Three rules hold for every method on every transport:

* an answer is read up to the bytes and the seconds of its row in :data:`ANSWERS`;
* a redirect is never followed: the engine is the one that was named;
* sockets, ssh and loopback addresses are never reached through a proxy, other addresses as the ``docker``
  command reaches them (Go's ``http.ProxyFromEnvironment``).

Nothing of docker-py is needed here.
"""

from __future__ import annotations

import ipaddress
import os
import re
import urllib.parse
from collections.abc import Mapping
from typing import NamedTuple

from layerscope.text import mask_address
from layerscope.units import count

KIB, MIB = 1 << 10, 1 << 20

TIMEOUT = 60.0
"""Seconds of silence after which most questions count as unanswered."""
CONNECT_TIMEOUT = 30.0
"""Seconds until a connection must stand."""


class Limit(NamedTuple):
    """What one answer may be."""

    bytes: int
    """Of the whole answer, headers and framing included."""
    seconds: float
    """From its first byte to its last."""
    silence: float = TIMEOUT
    """Seconds before its first byte, and between any two."""
    values: int = 100_000
    """Of JSON: objects, lists and their members. What is parsed takes some 70 bytes of memory for each."""


ANSWERS: tuple[tuple[str, str, Limit], ...] = (
    ("GET", "/_ping", Limit(4 * KIB, 2, silence=3, values=10)),
    ("GET", "/version", Limit(256 * KIB, 10, values=10_000)),
    ("GET", "/info", Limit(4 * MIB, 30)),
    # 40,000 images, each with 3 kB of names, labels and platforms. A containerd store works on its list for
    # 7 s per 1,000 images before it says anything.
    ("GET", "/(images|containers)/json", Limit(256 * MIB, 300, silence=600, values=4_000_000)),
    # Before API 1.42 an engine walks every container and volume first, whatever it is asked for.
    ("GET", "/system/df", Limit(256 * MIB, 300, silence=600, values=4_000_000)),
    ("GET", "/images/.*/(json|history)", Limit(16 * MIB, 60, values=200_000)),
    # Deleting the files of a big image takes its time.
    ("DELETE", "/images/.*", Limit(16 * MIB, 60, silence=900, values=200_000)),
    ("POST", "/build/prune", Limit(64 * MIB, 60, silence=900, values=1_000_000)),
)
"""Method, regular expression of the path, and what its answer may be; the first that fits counts."""

OTHER = Limit(4 * MIB, 60)
"""For a question that is not in the table."""

EVENTS = Limit(MIB, float("inf"), silence=float("inf"), values=10_000)
"""Of one event; the stream of them has no end."""


def limit_of(method: str, path: str) -> Limit:
    """Return what the answer to this question may be. ``path`` starts with a slash and has no version and no query."""
    global _rows  # noqa: PLW0603 (worked out once: a scan asks 2,000 questions)
    if _rows.table is not ANSWERS:
        _rows = _Rows(ANSWERS)
    return _rows.limit_of(method, path)


class _Rows:
    """A table as one expression for each method, whose groups are its rows: one search in place of one a row."""

    def __init__(self, table: tuple[tuple[str, str, Limit], ...]) -> None:
        self.table = table
        found: dict[str, list[tuple[str, Limit]]] = {}
        for method, pattern, limit in table:
            found.setdefault(method, []).append((re.sub(r"\((?!\?)", "(?:", pattern), limit))
        self._found = {
            method: (
                re.compile("|".join(f"({pattern})" for pattern, _ in rows)).fullmatch,
                [limit for _, limit in rows],
            )
            for method, rows in found.items()
        }

    def limit_of(self, method: str, path: str) -> Limit:
        found = self._found.get(method)
        row = None if found is None else found[0](path)
        if found is None or row is None or row.lastindex is None:
            return OTHER
        return found[1][row.lastindex - 1]


_rows = _Rows(())


class AnswerTooLong(Exception):
    """An answer is longer than its limit; the text says which limit."""


class AnswerTooSlow(TimeoutError):
    """An answer began, and did not end within its limit; the text says which limit."""


def check_values(body: bytes, limit: Limit) -> None:
    """Raise AnswerTooLong if the JSON ``body`` may hold more values than the limit. Nothing is parsed."""
    if len(body) <= limit.values:
        return  # each takes a byte at least
    if body.count(b",") + body.count(b"[") + body.count(b"{") > limit.values:
        raise AnswerTooLong(f"more than {count(limit.values, 'value')}")


def is_redirect(status: int) -> bool:
    """Is it one of the statuses that ask to go elsewhere? Nobody goes."""
    return 300 <= status < 400


# proxies


class Proxy(NamedTuple):
    """A proxy that the environment names for an address."""

    url: str
    """``http://user:password@host:port``; show :attr:`shown` instead."""
    variable: str
    """Which variable named it."""

    @property
    def shown(self) -> str:
        """The proxy for a message: without its password."""
        return f"{mask_address(self.url)} ({self.variable})"


def proxy_for(address: str, environ: Mapping[str, str] | None = None) -> Proxy | None:
    """Return the proxy for ``address`` (``http://host:port``, ``https://…``), None to go there directly.

    As Go does, so that it is the one that the ``docker`` command takes: ``HTTP_PROXY`` or ``HTTPS_PROXY``
    by the scheme, or in lower case; ``ALL_PROXY`` is not read; ``NO_PROXY`` lists names, their parents,
    addresses and networks, each with a port or without; a loopback address is never proxied.
    """
    environ = os.environ if environ is None else environ
    parts = urllib.parse.urlsplit(address)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    if scheme not in {"http", "https"} or not host or is_loopback(host):
        return None
    if scheme == "http" and environ.get("REQUEST_METHOD"):
        return None  # a CGI program: HTTP_PROXY is then a header that anybody may send
    upper = f"{scheme.upper()}_PROXY"
    variable = upper if environ.get(upper) else upper.lower()
    value = environ.get(variable, "").strip()
    if not value:
        return None
    port = str(parts.port or (443 if scheme == "https" else 80))
    if _excepted(host, port, environ.get("NO_PROXY") or environ.get("no_proxy") or ""):
        return None
    return Proxy(value if "://" in value else f"http://{value}", variable)


def is_loopback(host: str) -> bool:
    """Is ``host`` this machine, by its name ``localhost`` or by a loopback address?"""
    address = _ip(host)
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _excepted(host: str, port: str, no_proxy: str) -> bool:
    """Does ``NO_PROXY`` name this host? The rules are those of golang.org/x/net/http/httpproxy."""
    address = _ip(host)
    for entry in no_proxy.lower().split(","):
        name = entry.strip()
        if name == "*":
            return True
        if "/" in name:
            try:
                if address is not None and address in ipaddress.ip_network(name, strict=False):
                    return True
            except ValueError:
                pass
            continue
        if _ip(name) is None and (split := re.fullmatch(r"(.+):(\d+)", name)):
            name, only = split[1], split[2]
            if only != port:
                continue
        name = name.removeprefix("[").removesuffix("]").removeprefix("*")
        if not name:
            continue
        if (wanted := _ip(name)) is not None:
            if wanted == address:
                return True
        elif host == name or host.endswith(name if name.startswith(".") else f".{name}"):
            return True
    return False


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
