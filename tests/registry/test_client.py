"""Questions to a registry: what is asked, what comes of odd answers, and how little is ever read."""

from __future__ import annotations

import email.utils
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from layerscope.core.remote import RemoteImage, RemoteLayer
from layerscope.registry.cache import Cache
from layerscope.registry.client import RegistryClient
from layerscope.registry.crew import side_by_side
from layerscope.registry.errors import RegistryError
from layerscope.registry.manifests import MachinePlatform, normal_platform, parse_platform, wanted
from layerscope.registry.policy import Policy, policy_of
from layerscope.registry.reference import parse_reference
from layerscope.registry.trailers import span, tar_size
from layerscope.registry.transport import CONNECTIONS, Clock, Transport
from tests.registry.fake import BODY, CONFIG, LAYERS, Images, Reply, Request, Server
from tests.registry.layouts import (
    INDEX,
    MANIFEST,
    Layer,
    config_of,
    descriptor,
    digest_of,
    manifest_of,
    noise,
    tar,
    words,
)

AMD64 = (MachinePlatform("linux", "amd64"),)


@contextmanager
def client(answer: Callable[[Request], Reply], **settings: object) -> Iterator[tuple[RegistryClient, Server]]:
    with Server(answer) as server, Transport(Policy(), clock=Clock(sleep=lambda seconds: None)) as transport:
        yield RegistryClient(transport, **settings), server  # type: ignore[arg-type]


def image(found: RegistryClient, server: Server, name: str = "shop/api:1", platforms: object = AMD64) -> RemoteImage:
    return found.image(parse_reference(f"{server.host}/{name}"), platforms)  # type: ignore[arg-type]


def test_an_image_is_its_manifest_and_its_configuration() -> None:
    with client(Images()) as (found, server):
        got = image(found, server)
    assert got.digest == got.manifest_digest == digest_of(BODY)
    assert got.config_digest == digest_of(CONFIG)
    assert [layer.blob for layer in got.layers] == [digest_of(layer.blob) for layer in LAYERS]
    assert [layer.diff_id for layer in got.layers] == [digest_of(layer.tar) for layer in LAYERS]
    assert [(request.method, request.path.split("/")[-2]) for request in server.asked] == [
        ("GET", "v2"),
        ("HEAD", "manifests"),
        ("GET", "manifests"),
        ("GET", "blobs"),
    ]
    assert server.connections == 1, "kept alive"


