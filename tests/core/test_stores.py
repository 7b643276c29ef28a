"""What is known of a store's disk by its driver, and of an engine's figures by its version."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from layerscope.core.stores import STORES, disk_rule, words_for
from layerscope.inventory import Engine, StoreKind

ENGINE = Engine("docker", "28.5.2", "1.51", "overlay2", "graphdriver", "unix:///d.sock")


@pytest.mark.parametrize("driver", ["overlay2", "overlay", "overlayfs", "fuse-overlayfs", "fuse-overlay", "aufs"])
def test_a_union_file_system_keeps_each_layer_once(driver: str) -> None:
    rule = disk_rule(replace(ENGINE, driver=driver))
    assert (rule.once, rule.bound, rule.words) == (True, "", "")
    assert disk_rule(replace(ENGINE, driver="", store=driver)) == rule


@pytest.mark.parametrize(("driver", "bound"), [("vfs", "≥"), ("native", "≥"), ("btrfs", "~"), ("devmapper", "~")])
def test_others_are_named_with_what_they_do(driver: str, bound: str) -> None:
    rule = disk_rule(replace(ENGINE, driver=driver))
    assert (rule.once, rule.bound) == (False, bound)
    assert rule.words.startswith(f"{driver} keeps ")


def test_of_a_driver_that_nobody_knows_nothing_is_said() -> None:
    rule = disk_rule(replace(ENGINE, driver="new-fs.2"))
    assert (rule.once, rule.bound, rule.words) == (False, "?", "how new-fs.2 keeps layers on disk is not known")
    for odd in ("two words", "x" * 41, "\x1b[2J"):
        assert disk_rule(replace(ENGINE, driver=odd)).words == "how this store keeps layers on disk is not known"


def test_an_old_scan_of_a_containerd_store_has_its_own_snapshotter() -> None:
    assert disk_rule(replace(ENGINE, store="containerd", store_kind="containerd")).once


@pytest.mark.parametrize(
    ("version", "at"), [("20.10.24", 0), ("28.1.1", 0), ("28.2.0", 1), ("29.5.9", 1), ("29.6.0", 2), ("30.0", 2)]
)
def test_what_a_total_counts_is_that_of_the_engines_version(version: str, at: int) -> None:
    words = STORES["containerd"].total_counts
    assert words_for(replace(ENGINE, version=version), words) == words[at][1]
    assert words_for(replace(ENGINE, version="master"), words) == words[-1][1], "what is not read is a new one"


@pytest.mark.parametrize("kind", STORES)
def test_a_version_of_nothing_is_an_old_one(kind: StoreKind) -> None:
    """Builds of moby that nobody numbered say 0.0.0-dev."""
    for words in (STORES[kind].total_counts, STORES[kind].unique_flaw):
        assert words_for(replace(ENGINE, version="0.0.0-dev"), words) == words[0][1]


@pytest.mark.parametrize("kind", STORES)
def test_all_words_go_on_in_a_sentence(kind: StoreKind) -> None:
    """They follow "the engine counts", "because" and the like."""
    rules = STORES[kind]
    words = [text for _, text in (*rules.total_counts, *rules.unique_flaw)]
    words += [rules.unit, rules.size_adds, rules.running_rule, rules.stopped_rule, rules.read_only_rule]
    assert all(text == "" or (text[0].islower() and not text.endswith(".")) for text in words)
