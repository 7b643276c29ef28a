"""A socket between a client and an engine that passes everything on, and notes what was asked."""

from __future__ import annotations

import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_ASKED = re.compile(rb"^([A-Z]+) (\S+) HTTP/1\.[01]\r$", re.MULTILINE)


@dataclass
class Wiretap:
    """What went over the wire."""

    host: str
    """The address to connect to in place of the engine's."""
    sent: list[bytearray] = field(default_factory=list)
    """What clients said, a connection each."""

    @property
    def requests(self) -> list[tuple[str, str]]:
        """(method, path with its query), without the version."""
        asked = [found for said in list(self.sent) for found in _ASKED.findall(bytes(said))]
        return [(method.decode(), re.sub(r"^/v[\d.]+", "", target.decode())) for method, target in asked]


@contextmanager
def tapped(host: str) -> Iterator[Wiretap]:
    """Listen in front of ``host``, an address ``unix://…``."""
    with tempfile.TemporaryDirectory(prefix="tap-", dir="/tmp") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = str(Path(folder) / "tap.sock")
        listener.bind(path)
        listener.listen(64)
        tap = Wiretap(f"unix://{path}")
        threading.Thread(target=_accept, args=(listener, host.removeprefix("unix://"), tap), daemon=True).start()
        yield tap


def _accept(listener: socket.socket, engine: str, tap: Wiretap) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            behind = socket.socket(socket.AF_UNIX)
            try:
                behind.connect(engine)
            except OSError:
                client.close()
                continue
            said = bytearray()
            tap.sent.append(said)
            threading.Thread(target=_pass, args=(client, behind, said), daemon=True).start()
            threading.Thread(target=_pass, args=(behind, client, bytearray()), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, note: bytearray) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            note += data
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
