"""Scan files and engines' answers, mutated: each gives a document, or one line and the status that belongs to it.

usage: python -m dev.fuzz [COUNT [SEED]]      (20,000 unless told; half of them scan files, half answers)

Each case goes through the command line as a person has it, in this process. A fault is a traceback, a status other
than the right ones, more than one line of error, a document that is no JSON, or more memory than
:data:`MOST_MEMORY`.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dev.fuzz_registry import damaged, mutated
from layerscope.cli import cli
from layerscope.sources.scanfile import dumps
from tests.replay import Replay, load_recording, recorded_inventory

MOST_MEMORY = 300_000
"""kB that the process may take at its peak."""
HOSTS = ("podman-5.8", "docker-28.5-containerd", "docker-20.10-overlay2")
COMMANDS = (
    ("report",),
    ("report", "--json"),
    ("report", "--csv"),
    ("export",),
    ("plan", "IMAGE"),
    ("plan", "IMAGE", "--json"),
)
ANSWERS = (
    "/version",
    "/info",
    "/images/json",
    "/images/[^/]+/json",
    "/images/.+/history",
    "/containers/json",
    "/system/df",
)


class Fault(Exception):
    """What should never be."""


def fuzz(count: int, seed: int) -> Counter[str]:
    """Try ``count`` cases; return how often each thing came of it. Raises Fault, which names the case."""
    rng = random.Random(seed)
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, _alone(folder):
        for number in range(count):
            case = random.Random(rng.getrandbits(64))
            try:
                found[_scan_file(case, Path(folder)) if number % 2 else _answers(case, Path(folder))] += 1
            except Exception as error:
                raise Fault(f"case {number} of seed {seed}: {error}") from error
    return found


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Keep the settings, logs and configurations of whoever runs this out of it."""
    with patch.dict("os.environ", {"HOME": folder, "XDG_STATE_HOME": f"{folder}/state", "DOCKER_CONFIG": folder}):
        yield


def _scan_file(rng: random.Random, folder: Path) -> str:
    document = json.loads(dumps(recorded_inventory(rng.choice(HOSTS))))
    for _ in range(rng.randrange(4)):
        document = mutated(document, rng, 5)
    data = json.dumps(document).encode()
    if rng.random() < 0.5:
        data = re.sub(rb'\},\s*\{"id"', b'},\n{"id"', data)  # one record a line, as scans are written
    if rng.random() < 0.4:
        data = damaged(data, rng)
    if rng.random() < 0.3:
        data = gzip.compress(data, 1)
        if rng.random() < 0.3:
            data = damaged(data, rng)
    path = folder / "a.scan"
    path.write_bytes(data)
    return _command(rng, ("-f", str(path)))


def _answers(rng: random.Random, folder: Path) -> str:
    recording = load_recording(rng.choice(HOSTS))
    engine = Replay(recording, folder / f"{rng.getrandbits(40):x}.sock")
    try:
        for _ in range(rng.randrange(1, 4)):
            pattern = rng.choice(ANSWERS)
            body: Any = engine.answer(_example(pattern, recording)).body
            for _ in range(rng.randrange(1, 4)):
                body = mutated(body, rng, 5)
            data = json.dumps(body).encode()
            if rng.random() < 0.3:
                data = damaged(data, rng)
            status = rng.choice((200, 200, 200, 200, 301, 400, 404, 500))
            engine.faults.replace[f"^{pattern}"] = (status, data)
        return _command(rng, ("--host", engine.host))
    finally:
        engine.stop()
        engine.path.unlink(missing_ok=True)


def _example(pattern: str, recording: dict[str, Any]) -> str:
    image = str(recording["images_all1"][0]["Id"])
    return pattern.replace("[^/]+", image).replace(".+", image)


def _command(rng: random.Random, where: tuple[str, ...]) -> str:
    command = [
        part if part != "IMAGE" else rng.choice(("nginx", "a*", "sha256:", "<none>")) for part in rng.choice(COMMANDS)
    ]
    out, wrong, status = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(wrong):
        try:
            cli([*where, *command])
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 99
    out.flush()
    printed, line = out.buffer.getvalue().decode(), wrong.getvalue()  # type: ignore[attr-defined]
    said = f"{command} gave {status}, {line[:500]!r}"
    if "Traceback" in line or "a mistake in layerscope itself" in line:
        raise Fault(f"a traceback: {said}")
    if status not in ({0, 2} if where[0] == "-f" or command[0] == "plan" else {0, 3}) | {3 * (where[0] == "--host")}:
        raise Fault(f"a wrong status: {said}")
    if status and (not line.startswith("layerscope: ") or line.count("\n") != 1 or not line.strip("\n").isprintable()):
        raise Fault(f"not one line: {said}")
    if not status and command[-1] in {"--json", "export"}:
        json.loads(printed)
    return f"{'scan' if where[0] == '-f' else 'answer'} {status}"


def main(args: list[str]) -> int:
    count = int(args[0]) if args else 20_000
    seed = int(args[1]) if len(args) > 1 else 1
    found = fuzz(count, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{count:,} of seed {seed}: " + ", ".join(f"{kind} {number:,}" for kind, number in sorted(found.items())))
    print(f"peak {peak:,} kB")
    return 0 if peak < MOST_MEMORY else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
