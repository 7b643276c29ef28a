"""Tell a fresh scan of the sample host what no build can: dates of commits, imports and containers, and registries.

usage: story.py SCAN.json.gz [OUT.json.gz]

`docker commit`, `docker import`, the classic builder and `docker run` know no SOURCE_DATE_EPOCH, so in a host that was
filled in a quarter of an hour their dates are all of that quarter. And without a registry nothing was pulled. This sets
dates and repository digests as they are on a host in use, the same for the same scan. Sizes and layers stay as scanned.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HOUR, DAY = 3600, 86_400
IMAGES = {"acme/staging-vm:import": 150 * DAY, "acme/shop-api:debug": 26 * HOUR, "acme/gateway:0.4.0": 49 * DAY}
"""Age of what has no date of its own; steps of its build go along."""
CONTAINERS = {
    "geo-db": 21 * DAY,
    "crm-export": 45 * DAY,
    "e2e-nightly": 9 * HOUR,
    "billing-migrate": 60 * DAY,
    "shop-api-canary": 8 * DAY,
    "registry": 120 * DAY,
    "notebook-spike": 40 * DAY,
}
OTHERS = 40 * HOUR
"""Age of the other containers: they were started together."""
PUSHED = ("ghcr.io/", "localhost:5000/")
FRESH = 1200
"""Seconds before the scan within which the host was filled."""


def main() -> None:
    """Read, tell, write."""
    source, target = sys.argv[1], sys.argv[-1]
    with gzip.open(source) as file:
        scan = json.load(file)
    dates(scan)
    registries(scan)
    with Path(target).open("wb") as out, gzip.GzipFile("", "wb", mtime=0, fileobj=out) as file:
        file.write(json.dumps(scan, separators=(",", ":")).encode())


def dates(scan: dict[str, Any]) -> None:
    """Date images and their newest steps, and the containers."""
    now, by_id = scan["taken_at"], {image["id"]: image for image in scan["images"]}
    for image in scan["images"]:
        age = next((IMAGES[tag] for tag in image.get("tags", ()) if tag in IMAGES), None)
        here = image if age is not None else None
        while here is not None and age is not None and now - here["created"] < FRESH:
            here["created"] = now - age
            for entry in (scan["history"][at] for at in here["history"]):
                if now - entry["created"] < FRESH:
                    entry["created"] = now - age
            here = by_id.get(here.get("parent_id", ""))
    for container in scan["containers"]:
        container["created"] = now - CONTAINERS.get(container["name"], OTHERS)


def registries(scan: dict[str, Any]) -> None:
    """Give what would come from a registry, or have gone to one, the digest that it would have there."""
    for image in scan["images"]:
        names = [tag.rpartition(":")[0] for tag in image.get("tags", ())]
        known = sorted({name for name in names if not name.startswith("acme/") or name.startswith(PUSHED)})
        if known and not any(tag in IMAGES for tag in image["tags"]):
            digest = hashlib.sha256(b"manifest of " + image["id"].encode()).hexdigest()
            image["digests"] = [f"{name}@sha256:{digest}" for name in known]


if __name__ == "__main__":
    main()
