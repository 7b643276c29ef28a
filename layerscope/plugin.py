"""``docker layerscope``: the entry point ``docker-layerscope``, a plugin of the Docker CLI.

docker asks every plugin for its metadata at each ``docker --help``, so that nothing heavy is imported here. It
starts the plugin with the whole command line: its own options first, then the plugin's name, then the rest
(docker/cli ``cli-plugins/manager``, ``cli/flags``).
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import MutableMapping
from typing import NoReturn

from layerscope import __version__

METADATA = {
    "SchemaVersion": "0.1.0",
    "Vendor": "The layerscope authors",
    "Version": __version__,
    "ShortDescription": "What images really cost on disk",
}
_TAKES = {
    "--config": "DOCKER_CONFIG",
    "--tlscacert": "",
    "--tlscert": "",
    "--tlskey": "",
    "-l": None,
    "--log-level": None,
}
"""docker's options with a value: the variable that says the same; "" where none does, None where it is docker's own."""
_SWITCHES = {"--tls": "DOCKER_TLS", "--tlsverify": "DOCKER_TLS_VERIFY", "-D": None, "--debug": None}
_OURS = {"-H": "--host", "--host": "--host", "-c": "--context", "--context": "--context"}


def arguments(typed: list[str], environment: MutableMapping[str, str]) -> list[str]:
    """Return our own arguments for what docker hands to its plugin, and put its other options into ``environment``.

    Raises ValueError, a line for a person, for an option that has no counterpart here.
    """
    ours: list[str] = []
    rest = list(typed)
    while rest:
        word = rest.pop(0)
        if word == "layerscope":
            return ours + rest
        name, equals, value = word.partition("=")
        if name in _OURS or name in _TAKES:
            if not equals:
                if not rest:
                    raise ValueError(f"{name} needs a value")
                value = rest.pop(0)
            if name in _OURS:
                ours += [_OURS[name], value]
                continue
            variable = _TAKES[name]
            if variable == "":
                raise ValueError(f"{name} is not read here; set DOCKER_CERT_PATH to the folder with the certificates")
            if variable is not None:
                environment[variable] = value
        elif name in _SWITCHES:
            switch = _SWITCHES[name]
            if switch is not None and value.lower() not in {"false", "0"}:
                environment[switch] = "1"
        else:  # started by hand, not by docker
            return [*ours, word, *rest]
    return ours


def main() -> NoReturn:
    """Answer docker, or run the program as ``layerscope`` would."""
    typed = sys.argv[1:]
    if typed == ["docker-cli-plugin-metadata"]:
        print(json.dumps(METADATA))
        sys.exit(0)
    if typed[:1] in (["__complete"], ["__completeNoDesc"]):  # docker's own completion: nothing to say, no error
        print(":0")
        sys.exit(0)
    try:
        ours = arguments(typed, os.environ)
    except ValueError as error:
        print(f"docker layerscope: {error}", file=sys.stderr)
        sys.exit(2)
    gc.disable()  # as ``layerscope`` itself does
    from layerscope.commands.ahead import ask_ahead, loading  # noqa: PLC0415 (docker asks for the metadata at every help)

    with loading():
        ask_ahead(ours)
        from layerscope.cli import cli  # noqa: PLC0415
        from layerscope.leaving import ending_at_once  # noqa: PLC0415
    with ending_at_once():
        cli.main(ours)
    raise AssertionError  # cli.main() exits
