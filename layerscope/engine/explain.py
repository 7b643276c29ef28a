"""Why an engine cannot be used, and what to do next: whatever the layers below raise, in one line each."""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from layerscope.engine.endpoint import Endpoint, socket_path
from layerscope.engine.errors import CutOff, EngineError, NoHttp, Refused
from layerscope.engine.limits import AnswerTooLong, AnswerTooSlow, is_redirect
from layerscope.engine.quirks import MINIMUM_API
from layerscope.units import natural_list

_ADDRESS_HINT = "name the engine's address with --host, e.g. --host unix:///var/run/docker.sock"
_AGAIN_HINT = "see whether the engine is still running (`docker info`), then scan again"
_TLS_HINT = "check DOCKER_TLS_VERIFY and the ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH, or the context's own"
_LIMIT_HINT = "no engine that works answers so much; see what answers there (`docker version`)"
_OLD_HINT = f"layerscope needs API {MINIMUM_API[0]}.{MINIMUM_API[1]}, that is Docker Engine 19.03 or later"


def explain(error: BaseException, endpoint: Endpoint, path: str = "") -> EngineError:
    """Return the :class:`EngineError` for what docker-py, requests, urllib3, http.client, paramiko or a socket raised.

    ``path`` is that of the question, where it was one. The innermost error decides: it knows what happened.
    """
    causes = list(_causes(error))
    for cause in causes:
        if found := _explain_one(cause, endpoint, path):
            return found
    words = str(causes[0]) or type(causes[0]).__name__
    return EngineError(f"cannot use the engine at {endpoint.shown}: {words}", _ADDRESS_HINT)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield everything under the error, innermost first, and then itself.

    requests and urllib3 keep the real error in ``args`` or ``reason`` as often as in ``__cause__``.
    """
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(found) < 50:
        this = queue.pop(0)
        if isinstance(this, BaseException) and not any(this is other for other in found):
            found.append(this)
            queue += [this.__cause__, this.__context__, getattr(this, "reason", None), *this.args]
    return reversed(found)


def _explain_one(error: BaseException, endpoint: Endpoint, question: str) -> EngineError | None:
    host = endpoint.shown
    path = socket_path(endpoint.host)
    where = endpoint.where
    of = f" of {question}" if question else ""
    if isinstance(error, EngineError):
        return error
    if type(error).__module__.startswith("paramiko"):  # before OSError: some of its errors are one
        words = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return EngineError(f"{host} cannot be reached by ssh: {words}", _ssh_hint(host))
    match error:
        case AnswerTooLong():
            return EngineError(f"the answer{of} of the engine at {where} is refused: {error}", _LIMIT_HINT)
        case AnswerTooSlow():
            return EngineError(f"the answer{of} of the engine at {where} is {error}", _AGAIN_HINT)
        case FileNotFoundError() | NotADirectoryError() if path is not None:
            return _no_engine(f"there is no engine socket at {where}", path)
        case PermissionError():
            return EngineError(f"no permission to use {where}", _permission_hint(path))
        case ConnectionRefusedError():
            return _no_engine(f"nobody listens at {where}", path)
        case socket.gaierror():
            return EngineError(f"the name in {where} cannot be resolved: {error.strerror}", "check the address")
        case OSError() if _is(error, "ssl", "SSLError"):
            said = getattr(error, "verify_message", "") or getattr(error, "reason", "")
            words = said or re.sub(r" *\(_ssl.*|\[SSL] ", "", str(error))
            return EngineError(f"TLS with {where} failed: {words}", _TLS_HINT)
        case TimeoutError():
            return EngineError(f"the engine at {where} does not answer in time", _AGAIN_HINT)
        case CutOff():
            return EngineError(f"an answer of the engine at {where} was cut off", _AGAIN_HINT)
        case ConnectionResetError() | BrokenPipeError():
            hint = _ssh_hint(host) if host.startswith("ssh://") else _AGAIN_HINT
            return EngineError(f"the engine at {where} closed the connection without an answer", hint)
        case Exception() if found := _of_docker_py(error, endpoint):
            return found
        case NoHttp() | ValueError() | LookupError() | TypeError():
            # an ApiVersion that is missing, a page of HTML, a list where an object belongs
            return None if _is(error, "docker.errors", "DockerException") else not_docker(endpoint)
        case OSError() if not _is(error, "requests", "RequestException"):
            return EngineError(f"cannot reach {where}: {error.strerror or error}", "check the address and the network")
    return None


def _of_docker_py(error: Exception, endpoint: Endpoint) -> EngineError | None:
    """Return what an error of docker-py, or of what it stands on, means; None for any other."""
    host, where = endpoint.shown, endpoint.where
    if _is(error, "urllib3.exceptions", "TimeoutError") or _is(error, "requests", "Timeout"):
        return EngineError(f"the engine at {where} does not answer in time", _AGAIN_HINT)
    if _is(error, "http.client", "IncompleteRead") or _is(error, "urllib3.exceptions", "IncompleteRead"):
        return EngineError(f"an answer of the engine at {where} was cut off", _AGAIN_HINT)
    if _is(error, "docker.errors", "InvalidVersion"):
        return EngineError(f"API too old: the engine at {where} speaks none that docker-py does", _OLD_HINT)
    if _is(error, "docker.errors", "APIError"):
        said: Any = error
        return explain_refusal(Refused(int(said.status_code or 0), str(said.explanation or error)), endpoint)
    if _is(error, "http.client", "HTTPException"):
        return not_docker(endpoint)
    if _is(error, "docker.errors", "DockerException"):
        if "Version parameter" in str(error):
            return not_docker(endpoint)
        if "paramiko" in str(error):
            return EngineError(f"{host} needs paramiko, which is not installed", _ssh_parts_hint())
    return None


def _is(error: BaseException, module: str, name: str) -> bool:
    """Is it an error of this class? Without loading the module: what was not loaded has raised nothing."""
    found = getattr(sys.modules.get(module), name, None)
    return found is not None and isinstance(error, found)


def not_docker(endpoint: Endpoint) -> EngineError:
    """Return the error for something that answers, but not as a Docker API does."""
    return EngineError(f"what answers at {endpoint.where} is not a Docker API", _ADDRESS_HINT)


def not_json(endpoint: Endpoint, path: str) -> EngineError:
    """Return the error for an answer of an engine that cannot be read."""
    return EngineError(f"the engine at {endpoint.shown} answered {path} with something that is not JSON", _AGAIN_HINT)


def explain_refusal(refused: Refused, endpoint: Endpoint, doing: str = "") -> EngineError:
    """Return the error for a request that was answered with an error status, in the engine's own words."""
    words = refused.message
    if is_redirect(refused.status):
        return EngineError(
            f"the engine at {endpoint.where} answered with a redirect ({refused.status}), which is never followed",
            _ADDRESS_HINT,
        )
    if refused.status == 407 and endpoint.proxy is not None:
        return EngineError(
            f"the proxy {endpoint.proxy.shown} wants a user and a password",
            f"write them in {endpoint.proxy.variable}, or name the engine in NO_PROXY",
        )
    if "HTTPS server" in words:
        return EngineError(f"the engine at {endpoint.shown} wants TLS", "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH")
    if refused.status == 400 and "client version" in words:
        return EngineError(
            f"the engine at {endpoint.shown} refuses this API version: {words}", "unset DOCKER_API_VERSION"
        )
    if refused.status == 404 and not doing:
        return not_docker(endpoint)
    if refused.status in {401, 403}:
        return EngineError(f"the engine at {endpoint.shown} refuses access: {words}", "check who may use it")
    what = f" {doing}" if doing else ""
    return EngineError(
        f"the engine at {endpoint.shown} refused{what} ({refused.status}): {words}", "see the engine's log"
    )


