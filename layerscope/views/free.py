"""A proposal of what to remove to free a number of bytes, in words."""

from __future__ import annotations

from layerscope.core.removal.proposal import Proposal
from layerscope.text import fit_name
from layerscope.units import Units, count, format_number, format_size, natural_list
from layerscope.views.content import content_missing
from layerscope.views.decide import Decider
from layerscope.views.names import amount, bounded, image_label
from layerscope.views.removal import Row, Said, again_said


def proposal_rows(proposal: Proposal, now: int, units: Units) -> list[Row]:
    """Return the images of a proposal, what is missed least first; ``now`` in Unix seconds."""
    decider = Decider(proposal.plan.graph, now, units)
    return [
        Row(
            node.id,
            "✓",
            "mark",
            image_label(node),
            amount(node.size, not node.exact, units),
            "",
            decider.cells(node),
        )
        for node in proposal.plan.images
    ]


def most_said(proposal: Proposal, units: Units) -> list[Said]:
    """Return what the most that can be had comes to, and what it would cost: for a proposal of all there is."""
    plan = proposal.plan
    if not plan.images:
        return [Said("There is nothing to propose: every image is in use or pinned.", "strong")]
    said = [Said(f"The most that can be had is {bounded(plan.frees, plan.bound, units)}. It costs:", "strong")]
    named = sum(not node.dangling for node in plan.images)
    said.append(Said(f"{count(len(plan.images), 'image')}, {format_number(named)} of them with a name."))
    return said + again_said(plan.graph, plan.images)


def disk_words(proposal: Proposal) -> str:
    """Return where the bytes of a target come back, to follow a size; empty where there is but one kind of them."""
    rules = proposal.plan.graph.rules
    if not rules.keeps_content:
        return ""
    return " on disk" if proposal.plan.graph.content is not None else " unpacked"


def missing_words(proposal: Proposal) -> str:
    """Return why a target is of unpacked layers alone; empty where it is not."""
    missing = content_missing(proposal.plan.graph)
    return f"Content comes on top and is {missing}." if missing else ""


def proposal_said(proposal: Proposal, units: Units) -> list[Said]:
    """Return what a proposal comes to, and what the most is where the size cannot be had."""
    plan = proposal.plan
    most = format_size(proposal.most, units)
    said: list[Said] = []
    if not proposal.reached:
        said.append(
            Said(
                f"{format_size(proposal.target, units)}{disk_words(proposal)} cannot be had: "
                f"the most that can be had is {most}.",
                "warn",
            )
        )
        more = []
        if proposal.most_with_used > proposal.most:
            more.append(f"{format_size(proposal.most_with_used, units)} if images with containers went too")
        if proposal.most_with_pinned > proposal.most:
            more.append(f"{format_size(proposal.most_with_pinned, units)} if pinned ones did")
        if more:
            said.append(Said(f"It would be {natural_list(more)}.", "quiet"))
    if not plan.images:
        said.append(Said("There is nothing to propose.", "strong"))
        return said
    named = sum(not node.dangling for node in plan.images)
    number = len(plan.images)
    some = "with names" if named == number else f"{format_number(named)} with a name"
    which = some if named else "none with a name"
    least = "; no smaller set does it" if proposal.fewest and proposal.reached else ""
    frees = bounded(plan.frees, plan.bound, units)
    if plan.content is not None:
        disk = plan.frees_disk
        frees += f" unpacked and {format_size(plan.content.after_prune.most, units)} of content"
        frees += f", {format_size(disk, units)} on disk" if disk is not None else ""
    said.append(
        Said(
            f"frees {frees} · {count(len(plan.images), 'image')}, {which}{least}",
            "strong",
        )
    )
    said += again_said(plan.graph, plan.images)
    if proposal.families:
        family = proposal.families[0]
        size = bounded(family.size, family.bound, units)
        both = "both" if len(family.images) == 2 else "all"
        names = natural_list([fit_name(image_label(node), 40) for node in family.images], 2)
        said.append(Said(f"{size} of it come back only if {names} {both} go.", "quiet"))
    if proposal.reached:
        said.append(Said(f"The most that can be had is {most}.", "quiet"))
    if plan.held_by_cache:
        held = format_size(plan.held_by_cache, units)
        said.append(Said(f"Up to {held} of it comes back only after the build cache is pruned.", "warn"))
    if missing := missing_words(proposal):
        said.append(Said(missing, "warn"))
    if not plan.graph.disk_rule.once:
        said.append(Said(f"On disk it is another figure: {plan.graph.disk_rule.words}.", "warn"))
    return said
