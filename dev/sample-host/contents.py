"""Generate what stands for code, models and assets in the images of the sample host: bytes, the same in every run.

usage: contents.py FOLDER
"""

import random
import sys
from pathlib import Path

MB = 1_000_000
ROOT = Path(sys.argv[1])


def put(name: str, megabytes: float, seed: str) -> None:
    """Write a file of random bytes: it compresses as badly as jars, images and weights do. One seed, one content."""
    text(name, random.Random(seed).randbytes(int(megabytes * MB)))


def text(name: str, content: str | bytes) -> None:
    """Write a file and the folders above it."""
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


for version, code, static in (
    ("2.1.0", 3.1, 17.8),
    ("2.3.0", 3.9, 19.3),
    ("2.4.0", 4.2, 21.6),
    ("2.4.1-rc1", 4.2, 21.7),
    ("2.4.1", 4.3, 21.7),
):
    put(f"shop-api-{version}/src/app.pyz", code, f"api {version}")
    put(f"shop-api-{version}/src/static.pack", static, f"static {version}")
    put(f"shop-api-{version}/geo-city.mmdb", 64, "geo")
for version, size in (("1.4.0", 2.2), ("1.7.2", 2.9), ("1.8.0-rc2", 3.0), ("1.8.0", 3.0)):
    put(f"worker-{version}/src/worker.pyz", size, f"worker {version}")
for version, size in (("1.8.0", 31.4), ("1.9.1", 33.8), ("1.9.2", 34.1)):
    put(f"shop-web-{version}/assets/bundle.pack", size, f"web {version}")
    text(f"shop-web-{version}/package.json", f'{{"version": "{version}", "scripts": {{"build": "node build.js"}}}}\n')
    text(f"shop-web-{version}/build.js", "require('fs').cpSync('assets', 'dist', {recursive: true})\n")
put("shop-web-dev/node_modules/modules.pack", 118, "node modules")
put("shop-web-dev/src/main.pack", 6.1, "web dev")
for version, lib, size in (("3.0.4", "a", 58.2), ("3.1.0-rc1", "b", 61.7), ("3.1.0", "b", 61.7)):
    put(f"billing-{version}/lib/dependencies.jar", size, f"billing lib {lib}")
    put(f"billing-{version}/billing.jar", 2.4, f"billing {version}")
for version, size in (("5.2.0", 94.5), ("5.3.0", 97.2)):
    put(f"search-{version}/search-all.jar", size, f"search {version}")
    put(f"search-{version}/geo-city.mmdb", 64, "geo")
for version, size in (("0.9.0", 1.1), ("1.0.0", 1.3)):
    put(f"recommender-{version}/embeddings.bin", 120, "embeddings")
    put(f"recommender-{version}/src/recommender.pyz", size, f"recommender {version}")
for version, size in (("0.3", 5.2), ("0.4", 5.6)):
    put(f"ml-train-{version}/train.pyz", size, f"train {version}")
for version, size in (("1", 1.8), ("2", 2.3)):
    put(f"ml-notebook-{version}/data/train.parquet", 142, "train")
    put(f"ml-notebook-{version}/notebooks/explore.ipynb", size, f"notebook {version}")
put("e2e-tests/fixtures/screens.pack", 23, "screens")
put("e2e-tests/tests/suite.js", 0.4, "suite")
put("docs-site/_static/videos.pack", 27, "videos")
text("docs-site/conf.py", "project = 'Acme handbook'\nhtml_static_path = ['_static']\n")
text(
    "docs-site/index.rst",
    "Acme handbook\n=============\n" + "".join(f"\nPart {n}\n-------\n\nText.\n" for n in range(200)),
)
put("crm-1.9.3/crm/app.pack", 44, "crm")
text("ledger/go.mod", "module acme.example/ledger\n\ngo 1.19\n")
text(
    "ledger/main.go",
    'package main\n\nimport ("log"; "net/http")\n\nfunc main() { log.Fatal(http.ListenAndServe(":8080", nil)) }\n',
)
put("gateway/certs.pem", 0.02, "certs")
text("gateway/haproxy.cfg", "defaults\n  mode http\nfrontend web\n  bind *:8000\n")
