"""What keep rules come to, in words, for every place that shows it. All of it is cleaned."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.core.keep.plan import KeepPlan, RuleFigures
from layerscope.core.seen import Seen
from layerscope.text import clean
from layerscope.units import Units, count, format_size
from layerscope.views.history import day
from layerscope.views.names import amount, bounded
from layerscope.views.removal import Row, Said


def keep_warnings(found: KeepPlan, look_back: int, now: int) -> list[str]:
    """Return what to say of rules that may not do what was meant, a line each.

    ``look_back``: seconds that the rules look back over what was seen in use; ``now`` in Unix seconds.
    """
    lines = []
    for rule in found.idle:
        where = f"line {rule.line}: " if rule.line else ""
        lines.append(f"{where}the {rule.kind} rule “{rule.says}” selects no image")
    if not any(one.rule.kind == "drop" for one in found.rules):
        lines.append("there is no [[drop]] rule, so nothing goes")
    seen = found.plan.graph.seen
    if look_back and (seen.since is None or seen.since > now - look_back):
        lines.append(f"{_watched(seen, now)}: what was in use before that nobody saw")
    if seen.turned_back:
        lines.append(f"the clock was put back {count(seen.turned_back, 'time')} between scans: times of use may be off")
    return lines


def _watched(seen: Seen, now: int) -> str:
    if seen.since is None:
        return "no earlier scan of this engine was kept"
    return f"use is only known from {day(seen.since, now)} on, {count(seen.scans, 'scan')}"


def adds(one: RuleFigures, units: Units) -> str:
    """Return what a rule adds to those before it: ``+5.0 MB`` that goes, ``−5.0 MB`` that stays by it."""
    return format_size(one.adds if one.rule.kind == "drop" else -one.adds, units, signed=True)


def total_words(found: KeepPlan, units: Units) -> list[str]:
    """Say what the rules promise one by one, what they free together, and what no rule decides."""
    plan = found.plan
    drops = sum(one.rule.kind == "drop" for one in found.rules)
    lines = []
    if drops > 1 and found.summed != found.frees:
        frees = bounded(found.frees, plan.bound, units)
        promised = format_size(found.summed, units)
        lines.append(f"Together the {count(drops, 'drop rule')} free {frees}; alone they add up to {promised}.")
    if found.pinned:
        are = "is" if len(found.pinned) == 1 else "are"
        lines.append(f"{count(len(found.pinned), 'image')} would go but {are} pinned.")
    if found.undecided:
        verb = "stays" if found.undecided == 1 else "stay"
        lines.append(f"{count(found.undecided, 'image')} that no rule selects {verb}.")
    return lines


def keep_rows(found: KeepPlan, units: Units) -> list[Row]:
    """Return a row for each rule: what it adds, how many images it decides, their sizes, and what they free alone."""
    rows = []
    for at, one in enumerate(found.rules):
        drop = one.rule.kind == "drop"
        alone = bounded(one.alone, one.alone_bound, units)
        listed = f"{format_size(one.listed, units)} listed, " if one.decides else ""
        decided = f"{one.rule.kind} · {count(len(one.decides), 'image')}, {listed}{alone} alone"
        rows.append(
            Row(str(at), "−" if drop else "✓", "" if drop else "good", one.rule.says, adds(one, units), decided)
        )
    return rows


def keep_said(found: KeepPlan, look_back: int, now: int, units: Units) -> list[Said]:
    """Return what the rules come to, as sentences of a dialog."""
    plan = found.plan
    number, stay = count(len(plan.removed), "image"), len(plan.blocked_images)
    frees = bounded(found.frees, plan.bound, units)
    listed = amount(plan.listed, not all(node.exact for node in plan.images), units)
    said = [
        Said(f"frees {frees} · {number}, {listed} listed" if plan.removed else "Nothing goes by these rules.", "strong")
    ]
    if stay:
        said.append(Said(f"{count(stay, 'image')} more would go, and the engine would refuse.", "warn"))
    said += [Said(line, "quiet") for line in total_words(found, units)]
    said += [Said(f"{clean(line)}.", "warn") for line in _few(keep_warnings(found, look_back, now))]
    return said


def _few(lines: Sequence[str]) -> list[str]:
    rest = len(lines) - 3
    return [*lines[:3], *([f"{count(rest, 'more warning')}: `layerscope keep` prints all of them"] if rest > 0 else [])]
