"""A removal in words: what a plan would do, line by line. What became of it: :mod:`layerscope.views.removed`."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from layerscope.core.ages import made
from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.core.origin import origin_of
from layerscope.core.removal.plan import RemovalPlan, container_name
from layerscope.inventory import Container
from layerscope.text import clean
from layerscope.units import Units, count, format_number, format_size, natural_list, part_of, short_age
from layerscope.views.content import SHARED_CONTAINERD, content_missing
from layerscope.views.decide import Decider
from layerscope.views.names import amount, bounded, image_label, image_labels
from layerscope.views.rmi import pull_line, remove_containers_line

MANY = 10
"""More images than this are removed only when their number is typed."""
MOST_NAMED = 6
"""Containers of one image that are named; others are counted."""
MUCH = 10_000_000_000
"""So are more bytes than this."""


class Row(Struct, frozen=True):
    """One image in a dialog."""

    id: str
    sign: str
    style: str
    """Of the sign and the note."""
    name: str
    size: str
    note: str
    more: tuple[str, ...] = ()
    """What stands in further columns (:data:`layerscope.views.decide.COLUMNS`), where the dialog has them."""


class Said(Struct, frozen=True):
    """One sentence of a dialog, and how it is meant: "", "strong", "quiet", "warn", "bad" or "good"."""

    text: str
    style: str = ""


def needs_typing(removal: RemovalPlan) -> bool:
    """Is so much removed that one key is too little?"""
    return len(removal.removed) + len(removal.untagged) > MANY or max(removal.frees, removal.listed) > MUCH


def what_is_asked(removal: RemovalPlan) -> str:
    """Return what a yes would do: ``remove 2 images and untag 1``; empty when nothing."""
    remove = f"remove {count(len(removal.removed), 'image')}" if removal.removed else ""
    number = len(removal.untagged)
    untag = f"untag {format_number(number)}" if removal.removed else f"untag {count(number, 'image')}"
    return natural_list([*filter(None, (remove, untag if number else ""))])


def again_said(graph: LayerGraph, going: Sequence[ImageNode]) -> list[Said]:
    """Return what is to be said of the images of a set that no registry is known to have."""
    origins = [origin_of(graph, node).again for node in going]
    here, unknown = origins.count("only here"), origins.count("not known")
    said = []
    if here:
        which = "It exists" if len(going) == 1 else f"{format_number(here)} of these exist{'s' if here == 1 else ''}"
        said.append(Said(f"{which} only on this machine.", "warn"))
    if unknown:
        whom = "" if len(going) == 1 else f"Of {format_number(unknown)} of these it"
        said.append(Said(f"{whom or 'It'} is not known whether a registry has it.", "quiet"))
    return said


def again_line(graph: LayerGraph, node: ImageNode) -> str:
    """Return the command that pulls an image again, for a shell; empty where none is known to."""
    return pull_line(graph.inventory.engine, origin_of(graph, node))


def plan_rows(removal: RemovalPlan, now: int, units: Units) -> list[Row]:
    """Return the images of a plan: those that stay, with the engine's rule; those only untagged; those that go."""
    rows: list[Row] = []
    for node in removal.blocked_images:
        rows.append(row_of(node, "✗", "warn", f"stays, {_why_blocked(removal, node, now)}", units))
    for one in removal.untagged:
        names = f", {more}" if (more := _names(one.image)) else ""
        note = f"only untagged{names}: it stays for {clean(one.by, 120)}: {clean(one.rule, 200)}"
        rows.append(row_of(one.image, "–", "warn", note, units))
    rows += [row_of(node, "−", "", _names(node), units) for node in removal.removed]
    decider = Decider(removal.graph, now, units)
    return [replace(row, more=decider.cells(removal.graph.image_by_id[row.id])) for row in rows]


