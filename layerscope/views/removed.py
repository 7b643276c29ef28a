"""What became of a removal, in words: each image as it goes, and what was freed beside what was predicted."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.core.changes import changes
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.removal.carry_out import CachePruned, CarriedOut, Step, StepState
from layerscope.core.removal.measured import Freed
from layerscope.core.removal.plan import RemovalPlan
from layerscope.text import clean
from layerscope.units import Units, count, format_size, natural_list
from layerscope.views.removal import Row, Said, row_of

SIGNS: dict[StepState, tuple[str, str, str]] = {
    "removing": ("◌", "warn", "removing …"),
    "removed": ("✓", "good", "removed"),
    "untagged": ("–", "warn", "only untagged"),
    "gone": ("✓", "dim", "was gone already"),
    "refused": ("✗", "bad", "refused"),
    "lost": ("?", "bad", "not known: the engine was lost"),
    "skipped": ("·", "dim", "not tried"),
}


def step_row(node: ImageNode, step: Step | None, units: Units) -> Row:
    """Return the line of an image while its removal is under way, and afterwards."""
    sign, style, words = ("·", "dim", "") if step is None else SIGNS[step.state]
    note = words if step is None or not step.words else f"{words}: {clean(step.words, 400)}"
    return row_of(node, sign, style, note, units)


def came_said(done: CarriedOut, units: Units) -> list[Said]:
    """Return what came of a removal, measured, with the reason where it is not what was predicted."""
    removal, left = done.plan, done.measured.left
    predicted = format_size(removal.frees, units)
    said = []
    if left is None:
        why_not = f" ({done.unmeasured})" if done.unmeasured else ""
        said.append(Said(f"predicted {predicted} · freed: not measured{why_not}", "bad"))
    else:
        how = " by the engine's own total"
        if not removal.graph.rules.total_is_footprint:
            how = ": the layers are gone"
        right = left == removal.frees
        said.append(Said(f"predicted {predicted} · freed {format_size(left, units)}{how}", "good" if right else "warn"))
        if not right:
            planned = {one.image.id for one in removal.untagged}
            other = [step for step in done.steps if not (step.image_id in planned and step.state == "untagged")]
            said += [Said(why, "warn") for why in _why(removal, done.measured.part, other, left, done.graph, units)]
    said += _content_came(done, units)
    if done.measured.held:
        at_most = "Up to " if done.measured.held_at_most else ""
        still = f"{at_most}{format_size(done.measured.held, units)} of it is still on disk for the build cache"
        said.append(Said(f"{still}; it goes when that is pruned.", "warn"))
    return said


def _content_came(done: CarriedOut, units: Units) -> list[Said]:
    """Return what left the engine's list of blobs beside what was to leave it."""
    found, left = done.plan.content, done.measured.content
    if found is None and left is None:
        return []
    if left is None:
        return [Said("content: not measured: the engine did not list its blobs", "bad")]
    freed = f"freed {format_size(left, units)} by the engine's list"
    if found is None:
        return [Said(f"content: {freed}; nothing was predicted, it was not known what images reach", "warn")]
    now = (
        found.at_once
        if done.measured.part is done.plan or done.measured.part.content is None
        else (done.measured.part.content.at_once)
    )
    low, high = format_size(now.least, units), format_size(now.most, units)
    predicted = high if now.exact else f"{low} to {high} at once"
    right = now.least <= left <= now.most
    said = [Said(f"content: predicted {predicted} · {freed}", "good" if right else "warn")]
    if not right:
        said.append(Said("Others came or went meanwhile, or something that no list tells holds some of it.", "warn"))
    elif done.content_held:
        rest = format_size(done.content_held, units)
        said.append(Said(f"Up to {rest} of content is held by the build cache until it is pruned.", "warn"))
    return said


def prune_said(done: CachePruned, units: Units) -> Said:
    """Return what a prune of the build cache brought back."""
    back = done.back if done.content is None else Freed(done.content, done.content)
    of = "" if done.content is None else " of content"
    came = "what came back is not measured" if back.high is None else f"{format_size(back.high, units)}{of} came back"
    if done.wrong:
        not_at_all = "The build cache was not pruned" if back == Freed() else f"The prune did not end well, {came}"
        return Said(f"{not_at_all}: {clean(done.wrong, 400)}", "bad")
    aside = ""
    if done.content is not None:
        aside = f" (the engine counts {format_size(done.counted, units)}, its own folders too)" if done.counted else ""
    elif done.counted is not None and format_size(done.counted, units) != format_size(back.high, units):
        aside = f" (the engine counts {format_size(done.counted, units)}, with layers that images still have)"
    return Said(f"The build cache was pruned: {came}{aside}.", "good")


def still_held_said(held: int, back: Freed, units: Units) -> list[Said]:
    """Return what of ``held`` bytes a prune that went well left on disk; nothing when that is nothing or not known."""
    if back.high is None or held <= back.high:
        return []
    size = format_size(held - back.high, units)
    return [Said(f"At least {size} of it is still on disk: the engine kept it in its cache.", "warn")]


def _why(
    removal: RemovalPlan,
    part: RemovalPlan,
    steps: Sequence[Step],
    freed: int,
    graph: LayerGraph | None,
    units: Units,
) -> list[str]:
    """Say why ``freed`` is not what was predicted."""
    found = []
    for state, one, many in (
        ("refused", "was refused", "were refused"),
        ("untagged", "only lost its name", "only lost their names"),
        ("skipped", "was not tried", "were not tried"),
        ("lost", "may be gone or not", "may be gone or not"),
    ):
        number = sum(step.state == state for step in steps)
        if number:
            found.append(f"{count(number, 'image')} {one if number == 1 else many}")
    lines = [f"{natural_list(found)}: what went was to free {format_size(part.frees, units)}."] if found else []
    rest = freed - part.frees
    if not rest:
        return lines
    if graph is not None:
        meanwhile = changes(removal.graph, graph)
        others = set(meanwhile.removed) - {node.id for node in removal.removed}
        if meanwhile.added:
            lines.append(f"{count(len(meanwhile.added), 'image')} came from elsewhere meanwhile.")
        if others:
            lines.append(f"{count(len(others), 'other image')} went meanwhile, not by this removal.")
    if any(step.state == "gone" for step in steps):
        lines.append("Some were gone already: another session or program removes images too.")
    if len(lines) == bool(found):
        if not removal.exact:
            lines += map(clean, removal.doubts)
        else:
            lines.append(
                f"{format_size(rest, units, signed=True)} are not accounted for: press 6 for the engine's own figures."
            )
    return lines
