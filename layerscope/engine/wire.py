"""One kept-alive connection over docker-py's own transport, spoken to with the standard library's HTTP.

Measured per question on a Unix socket: 0.8 ms of our own time through docker-py
(half of it for a connection per URL), 0.25 ms through urllib3, 0.12 ms here. At
2,000 questions for 1,000 images that decides how long a scan takes.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Any

from docker.constants import DEFAULT_USER_AGENT
from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection


def has_wire(adapter: Any) -> bool:
    """Can questions go over this adapter of docker-py's client directly? True for Unix sockets and ssh by paramiko."""
    return isinstance(adapter, UnixHTTPAdapter) or getattr(adapter, "ssh_client", None) is not None


class Wire:
    """A connection for one question at a time."""

    def __init__(self, adapter: Any, headers: Mapping[str, str]) -> None:
        """Open nothing yet: the first question does."""
        self._connection = _connection(adapter)
        self._headers = {"Host": "localhost", "User-Agent": DEFAULT_USER_AGENT, **headers}
        self._kept = False

    def get(self, target: str, timeout: float) -> tuple[int, bytes]:
        """Return the status and the body of ``GET target``; ``timeout`` is the longest silence, in seconds.

        A kept connection that the engine closed in the meantime is opened again, once.
        Raises what the transport raises.
        """
        answer = None
        try:
            answer = self._exchange(target, timeout)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self.close()
            if not self._kept:
                raise
        if answer is None:  # out of the handler: why this one fails is not that the engine closed the other
            self._kept = False
            answer = self._exchange(target, timeout)
        self._kept = True
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, target: str, timeout: float) -> tuple[int, bytes]:
        connection = self._connection
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        connection.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
        for name, value in self._headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        # urllib3's own getresponse() wraps each answer in retries and decoders: as long again as the question took
        answer = http.client.HTTPConnection.getresponse(connection)
        return answer.status, answer.read()


def _connection(adapter: Any) -> Any:
    """Return an unopened connection of the kind that docker-py's adapter makes."""
    if isinstance(adapter, UnixHTTPAdapter):
        return UnixHTTPConnection("http+docker://localhost", adapter.socket_path, adapter.timeout)
    from docker.transport.sshconn import SSHConnection  # noqa: PLC0415  # needs paramiko

    return SSHConnection(adapter.ssh_client.get_transport(), adapter.timeout, adapter.ssh_host)


def open_socket(adapter: Any, timeout: float) -> Any:
    """Return the open socket, or ssh channel, of a new connection of the kind that docker-py's adapter makes.

    ``timeout`` is the longest wait, in seconds. Raises what the transport raises.
    """
    connection = _connection(adapter)
    connection.timeout = timeout
    connection.connect()
    connection.sock.settimeout(timeout)
    return connection.sock
