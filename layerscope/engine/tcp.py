"""Ways to an engine by TCP and TLS, directly or through a proxy. Loaded only where one of them is taken."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.parse
from typing import TYPE_CHECKING

from layerscope.engine.errors import EngineError
from layerscope.engine.limits import Proxy

if TYPE_CHECKING:
    from docker.tls import TLSConfig


def tls_context(tls: TLSConfig | None) -> ssl.SSLContext:
    """Return what docker's TLS settings mean: its own CA alone where one is given. Raises ssl.SSLError, OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if tls is not None and not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif tls is not None and tls.ca_cert:
        context.load_verify_locations(tls.ca_cert)
    else:
        context.load_default_certs()
    if tls is not None and tls.cert:
        context.load_cert_chain(*tls.cert)
    return context


def dial_tcp(address: str, tls: TLSConfig | None, proxy: Proxy | None) -> http.client.HTTPConnection:
    """Return an unopened connection to ``address`` (``http://host:port`` or ``https://…``), through ``proxy`` if any.

    Raises EngineError for a proxy that cannot be used, ssl.SSLError and OSError for certificates that cannot.
    """
    parts = urllib.parse.urlsplit(address)
    host, port = parts.hostname or "", parts.port
    secure = parts.scheme == "https"
    if proxy is None:
        if secure:
            return http.client.HTTPSConnection(host, port, context=tls_context(tls))
        return http.client.HTTPConnection(host, port)
    return _ProxiedConnection(host, port, proxy, tls_context(tls) if secure else None)


def proxy_headers(proxy: Proxy) -> dict[str, str]:
    """Return what a proxy is told besides the question: its user and password, where the address has them."""
    parts = urllib.parse.urlsplit(proxy.url)
    if parts.username is None:
        return {}
    words = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(words.encode()).decode("ascii")}


class _ProxiedConnection(http.client.HTTPConnection):
    """A connection through an HTTP proxy: a tunnel for TLS; plain questions are asked of the proxy itself."""

    def __init__(self, host: str, port: int | None, proxy: Proxy, context: ssl.SSLContext | None) -> None:
        try:
            parts = urllib.parse.urlsplit(proxy.url)
            proxy_host, proxy_port = parts.hostname, parts.port or 80
        except ValueError:
            parts, proxy_host, proxy_port = urllib.parse.urlsplit(""), None, 0
        if parts.scheme != "http" or not proxy_host:
            raise _of_proxy(proxy, "cannot be used: layerscope goes through proxies of http:// only")
        super().__init__(proxy_host, proxy_port)
        self._proxy = proxy
        self._tls = context
        self._server = host
        if context is not None:
            self.set_tunnel(host, port or 443, proxy_headers(proxy))

    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, http.client.HTTPException) as error:
            words = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise _of_proxy(self._proxy, f"does not let us through: {words}") from error
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server)


def _of_proxy(proxy: Proxy, words: str) -> EngineError:
    return EngineError(f"the proxy {proxy.shown} {words}", f"unset {proxy.variable}, or name the engine in NO_PROXY")