def _why_blocked(removal: RemovalPlan, node: ImageNode, now: int) -> str:
    """Say what blocks an image: each container once, with its state and age, and the engine's rule once for all."""
    by_rule: dict[str, list[str]] = {}
    for blocker in removal.blocked:
        if blocker.image is node:
            what = blocker.by
            if blocker.container is not None:
                what = container_words(blocker.container, now)
            by_rule.setdefault(blocker.rule, []).append(clean(what, 120))
    return "; ".join(f"{natural_list(whats, MOST_NAMED)}: {clean(rule, 200)}" for rule, whats in by_rule.items())


def container_words(container: Container, now: int) -> str:
    """Return ``container web (running, 3d)``: name, state, age. Hostile text: clean before showing."""
    age = made(container.created, now)
    return f"container {container_name(container)} ({container.state}{f', {short_age(age, now)}' if age else ''})"


def containers_line(removal: RemovalPlan, node: ImageNode) -> str:
    """Return the command that removes the containers which block an image; empty where none does."""
    blocking = [one.container for one in removal.blocked if one.image is node and one.container is not None]
    return remove_containers_line(removal.graph.inventory.engine, blocking)


def unmarked_row(graph: LayerGraph, node: ImageNode, now: int, units: Units) -> Row:
    """Return the line of an image that was taken out of a set."""
    row = row_of(node, "·", "dim", "not marked: it stays", units)
    return replace(row, more=Decider(graph, now, units).cells(node))


def row_of(node: ImageNode, sign: str, style: str, note: str, units: Units) -> Row:
    """Return the line of an image with a sign and a note of this style."""
    return Row(node.id, sign, style, image_label(node), amount(node.size, not node.exact, units), note)


def _names(node: ImageNode) -> str:
    """What goes with the image besides the name that is shown."""
    tags = [clean(tag, 120) for tag in node.image.tags[1:]]
    return f"with {count(len(tags), 'more name')} ({natural_list(tags)})" if tags else ""


def plan_said(removal: RemovalPlan, units: Units) -> list[Said]:
    """Return what a plan comes to: bytes now and after the build cache is pruned, what stays, what is not known."""
    said = [Said(_goes(removal, units), "strong")]
    if number := len(removal.untagged):
        does, them = ("is only untagged and frees", "it") if number == 1 else ("are only untagged and free", "them")
        said.append(Said(f"{count(number, 'image')} {does} nothing: what was made from {them} stays.", "warn"))
    said += _cache(removal, units)
    said += content_said(removal, units)
    said += [Said(line, "quiet") for line in _besides(removal, units)]
    said += [Said(clean(doubt), "warn") for doubt in removal.doubts]
    return said


def plan_changes(before: RemovalPlan, now: RemovalPlan, units: Units) -> list[str]:
    """Return in what a yes to ``now`` would do something else than a yes to ``before``, a sentence each; none: nothing.

    Names, and what becomes of each image, count; figures on which the answer does not depend do not.
    """
    was, becomes = _fates(before), _fates(now)
    found = []
    for image_id in dict.fromkeys((*was, *becomes)):
        old, new = was.get(image_id), becomes.get(image_id)
        if old is None and new is not None:
            found.append(f"{image_label(new[1])} {_FATES[new[0]]} now")
        elif old is not None and new is None:
            found.append(f"{image_label(old[1])} is not there any more")
        elif old is not None and new is not None and old[0] != new[0]:
            found.append(f"{image_label(new[1])} {_FATES[new[0]]} now")
        elif old is not None and new is not None and _untags(old[1]) != _untags(new[1]):
            tags = natural_list([clean(name, 120) for name in _untags(new[1])], 3)
            found.append(f"{image_label(old[1])} has other names now: {tags or 'none'}")
    if {image.id for image in before.parents} != {image.id for image in now.parents}:
        found.append("other build steps go along now")
    if before.frees != now.frees:
        found.append(f"{format_size(now.frees, units)} come back, not {format_size(before.frees, units)}")
    return found


_FATES = {"removed": "would be removed", "untagged": "would only be untagged", "blocked": "would stay"}