def test_what_has_a_digest_is_asked_for_once(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(2):
        with client(Images(), cache=cache) as (found, server):
            image(found, server)
        assert ("GET" in {request.method for request in server.asked[1:]}) == (number == 0)
    for path in tmp_path.iterdir():
        path.write_bytes(b"damaged")
    with client(Images(), cache=cache) as (found, server):
        assert image(found, server).config_digest == digest_of(CONFIG)


def test_the_cache_is_bounded(tmp_path: Path) -> None:
    cache = Cache(tmp_path, most_bytes=1000, most_files=3)
    bodies = [bytes([number]) * 300 for number in range(6)]
    for body in bodies:
        cache.put(digest_of(body), body)
    cache.trim()
    assert len(list(tmp_path.iterdir())) == 3
    assert Cache(None).get(digest_of(b"")) is None
    (tmp_path / "file").touch()
    Cache(tmp_path / "file").put(digest_of(b""), b"")


def test_of_an_index_the_engines_platform_is_taken() -> None:
    images = Images()
    arm = (Layer(tar({"arm": b"1"})),)
    manifests = {
        "amd64": (BODY, CONFIG, LAYERS),
        "arm64": (manifest_of(arm, config_of(arm, "arm64")), config_of(arm, "arm64"), arm),
    }
    entries = [descriptor(MANIFEST, BODY, platform={"os": "unknown", "architecture": "unknown"})]
    for name, (body, config, layers) in manifests.items():
        entries.append(descriptor(MANIFEST, body, platform={"os": "linux", "architecture": name}))
        images.put("many", name, body, (config, *(layer.blob for layer in layers)))
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    images.put("many", "1", index, (), INDEX)
    with client(images) as (found, server):
        got = image(found, server, "many:1", wanted(parse_platform("arm64")))
        assert got.digest == digest_of(index)
        assert got.manifest_digest == digest_of(manifests["arm64"][0])
        assert got.attested
        assert [size for _, size in got.manifests] == [len(index), len(manifests["arm64"][0])]
        with pytest.raises(RegistryError, match=r"has no linux/s390x; there is linux/amd64 and linux/arm64") as caught:
            image(found, server, "many:1", (MachinePlatform("linux", "s390x"),))
        assert caught.value.wrong_use
        reference = parse_reference(f"{server.host}/shop/api:1")
        assert found.image(reference, (MachinePlatform("linux", "arm64"),)).platform == "linux/amd64"
        with pytest.raises(RegistryError, match="has no linux/arm64; there is linux/amd64"):
            found.image(reference, (MachinePlatform("linux", "arm64"),), strict=True)


def test_platforms_are_those_that_a_machine_runs() -> None:
    assert str(normal_platform("linux", "x86_64")) == "linux/amd64"
    assert str(normal_platform("linux", "armv7l")) == "linux/arm/v7"
    assert parse_platform("linux/arm64/v8") == parse_platform("aarch64") == MachinePlatform("linux", "arm64")
    assert [str(one) for one in wanted(parse_platform("arm/v7"))] == ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]
    assert [str(one) for one in wanted(parse_platform("amd64"))] == ["linux/amd64", "linux/386"]
    assert [str(one) for one in wanted(parse_platform("amd64"), also_smaller=False)] == ["linux/amd64"]
    for text in ("", "a/b/c/d", "linux/", "lin ux"):
        with pytest.raises(RegistryError, match="is no platform"):
            parse_platform(text)


def only(**faults: Reply) -> Callable[[Request], Reply]:
    """Return a registry that answers one kind of request (head, manifest, blob) with a fault."""
    images = Images()

    def answer(request: Request) -> Reply:
        kind = "head" if request.method == "HEAD" else "manifest" if "/manifests/" in request.path else "blob"
        if request.path == "/v2/":
            kind = "root"
        return faults.get(kind) or images(request)

    return answer


def html(status: int = 200) -> Reply:
    return Reply(status, b"<html>hello</html>", {"Content-Type": "text/html"})


