"""A ledger passes over what it need not look at again: what it finds must not depend on that."""

from __future__ import annotations

import random

from layerscope.core.sizes.ledger import Ledger, Stack, Sum
from layerscope.inventory import HistoryEntry, Image


def _forest(pick: random.Random) -> tuple[list[Stack], dict[str, str | None], dict[str, int]]:
    """Return some images, the layers below each layer, and what each layer weighs."""
    parents: dict[str, str | None] = {}
    for at in range(pick.randrange(1, 14)):
        parents[f"l{at:02}"] = pick.choice([None, *parents, *list(parents)[-2:]])
    weights = {name: pick.choice((0, 0, 1, 2, 5, 9)) for name in parents}
    stacks = []
    for at, top in enumerate(pick.choices(list(parents), k=pick.randrange(1, 8))):
        chain: list[str] = []
        here: str | None = top
        while here is not None:
            chain.insert(0, here)
            here = parents[here]
        stacks.append(Stack(Image(f"i{at}", history=(), diff_ids=tuple(chain)), tuple(chain), tuple(chain), order=at))
    return stacks, parents, weights


def _found(ledger: Ledger) -> object:
    return (
        ledger.sizes,
        [found.size_is for found in ledger.settled],
        [str(found.words) for found in ledger.settled],
        [here and (here.size, here.certain, here.image and here.image.text) for here in ledger.sums],
        [stack.image.id for stack in ledger.unfilled],
        [stack.path and ledger.newest()[stack.path[-1]] for stack in ledger.stacks],
    )


def test_what_is_passed_over_changes_nothing() -> None:
    filled = 0
    for seed in range(2500):
        pick = random.Random(seed)
        stacks, parents, weights = _forest(pick)
        ledgers = [Ledger(stacks, parents) for _ in range(2)]
        height: dict[str | None, int] = {None: 0}
        for name, below in parents.items():
            height[name] = height[below] + weights[name]
        for _ in range(6):
            for _ in range(pick.randrange(4)):
                number = pick.randrange(len(parents))
                name = ledgers[0].names[number]
                wrong = pick.choice((0, 0, 0, 0, 1))  # engines contradict themselves, now and then
                certain = pick.choice(("exact", "inferred"))
                what = pick.choice(("size", "sum", "sum", "entry", "demote" if pick.random() < 0.2 else "size"))
                for ledger in ledgers:
                    if what == "size":
                        ledger.set_size(number, weights[name] + wrong, certain)
                    elif what == "sum":
                        ledger.tell(number, Sum(height[name] + wrong, certain, stacks[number % len(stacks)].naming))
                    elif what == "entry":
                        ledger.set_entry(number, HistoryEntry("", 0), certain)
                    else:
                        ledger.demote(stacks[number % len(stacks)], [number])
            ledgers[1].look_at_all()
            for ledger in ledgers:
                ledger.add_up()
            filled += sum(1 for found in ledgers[0].settled if "leaves nothing" in str(found.words))
            assert _found(ledgers[0]) == _found(ledgers[1]), seed
    assert filled > 300
