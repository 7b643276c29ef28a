"""Which engine: finds the address as the ``docker`` command does.

Order of docker/cli ``resolveContextName`` (cli/command/cli.go): ``--context``;
``--host``; ``DOCKER_HOST``; ``DOCKER_CONTEXT``; ``currentContext`` of
``config.json``; the default socket. docker-py's own look-up is not used: it
takes the default socket for a context that does not exist, and looks for
contexts in the working directory when there is no ``config.json``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker.constants import DEFAULT_UNIX_SOCKET, IS_WINDOWS_PLATFORM
from docker.errors import DockerException
from docker.tls import TLSConfig
from docker.utils import parse_host

from layerscope.engine.errors import EngineError, UsageError

DEFAULT_HOST = DEFAULT_UNIX_SOCKET.removeprefix("http+")

_TCP = ("tcp://", "http://", "https://")
_ADDRESS_HINT = "write it like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an engine is, and who said so."""

    host: str
    """As docker-py takes it: ``unix:///…``, ``tcp://…``, ``ssh://…``."""
    source: str
    """Who named it, in words: ``--host``, ``DOCKER_HOST``, ``context "work"``, ``the default socket``."""
    tls: TLSConfig | None = None


def find_endpoint(
    host: str | None = None, context: str | None = None, environ: Mapping[str, str] | None = None
) -> Endpoint:
    """Return the endpoint that ``docker --host … --context …`` would use.

    Raises :class:`EngineError` for a context that does not exist or cannot be read, and
    :class:`UsageError` for ``host`` and ``context`` together. Opens no connection.
    """
    environ = os.environ if environ is None else environ
    if host and context:
        raise UsageError("--host and --context name two engines", "give one of them")
    if host:
        return _plain(host, "--host", environ)
    from_env = environ.get("DOCKER_HOST", "")
    name, source = context, "--context"
    if not name and not from_env:
        name, source = environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
        if not name:
            name, source = _current_context(environ), "currentContext"
    if name and name != "default":
        return _from_context(name, source, environ)
    if from_env:  # the context "default" is what DOCKER_HOST says
        return _plain(from_env, "DOCKER_HOST", environ)
    return _plain(DEFAULT_HOST, "the default socket", environ)


def _plain(host: str, source: str, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint of a bare address; TLS for TCP is what the environment says, read as docker-py reads it."""
    host = host.strip() or DEFAULT_HOST
    tls = None
    verify, folder = bool(environ.get("DOCKER_TLS_VERIFY")), environ.get("DOCKER_CERT_PATH")
    if host.startswith(_TCP) and (verify or folder):
        tls = _tls(Path(folder) if folder else _config_dir(environ), verify, source)
    return _endpoint(host, source, tls)


def _endpoint(host: str, source: str, tls: TLSConfig | None) -> Endpoint:
    """Return the endpoint after checking that docker-py will understand the address."""
    if host.startswith("/"):
        raise EngineError(f"{source} is {host!r}, which has no scheme", f"write it as unix://{host}")
    try:
        host = _with_port(host, tls is not None)
        address = parse_host(host, IS_WINDOWS_PLATFORM, tls=tls is not None)
    except (DockerException, ValueError) as error:
        words = re.sub("^Invalid bind address (format|protocol): ", "", str(error))
        raise EngineError(f"{source} is not the address of an engine: {words}", _ADDRESS_HINT) from error
    if address in {"http+unix:", "http+unix:/", "http+unix://"}:
        raise EngineError(f"{source} is not the address of an engine: {host} has no path", _ADDRESS_HINT)
    return Endpoint(host, source, tls)


def _with_port(host: str, tls: bool) -> str:
    """Fill in docker's own port where a TCP address names none, as the ``docker`` command does."""
    parts = urlsplit(host)
    if parts.scheme == "tcp" and parts.hostname and parts.port is None:
        return parts._replace(netloc=f"{parts.netloc}:{2376 if tls else 2375}").geturl()
    return host


def _tls(folder: Path, verify: bool, source: str) -> TLSConfig:
    """Return the TLS settings of a folder with ca.pem, cert.pem and key.pem, the names that docker gives them."""
    ca, cert, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    needed = (ca, cert, key) if verify else (cert, key)
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        raise EngineError(
            f"TLS for the engine of {source}: there is no {' and no '.join(missing)} in {folder}",
            "name the folder that has them in DOCKER_CERT_PATH, or make the context again with them",
        )
    return TLSConfig(client_cert=(str(cert), str(key)), ca_cert=str(ca) if ca.is_file() else None, verify=verify)


# contexts, as docker/cli stores them (cli/context/store): meta/<sha256 of the name>/meta.json, tls/<same>/docker/


def _config_dir(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())


def _current_context(environ: Mapping[str, str]) -> str | None:
    try:
        config = json.loads((_config_dir(environ) / "config.json").read_bytes())
    except (OSError, ValueError):
        return None  # docker too goes on without a config that it cannot read
    name = config.get("currentContext") if isinstance(config, dict) else None
    return name if isinstance(name, str) else None


def _from_context(name: str, source: str, environ: Mapping[str, str]) -> Endpoint:
    contexts = _config_dir(environ) / "contexts"
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    path = contexts / "meta" / key / "meta.json"
    try:
        docker: Any = json.loads(path.read_bytes())["Endpoints"]["docker"]
        host, skip_verify = docker.get("Host", ""), bool(docker.get("SkipTLSVerify"))
    except FileNotFoundError:
        there = ", ".join(["default", *_context_names(contexts / "meta")])
        raise EngineError(f"there is no context {name!r} ({source})", f"contexts that exist: {there}") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise EngineError(
            f"the context {name!r} ({source}) cannot be read: {error!r} in {path}",
            f"see `docker context inspect {name}`, or name the engine with --host",
        ) from error
    if not host or not isinstance(host, str):
        return Endpoint(DEFAULT_HOST, f'context "{name}"')
    tls, folder, source = None, contexts / "tls" / key / "docker", f'context "{name}"'
    if host.startswith(_TCP) and folder.is_dir():
        tls = _tls(folder, not skip_verify, source)
    elif host.startswith(_TCP) and skip_verify:
        tls = TLSConfig(verify=False)
    return _endpoint(host, source, tls)


def _context_names(folder: Path) -> list[str]:
    names = []
    for meta in folder.glob("*/meta.json"):
        try:
            names.append(str(json.loads(meta.read_bytes())["Name"]))
        except (OSError, ValueError, LookupError, TypeError):
            continue
    return sorted(names)
