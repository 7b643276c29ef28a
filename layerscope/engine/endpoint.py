"""Which engine: finds the address as the ``docker`` command does.

Order of docker/cli ``resolveContextName`` (cli/command/cli.go): ``--context``;
``--host``; ``DOCKER_HOST``; ``DOCKER_CONTEXT``; ``currentContext`` of
``config.json``; the default socket. TLS is that of ``cli/flags/options.go``. docker-py's own look-up is not used: it
takes the default socket for a context that does not exist, and looks for
contexts in the working directory when there is no ``config.json``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from layerscope.engine.errors import EngineError, UsageError
from layerscope.engine.limits import Proxy, proxy_for
from layerscope.state.files import cause, read_small
from layerscope.text import clean, mask_address
from layerscope.units import natural_list

if TYPE_CHECKING:
    from docker.tls import TLSConfig

DEFAULT_HOST = "unix:///var/run/docker.sock"
_PLAIN_SOCKET = re.compile(r"unix:///[A-Za-z0-9_./-]+")
"""What docker-py takes as it is, so that it need not be asked."""

_TCP = ("tcp://", "http://", "https://")
_ADDRESS_HINT = "write it like unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host"


class Endpoint(NamedTuple):
    """Where an engine is, and who said so."""

    host: str
    """As docker-py takes it: ``unix:///…``, ``tcp://…``, ``ssh://…``. May hold a password: show :attr:`shown`."""
    source: str
    """Who named it, in words: ``--host``, ``DOCKER_HOST``, ``context "work"``, ``the default socket``."""
    tls: TLSConfig | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    """``HttpHeaders`` of ``config.json``: sent with every question."""
    proxy: Proxy | None = None
    warnings: tuple[str, ...] = ()
    """What of ``config.json`` was not used, each in one line that names the file."""

    @property
    def shown(self) -> str:
        """The address for screens, scans and logs: without its secrets."""
        return mask_address(self.host)

    @property
    def where(self) -> str:
        """The address, or the path of a socket, and who named it, for a message."""
        path = socket_path(self.host)
        through = f", through the proxy {self.proxy.shown}" if self.proxy else ""
        return f"{path or self.shown} ({self.source}{through})"


def find_endpoint(
    host: str | None = None, context: str | None = None, environ: Mapping[str, str] | None = None
) -> Endpoint:
    """Return the endpoint that ``docker --host … --context …`` would use.

    Raises :class:`UsageError` for what is no address, for a context that does not exist, and for ``host`` and
    ``context`` together; :class:`EngineError` for a context or certificates that cannot be read. Opens no connection.
    """
    environ = os.environ if environ is None else environ
    if host and context:
        raise UsageError("--host and --context name two engines", "give one of them")
    config = _Config(_config_dir(environ) / "config.json")
    found = _find(host, context, config, environ)
    address = http_address(found)
    return Endpoint(
        found.host,
        found.source,
        found.tls,
        headers=config.headers(),
        proxy=proxy_for(address, environ) if address else None,
        warnings=tuple(config.warnings),
    )


def http_address(endpoint: Endpoint) -> str:
    """Return the ``http://`` or ``https://`` address of an engine that is reached by TCP, empty for a socket or ssh."""
    if not endpoint.host.startswith(_TCP):
        return ""
    from docker.utils import parse_host  # noqa: PLC0415 (docker-py: only where it is needed)

    address = str(parse_host(endpoint.host, tls=endpoint.tls is not None))
    return address.replace("tcp://", "http://", 1)


def socket_path(host: str) -> Path | None:
    """Return the path of a Unix socket's address, None for other addresses."""
    for scheme in ("unix://", "http+unix://"):
        if host.startswith(scheme):
            return Path("/" + host.removeprefix(scheme).lstrip("/"))
    return None


def _find(host: str | None, context: str | None, config: _Config, environ: Mapping[str, str]) -> Endpoint:
    if host:
        return _plain(host, "--host", environ)
    from_env = environ.get("DOCKER_HOST", "")
    name, source = context, "--context"
    if not name and not from_env:
        name, source = environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
        if not name:
            name, source = config.current_context(), "currentContext"
    if name and name != "default":
        return _from_context(name, source, environ)
    if from_env:  # the context "default" is what DOCKER_HOST says
        return _plain(from_env, "DOCKER_HOST", environ)
    return _plain(DEFAULT_HOST, "the default socket", environ)