SCHEMA1 = Reply(
    body=b'{"schemaVersion": 1, "fsLayers": []}',
    headers={"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
)
ARTIFACT = json.dumps(
    {"schemaVersion": 2, "config": descriptor("application/vnd.cncf.helm.config.v1+json", b"{}"), "layers": []}
).encode()


@pytest.mark.parametrize(
    ("faults", "says", "status"),
    [
        ({"head": Reply(404)}, "has no 127.0.0.1.*/shop/api:1; check the name and the tag", 2),
        ({"head": html(404), "root": html(404)}, "is no registry: it has no /v2/", 3),
        ({"head": html(), "manifest": html()}, "no JSON object: is it a registry", 3),
        ({"head": Reply(403)}, "refuses 127.0.0.1.*; ask its owner", 3),
        ({"head": Reply(429)}, "takes no more requests for now; log in", 3),
        ({"head": Reply(429, headers={"Retry-After": "86400"})}, r"takes no more requests until \d\d:\d\d:\d\d", 3),
        ({"head": Reply(503)}, "answered 503, three times; try later", 3),
        ({"head": Reply(418)}, "answered 418 when asked for", 3),
        ({"head": Reply(401)}, "401, and not how to log in", 3),
        ({"head": Reply(headers={"Docker-Content-Digest": "nonsense"})}, "a digest that is none", 3),
        ({"head": Reply(302, headers={"Location": "file:///etc/passwd"})}, "a redirect to what is no address", 3),
        ({"head": Reply(302, headers={"Location": "/v2/shop/api/manifests/1"})}, "redirects in a row", 3),
        ({"head": Reply(), "manifest": Reply(body=b"[]")}, "no JSON object", 3),
        ({"head": Reply(), "manifest": Reply(body=b"[" * 1_000_000)}, "no JSON object", 3),
        ({"head": Reply(), "manifest": Reply(body=b"{}")}, "neither an image nor an index", 3),
        ({"head": Reply(), "manifest": SCHEMA1}, "schema 1 only", 3),
        ({"head": Reply(), "manifest": Reply(body=ARTIFACT)}, "no image but an artifact", 3),
        ({"manifest": Reply(body=BODY + b" ")}, "other bytes than sha256:.*: damaged on the way, or forged", 3),
        ({"blob": Reply(body=b"{}")}, "other bytes than sha256:", 3),
        ({"manifest": Reply(body=b" " * 1000, endless=True)}, "more than the 4,194,304 bytes that belong there", 3),
        ({"manifest": Reply(headers={"Content-Length": str(1 << 30)})}, "1,073,741,824 bytes where at most", 3),
        ({"manifest": Reply(body=gzip.compress(BODY), headers={"Content-Encoding": "gzip"})}, "an encoding", 3),
    ],
)
def test_what_is_odd_is_one_line(faults: dict[str, Reply], says: str, status: int) -> None:
    with client(only(**faults)) as (found, server), pytest.raises(RegistryError, match=says) as caught:
        image(found, server)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 900
    assert (2 if caught.value.wrong_use else 3) == status


def test_nobody_there_is_one_line() -> None:
    with Server(Images()) as server:
        host = server.host
    with Transport(Policy()) as transport, pytest.raises(RegistryError, match=r"cannot be reached: .*[Rr]efused"):
        RegistryClient(transport).digest(parse_reference(f"{host}/a:1"))


def test_a_short_wait_that_is_asked_for_is_waited() -> None:
    images, waits, left = Images(), [], [2]

    def answer(request: Request) -> Reply:
        if request.method == "HEAD" and left[0]:
            left[0] -= 1
            when = email.utils.formatdate(1005, usegmt=True) if left[0] else "3"
            return Reply(429, headers={"Retry-After": when})
        return images(request)

    clock = Clock(now=lambda: 1000.0, sleep=waits.append)
    with Server(answer) as server, Transport(Policy(), clock=clock) as transport:
        assert RegistryClient(transport).digest(parse_reference(f"{server.host}/shop/api:1"))
    assert waits == [5.0, 3.0]


def test_what_is_left_of_a_rate_limit_is_kept() -> None:
    images = Images()

    def answer(request: Request) -> Reply:
        reply = images(request)
        return Reply(reply.status, reply.body, reply.headers | {"RateLimit-Remaining": "76;w=21600"})

    with client(answer) as (found, server):
        image(found, server)
        assert found.remaining == {server.host: "76"}


# sizes from a few bytes


def remote(layer: Layer, **more: object) -> RemoteLayer:
    packing = "tar" if layer.packing == "tar" else "gzip"
    return RemoteLayer(digest_of(layer.blob), len(layer.blob), digest_of(layer.tar), packing, **more)  # type: ignore[arg-type]


def test_a_trailer_tells_the_size_and_costs_few_bytes() -> None:
    with client(Images()) as (found, server):
        reference = parse_reference(f"{server.host}/shop/api:1")
        for layer in LAYERS:
            assert found.tar_size(reference, remote(layer)) == (len(layer.tar), "gzip trailer")
        spans = [request.headers["range"] for request in server.asked if "range" in request.headers]
    for asked in spans:
        first, _, last = asked.removeprefix("bytes=").partition("-")
        assert int(last) - int(first) < 8192


@pytest.mark.parametrize(
    "reply", [Reply(200, bytes(100_000)), Reply(416), Reply(404), Reply(206, b""), Reply(206, bytes(9999))]
)
def test_a_registry_without_ranges_leaves_the_size_unknown(reply: Reply) -> None:
    with client(only(blob=reply)) as (found, server):
        assert found.tar_size(parse_reference(f"{server.host}/shop/api:1"), remote(LAYERS[0])) is None


def gzip_of(packed: int) -> RemoteLayer:
    return RemoteLayer("b", packed, "d", "gzip")


@pytest.mark.parametrize(
    ("size", "packed", "found"),
    [
        (25_088, 10_000, 25_088),
        (10_240, 10_250, 10_240),  # what does not pack well: a few bytes more than there were
        (25_000, 10_000, None),  # no tar has such a length: the last of several members
        (5_120, 10_000, None),  # the last of several members, or more than 4 GiB
        (0, 10_000, None),
        (10_240 * 1033, 10_240, None),  # more than deflate can do
    ],
)
def test_a_trailer_that_cannot_be_is_rejected(size: int, packed: int, found: int | None) -> None:
    said = tar_size(gzip_of(packed), bytes(60) + size.to_bytes(4, "little"))
    assert said == (None if found is None else (found, "gzip trailer"))


def said_of(blob: bytes) -> tuple[int, str] | None:
    """What is said of a blob, from the bytes that are fetched of it."""
    layer = RemoteLayer("b", len(blob), "d", "gzip")
    return tar_size(layer, blob[slice(*_span(layer))])


def _span(layer: RemoteLayer) -> tuple[int, int]:
    found = span(layer)
    assert found is not None
    return found[0], found[1] + 1


def packed_as(*members: bytes, extra: bytes = b"") -> bytes:
    found = b"".join(gzip.compress(member, mtime=0) for member in members)
    if extra:
        found = found[:3] + b"\x04" + found[4:10] + len(extra).to_bytes(2, "little") + extra + found[10:]
    return found


@pytest.mark.parametrize("size", [100, 3_000, 60_000])
def test_one_member_says_its_size(size: int) -> None:
    data = tar({"a": noise(size, 3)})
    assert said_of(packed_as(data)) == (len(data), "gzip trailer")
    assert said_of(packed_as(data, extra=b"XX\x01\x00z")) == (len(data), "gzip trailer")


@pytest.mark.parametrize(
    "blob",
    [
        packed_as(words(90, 1), words(400, 2)),  # all of it is fetched
        packed_as(words(4_000, 2), words(8_000, 3) + bytes(200_000)),
        packed_as(words(60_000, 2), bytes(200_000)),  # a short one last, that says much
        packed_as(words(60_000, 2), words(60_000, 3), b""),  # as BGZF ends
        packed_as(words(400_000, 2))[:-60] + b"..STARGZ".ljust(52) + (400_000).to_bytes(8, "little"),
        b"\x28\xb5\x2f\xfd" + words(4_000, 2) + (9_000).to_bytes(4, "little"),  # no gzip, whatever the manifest says
        packed_as(words(40_000, 2))[:9000] + b"\x1f\x8b\x08" * 1000 + (99_000).to_bytes(4, "little"),
    ],
    ids=("whole", "short", "zeros", "empty", "stargz", "zstd", "starts"),
)
def test_where_members_show_the_end_says_nothing_of_the_whole(blob: bytes) -> None:
    assert said_of(blob) is None


def test_a_long_member_at_the_end_that_is_no_whole_tar_shows_by_its_length() -> None:
    data = words(800_256, 2)
    assert said_of(packed_as(data[:400_001], data[400_001:])) is None


def test_two_long_members_of_whole_blocks_look_like_one_and_are_said_to_be_less() -> None:
    half = words(400_384, 2)
    assert said_of(packed_as(half, half)) == (len(half), "gzip trailer"), "≈, as no byte at its ends tells"


def test_the_size_that_a_builder_noted_is_taken() -> None:
    layers = (Layer(tar({"a": b"a" * 5000}), "parts"),)
    config = config_of(layers)
    manifest = json.loads(manifest_of(layers, config))
    manifest["layers"][0]["annotations"] = {
        "containerd.io/snapshot/stargz/toc.digest": "sha256:0",
        "io.containers.estargz.uncompressed-size": "10240",
    }
    images = Images()
    images.put("e", "1", json.dumps(manifest).encode(), (config,))
    with client(images) as (found, server):
        (layer,) = image(found, server, "e:1").layers
    assert (layer.packing, layer.tar, layer.tar_from) == ("unknown", 10240, "its manifest")


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x28\xb5\x2f\xfd\xa4\x00\x10\x27\x00\x00", 0x271000),
        (b"\x28\xb5\x2f\xfd\x64\x00\x11", 0x1100 + 256),
        (b"\x28\xb5\x2f\xfd\x84\x58\x00\x28\x00\x00", 10_240),
        (b"\x28\xb5\x2f\xfd\x84\x58\x10\x27\x00\x00", None),  # 10,000: the first of several frames
        (b"\x28\xb5\x2f\xfd\x04\x58", None),  # a stream: the size was not known when it was begun
        (b"\x50\x2a\x4d\x18", None),  # a skippable frame
        (b"nonsense", None),
    ],
)
def test_a_frame_tells_the_size_if_it_has_it(head: bytes, found: int | None) -> None:
    said = tar_size(RemoteLayer("b", 100, "d", "zstd"), head.ljust(18, b"\0"))
    assert said == (None if found is None else (found, "zstd frame"))


