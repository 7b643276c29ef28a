"""What a registry wants to see before it answers: a password, or a token of its token server.

Sources: distribution's "Token Authentication Specification", its OAuth2 variant for
identity tokens, RFC 9110 section 11 for challenges.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from layerscope.registry.credentials import Login, find_login
from layerscope.registry.errors import RegistryError, odd
from layerscope.registry.transport import Response, Transport

_LARGEST_TOKEN = 1 << 20
_LONGEST_HEADER = 8192
_SOON = 10
"""Seconds before its end at which a token counts as over."""
_LASTS = 60
"""Seconds that a token lasts where the server does not say ("Token Authentication Specification")."""
_PART = re.compile(r'\s*,?\s*(?:(\w[\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|(\w[\w-]*)(?=\s|$|,))')


def challenges(header: str) -> list[tuple[str, dict[str, str]]]:
    """Return the challenges of a WWW-Authenticate header: (scheme in lower case, its parameters)."""
    found: list[tuple[str, dict[str, str]]] = []
    at, header = 0, header[:_LONGEST_HEADER]
    while part := _PART.match(header, at):
        at = part.end()
        key, quoted, plain, scheme = part.groups()
        if scheme:
            found.append((scheme.lower(), {}))
        elif found:
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
            found[-1][1].setdefault(key.lower(), value)
    return found


class Authorizer:
    """Keeps what authorizes requests, for as long as it is good. Safe to use from several threads."""

    def __init__(self, transport: Transport, files: Sequence[Path]) -> None:
        self._transport = transport
        self._files = files
        self._known: dict[tuple[str, str], tuple[str, float]] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()
        self.logins: dict[str, Login | None] = {}
        """Registry → the login that was found for it, once it was asked for."""

    def known(self, base: str, scope: str) -> str:
        """Return the Authorization for a scope, empty where there is none yet, or no more."""
        value, until = self._known.get((base, scope), ("", 0.0))
        return value if self._transport.clock.now() < until else ""

    def answer(self, base: str, registry: str, scope: str, refused: Response, sent: str) -> str:
        """Return the Authorization that a challenge asks for. ``sent`` is the one that was refused.

        Raises RegistryError where a login is wanted that is not there, or was refused.
        """
        with self._lock:
            lock = self._locks.setdefault((base, scope), threading.Lock())
        with lock:
            known = self.known(base, scope)
            if known and known != sent:  # another thread was quicker
                return known
            value, lasts = self._new(base, registry, scope, refused.headers.get("www-authenticate", ""))
            self._known[base, scope] = (value, self._transport.clock.now() + lasts)
            return value

    def _new(self, base: str, registry: str, scope: str, header: str) -> tuple[str, float]:
        asked = dict(reversed(challenges(header)))
        if "bearer" in asked:
            return self._token(base, registry, scope, asked["bearer"])
        if "basic" in asked:
            login = self._login(registry)
            if login is None or not login.basic:
                raise wants_login(registry)
            self._check_way(base, base, registry)
            return login.basic, 10**9
        raise odd(registry, "401, and not how to log in")

    def _token(self, base: str, registry: str, scope: str, asked: dict[str, str]) -> tuple[str, float]:
        login, realm = self._login(registry), asked.get("realm", "")
        parts = urlsplit(realm) if realm.isprintable() else None
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise odd(registry, "401 with no address of a token server")
        if login is not None and login.registry_token:
            return f"Bearer {login.registry_token}", 10**9
        query = {key: asked[key] for key in ("service",) if asked.get(key)} | {"scope": asked.get("scope") or scope}
        if login is not None:
            self._check_way(base, realm, registry)
        if login is not None and login.identity_token:
            form = query | {"grant_type": "refresh_token", "refresh_token": login.identity_token}
            form["client_id"] = "layerscope"
            answer = self._transport.ask(
                "POST",
                realm,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                body=urlencode(form).encode(),
                limit=_LARGEST_TOKEN,
            )
        else:
            sign = "&" if parts.query else "?"
            answer = self._transport.ask(
                "GET",
                f"{realm}{sign}{urlencode(query)}",
                limit=_LARGEST_TOKEN,
                authorization=login.basic if login else "",
            )
        if answer.status in {400, 401, 403}:
            raise refused_login(registry) if login else wants_login(registry)
        if answer.status >= 300:
            raise odd(parts.netloc, f"{answer.status} when asked for a token")
        return _read_token(answer, parts.netloc)

    def _login(self, registry: str) -> Login | None:
        with self._lock:
            if registry not in self.logins:
                self.logins[registry] = find_login(registry, self._files)
            return self.logins[registry]

    def _check_way(self, base: str, url: str, registry: str) -> None:
        """Refuse to send a login in the clear to a token server, where the registry itself has TLS."""
        if url.startswith("http:") and base.startswith("https:") and not self._transport.policy.is_loopback(registry):
            raise odd(registry, "that its login be sent without TLS")


def _read_token(answer: Response, host: str) -> tuple[str, float]:
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    token = (data.get("token") or data.get("access_token")) if isinstance(data, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise odd(host, "something that is no token")
    lasts = data.get("expires_in") if isinstance(data, dict) else None
    if not isinstance(lasts, (int, float)) or isinstance(lasts, bool) or not 0 < lasts < 10**9:
        lasts = _LASTS
    return f"Bearer {token}", max(1.0, lasts - _SOON)


def wants_login(registry: str) -> RegistryError:
    """Return the error for a registry that answers nobody without a login."""
    target = "" if registry == "docker.io" else f" {registry}"
    return RegistryError(
        "login", f"{registry} wants a login for that, if it is there at all", f"run `docker login{target}`"
    )


def refused_login(registry: str) -> RegistryError:
    """Return the error for a login that is no longer good."""
    target = "" if registry == "docker.io" else f" {registry}"
    return RegistryError("login", f"{registry} does not accept the login that is stored", f"run `docker login{target}`")
