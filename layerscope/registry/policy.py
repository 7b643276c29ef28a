"""How to talk to which registry: plain or TLS, whose certificates, which mirrors.

As the engine does it, so that what is asked here is what a pull would get:
``daemon/pkg/registry/config.go`` (insecure registries, mirrors) and
``registry.go`` (``certs.d``) in moby.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field

from layerscope.registry.errors import RegistryError
from layerscope.registry.reference import HUB, HUB_API, host_name

CERTS = ("/etc/docker/certs.d", "/etc/containers/certs.d")
"""Folders of certificates, ``HOST:PORT/*.crt`` and ``*.cert`` with ``*.key``."""


class Policy(Struct, frozen=True):
    """What the engine and the user say about registries."""

    insecure: frozenset[str] = frozenset()
    """Registries (``host`` or ``host:port``) that may be spoken to in plain HTTP, or with any certificate."""
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    """The same, by address."""
    mirrors: tuple[str, ...] = ()
    """Base addresses that stand for Docker Hub, to be asked first."""
    certs: tuple[str, ...] = field(default=CERTS)

    def bases(self, registry: str) -> tuple[str, ...]:
        """Return the addresses to try for a registry, the best first, without a slash at their end.

        A mirror of Docker Hub comes before it. On this machine plain HTTP comes first, for other
        insecure ones TLS; where nothing says insecure, there is only TLS.
        """
        if registry == HUB:
            return *self.mirrors, f"https://{HUB_API}"
        if self.is_loopback(registry):
            return f"http://{registry}", f"https://{registry}"
        if self.is_insecure(registry):
            return f"https://{registry}", f"http://{registry}"
        return (f"https://{registry}",)

    def is_loopback(self, registry: str) -> bool:
        """Is it on this machine?"""
        name = host_name(registry)
        with suppress(ValueError):
            return ipaddress.ip_address(name).is_loopback
        return name == "localhost"

    def is_insecure(self, registry: str) -> bool:
        """May it be spoken to without a certificate that can be trusted?"""
        if registry in self.insecure or host_name(registry) in self.insecure or self.is_loopback(registry):
            return True
        with suppress(ValueError):
            address = ipaddress.ip_address(host_name(registry))
            return any(address in network for network in self.networks if network.version == address.version)
        return False

    def tls(self, registry: str) -> ssl.SSLContext:
        """Return how to check a registry's certificate: by the system's trust, and by ``certs.d``.

        Raises RegistryError for certificates that cannot be read.
        """
        context = ssl.create_default_context()
        if self.is_insecure(registry):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        for base in self.certs:
            folder = Path(base) / registry
            try:
                for path in sorted(folder.glob("*.crt")):
                    context.load_verify_locations(path)
                for path in sorted(folder.glob("*.cert")):
                    context.load_cert_chain(path, path.with_suffix(".key"))
            except (OSError, ssl.SSLError) as error:
                raise RegistryError("unreachable", f"{folder}: {error}", "mend or remove these certificates") from None
        return context


def policy_of(info: dict[str, Any], insecure: Iterable[str] = (), *, podman: bool = False) -> Policy:
    """Return the policy of an engine from its ``/info`` (``RegistryConfig``), and of ``--insecure``."""
    config = info.get("RegistryConfig")
    config = config if isinstance(config, dict) else {}
    names = set(insecure)
    indexes = config.get("IndexConfigs")
    for name, index in indexes.items() if isinstance(indexes, dict) else ():
        if isinstance(index, dict) and index.get("Secure") is False:
            names.add(name)
    networks = []
    for text in _texts(config.get("InsecureRegistryCIDRs")):
        with suppress(ValueError):
            networks.append(ipaddress.ip_network(text, strict=False))
    mirrors = tuple(url.rstrip("/") for url in _texts(config.get("Mirrors")) if _is_base(url))
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    own = (str(home / "containers/certs.d"),) if podman else (str(home / "docker/certs.d"),)
    return Policy(frozenset(names), tuple(networks), mirrors, CERTS + own)


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query
    except ValueError:
        return False
