"""Removal plans and proposals for programs: ``layerscope.plan/1`` and ``layerscope.free/1``.

Both are contracts that scripts rely on: fields are added, never renamed, retyped or taken away.
All sizes are whole bytes in the store's unit (field ``unit``). Text is as the engine gave it; the JSON is ASCII,
so that whatever the text holds cannot act on a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from layerscope.core.graph import ImageNode
from layerscope.core.origin import origin_of
from layerscope.core.removal.plan import RemovalPlan, container_name
from layerscope.core.removal.proposal import Proposal

PLAN = "layerscope.plan/1"
FREE = "layerscope.free/1"


def plan_json(plan: RemovalPlan) -> str:
    """Return the plan as JSON; see :func:`plan_dict`."""
    return _document(plan_dict(plan))


def free_json(found: Proposal, pins: Collection[str]) -> str:
    """Return a proposal as JSON; see :func:`free_dict`."""
    return _document(free_dict(found, pins))


def _document(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=1) + "\n"


def plan_dict(plan: RemovalPlan) -> dict[str, Any]:
    """Return the plan as plain data, ready for JSON: the contract ``layerscope.plan/1``. All sizes are bytes.

    ``frees_bytes`` is :attr:`RemovalPlan.frees`. ``frees_after_build_cache_prune_bytes`` is null where the
    build cache holds nothing of it, and ``frees_at_once_bytes`` null where it is not known what the cache
    holds. In ``kept``, ``images`` are the IDs of all that need the layer, rows first.
    """
    return {
        "schema": PLAN,
        "images": [node.id for node in plan.images],
        "listed_bytes": plan.listed,
        "frees_bytes": plan.frees,
        "frees_at_once_bytes": plan.frees_at_once,
        "frees_after_build_cache_prune_bytes": plan.frees_after_prune,
        **_content(plan),
        "exact": plan.exact,
        "doubts": list(plan.doubts),
        "unit": plan.graph.rules.unit,
        "removed": [node.id for node in plan.removed],
        "untagged": list(plan.untags),
        "pull_again": [_origin(plan, node) for node in plan.removed],
        "blocked": [{"image": b.image.id, "by": b.by, "rule": b.rule} for b in plan.blocked],
        "only_untagged": [{"image": one.image.id, "by": one.by, "rule": one.rule} for one in plan.untagged],
        "freed": [{"chain_id": layer.chain_id, "size_bytes": layer.size} for layer in plan.freed],
        "kept_bytes": plan.keeps,
        "kept": [
            {
                "chain_id": kept.layer.chain_id,
                "size_bytes": kept.layer.size,
                "images": [*(node.id for node in kept.images), *(image.id for image in kept.parents)],
                "containers": [container_name(container) for container in kept.containers],
            }
            for kept in plan.kept
        ],
    }


def _origin(plan: RemovalPlan, node: ImageNode) -> dict[str, str | None]:
    """Return whether a registry is known to have an image that goes, and what to pull then."""
    found = origin_of(plan.graph, node)
    return {"image": node.id, "again": found.again, "reference": found.reference or None}


def _content(plan: RemovalPlan) -> dict[str, Any]:
    """Return the compressed blobs that go; null where the store has none, or does not tell.

    ``frees_content_bytes``: once the build cache is pruned as well. ``…_at_once_bytes`` is null where it is
    only known to lie between ``…_at_least_bytes`` and ``…_at_most_bytes``; ``frees_content_because`` says why.
    """
    found = plan.content
    return {
        "frees_content_bytes": found.after_prune.most if found is not None and found.after_prune.exact else None,
        "frees_content_at_once_bytes": found.at_once.most if found is not None and found.at_once.exact else None,
        "frees_content_at_least_bytes": None if found is None else found.at_once.least,
        "frees_content_at_most_bytes": None if found is None else found.at_once.most,
        "frees_content_because": None if found is None else found.because or None,
        "frees_disk_bytes": plan.frees_disk,
        "content_kept_by_build_history_bytes": None if found is None else found.kept_by_history,
    }


def counts_disk(found: Proposal) -> bool:
    """Is the target of a proposal what the disk gets back, all of it?"""
    graph = found.plan.graph
    return graph.disk_rule.once and (graph.content is not None or not graph.rules.keeps_content)


def free_dict(found: Proposal, pins: Collection[str]) -> dict[str, Any]:
    """Return a proposal as plain data, ready for JSON: ``layerscope.free/1``. All sizes are bytes.

    ``plan`` is a ``layerscope.plan/1``. Where ``containers_first`` is not empty it is for after their removal.
    """
    return {
        "schema": FREE,
        "target_bytes": found.target,
        "target_is": "disk" if counts_disk(found) else "unpacked layers",
        "reached": found.reached,
        "most_bytes": found.most,
        "most_with_used_bytes": found.most_with_used,
        "most_with_pinned_bytes": found.most_with_pinned,
        "fewest": found.fewest,
        "spares_local": found.spares_local,
        "pinned": sorted(pins),
        "containers_first": [container_name(container) for container in found.containers],
        "plan": plan_dict(found.plan),
    }
