"""The reference graph as the engine answers it: what each refusal means, and what is never tried."""

import json

import pytest
from msgspec.structs import replace

from layerscope.core.chain import chain_ids
from layerscope.engine import grpc, protobuf
from layerscope.engine.references import (
    blob_records,
    history_digests,
    list_blobs,
    read_content,
    read_manifests,
    with_layers,
)
from layerscope.inventory import Blob, ContentStore, Image, Manifest
from tests.engine.grpcserver import Engine
from tests.engine.recorded_grpc import NAMES, answers, connected, messages, recorded_store


def refusal(status: int, words: str = "") -> bytes:
    body = json.dumps({"message": words}).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("name", NAMES)
def test_a_real_engines_answers_over_the_wire_are_its_content(name: str) -> None:
    engine = Engine(answers(name))
    with connected(engine, name) as conn:
        assert read_content(conn) == recorded_store(name)
        assert list_blobs(conn) == {blob.digest: blob.size for blob in recorded_store(name).blobs or ()}
    assert set(engine.called) <= grpc.ALLOWED


def test_only_methods_of_the_list_are_on_the_wire_whatever_is_read() -> None:
    engine = Engine(answers(NAMES[1]) | {grpc.CONTENT_READ: [b""]})
    with connected(engine) as conn:
        content = read_content(conn)
        assert content is not None
        read_manifests(conn, content, [Image(content.blobs[0].digest)] if content.blobs else [])
        list_blobs(conn)
    assert set(engine.called) == grpc.ALLOWED


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (Engine(), "Engine 24 and later"),
        (Engine(upgrade=refusal(404, "page not found")), "it has no /grpc"),
        (Engine(upgrade=refusal(403, "authorization denied by plugin x")), "not allowed here: .*denied by plugin x"),
        (Engine(upgrade=refusal(400, "client version")), "takes no HTTP upgrades"),
        (Engine(upgrade=refusal(500, "no upgrade proto in request")), "takes no HTTP upgrades"),
        (Engine({grpc.CONTENT_LIST: []}), "no content although it has images"),
        (Engine({grpc.CONTENT_LIST: [b"\x0a\x7f"]}), "did not list its content"),
        (Engine({grpc.CONTENT_LIST: [b"\x0a\x00"]}), "without a digest"),
        (Engine(answers(NAMES[1]), trailer=False), "no grpc-status"),
        (Engine(answers(NAMES[1]), endless=True, slow=0.01), "too long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_it_is_refused_content_is_unknown_and_says_why_in_one_line(engine: Engine, words: str) -> None:
    with connected(engine) as conn:
        content = read_content(conn, seconds=0.4 if "long" in words else 20)
    assert content is not None
    assert content.blobs is None
    assert __import__("re").search(words, content.refused)
    assert "\n" not in content.refused


def test_hostile_words_of_a_refusal_are_cleaned() -> None:
    with connected(Engine(upgrade=refusal(403, "\x1b]0;x\x07\n[bold]"))) as conn:
        content = read_content(conn)
    assert content is not None
    assert content.refused.isprintable()


def test_a_403_is_respected_and_nothing_else_is_tried() -> None:
    engine = Engine(answers(NAMES[1]), upgrade=refusal(403), native=True)
    with connected(engine, api="1.54") as conn:
        content = read_content(conn)
    assert content is not None
    assert content.blobs is None
    assert [head for head in engine.heads if head.startswith(b"PRI")] == []
    assert engine.called == []
    assert len([head for head in engine.heads if head.startswith(b"POST /grpc")]) == 1


@pytest.mark.parametrize(("api", "found"), [("1.53", True), ("1.52", False)])
def test_without_grpc_path_native_grpc_is_tried_from_api_1_53(api: str, found: bool) -> None:
    engine = Engine(answers(NAMES[1]), upgrade=refusal(404), native=True)
    with connected(engine, api=api) as conn:
        content = read_content(conn)
    assert content is not None
    assert (content.blobs is not None) is found


def test_neither_grpc_path_nor_native_is_one_sentence() -> None:
    with connected(Engine(upgrade=refusal(404)), api="1.55") as conn:
        content = read_content(conn)
    assert content is not None
    assert content.refused == "the engine does not list its content: it has neither /grpc nor gRPC"


def test_history_or_cache_that_are_refused_leave_the_blobs() -> None:
    engine = Engine({grpc.CONTENT_LIST: answers(NAMES[1])[grpc.CONTENT_LIST]})
    with connected(engine) as conn:
        content = read_content(conn)
    assert content is not None
    assert content.blobs == recorded_store(NAMES[1]).blobs
    assert (content.build_history, content.build_cache, content.refused) == (None, None, "")


def test_a_blob_listed_by_two_stores_is_one_with_the_labels_of_both() -> None:
    def info(labels: dict[str, str]) -> bytes:
        entries = b"".join(
            b"\x2a" + bytes([len(each)]) + each
            for each in (protobuf.string_field(1, k) + protobuf.string_field(2, v) for k, v in labels.items())
        )
        body = protobuf.string_field(1, "sha256:a") + protobuf.varint_field(2, 7) + entries
        return b"\x0a" + bytes([len(body)]) + body

    one = info({"containerd.io/gc.ref.content.0": "sha256:b", "containerd.io/distribution.source.r.io": "x,y"})
    other = info(
        {"containerd.io/gc.ref.content.config": "sha256:c", "containerd.io/gc.ref.snapshot.overlayfs": "sha256:s"}
    )
    assert blob_records([one + other]) == (
        Blob("sha256:a", 7, ("sha256:b", "sha256:c"), ("sha256:s",), ("r.io/x", "r.io/y")),
    )


def test_a_deleted_build_names_nothing() -> None:
    named, last = history_digests(messages(NAMES[1], "history"))
    assert len(named) == 104
    assert last is not None
    assert history_digests([protobuf.varint_field(1, 2) + b"\x12\x00"]) == ((), None)


DIFFS = ("sha256:" + "1" * 64, "sha256:" + "2" * 64)
TOP = chain_ids(DIFFS)[-1]


@pytest.mark.parametrize(("held", "known"), [(TOP, True), ("sha256:other", False)])
def test_layers_come_from_the_configuration_where_it_keeps_their_snapshot(held: str, known: bool) -> None:
    blobs = (
        Blob("sha256:c", 5, snapshots=(held,)),
        Blob("sha256:i", 2, ("sha256:m",)),
        Blob("sha256:m", 3, ("sha256:c",)),
    )
    content = ContentStore(blobs, manifests=(Manifest("sha256:m", diff_ids=DIFFS),))
    image = Image("sha256:i", note="the engine gave no layers (RootFS)")
    assert with_layers(image, content) == (replace(image, diff_ids=DIFFS, note="") if known else image)
