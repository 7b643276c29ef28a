"""Random sets of images, removed from a real engine by the product's own remover, and what the disk says then.

The data root is filled once, copied, and put back between sets: loading images again would change who shares what.
The truth is the store's own table of layers and its files of content (:mod:`tests.engine.disks`).
"""

from __future__ import annotations

import os
import random
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from layerscope.core.build import build_graph
from layerscope.core.content import ContentFreed
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.engine.connect import Connection, connect
from layerscope.engine.references import list_blobs
from layerscope.engine.remove import EngineRemover
from layerscope.engine.scan import scan
from layerscope.engine.usage import disk_usage
from layerscope.inventory import DiskUsage, Inventory
from layerscope.state.removal_log import RemovalLog
from tests.engine.disks import disk_of
from tests.engine.private import PrivateEngine


@dataclass
class Findings:
    """What came of some sets."""

    sets: int = 0
    exact: int = 0
    footprint_exact: int = 0
    at_once: int = 0
    bytes_freed: int = 0
    content_exact: int = 0
    content_freed: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.sets} sets, {self.exact} called exact, {self.at_once} with a figure at once, "
            f"footprint exact before {self.footprint_exact}; {self.bytes_freed:,} B freed; "
            f"content at once exact {self.content_exact}, {self.content_freed:,} B freed; "
            f"{len(self.wrong)} wrong {self.wrong[:5]}"
        )


def try_sets(engine: PrivateEngine, number: int, seed: str) -> Findings:
    """Remove ``number`` random sets, each from the same filled data root, the first ``engine`` has as it comes."""
    dice = random.Random(seed)
    findings = Findings()
    data, kept = engine.folder / "data", engine.folder / "filled"
    engine.stop()
    subprocess.run(["cp", "-a", "--reflink=auto", data, kept], check=True)
    for at in range(number):
        if at:
            put_back(kept, data)
        engine.start()
        try:
            findings.wrong += [f"set {at}: {what}" for what in _one(engine, data, dice, findings)]
        finally:
            engine.stop()
        print(f"{at + 1}: {findings}", flush=True)
    shutil.rmtree(kept)
    return findings


def put_back(kept: Path, data: Path) -> None:
    """Make the folder ``data`` what ``kept`` is, where only some of it was changed since it was copied with ``cp -a``.

    A file is taken for unchanged while its kind, size and time are: of gigabytes, only what went is copied again.
    """
    with os.scandir(kept) as rows:
        wanted = {row.name: row for row in rows}
    with os.scandir(data) as rows:
        there = {row.name: row for row in rows}
    for name, row in there.items():
        if name not in wanted or not _same(row, wanted[name]):
            if row.is_dir(follow_symlinks=False):
                shutil.rmtree(row.path)
            else:
                Path(row.path).unlink()
    missing = [Path(row.path) for name, row in wanted.items() if not os.path.lexists(data / name)]
    for at in range(0, len(missing), 500):
        subprocess.run(["cp", "-a", "--reflink=auto", *missing[at : at + 500], data], check=True)
    gone = set(missing)
    for row in wanted.values():
        if row.is_dir(follow_symlinks=False) and Path(row.path) not in gone:
            put_back(Path(row.path), data / row.name)
    times = kept.stat()
    os.utime(data, ns=(times.st_atime_ns, times.st_mtime_ns))


def _same(row: os.DirEntry[str], other: os.DirEntry[str]) -> bool:
    one, two = row.stat(follow_symlinks=False), other.stat(follow_symlinks=False)
    if one.st_mode != two.st_mode or (one.st_uid, one.st_gid) != (two.st_uid, two.st_gid):
        return False
    return stat.S_ISDIR(one.st_mode) or (one.st_size, one.st_mtime_ns) == (two.st_size, two.st_mtime_ns)


def whole_scan(host: str) -> Inventory:
    """Return a scan with the engine's own account of its disk."""
    conn = connect(host)
    return replace(scan(conn), usage=disk_usage(conn))