# many at once


def test_no_more_connections_than_eight() -> None:
    images = Images(slow=0.01)
    with client(images) as (found, server):
        jobs = [partial(image, found, server) for _ in range(40)]
        assert all(isinstance(one, RemoteImage) for one in side_by_side(jobs))
        assert 1 < server.at_once <= CONNECTIONS
        assert server.connections <= CONNECTIONS


def test_two_hundred_show_progress_and_can_be_cancelled() -> None:
    seen, stop, done = [], threading.Event(), []

    def progress(now: int, total: int) -> None:
        seen.append((now, total))
        if len(seen) == 2:
            stop.set()

    hold = threading.Event()

    def job() -> int:
        done.append(1)
        hold.wait(0.05)
        return 1

    found = side_by_side([job] * 200, progress=progress, cancelled=stop)
    assert {total for _, total in seen} == {200}
    assert len(done) < 200
    assert isinstance(found[-1], RegistryError)
    assert found[-1].kind == "cancelled"


def test_a_mistake_in_a_job_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side([lambda: 1 // 0])


# how to talk to whom


def test_mirrors_come_before_docker_hub_and_what_they_lack_is_fetched_there() -> None:
    policy = policy_of({"RegistryConfig": {"Mirrors": ["http://m.corp/", "ftp://x", 7]}})
    assert policy.bases("docker.io") == ("http://m.corp", "https://registry-1.docker.io")


def test_only_what_is_named_is_spoken_to_without_tls() -> None:
    info = {
        "RegistryConfig": {
            "InsecureRegistryCIDRs": ["10.0.0.0/8", "nonsense"],
            "IndexConfigs": {"old.corp:5000": {"Secure": False}, "new.corp": {"Secure": True}},
        }
    }
    policy = policy_of(info, ["mine.corp"])
    plain = {name: "http://" + name in policy.bases(name) for name in
             ("old.corp:5000", "old.corp", "new.corp", "mine.corp:99", "10.1.2.3:5000", "11.1.2.3", "localhost:5000",
              "127.9.9.9", "[::1]:5000", "[2001:db8::1]")}  # fmt: skip
    assert plain == {
        "old.corp:5000": True,
        "old.corp": False,
        "new.corp": False,
        "mine.corp:99": True,
        "10.1.2.3:5000": True,
        "11.1.2.3": False,
        "localhost:5000": True,
        "127.9.9.9": True,
        "[::1]:5000": True,
        "[2001:db8::1]": False,
    }
    for odd in ({}, {"RegistryConfig": None}, {"RegistryConfig": {"IndexConfigs": [], "Mirrors": "x"}}):
        assert policy_of(odd) == policy_of({})
