"""A raw connection to the engine, by the way that its HTTP goes: Unix socket, TCP, TLS, or ssh."""

from __future__ import annotations

import socket
from typing import Protocol
from urllib.parse import urlsplit

from layerscope.engine.connect import Connection
from layerscope.engine.endpoint import http_address


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
    if conn.raw is not None:
        way = conn.raw()
        way.timeout = timeout
        way.connect()
        opened: Stream = way.sock
        opened.settimeout(timeout)
        return opened
    url = urlsplit(http_address(conn.endpoint))
    if url.scheme not in {"http", "https"} or url.hostname is None or url.port is None:
        raise Behind("its transport has no raw connections")
    if conn.endpoint.proxy is not None:
        raise Behind("an HTTP proxy is between")
    sock = socket.create_connection((url.hostname, url.port), timeout)
    if url.scheme == "http":
        return sock
    from layerscope.engine.tcp import tls_context  # noqa: PLC0415 (TLS: only where it is needed)

    try:
        context = tls_context(conn.endpoint.tls)
        context.set_alpn_protocols([alpn])
        return context.wrap_socket(sock, server_hostname=url.hostname)
    except BaseException:
        sock.close()
        raise
