"""Pulls on engines that may be changed: said before, then measured. Needs docker-registry and skopeo.

usage: python -m dev.pulls DOCKER_HOST...
"""

from __future__ import annotations

import sys

from tests.registry.private import PrivateRegistry
from tests.registry.pulls import Engine, fill, run


def main(hosts: list[str]) -> int:
    wrong = 0
    with PrivateRegistry() as registry:
        fill(registry)
        for host in hosts:
            for by_api_only in (True, False):
                engine = Engine(host)
                engine.remove_all(registry.host)
                facts = engine.inventory().engine
                print(f"{facts.kind} {facts.version} {facts.store}, by its {'API' if by_api_only else 'folder too'}")
                for pull in run(engine, registry, by_api_only=by_api_only):
                    print(" ", pull, flush=True)
                    wrong += len(pull.wrong)
                engine.remove_all(registry.host)
                if facts.store_kind != "graphdriver":
                    break
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
