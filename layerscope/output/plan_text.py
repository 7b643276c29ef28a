"""Removal plans and proposals for people: plain text, what comes back first, then what goes, what stays and why.

No line is wider than asked for and no number is cut; ``≥`` stands where it may be more, ``?`` where nothing is known.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len

from layerscope.core.graph import ImageNode, Layer
from layerscope.core.origin import origin_of
from layerscope.core.removal.plan import Blocker, KeptLayer, RemovalPlan, Untagged, container_name
from layerscope.core.removal.proposal import Proposal
from layerscope.core.sizes.sums import Bound
from layerscope.output.tables import Column, table
from layerscope.text import clean, fit, fit_name, pad, wrapped
from layerscope.units import (
    UNKNOWN,
    Units,
    count,
    format_exact,
    format_number,
    format_size,
    natural_list,
    part_of,
)
from layerscope.views.content import SHARED_CONTAINERD, content_missing
from layerscope.views.free import disk_words, missing_words
from layerscope.views.names import (
    LONGEST,
    age_words,
    bounded,
    image_label,
    image_labels,
    layer_label,
    short_id,
    unique_amount,
)
from layerscope.views.removal import again_said
from layerscope.views.states import state_words

MIN_WIDTH = 80
"""Columns; nothing is laid out narrower than this."""
TOP = 10
"""Rows of a table that only explains: the biggest."""
_NAME = 32
"""Cells of a name in a table that has something longer to say."""


def plan_text(plan: RemovalPlan, *, now: int, units: Units = Units.SI, width: int = MIN_WIDTH) -> str:
    """Return a plan as text of at most ``width`` columns, a newline at its end; ``now`` is what ages are counted to."""
    page = _Page(plan, units, max(width, MIN_WIDTH), now)
    goes, asked = len(plan.removed), len(plan.images)
    of = f" {part_of(goes, asked, 'image')}" if goes < asked else f" {count(asked, 'image')}"
    title = f"Removing{of} · listed {page.size(plan.listed)}" if goes else page.nothing_goes()
    lists = [page.images(), page.untagged(), page.blocked(), page.kept()]
    return _joined([[title], page.figures(), *lists, [_ONLY_A_PLAN]])


_ONLY_A_PLAN = "This is a plan: nothing was removed."


def free_text(found: Proposal, *, pinned: int, now: int, units: Units = Units.SI, width: int = MIN_WIDTH) -> str:
    """Return a proposal as text, as :func:`plan_text` does; ``pinned`` is how many images were left out as pinned."""
    page = _Page(found.plan, units, max(width, MIN_WIDTH), now)
    target, number = page.size(found.target), len(found.plan.removed)
    where = disk_words(found)
    if found.reached:
        title = f"To free {target}{where}: " + (f"remove {count(number, 'image')}" if number else "nothing to do")
    elif number:
        title = f"{target} cannot be had. The most is {page.size(found.most)}, with {count(number, 'image')} removed"
    else:
        title = f"{target} cannot be had: there is nothing to remove"
    parts = [[title, *page.wrapped(filter(None, [*_more(found, page, pinned), missing_words(found)]))]]
    if number:
        first = page.containers_first(found) if found.containers else []
        parts += [page.figures(), page.images(), page.families(found), first]
        parts.append([_ONLY_A_PLAN])
    return _joined(parts)


def _more(found: Proposal, page: _Page, pinned: int) -> Iterator[str]:
    """Say what would make more possible, where it was not enough."""
    if found.reached:
        return
    if page.size(found.most_with_used) != page.size(found.most):
        yield f"With images that have containers too it is {page.size(found.most_with_used)}: add --include-used."
    if pinned and page.size(found.most_with_pinned) != page.size(found.most):
        yield f"Without pins it would be {page.size(found.most_with_pinned)} ({count(pinned, 'image')} pinned)."


def _joined(parts: Iterable[Sequence[str]]) -> str:
    return "\n".join("\n".join(lines) + "\n" for lines in parts if lines)


class _Page:
    def __init__(self, plan: RemovalPlan, units: Units, width: int, now: int) -> None:
        self.plan = plan
        self.units = units
        self.width = width
        self.now = now

    def size(self, size: int | None) -> str:
        return format_size(size, self.units)

    def wrapped(self, sentences: Iterable[str]) -> list[str]:
        return [line for sentence in sentences for line in textwrap.wrap(sentence, self.width)]

    def nothing_goes(self) -> str:
        if not self.plan.images:
            return "No image is meant: nothing to remove."
        alone = len(self.plan.images) == 1
        if self.plan.untagged:
            return f"Removing nothing: {'it' if alone else 'what can go'} only loses its name."
        return f"Removing nothing: the engine would refuse {'it' if alone else 'every one of them'}."

    def figures(self) -> list[str]:
        plan = self.plan
        if not plan.removed:
            return self.wrapped(map(clean, plan.doubts))
        layers = f"{count(len(plan.freed), 'layer')} that nothing else needs"
        states = {state_words(node, plan.graph) for node in plan.removed} - {""}
        bare = not any(node.layers for node in plan.removed)
        nothing = natural_list(sorted(states)) if bare else "every layer is needed by something else"
        what = layers if plan.freed else nothing
        rows: list[tuple[str, int, Bound, str]] = [("Frees", plan.frees, plan.bound, what)]
        if plan.frees and plan.frees_at_once is not None and plan.held_by_cache:
            bound: Bound = "≥" if plan.bound in {"", "≥"} else "?"
            rows.append(("At once", plan.frees_at_once, bound, "the rest when the build cache is pruned"))
        if plan.kept:
            rows.append(("Stays", plan.keeps, plan.keeps_bound, count(len(plan.kept), "layer")))
        sizes = [
            "≥0 B" if bound == "≥" and not size and plan.exact else bounded(size, bound, self.units)
            for _, size, bound, _ in rows
        ]
        whole = [
            "" if text == UNKNOWN else format_exact(size) for text, (_, size, _, _) in zip(sizes, rows, strict=True)
        ]
        wide, wider = max(map(len, sizes)), max(map(len, whole))
        lines = [
            f"{label:<7}  {text:>{wide}}  {exactly:>{wider}}  {words}"
            for (label, _, _, words), text, exactly in zip(rows, sizes, whole, strict=True)
        ]
        if plan.kept:  # its words are the only ones of any length
            lines[-1] += ", " + self.needed_by(self.width - cell_len(lines[-1]) - 2)
        return [*lines, *self.wrapped(self.content()), *self.wrapped(self.notes())]

    def content(self) -> Iterator[str]:
        """Say what goes of the compressed blobs of a containerd store, and what of them stays, until when."""
        found = self.plan.content
        if found is None:
            if missing := content_missing(self.plan.graph):
                yield f"Content is {missing}."
            return
        disk = self.plan.frees_disk
        most = self.size(found.at_once.most)
        if found.at_once.exact:
            yield f"Content (compressed): frees {most} besides."
        else:
            yield (
                f"Content (compressed): frees {self.size(found.at_once.least)} to {most} at once: {found.because}. "
                + (f"After that {self.size(found.after_prune.most)}." if found.after_prune.exact else "")
            )
        if disk is not None:
            yield f"The disk gets back {self.size(disk)} ({format_exact(disk)}): unpacked layers and content."
        if self.plan.shares_containerd:
            yield SHARED_CONTAINERD
        if found.kept_by_history:
            yield f"{self.size(found.kept_by_history)} of it stays until the build history expires, after 48 hours."

    def at_least(self, size: int, exact: bool) -> str:
        return bounded(size, "" if exact else "≥", self.units)

    def needed_by(self, room: int) -> str:
        keepers = [node for node, _ in self.plan.keepers()]
        if not keepers:
            return fit("for build parents in use", room)
        more = natural_list([""], more=len(keepers) - 1)
        return fit("for " + fit_name(image_label(keepers[0]), max(8, room - len(more) - 4)) + more, room)

    def notes(self) -> Iterator[str]:
        """What the figures leave open, a sentence each."""
        plan = self.plan
        yield from map(clean, plan.doubts)
        if plan.frees and plan.held_by_cache is None:
            yield "How much of it the build cache keeps on disk until it is pruned is not known."
        if plan.frees and plan.unseen:
            names = natural_list([clean(container_name(c), 60) for c in plan.unseen], 3)
            yield f"The image of the container {names} is gone: it may keep layers on disk until it is removed."
        if plan.frees_hidden:
            yield f"Build parents go too, with {self.size(plan.frees_hidden)} of layers that no listed image has."
        if plan.frees:
            yield f"Sizes are in this store's unit: {plan.graph.rules.unit}."

    def images(self) -> list[str]:
        nodes = self.plan.removed
        if not nodes:
            return []
        lines = table(
            self.width,
            Column("GOES", [_label(node) for node in nodes], right=False, cut=fit_name),
            Column("SIZE", [self.at_least(node.size, node.exact) for node in nodes]),
            Column("FREES ALONE", [self.alone(node) for node in nodes]),
            Column("CREATED", [age_words(node.image.created, self.now) for node in nodes], right=False),
            Column("PULL", [origin_of(self.plan.graph, node).again for node in nodes], right=False),
        )
        if together := self.plan.frees - sum(node.unique for node in nodes):
            lines += self.wrapped([f"{self.size(together)} more because several of them go."] if together > 0 else [])
        return lines + self.wrapped(said.text for said in again_said(self.plan.graph, nodes))

    def alone(self, node: ImageNode) -> str:
        return unique_amount(node, self.plan.graph.totals.unknown_images, self.units)

    def blocked(self) -> list[str]:
        return self.reasons("CANNOT GO", "BECAUSE OF", self.plan.blocked)

    def untagged(self) -> list[str]:
        return self.reasons("ONLY UNTAGGED", "STAYS FOR", self.plan.untagged)

    def reasons(self, title: str, why: str, found: Sequence[Blocker | Untagged]) -> list[str]:
        """Set images beside the reasons, which go on below: an engine's rule is never cut."""
        if not found:
            return []
        names = [title, *(fit_name(_label(one.image), _NAME) for one in found)]
        wide = max(map(cell_len, names))
        lines = []
        for name, text in zip(names, [why, *(_why(one) for one in found)], strict=True):
            for number, part in enumerate(wrapped(text, self.width - wide - 2)):
                lines.append(f"{pad(name if not number else '', wide)}  {part}".rstrip())
        return lines

    def kept(self) -> list[str]:
        kept = [one for one in self.plan.kept if one.layer.size != 0][:TOP]
        if not kept:
            return []
        lines = table(
            self.width,
            Column("STAYS", [_layer_size(one.layer, self.units) for one in kept]),
            Column("FOR", [fit(_for_whom(one), _NAME) for one in kept], right=False),
            Column("LAYER", [layer_label(one.layer) for one in kept], right=False, cut=fit),
        )
        if rest := len(self.plan.kept) - len(kept):
            lines.append(f"{count(rest, 'more layer')} {'stays' if rest == 1 else 'stay'}.")
        return lines

    def families(self, found: Proposal) -> list[str]:
        families = [family for family in found.families if family.size][:TOP]
        if not families:
            return []
        return table(
            self.width,
            Column("TOGETHER", [bounded(family.size, family.bound, self.units) for family in families]),
            Column("ONLY IF ALL OF THESE GO", [_family(family.images) for family in families], right=False),
            Column("LAYER", [layer_label(family.layers[-1]) for family in families], right=False, cut=fit),
        )

    def containers_first(self, found: Proposal) -> list[str]:
        containers = found.containers
        return table(
            self.width,
            Column("REMOVE FIRST", [clean(container_name(c), _NAME) for c in containers], right=False),
            Column("STATE", [clean(c.state, 20) for c in containers], right=False),
            Column("CONTAINER OF", [clean(c.image, LONGEST) for c in containers], right=False, cut=fit_name),
        )


def _layer_size(layer: Layer, units: Units) -> str:
    return ("~" if layer.size_is == "inferred" else "") + format_size(layer.size, units)


def _label(node: ImageNode) -> str:
    more = len(node.image.tags) - 1
    return f"{image_label(node)} +{count(more, 'tag')}" if more > 0 else image_label(node)


def _why(blocker: Blocker | Untagged) -> str:
    return f"{clean(blocker.by, LONGEST)}: {clean(blocker.rule)}"


def _for_whom(kept: KeptLayer) -> str:
    if kept.images:
        return image_labels(list(kept.images), 1)
    return f"build parent {short_id(kept.parents[0].id)}"


def _family(nodes: Sequence[ImageNode]) -> str:
    return fit(f"{format_number(len(nodes))}: {image_labels(list(nodes), 2)}", 40)