def _one(engine: PrivateEngine, data: Path, dice: random.Random, findings: Findings) -> list[str]:
    inventory = whole_scan(engine.host)
    graph, disk = build_graph(inventory), disk_of(engine)
    ids = [node.id for node in dice.sample(graph.images, dice.randint(1, len(graph.images)))]
    before, files = disk.layers(), disk.blobs()
    found = plan(graph, ids)
    conn = connect(engine.host)
    listed = list_blobs(conn)
    remover = EngineRemover(conn, RemovalLog(engine.folder / "removals", conn.engine))
    steps = remover.remove(found, lambda step: None, lambda: False)
    after, usage, left = disk.layers(), disk_usage(conn), list_blobs(conn)
    if not engine.podman:
        remover.prune_build_cache()
    pruned = _settled(disk.layers, found)
    odd = [step for step in steps if step.state not in {"removed", "untagged"}]
    wrong = [f"{step.image_id[:19]} {step.state} {step.words}" for step in odd]
    footprint = sum(before.get(layer.chain_id, 0) for layer in graph.layers)
    wrong += _held("footprint", graph.totals.footprint, graph.totals.footprint_bound, footprint)
    wrong += [
        f"layer {layer.chain_id} {layer.size} for {before.get(layer.chain_id)}"
        for layer in (*graph.layers, *graph.hidden_layers)
        if layer.size_is == "exact" and layer.size != before.get(layer.chain_id)
    ]
    gone = sum(before.get(layer.chain_id, 0) for layer in found.freed)
    wrong += _held("frees", found.frees, found.bound, gone)
    if graph.rules.build_cache_holds_layers:
        wrong += _fall(inventory.usage, usage, found)
    else:  # everything that goes is told, and at once
        stays = {layer.chain_id for layer in (*found.freed, *graph.hidden_layers)}
        images = {layer.chain_id for layer in graph.layers}
        wrong += [f"gone unsaid: {chain}" for chain in images - stays if chain in before and chain not in after]
    wrong += [f"still there: {layer.chain_id}" for layer in found.freed if layer.chain_id in pruned]
    wrong += _at_once(found, before, after)
    if found.content is not None and listed is not None and left is not None and files is not None:
        assert graph.content is not None
        # What no image, root or history reaches may be collected at any moment, whatever is removed.
        left |= {digest: listed[digest] for digest in graph.content.of_cache & listed.keys()}
        wrong += _content(found.content, files, listed, left, _collected(conn, found.content), findings)
    findings.sets += 1
    findings.exact += found.exact
    findings.footprint_exact += not graph.totals.footprint_bound
    findings.at_once += found.frees_at_once is not None
    findings.bytes_freed += gone
    return wrong


def _settled(layers: Callable[[], dict[str, int]], found: RemovalPlan) -> dict[str, int]:
    """Return the layers once those that go have gone: containerd collects what a prune let go a moment later."""
    return _at_rest(layers, {layer.chain_id for layer in found.freed})


def _collected(conn: Connection, said: ContentFreed) -> dict[str, int]:
    """Return the engine's list once what is to go is gone from it; as :func:`_settled`."""
    return _at_rest(lambda: list_blobs(conn) or {}, set(said.blobs))


def _at_rest(look: Callable[[], dict[str, int]], going: set[str]) -> dict[str, int]:
    """Return what is there once nothing of ``going`` is, or nothing has gone any more for six seconds."""
    now = look()
    last = time.monotonic()
    while going & now.keys() and time.monotonic() < last + 6:
        time.sleep(0.5)
        before, now = now, look()
        if before.keys() != now.keys():
            last = time.monotonic()
    return now


def _fall(before: DiskUsage | None, after: DiskUsage, found: RemovalPlan) -> list[str]:
    if before is None or before.layers_size is None or after.layers_size is None:
        return []
    return _held("total", found.frees, found.bound, before.layers_size - after.layers_size)


def _content(
    said: ContentFreed,
    files: dict[str, int],
    listed: dict[str, int],
    left: dict[str, int],
    pruned: dict[str, int],
    findings: Findings,
) -> list[str]:
    """Hold the content that a plan promises against the engine's list before, after, and after the prune.

    There may be more files than the list has: before 28.1 it is without those of the build history.
    """
    findings.content_exact += said.at_once.exact
    wrong = [] if files.items() >= listed.items() else ["the list has what no file is"]
    back = sum(size for digest, size in listed.items() if digest not in left)
    findings.content_freed += back
    if not said.at_once.least <= back <= said.at_once.most:
        besides = sorted(size for digest, size in listed.items() if digest not in left and digest not in said.blobs)
        wrong.append(f"content at once {said.at_once} for {back}, and blobs that were not planned of {besides} bytes")
    stays = [digest for digest in said.blobs if digest in pruned]
    if said.after_prune.exact and stays:
        wrong.append(f"content after the prune: {len(stays)} blobs stay, {[(o[7:19], pruned[o]) for o in stays[:6]]}")
    return wrong


def _at_once(found: RemovalPlan, before: dict[str, int], after: dict[str, int]) -> list[str]:
    least = found.frees_at_once
    back = sum(before.get(layer.chain_id, 0) for layer in found.freed if layer.chain_id not in after)
    if least is None or not found.exact:
        return []
    return _held("at once", least, "" if not found.held_by_cache else "≥", back)


def _held(what: str, said: int, bound: str, true: int) -> list[str]:
    fine = {"": said == true, "≥": said <= true, "≤": said >= true}.get(bound, True)
    return [] if fine else [f"{what} {bound}{said} for {true}"]
