"""What looking costs beside process start and scan: the bars of ``pull-cost``, against a registry on loopback.

usage: python -m dev.benchmarks.pull      (the best of five; needs docker-registry and skopeo)
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence

from layerscope.core.build import build_graph
from layerscope.inventory import Engine, Inventory
from layerscope.registry.client import RegistryClient
from layerscope.registry.look import Looked, Wanted, look
from layerscope.registry.policy import Policy
from layerscope.registry.reference import parse_reference
from layerscope.registry.transport import CONNECTIONS, Transport
from tests.registry.fake import Images, Server
from tests.registry.layouts import Layer, config_of, push, tar, words, write_layout
from tests.registry.private import PrivateRegistry

HOST = build_graph(
    Inventory(
        Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "nobody", os="linux", architecture="amd64"), ()
    )
)
ROUNDS = 5


def layers(count: int) -> tuple[Layer, ...]:
    return tuple(Layer(tar({f"{count}-{n}": words(4000, n)})) for n in range(count))


def once(names: Sequence[str]) -> tuple[float, float, int, Looked]:
    """Return seconds, seconds of CPU, requests and what was found, of a look at these names without any cache."""
    with Transport(Policy()) as transport:
        started, used = time.perf_counter(), time.process_time()
        looked = look(
            RegistryClient(transport), HOST, [Wanted(name, reference=parse_reference(name)) for name in names]
        )
        return time.perf_counter() - started, time.process_time() - used, transport.requests, looked


def bar(what: str, names: Sequence[str], most: float) -> bool:
    rounds = [once(names) for _ in range(ROUNDS)]
    seconds, cpu, requests, looked = min(rounds, key=lambda one: one[0])
    assert not looked.failed, looked.failed[0][1]
    good = seconds <= most
    times = f"{seconds * 1000:7.1f} ms ({cpu * 1000:.1f} ms of CPU)  bar {most * 1000:.0f} ms"
    print(f"{what:26} {times}  {requests} requests  {'' if good else 'OVER'}")
    return good


def side_by_side() -> bool:
    """Ask for 20 and for 200 images at once: no more than eight connections, with progress, and stopped on demand."""
    with Server(Images(slow=0.005)) as server, Transport(Policy()) as transport:
        client, stop, seen = RegistryClient(transport), threading.Event(), []
        names = [f"{server.host}/shop/api:1"] * 20
        look(client, HOST, [Wanted(name, reference=parse_reference(name)) for name in names])
        connections = server.connections

        def progress(done: int, total: int) -> None:
            seen.append(done)
            if len(seen) > 4:
                stop.set()

        names = [f"{server.host}/shop/api:1"] * 200
        wanted = [Wanted(name, reference=parse_reference(name)) for name in names]
        started = time.perf_counter()
        looked = look(client, HOST, wanted, progress=progress, cancelled=stop)
        took = time.perf_counter() - started
    print(f"20 at once: {connections} connections, at most {server.at_once} requests under way (bar {CONNECTIONS})")
    print(f"200 references: progress {seen[:5]} …, cancelled after {took:.2f} s with {len(looked.cost.images)} done")
    return server.at_once <= CONNECTIONS and connections <= CONNECTIONS and len(looked.cost.images) < 200


def main() -> int:
    with PrivateRegistry() as registry:
        names = {}
        for count in (3, 101):
            folder = registry.folder / f"layers-{count}"
            write_layout(folder, {"amd64": (layers(count), config_of(layers(count)))})
            names[count] = f"{registry.host}/layers-{count}:1"
            push(folder, names[count])
        good = [bar("one image of 3 layers", [names[3]], 0.1), bar("one image of 101 layers", [names[101]], 1.0)]
    return 0 if all([*good, side_by_side()]) else 1


if __name__ == "__main__":
    sys.exit(main())
