"""``pull-cost --json``: the contract that scripts rely on; integers are bytes. Schema in ``schemas/``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from layerscope.core.pull import ImageCost, LayerCost, PullCost
from layerscope.registry.behind import Standing
from layerscope.registry.errors import RegistryError


def pull_cost_json(cost: PullCost, platform: str, failed: Sequence[tuple[str, RegistryError]]) -> str:
    """Return a cost as JSON, schema layerscope.pull-cost/1, with a newline at its end."""
    document = {
        "schema": "layerscope.pull-cost/1",
        "platform": platform,
        "images": [_image(image) for image in cost.images],
        "set": _sums(cost),
        "failed": [{"name": name, "kind": error.kind, "because": str(error)} for name, error in failed],
    }
    return _text(document)


def behind_json(found: Sequence[Standing], own: int) -> str:
    """Return how local tags stand as JSON, schema layerscope.behind/1, with a newline at its end."""
    tags = [
        {
            "name": one.tag.name,
            "image": one.tag.node.id,
            "state": one.state,
            "here": list(one.tag.digests),
            "registry": one.there or None,
            "because": one.because or None,
        }
        for one in found
    ]
    return _text({"schema": "layerscope.behind/1", "tags": tags, "not_from_a_registry": own})


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"


def _sums(cost: PullCost | ImageCost) -> dict[str, Any]:
    low, high = cost.download
    return {
        "packed_bytes": cost.packed,
        "download_bytes": {"min": low, "max": high},
        "adds_bytes": cost.adds,
        "adds_is": cost.adds_is,
        "adds_content_bytes": cost.adds_content,
    }


def _image(cost: ImageCost) -> dict[str, Any]:
    image = cost.image
    return {
        "name": image.name,
        "digest": image.digest,
        "manifest_digest": image.manifest_digest,
        "config_digest": image.config_digest,
        "platform": image.platform,
        "already_here": cost.already_here,
        "cannot_unpack": cost.refused or None,
        **_sums(cost),
        "layers": [_layer(layer) for layer in cost.layers],
    }


def _layer(cost: LayerCost) -> dict[str, Any]:
    return {
        "blob": cost.layer.blob,
        "diff_id": cost.layer.diff_id,
        "chain_id": cost.chain_id,
        "packed_bytes": cost.layer.packed,
        "packing": cost.layer.packing,
        "here": cost.here,
        "comes_with": cost.comes_with or None,
        "fetched": cost.fetched,
        "shared_with": [node.id for node in cost.shared_with],
        "same_content_elsewhere": [node.id for node in cost.same_content],
        "adds_bytes": cost.adds,
        "adds_is": cost.adds_is,
        "adds_from": cost.adds_from or None,
    }
