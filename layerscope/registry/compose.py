"""The images of a compose file: what ``docker compose pull`` would pull.

YAML by PyYAML; the rules on top (interpolation, ``.env``, ``extends``, ``include``, profiles)
are those of the Compose Specification, ``12-interpolation.md``, ``05-services.md``, ``14-include.md``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from layerscope.registry.errors import RegistryError
from layerscope.state.files import cause

_LARGEST = 1 << 20
_DEEPEST = 16
"""Files that extend or include files, and variables within variables."""
_LONGEST = 4096


class ComposeImage(Struct, frozen=True):
    """An image that services of a compose file name."""

    name: str
    platform: str
    """As the service says it; empty for the engine's own."""


def compose_images(path: Path, environment: Mapping[str, str] | None = None) -> tuple[ComposeImage, ...]:
    """Return the images of a compose file, each once, in its order.

    Left out, as by ``docker compose pull``: services that are only built, those with
    ``pull_policy: never`` or ``build``, and those of profiles that ``COMPOSE_PROFILES`` does not name.
    Raises RegistryError of kind "name" for a file that cannot be used.
    """
    given = os.environ if environment is None else environment
    variables = {**_dotenv(path.parent / ".env"), **given}
    profiles = {name.strip() for name in variables.get("COMPOSE_PROFILES", "").split(",")}
    found: dict[ComposeImage, None] = {}
    for name, service in _services(path, variables, 0).items():
        wants = service.get("profiles")
        if isinstance(wants, list) and wants and "*" not in profiles and profiles.isdisjoint(map(str, wants)):
            continue
        image = service.get("image")
        if not image or service.get("pull_policy") in {"never", "build"}:
            continue
        if not isinstance(image, str):
            raise _wrong(path, f"the image of service {name} is no text")
        found[ComposeImage(image, str(service.get("platform") or ""))] = None
    return tuple(found)


def _services(path: Path, variables: Mapping[str, str], depth: int) -> dict[str, dict[str, Any]]:
    if depth > _DEEPEST:
        raise _wrong(path, "files that include each other in a circle")
    data = _load(path)
    found: dict[str, dict[str, Any]] = {}
    for entry in _listed(data.get("include")):
        for part in _listed(entry.get("path") if isinstance(entry, dict) else entry):
            if isinstance(part, str):
                found |= _services(path.parent / _filled(part, variables, path), variables, depth + 1)
    services = data.get("services")
    if services is None and found:
        return found
    if not isinstance(services, dict):
        raise _wrong(path, "it has no services")
    for name in services:
        found[str(name)] = _service(path, services, str(name), variables, depth)
    return found


def _service(
    path: Path, services: dict[str, Any], name: str, variables: Mapping[str, str], depth: int
) -> dict[str, Any]:
    if depth > _DEEPEST:
        raise _wrong(path, "services that extend each other in a circle")
    service = services.get(name)
    if not isinstance(service, dict):
        raise _wrong(path, f"its service {name} is not there, or no mapping")
    base: dict[str, Any] = {}
    if extends := service.get("extends"):
        extends = {"service": extends} if isinstance(extends, str) else extends
        if not isinstance(extends, dict) or not isinstance(extends.get("service"), str):
            raise _wrong(path, f"service {name} extends what is no service")
        if isinstance(extends.get("file"), str):
            other = path.parent / _filled(extends["file"], variables, path)
            theirs = _load(other).get("services")
            base = _service(other, theirs if isinstance(theirs, dict) else {}, extends["service"], variables, depth + 1)
        else:
            base = _service(path, services, extends["service"], variables, depth + 1)
    own = {key: service[key] for key in ("image", "platform", "pull_policy", "profiles") if key in service}
    return base | {
        key: _filled(value, variables, path) if isinstance(value, str) else value for key, value in own.items()
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


class _Loader(yaml.SafeLoader):
    """YAML in which every scalar is the text that stands there: ``1.10`` is no number, ``on`` no truth value."""


_Loader.yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("^(?:<<)$"))]}
for _tag in ("!reset", "!override"):  # of the specification's "merge.md"
    _Loader.add_constructor(_tag, lambda loader, node: None)


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise _wrong(path, cause(error)) from None
    if len(text) > _LARGEST:
        raise _wrong(path, "it is larger than 1 MiB")
    try:
        data = yaml.load(text, _Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _wrong(path, f"it is no YAML{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError):
        raise _wrong(path, "it is no YAML") from None
    if not isinstance(data, dict):
        raise _wrong(path, "it is no compose file")
    return data


_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{)", re.ASCII)
_BRACED = re.compile(r"([A-Za-z_]\w*)(:?[-?+])?", re.ASCII)


def _filled(text: str, variables: Mapping[str, str], path: Path, depth: int = 0) -> str:
    """Put variables in: ``$A``, ``${A}``, ``${A:-other}``, ``${A:?why}``, ``${A:+then}``; ``$$`` is a dollar sign."""
    if depth > _DEEPEST or len(text) > _LONGEST:
        raise _wrong(path, "variables within variables, too deep")
    done, at = "", 0
    while found := _VARIABLE.search(text, at):
        done += text[at : found.start()]
        at = found.end()
        if found[1]:
            done += "$"
        elif found[2]:
            done += variables.get(found[2], "")
        else:
            end = _closing(text, at)
            inner = _BRACED.match(text, at)
            if end < 0 or inner is None or (not inner[2] and inner.end() != end):
                raise _wrong(path, f"“{text[:60]}” has a variable that does not end")
            done += _value(inner[1], inner[2] or "", text[inner.end() : end], variables, path, depth)
            at = end + 1
        if len(done) > _LONGEST:
            raise _wrong(path, "a value that is too long")
    return done + text[at:]


def _value(name: str, rule: str, rest: str, variables: Mapping[str, str], path: Path, depth: int) -> str:
    value = variables.get(name)
    there = bool(value) if rule.startswith(":") else value is not None
    if rule.endswith("+"):
        return _filled(rest, variables, path, depth + 1) if there else ""
    if rule and not there:
        if rule.endswith("?"):
            raise _wrong(path, f"the variable {name} is not set: {rest[:80] or 'it has to be'}")
        return _filled(rest, variables, path, depth + 1)
    return value or ""


def _closing(text: str, at: int) -> int:
    """Return where the brace that was opened before ``at`` closes, -1 for nowhere."""
    depth = 1
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    return -1


def _dotenv(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return {}
    found = {}
    for line in text.splitlines():
        key, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and re.fullmatch(r"[A-Za-z_]\w*", key.strip(), re.ASCII):
            value = value.strip()
            if value[:1] in {"'", '"'} and value.find(value[0], 1) > 0:
                value = value[1 : value.find(value[0], 1)]
            else:
                value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
            found[key.strip()] = value
    return found


def _wrong(path: Path, why: str) -> RegistryError:
    return RegistryError("name", f"{path}: {why}")
