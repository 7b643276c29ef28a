"""A generated host as an engine on a Unix socket: so that scans of any size can be measured.

    python -m dev.benchmarks.served SCAN SOCKET

Answers are made once, before the first question; it prints a line when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from layerscope.inventory import Image, Inventory
from layerscope.sources.scanfile import load_inventory

VERSION = {"Version": "28.0.0", "ApiVersion": "1.41", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}
INFO = {
    "ID": "GENE:RATE:DHOS:T000",
    "Name": "generated",
    "Driver": "overlay2",
    "DriverStatus": [],
    "DockerRootDir": "/var/lib/docker",
    "OSType": "linux",
    "Architecture": "x86_64",
}


def answers(inventory: Inventory) -> dict[str, bytes]:
    """Return the body of every answer, by path without the API version and with the query."""
    rows = [_row(image) for image in inventory.images]
    by_id = {image.id: image for image in inventory.images}
    said: dict[str, Any] = {
        "/version": VERSION,
        "/info": {**INFO, "Images": len(rows)},
        "/images/json?all=1": rows,
        "/images/json": [row for row, image in zip(rows, inventory.images, strict=True) if image.listed],
        "/containers/json?all=1": [
            {"Id": c.id, "Names": [f"/{c.name}"], "ImageID": c.image_id, "Image": c.image, "State": c.state}
            for c in inventory.containers
            if c.image_id in by_id
        ],
        "/system/df": {"LayersSize": 0, "Images": rows, "Containers": [], "Volumes": [], "BuildCache": []},
    }
    for image in inventory.images:
        said[f"/images/{image.id}/json"] = _inspected(image)
        said[f"/images/{image.id}/history"] = _history(image, by_id)
    return {path: json.dumps(body).encode() for path, body in said.items()}


def _row(image: Image) -> dict[str, Any]:
    return {
        "Id": image.id,
        "RepoTags": list(image.tags) or None,
        "RepoDigests": list(image.digests) or None,
        "Created": image.created or 0,
        "Size": image.engine_size or 0,
        "ParentId": image.parent_id,
        "Labels": dict(image.labels) or None,
        "Containers": -1,
        "SharedSize": -1,
    }


def _inspected(image: Image) -> dict[str, Any]:
    return {
        "Id": image.id,
        "RepoTags": list(image.tags),
        "RepoDigests": list(image.digests),
        "Parent": image.parent_id,
        "Os": image.os or "linux",
        "Architecture": image.architecture or "amd64",
        "Author": image.author,
        "Config": {"Labels": dict(image.labels)},
        "RootFS": {"Type": "layers", "Layers": list(image.diff_ids or ())},
    }


def _history(image: Image, by_id: Mapping[str, Image]) -> list[dict[str, Any]]:
    rows = [
        {"Id": "<missing>", "Created": e.created or 0, "CreatedBy": e.created_by, "Size": e.size, "Comment": e.comment}
        for e in reversed(image.history or ())
    ]
    this: Image | None = image
    for row in rows:
        if this is None:
            break
        row["Id"] = this.id
        this = by_id.get(this.parent_id)
    return rows


async def serve(said: dict[str, bytes], path: str) -> None:
    """Answer until the process is ended."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            target = head.split(b" ", 2)[1].decode()
            body = said.get(target.removeprefix("/v1.41"))
            status = "200 OK" if body is not None else "404 Not Found"
            body = body if body is not None else b'{"message": "No such image"}'
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(connected, path)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(answers(load_inventory(sys.argv[1])), sys.argv[2]))
