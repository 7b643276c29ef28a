"""docker-py's client of an engine, and the connections that it opens. Loaded when the first of them is wanted."""

from __future__ import annotations

from typing import Any

import docker
import requests
from docker import auth
from docker.constants import DEFAULT_USER_AGENT
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection
from docker.utils import parse_host
from docker.utils.proxy import ProxyConfig

from layerscope.engine.endpoint import Endpoint, http_address
from layerscope.engine.wire import Way


class Client(docker.APIClient):
    """docker-py's client, made without its look at ``config.json``, which it reads without a limit and fails on.

    Where a request goes is decided by :mod:`layerscope.engine.limits`, never by requests: no redirect
    is followed, and no proxy, ``.netrc`` or CA of the environment is taken.
    """

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        """Open what the transport opens at once (ssh), and ask nothing."""
        requests.Session.__init__(self)
        self.trust_env = False
        self.headers["User-Agent"] = DEFAULT_USER_AGENT
        self.headers.update(endpoint.headers)
        self.timeout = timeout  # type: ignore[assignment]  # a float is as good, down to the socket
        self.credstore_env = None
        self._general_configs: dict[str, Any] = {}
        self._auth_configs = auth.AuthConfig({})
        self._proxy_configs = ProxyConfig()
        self._version = "auto"
        address = http_address(endpoint)
        if address:
            self.base_url = address
            if endpoint.tls is not None:
                endpoint.tls.configure_client(self)
            if endpoint.proxy is not None:
                self.proxies = {"http": endpoint.proxy.url, "https": endpoint.proxy.url}
            return
        address = str(parse_host(endpoint.host))
        if address.startswith("ssh://"):
            try:
                from docker.transport import SSHHTTPAdapter  # noqa: PLC0415  # needs paramiko
            except ImportError:
                raise docker.errors.DockerException("Install paramiko package to enable ssh:// support") from None
            adapter: Any = SSHHTTPAdapter(address, timeout)  # type: ignore[arg-type]
            self.base_url = "http+docker://ssh"
        else:
            adapter = UnixHTTPAdapter(address, timeout)  # type: ignore[arg-type]
            self.base_url = "http+docker://localhost"
        self._custom_adapter = adapter
        self.mount("http+docker://", adapter)

    def request(self, *args: Any, **settings: Any) -> Any:
        """Send a request; a redirect is an answer like any other."""
        return super().request(*args, **{**settings, "allow_redirects": False})


def dial(client: Client) -> Way:
    """Return an unopened connection of the kind that docker-py's client makes: to a Unix socket, or over ssh."""
    adapter: Any = client.get_adapter(client.base_url)
    way: Way
    if isinstance(adapter, UnixHTTPAdapter):
        way = UnixHTTPConnection("http+docker://localhost", adapter.socket_path, adapter.timeout)
        return way
    from docker.transport.sshconn import SSHConnection  # noqa: PLC0415  # needs paramiko

    way = SSHConnection(adapter.ssh_client.get_transport(), adapter.timeout, adapter.ssh_host)
    return way
