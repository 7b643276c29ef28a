"""Chain IDs, by the examples of the OCI image specification (config.md, "Layer ChainID")."""

from hashlib import sha256

from layerscope.core.chain import EMPTY_DIFF_ID, chain_id, chain_ids

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


def digest(text: str) -> str:
    return "sha256:" + sha256(text.encode()).hexdigest()


def test_the_first_layer_is_named_by_its_diff_id() -> None:
    assert chain_id(None, A) == A
    assert chain_ids([A]) == (A,)


def test_each_layer_after_it_by_the_digest_of_the_chain_below_and_its_diff_id() -> None:
    """``ChainID(A|B|C) = Digest(Digest(A + " " + B) + " " + C)``."""
    assert chain_ids([A, B, C]) == (A, digest(f"{A} {B}"), digest(digest(f"{A} {B}") + f" {C}"))


def test_the_names_that_docker_gave_on_disk() -> None:
    """From ``layerdb/sha256`` of Docker 20.10: three diff IDs and the folder of the third."""
    diff_ids = (
        "sha256:c404a7cefa0a978e4052542215a06ed02c0be89da5fc1aec21786428ab232ad5",
        "sha256:16d08773035ddf8ffc32e6634736231f72a27eee8929cbca172cd4760d717565",
        "sha256:2c426590ea596552f5da2223979f01f6e760e9c58c94615063ebd26f41d97851",
    )
    folder = "sha256:a1ebee8db730ef4c7d634e89736975954e7419ccb33dbb2865b8ee6df8e2f580"
    assert chain_ids(diff_ids)[-1] == folder


def test_no_layers_make_no_chain() -> None:
    assert chain_ids([]) == ()


def test_the_empty_archive_is_1024_null_bytes() -> None:
    assert digest("\0" * 1024) == EMPTY_DIFF_ID
