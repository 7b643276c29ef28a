"""Pack the raw answers of an engine into one recording: ``python tests/recordings/pack.py FOLDER NAME.json.gz``.

FOLDER holds what the engine answered, a file for each question, as written by e.g.
``curl --unix-socket … http://localhost/v1.41/images/json?all=1 > images_all1.json``:

    version.json info.json       /version, /info
    images_all1.json             /images/json?all=1
    images_all0.json             /images/json
    images_manifests.json        /images/json?all=1&manifests=1
    containers.json              /containers/json?all=1
    df.json                      /system/df
    df_image.json df_cache.json  /system/df?type=image, …?type=build-cache
    inspect/<hex>.json           /images/sha256:<hex>/json
    history/<hex>.json           /images/sha256:<hex>/history
    disk_layerdb.json            the truth from disk: {chain ID: {"size": bytes, "diff": diff ID, …}}, overlay2 only

An answer with an error status is kept as {"_status": 500, "_body": {…}}.

NAME.json.gz is one object with the names of the files, without ``.json``, as keys; ``inspect``
and ``history`` are objects by image ID. Questions that an engine does not know are left out.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

ANSWERS = (
    "version", "info", "images_all1", "images_all0", "images_manifests", "containers",
    "df", "df_image", "df_cache", "disk_layerdb",
)  # fmt: skip
BY_IMAGE = ("inspect", "history")
NOT_KEPT = ("ID", "KernelVersion", "SystemTime", "MemTotal", "NGoroutines", "NFd")
"""Of ``/info``: what is about the machine of the day, not about images."""


def pack(folder: Path) -> dict[str, Any]:
    """Return the recording made of the files in ``folder``."""
    recording: dict[str, Any] = {}
    for name in ANSWERS:
        path = folder / f"{name}.json"
        if path.exists():
            recording[name] = json.loads(path.read_bytes())
    for key in NOT_KEPT:
        recording["info"].pop(key, None)
    for name in BY_IMAGE:
        recording[name] = {
            f"sha256:{path.stem}": json.loads(path.read_bytes()) for path in sorted((folder / name).glob("*.json"))
        }
    return recording


def main() -> None:
    """Pack the folder named first into the file named second."""
    folder, target = map(Path, sys.argv[1:3])
    text = json.dumps(pack(folder), separators=(",", ":"), ensure_ascii=False)
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
