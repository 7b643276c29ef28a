"""Images that need not be read are not: what is found out must not depend on that."""

from __future__ import annotations

import pytest

from layerscope.core.build import build_graph
from layerscope.core.graph import LayerGraph
from layerscope.core.sizes.begun import Start
from layerscope.core.sizes.ledger import Stack
from layerscope.core.sizes.resolve import _Resolver
from tests.core.many import KINDS, host, told


def _said(graph: LayerGraph) -> object:
    return [
        (layer.chain_id, layer.size, layer.size_is, layer.size_from, layer.instruction, layer.instruction_is)
        for layer in (*graph.layers, *graph.hidden_layers)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_tells_nothing_need_not_be_laid_beside_its_layers(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    truly, passed_over = _Resolver._tells_nothing, 0

    def counted(self: _Resolver, stack: Stack, start: Start) -> bool:
        nonlocal passed_over
        found = truly(self, stack, start)
        passed_over += found
        return found

    for seed in range(400):
        inventory = told(host(seed, kind), old=False, usage=seed % 2 == 0)
        monkeypatch.setattr(_Resolver, "_tells_nothing", counted)
        short = build_graph(inventory)
        monkeypatch.setattr(_Resolver, "_tells_nothing", lambda self, stack, start: False)
        assert _said(short) == _said(build_graph(inventory)), seed
    assert passed_over > 50
