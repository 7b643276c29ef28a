"""A raw connection to the engine, by the way that its HTTP goes: Unix socket, TCP, TLS, or ssh."""

from __future__ import annotations

import socket
import ssl
from typing import Any, Protocol
from urllib.parse import urlsplit

from docker.utils import parse_host
from requests.utils import select_proxy

from layerscope.engine.connect import Connection
from layerscope.engine.wire import has_wire, open_socket


class Stream(Protocol):
    """What a socket, a TLS socket and an ssh channel have in common."""

    def recv(self, size: int, /) -> bytes:
        """Return what has come, at most ``size`` bytes; empty at the end."""

    def sendall(self, data: bytes, /) -> object:
        """Send all of it."""

    def settimeout(self, seconds: float | None, /) -> object:
        """Set the longest wait of the next calls."""

    def close(self) -> object:
        """Close it."""


class Behind(Exception):
    """The engine is reached through something that a raw connection cannot go through; the text says what."""


def dial(conn: Connection, timeout: float, alpn: str) -> Stream:
    """Open a connection of its own to the engine of ``conn``, with its certificates.

    ``timeout`` is in seconds. ``alpn`` is the protocol offered on TLS (``http/1.1`` or ``h2``).
    Raises Behind where the engine is behind an HTTP proxy or a transport that is not known here,
    and whatever the transport raises.
    """
    adapter = conn.client.get_adapter(conn.client.base_url)
    if has_wire(adapter):
        opened: Stream = open_socket(adapter, timeout)
        return opened
    address = parse_host(conn.endpoint.host, tls=conn.endpoint.tls is not None)
    url = urlsplit(str(address).replace("tcp://", "http://", 1))
    if url.scheme not in {"http", "https"} or url.hostname is None or url.port is None:
        raise Behind("its transport has no raw connections")
    settings: Any = conn.client.merge_environment_settings(conn.client.base_url, {}, False, None, None)
    if select_proxy(conn.client.base_url, settings["proxies"]):
        raise Behind("an HTTP proxy is between")
    sock = socket.create_connection((url.hostname, url.port), timeout)
    if conn.endpoint.tls is None:
        return sock
    try:
        return _context(conn.endpoint.tls, alpn).wrap_socket(sock, server_hostname=url.hostname)
    except BaseException:
        sock.close()
        raise


def _context(tls: Any, alpn: str) -> ssl.SSLContext:
    """Return the TLS settings of the connection, with what ``alpn`` says."""
    context = ssl.create_default_context(cafile=tls.ca_cert or None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(*tls.cert)
    context.set_alpn_protocols([alpn])
    return context
