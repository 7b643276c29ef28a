"""Logins as ``docker login`` and ``podman login`` leave them; nothing is kept, written or shown.

As docker/cli ``cli/config``: a helper for the registry (``credHelpers``), else the
store (``credsStore``), else ``auths``. Keys may be host names or old addresses like
``https://index.docker.io/v1/``. A helper speaks docker-credential-helpers' protocol.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct

from layerscope.registry.errors import RegistryError
from layerscope.registry.reference import HUB

HUB_KEY = "https://index.docker.io/v1/"
_PATIENCE = 20
_LARGEST = 4 << 20
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_TOKEN_USER = "<token>"


class Login(Struct, frozen=True):
    """A login to one registry; its secrets are in no text that is made of it."""

    user: str = ""
    password: str = ""
    identity_token: str = ""
    """To be changed for a token at the token server, in place of a password."""
    registry_token: str = ""
    """To be sent as it is."""

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """A struct has its own for Rich, with all fields, which a traceback with variables prints."""
        return [("user", self.user)]

    @property
    def basic(self) -> str:
        """The value of an Authorization header; empty without a user."""
        if not self.user:
            return ""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def config_files(*, podman: bool = False) -> tuple[Path, ...]:
    """Return the files in which logins may be, the first to look in first."""
    docker = Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser()) / "config.json"
    if not podman:
        return (docker,)
    found = [Path(path)] if (path := os.environ.get("REGISTRY_AUTH_FILE")) else []
    if run := os.environ.get("XDG_RUNTIME_DIR"):
        found.append(Path(run) / "containers/auth.json")
    else:
        found.append(Path(f"/run/containers/{os.getuid()}/auth.json"))
    found.append(Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()) / "containers/auth.json")
    return (*found, docker)


def find_login(registry: str, files: Sequence[Path]) -> Login | None:
    """Return the login for a registry, None where there is none.

    Raises RegistryError for a helper that is missing or fails: what it holds may be the login that is wanted.
    """
    for path in files:
        config = _read(path)
        key = HUB_KEY if registry == HUB else registry
        helpers = config.get("credHelpers")
        helper = helpers.get(key) or helpers.get(registry) if isinstance(helpers, dict) else None
        helper = helper or config.get("credsStore")
        named = helper if isinstance(helper, str) else ""
        login = _ask(named, key) if named else _stored(config.get("auths"), key)
        if login is not None:
            return login
    return None


def _read(path: Path) -> dict[str, Any]:
    """Return the object in a file; a file that docker itself could not use counts as none."""
    try:
        with path.open("rb") as stream:
            config = json.loads(stream.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def _stored(auths: Any, key: str) -> Login | None:
    if not isinstance(auths, dict):
        return None
    entry = auths.get(key)
    if entry is None:
        entry = next((value for name, value in auths.items() if _host(name) == _host(key)), None)
    if not isinstance(entry, dict):
        return None
    user, password = _text(entry.get("username")), _text(entry.get("password"))
    if packed := _text(entry.get("auth")):
        with suppress(binascii.Error, ValueError):
            user, _, password = base64.b64decode(packed + "=" * (-len(packed) % 4)).decode().partition(":")
            password = password.rstrip("\0")
    login = Login(user, password, _text(entry.get("identitytoken")), _text(entry.get("registrytoken")))
    return login if login.user or login.identity_token or login.registry_token else None


def _host(key: str) -> str:
    """Return the host and port of a key (docker/cli ``ConvertToHostname``)."""
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _ask(helper: str, key: str) -> Login | None:
    program = f"docker-credential-{helper}"
    if not _HELPER.fullmatch(helper):
        raise RegistryError("login", f"“{helper[:60]}” is no credential helper", "mend it in docker's config.json")
    try:
        answer = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, timeout=_PATIENCE, check=False
        )
    except FileNotFoundError:
        hint = "install it, or take it out of docker's config.json"
        raise RegistryError("login", f"the credential helper {program} is not installed", hint) from None
    except subprocess.TimeoutExpired:
        hint = f"try `echo {key} | {program} get`"
        raise RegistryError("login", f"the credential helper {program} was silent for {_PATIENCE} s", hint) from None
    except OSError as error:
        cause = f"the credential helper {program} could not be run: {error.strerror}"
        raise RegistryError("login", cause, "install it again") from None
    if answer.returncode:
        words = (answer.stdout or answer.stderr)[:200].decode("utf-8", "replace")
        if "not found" in words.lower():
            return None
        hint = f"try `echo {key} | {program} get`"
        raise RegistryError("login", f"the credential helper {program} failed: {words.strip() or 'no reason'}", hint)
    try:
        given = json.loads(answer.stdout[:_LARGEST])
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise RegistryError("login", f"the credential helper {program} gave no JSON", "install it again")
    user, secret = _text(given.get("Username")), _text(given.get("Secret"))
    if user == _TOKEN_USER:
        return Login(identity_token=secret)
    return Login(user, secret) if user else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