def too_old(endpoint: Endpoint, api_version: str) -> EngineError:
    """Return the error for an engine, or a chosen API version, that is older than what is supported."""
    return EngineError(f"API too old: the engine at {endpoint.shown} is used with API {api_version}", _OLD_HINT)


# next steps


def _no_engine(cause: str, path: Path | None) -> EngineError:
    """Return the error for an engine that is not there, with the hint to one that does answer on this machine."""
    from layerscope.engine.elsewhere import engines_elsewhere  # noqa: PLC0415 (only after a failure)

    found = engines_elsewhere(path)
    if not found:
        return EngineError(cause, _start_hint())
    named = natural_list([f"{one.name} (`--host {one.host}`)" for one in found])
    return EngineError(cause, f"an engine answers elsewhere: {named}", found)


def _ssh_parts_hint() -> str:
    """Say how to install what ssh needs, into the environment that this program runs in."""
    prefix = sys.prefix.replace("\\", "/")
    if "/pipx/" in prefix:
        return "run `pipx inject layerscope paramiko`"
    if "/uv/tools/" in prefix:
        return "run `uv tool install --with paramiko layerscope`"
    return "run `pip install 'docker[ssh]'` in the environment of layerscope"


def _start_hint() -> str:
    import shutil  # noqa: PLC0415 (only after a failure)

    if shutil.which("dockerd") is None and shutil.which("podman") is not None:
        return "start Podman's socket (`systemctl --user start podman.socket`) and name it with --host"
    return "start the engine (`sudo systemctl start docker`, or Docker Desktop), or name another one with --host"


def _permission_hint(path: Path | None) -> str:
    """Name the group to join, from the socket itself."""
    import getpass  # noqa: PLC0415 (only after a failure)
    import grp  # noqa: PLC0415

    try:
        info = path.stat() if path else None
        group = grp.getgrgid(info.st_gid) if info and info.st_gid != 0 and info.st_mode & stat.S_IWGRP else None
        user = getpass.getuser()
    except (OSError, KeyError):
        group = None
    if group is None:
        return "run it as a user who may use the engine (`sudo`)"
    if user in group.gr_mem and group.gr_gid not in os.getgroups():
        return f'you are in the group "{group.gr_name}" since after you logged in: log in again'
    return f'join the group "{group.gr_name}" (`sudo usermod -aG {group.gr_name} {user}`), then log in again'


def _ssh_hint(host: str) -> str:
    return f"check that `ssh {host} docker version` works without asking anything"
