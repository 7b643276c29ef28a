"""Record what a containerd engine answers on gRPC: ``python -m tests.recordings.pack_grpc DOCKER_HOST NAME.grpc.gz``.

NAME.grpc.gz is one JSON object: ``version``, ``info`` and ``images`` (``/images/json?all=1``) as the engine
answers them, ``shown`` (IDs of ``/images/json``), and ``list``, ``history``, ``cache``: the messages of
Content/List, ListenBuildHistory and DiskUsage, each in base64. Nothing is changed on the engine.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
from pathlib import Path

from layerscope.engine import grpc, protobuf
from layerscope.engine.connect import connect
from layerscope.engine.references import open_channel


def main(host: str, target: str) -> None:
    with connect(host) as conn, open_channel(conn) as channel:
        calls = {
            "list": channel.call(grpc.CONTENT_LIST, seconds=30),
            "history": channel.call(grpc.BUILD_HISTORY, protobuf.varint_field(3, 1), seconds=30),
            "cache": channel.call(grpc.DISK_USAGE, seconds=30),
        }
        document = {
            "version": conn.get_json("/version"),
            "info": conn.get_json("/info"),
            "images": conn.get_json("/images/json", [("all", 1)]),
            "shown": [row["Id"] for row in conn.get_json("/images/json")],
            **{name: [base64.b64encode(each).decode() for each in answer] for name, answer in calls.items()},
        }
    Path(target).write_bytes(gzip.compress(json.dumps(document).encode(), mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