def _fates(removal: RemovalPlan) -> dict[str, tuple[str, ImageNode]]:
    """What becomes of each image of a plan, by its ID."""
    return {
        **{node.id: ("blocked", node) for node in removal.blocked_images},
        **{one.image.id: ("untagged", one.image) for one in removal.untagged},
        **{node.id: ("removed", node) for node in removal.removed},
    }


def _untags(node: ImageNode) -> dict[str, None]:
    return dict.fromkeys((*node.image.tags, *node.image.digests))


def _goes(removal: RemovalPlan, units: Units) -> str:
    if not removal.removed:
        if removal.untagged:
            return "No image goes."
        which = "It cannot" if len(removal.images) == 1 else "None of these images can"
        return f"{which} be removed: the engine would refuse."
    frees = bounded(removal.frees, removal.bound, units)
    if removal.graph.rules.keeps_content:
        frees += " unpacked"
    going, asked = len(removal.removed), len(removal.images)
    which = count(going, "image") if going == asked else part_of(going, asked, "image")
    whole = all(node.exact for node in removal.removed)
    listed = amount(sum(node.size for node in removal.removed), not whole, units)
    return f"{which} {'goes' if going == 1 else 'go'} · listed {listed} · frees {frees}"


def content_said(removal: RemovalPlan, units: Units) -> list[Said]:
    """Return what goes of the compressed blobs of a containerd store, what the disk gets back, and what stays when."""
    if not removal.graph.rules.keeps_content or not removal.removed:
        return []
    found = removal.content
    if found is None:
        missing = content_missing(removal.graph)
        return [Said(f"Content, compressed, comes on top and is {missing}.", "warn")]
    after, now = format_size(found.after_prune.most, units), found.at_once
    if found.after_prune.exact and now.exact:
        said = [Said(f"Content, compressed: frees {after} too.")]
    elif now == found.after_prune:
        least = format_size(now.least, units)
        said = [Said(f"Content, compressed: frees {least} to {after}: {found.because}.", "warn")]
    else:
        low, high = format_size(now.least, units), format_size(now.most, units)
        text = f"Content, compressed: frees {low} to {high} at once: {found.because}"
        said = [Said(f"{text}; then {after}." if found.after_prune.exact else f"{text}.", "warn")]
    if removal.frees_disk is not None:
        said.append(
            Said(f"The disk gets back {format_size(removal.frees_disk, units)}: unpacked and content.", "strong")
        )
    if removal.shares_containerd:
        said.append(Said(SHARED_CONTAINERD, "warn"))
    if found.kept_by_history:
        size = format_size(found.kept_by_history, units)
        said.append(Said(f"{size} of its content stays until the build history expires, 48 hours.", "quiet"))
    return said


def _cache(removal: RemovalPlan, units: Units) -> list[Said]:
    held = removal.held_by_cache
    if not removal.frees or held == 0:
        return []
    if held is None:
        return [Said("The engine has not said how much of it the build cache holds on disk.", "warn")]
    size, whole = format_size(held, units), format_size(removal.frees, units)
    now = removal.frees_at_once
    if not now:
        return [Said(f"Perhaps nothing comes back on disk until the build cache is pruned; then {whole} do.", "warn")]
    at_once = format_size(now, units)
    after = f"{whole} after the build cache, which holds ≤{size}, is pruned"
    return [Said(f"At least {at_once} comes back on disk at once, {after}.", "warn")]


def _besides(removal: RemovalPlan, units: Units) -> list[str]:
    lines = []
    if removal.parents:
        steps = count(len(removal.parents), "untagged build step is", "untagged build steps are")
        lines.append(f"{steps} removed too.")
    keepers = [node for node, _ in removal.keepers()]
    if removal.keeps:
        whom = image_labels(keepers, 2) if keepers else "build steps"
        lines.append(f"{bounded(removal.keeps, removal.keeps_bound, units)} of these layers stay for {whom}.")
    if removal.unseen and removal.frees:
        lines.append(f"{count(len(removal.unseen), 'container')} without an image may keep some of it on disk.")
    return lines


# -- what became of it --------------------------------------------------------------------