def _plain(host: str, source: str, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint of a bare address; TLS for TCP is what ``DOCKER_TLS`` and ``DOCKER_TLS_VERIFY`` say.

    ``DOCKER_CERT_PATH`` says only where certificates are, not that there is TLS.
    """
    host = host.strip() or DEFAULT_HOST
    tls = None
    verify, folder = bool(environ.get("DOCKER_TLS_VERIFY")), environ.get("DOCKER_CERT_PATH")
    if host.startswith(_TCP) and (verify or environ.get("DOCKER_TLS")):
        tls = _tls(Path(folder) if folder else _config_dir(environ), verify, source)
    return _endpoint(host, source, tls)


def _endpoint(host: str, source: str, tls: TLSConfig | None) -> Endpoint:
    """Return the endpoint after checking that docker-py will understand the address."""
    if _PLAIN_SOCKET.fullmatch(host):
        return Endpoint(host, source, tls)
    from docker.errors import DockerException  # noqa: PLC0415 (docker-py: only where it is needed)
    from docker.utils import parse_host  # noqa: PLC0415

    if host.startswith("/"):
        raise UsageError(f"{source} is {host!r}, which has no scheme", f"write it as unix://{host}")
    try:
        host = _with_port(host, tls is not None)
        address = parse_host(host, tls=tls is not None)
    except (DockerException, ValueError) as error:
        words = re.sub("^Invalid bind address (format|protocol): ", "", str(error))
        raise UsageError(f"{source} is not the address of an engine: {words}", _ADDRESS_HINT) from error
    if address in {"http+unix:", "http+unix:/", "http+unix://"}:
        raise UsageError(f"{source} is not the address of an engine: {host} has no path", _ADDRESS_HINT)
    return Endpoint(host, source, tls)


def _with_port(host: str, tls: bool) -> str:
    """Fill in docker's own port where a TCP address names none, as the ``docker`` command does."""
    parts = urlsplit(host)
    if parts.scheme == "tcp" and parts.hostname and parts.port is None:
        return parts._replace(netloc=f"{parts.netloc}:{2376 if tls else 2375}").geturl()
    return host


def _tls(folder: Path, verify: bool, source: str) -> TLSConfig:
    """Return the TLS settings of a folder with ca.pem, cert.pem and key.pem, the names that docker gives them.

    A certificate of one's own is sent if it is there, with its key. The CA must be there if it is to be checked.
    """
    ca, cert, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
    needed = [ca] if verify else []
    if cert.is_file() or key.is_file():
        needed += [cert, key]
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        raise EngineError(
            f"TLS for the engine of {source}: there is no {' and no '.join(missing)} in {folder}",
            "name the folder that has them in DOCKER_CERT_PATH, or make the context again with them",
        )
    from docker.tls import TLSConfig  # noqa: PLC0415 (docker-py: only where it is needed)

    return TLSConfig(
        client_cert=(str(cert), str(key)) if cert.is_file() else None,
        ca_cert=str(ca) if ca.is_file() else None,
        verify=verify,
    )


# docker's configuration


def _config_dir(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())


_OURS = {"host", "user-agent", "connection", "content-length", "transfer-encoding", "proxy-authorization"}
"""Headers that are not the configuration's to set; the ``docker`` command does not send its values either."""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


class _Config:
    """``config.json``: read as the ``docker`` command does, which goes on without what it cannot read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._entries: dict[str, Any] = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(read_small(self.path))
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._warn(f"not read: {cause(error)}")
        except RecursionError:
            self._warn("not read: nested too deeply")
        except ValueError as error:
            self._warn(f"not read: {error}")
        else:
            if isinstance(found, dict):
                return found
            if found is not None:
                self._warn("not used: it holds no JSON object")
        return {}

    def current_context(self) -> str | None:
        """Return the name of the context that is in use, None for none."""
        name = self._entries.get("currentContext")
        if name is not None and not isinstance(name, str):
            self._warn("currentContext is not a text, so it is not used")
        return name if isinstance(name, str) else None

    def headers(self) -> dict[str, str]:
        """Return what is to be sent with every question."""
        found = self._entries.get("HttpHeaders")
        if found is None:
            return {}
        if not isinstance(found, dict):
            self._warn("HttpHeaders is not an object, so it is not used")
            return {}
        headers = {}
        for name, value in found.items():
            if name.lower() in _OURS:
                continue
            if isinstance(value, str) and _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value):
                headers[name] = value
            else:
                self._warn(f"the entry {clean(name, 60)!r} of HttpHeaders is no HTTP header, so it is not sent")
        return headers

    def _warn(self, words: str) -> None:
        self.warnings.append(clean(f"{self.path}: {words}", 400))


# contexts, as docker/cli stores them (cli/context/store): meta/<sha256 of the name>/meta.json, tls/<same>/docker/


def _from_context(name: str, source: str, environ: Mapping[str, str]) -> Endpoint:
    import hashlib  # noqa: PLC0415 (a library of its own: only where a context is named)

    contexts = _config_dir(environ) / "contexts"
    key = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    path = contexts / "meta" / key / "meta.json"
    try:
        docker: Any = json.loads(read_small(path))["Endpoints"]["docker"]
        host, skip_verify = docker.get("Host", ""), bool(docker.get("SkipTLSVerify"))
    except FileNotFoundError:
        there = natural_list(["default", *_context_names(contexts / "meta")])
        raise UsageError(f"there is no context {name!r} ({source})", f"contexts that exist: {there}") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise EngineError(
            f"the context {name!r} ({source}) cannot be read: {_why(error)} in {path}",
            f"see `docker context inspect {name}`, or name the engine with --host",
        ) from error
    if not host or not isinstance(host, str):
        return Endpoint(DEFAULT_HOST, f'context "{name}"')
    tls, folder, source = None, contexts / "tls" / key / "docker", f'context "{name}"'
    if host.startswith(_TCP) and folder.is_dir():
        tls = _tls(folder, not skip_verify, source)
    elif host.startswith(_TCP) and skip_verify:
        from docker.tls import TLSConfig  # noqa: PLC0415 (docker-py: only where it is needed)

        tls = TLSConfig(verify=False)
    return _endpoint(host, source, tls)


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, OSError):
        return cause(error)
    return str(error) if isinstance(error, ValueError) else "no entry Endpoints.docker"


def context_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of all docker contexts, those that cannot be read left out."""
    return ["default", *_context_names(_config_dir(environ) / "contexts" / "meta")]


def _context_names(folder: Path) -> list[str]:
    names = []
    for meta in folder.glob("*/meta.json"):
        try:
            names.append(str(json.loads(read_small(meta))["Name"]))
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            continue
    return sorted(names)
