"""Removing images: the only code here that changes an engine. It knows no way to force.

An image goes by its names first: all but the last are taken away one by one, each only after a look that it
still means this image; a tag that has moved on in the meantime is left alone. The last name and
the image go together, by ID: that never hits another image, and an engine checks a removal by ID
against containers and children before it takes anything away. (By its last *name*, moby would silently only untag an
image that others were made from: ``daemon/images/image_delete.go``. A containerd store would keep such an image,
unnamed, and answer that it was deleted; by ID it goes: measured on 28.5.)

An image that the plan only untags (graphdrivers: something that stays was made from it) loses all its names
and is never asked to go. As its last name would take it along once nothing stands on it any more,
that is looked at before each name; no request of an engine's could ask for the one without the other.

Untagged build parents go along, as with ``docker rmi``. A containerd store leaves them behind when anything further
up their line is gone (28.5: the walk over ``org.mobyproject.image.parent`` gives up); what the plan
says goes is then removed by ID too.

This module is imported only by a remover that was asked for; nothing else reaches it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from layerscope.core.graph import ImageNode
from layerscope.core.origin import Origin, origin_of
from layerscope.core.removal.carry_out import Step, StepState
from layerscope.core.removal.plan import RemovalPlan, plan
from layerscope.core.stores import STORES
from layerscope.engine.connect import Connection
from layerscope.engine.errors import EngineError, Refused
from layerscope.engine.explain import explain_refusal
from layerscope.engine.lists import list_containers, list_images
from layerscope.engine.records import as_dict, as_list, as_size, as_text, as_texts, with_prefix
from layerscope.inventory import Image
from layerscope.leaving import is_leaving, under_way
from layerscope.state.removal_log import RemovalLog
from layerscope.text import clean
from layerscope.units import natural_list

_MORE_NAMES = re.compile("referenced in multiple repositories|with more than one tag")
"""How moby and Podman refuse to remove by ID what has several names."""
_NO_ANSWER = "the engine answered with nothing that a removal is answered with"
_WORDS = 600
"""Characters of what an engine says."""


class EngineRemover:
    """Removes images on one engine: a :class:`layerscope.core.removal.carry_out.Remover`."""

    def __init__(self, connection: Connection, log: RemovalLog | None = None) -> None:
        """``log``: that of the user, unless another one is given."""
        self.connection = connection
        self.log = log or RemovalLog.of_user(connection.engine, connection.engine_id)

    @property
    def warning(self) -> str:
        """Why the log could not be written, in a line; empty when it could."""
        return self.log.problem

    def remove(
        self, plan: RemovalPlan, progress: Callable[[Step], object], cancelled: Callable[[], bool]
    ) -> tuple[Step, ...]:
        """Remove ``plan.removed`` and untag ``plan.untagged``, one by one; see ``core.removal.carry_out.Remover``."""
        steps: list[Step] = []
        stopped = self._other_engine(plan)
        told = False
        whole = [(node, True) for node in plan.removed] + [(one.image, False) for one in plan.untagged]
        for node, goes in whole:
            if not stopped and (is_leaving() or cancelled()):
                stopped = "layerscope was told to end" if is_leaving() else "cancelled"
            if stopped:
                step = Step(node.id, "skipped", stopped)
            else:
                progress(Step(node.id, "removing"))
                with under_way():
                    step = self._remove(node, origin_of(plan.graph, node)) if goes else self._untag(node)
                if step.state == "lost":
                    stopped = "the engine was lost"
            steps.append(step)
            if stopped and step.state == "skipped" and is_leaving() and not told:
                told = True
                with under_way():
                    self.log.stopped([node.image for node, _ in whole[len(steps) - 1 :]], stopped)
            progress(step)
        if not stopped:
            self._remove_parents(plan, {step.image_id for step in steps if step.state in {"removed", "gone"}})
        return tuple(steps)

    def prune_build_cache(self) -> int | None:
        """Remove what of the build cache nothing uses, as ``docker builder prune`` does; return bytes by its count.

        That count is no measure of the disk: engines count layers that images share. Raises BackendError.
        """
        try:
            answer = self._send("POST", "/build/prune")
        except Refused as refused:
            raise explain_refusal(refused, self.connection.endpoint, "to prune the build cache") from refused
        return as_size(as_dict(answer).get("SpaceReclaimed"))

    def _other_engine(self, plan: RemovalPlan) -> str:
        """Return why the engine that answers now is not the one the plan was made on; empty when it is.

        By the ID of its ``/info``. Podman's is another one at every call: there by the host's name, the root folder
        and the driver, and at least one of the plan's images must be there; others may have gone.
        """
        conn, was = self.connection, self.connection.engine
        try:
            info = as_dict(conn.ask("/info", "its own facts"))
            if was.kind == "podman":
                now = (as_text(info.get("Name")), as_text(info.get("DockerRootDir")), as_text(info.get("Driver")))
                same = now == (was.name, was.root_dir, was.store)
            else:
                same = as_text(info.get("ID")) == conn.engine_id
                if same and conn.engine_id:
                    return ""  # an image that is not there counts as gone
            if not same:
                return f"another engine answers at {was.host} than the one that was looked at; nothing was asked of it"
            ids = {image.id for image in list_images(conn)}
        except EngineError as error:
            return f"the engine was lost before anything was asked: {error.cause}"
        wanted = {node.id for node in plan.removed} | {one.image.id for one in plan.untagged}
        if wanted and not wanted & ids:
            return f"the engine at {was.host} has none of these images any more; nothing was asked of it"
        return ""

    def _remove(self, node: ImageNode, origin: Origin) -> Step:
        self.log.removing(node.image, node.size, origin)
        one = _OneImage(self, node.image)
        return self._became(one, one.remove)

    def _untag(self, node: ImageNode) -> Step:
        self.log.untagging(node.image)
        one = _OneImage(self, node.image)
        return self._became(one, one.untag)

    def _became(self, one: _OneImage, act: Callable[[], tuple[StepState, str]]) -> Step:
        try:
            state, words = act()
        except EngineError as error:
            state, words = "lost", error.cause
        words = clean("; ".join(filter(None, (words, *one.others))), _WORDS)
        self.log.became(one.image, state, words, one.answered)
        return Step(one.image.id, state, words)

    def _remove_parents(self, whole: RemovalPlan, done: set[str]) -> None:
        """Remove the untagged build parents that were to go with the images that went, and are still there."""
        if not whole.parents:
            return
        try:
            left = {image.id for image in list_images(self.connection) if not (image.tags or image.digests)}
            for image in plan(whole.graph, done).parents:
                if image.id in left:
                    self.log.removing(image, 0, Origin("only here"))  # a step of a build here
                    self.log.became(image, *_OneImage(self, image).remove())
        except EngineError:
            return  # what is left shows in the next scan

    def _send(self, method: str, path: str) -> Any:
        """Return the JSON answer to a request without any parameter. Raises Refused or EngineError."""
        return self.connection.send(method, path)


class _OneImage:
    """The removal of one image. Every method raises EngineError when the engine is lost."""

    def __init__(self, remover: EngineRemover, image: Image) -> None:
        self.connection = remover.connection
        self.send = remover._send
        self.image = image
        self.rules = STORES[remover.connection.engine.store_kind]
        self.taken = 0
        """Names taken away so far."""
        self.answered: list[str] = []
        """What the engine said that went, at each request by name: the name may have moved a moment before."""
        self.others: list[str] = []
        """What went besides, in a sentence each: such a request hit another image."""

    def remove(self) -> tuple[StepState, str]:
        """Return what became of it, and the engine's words."""
        return self._told(self._by_names_then_by_id)

    def untag(self) -> tuple[StepState, str]:
        """Take all its names away; return what became of it, and why where some are left."""
        return self._told(self._names_only)

    def _told(self, act: Callable[[], tuple[StepState, str]]) -> tuple[StepState, str]:
        try:
            return act()
        except Refused as refused:
            if refused.status == 404 and self._is_gone():
                return ("removed" if self.taken else "gone"), ""
            return ("untagged" if self.taken else "refused"), refused.message or f"status {refused.status}"

    def _differs(self, now: dict[str, Any]) -> str:
        """Return what is not as the plan showed it: a name more, or one less; empty for nothing."""
        names = {name for name in as_texts(now.get("RepoTags")) if "<none>" not in name}
        new, lost = names - {*self.image.tags, *self.image.digests}, set(self.image.tags) - names
        for what, which in (("has a name now that the plan did not show", new), ("has lost a name since", lost)):
            if which:
                return f"it {what}: {natural_list(sorted(which), 3)}"
        return ""

    def _by_names_then_by_id(self) -> tuple[StepState, str]:
        if (now := self._now()) is not None and (differs := self._differs(now)):
            return "skipped", differs
        names = self.image.tags[:-1]
        if names and (blocker := self._blocker()):  # or it would lose these names, and then stay
            return "refused", blocker
        for name in names:
            if self._take(name):
                return "removed", ""
        try:
            return self._by_id()
        except Refused as refused:
            # Names with digests count as names too; but one that somebody has just added is not ours to take.
            if not (_MORE_NAMES.search(refused.message) and self.image.digests) or self._has_new_names():
                raise
            if blocker := self._container():
                return "refused", blocker
            for name in self.image.digests:
                if self._take(name):
                    return "removed", ""
            return self._by_id()

    def _names_only(self) -> tuple[StepState, str]:
        if (now := self._now()) is None:
            return "gone", ""
        if differs := self._differs(now):
            return "skipped", differs
        if blocker := self._container():
            return "refused", blocker
        for name in (*self.image.tags, *self.image.digests):
            if not self._has_children():
                why = "nothing stands on it any more: without its last name it would go, and that was not confirmed"
                return ("untagged" if self.taken else "refused"), why
            if self._take(name):
                return "removed", ""
        return "untagged", ""

    def _by_id(self) -> tuple[StepState, str]:
        answer = self.send("DELETE", _path(self.image.id))
        if self._is_deleted(answer) or self._now() is None:
            return "removed", ""
        if not _told(answer):
            return ("untagged" if self.taken else "refused"), f"{_NO_ANSWER}, and kept the image"
        # Engines that answer without refusing, and keep it: something was made from it a moment ago.
        return "untagged", "the engine took its names away and kept the image"

    def _take(self, name: str) -> bool:
        """Take a name away if it still means this image; return whether that was the end of the image."""
        try:
            meant = as_dict(self.connection.get_json(f"{_path(name)}/json"))
            if with_prefix(as_text(meant.get("Id"))) != self.image.id:
                return False
            answer = self.send("DELETE", _path(name))
        except Refused as refused:
            if refused.status == 404:
                return False
            raise
        told = _told(answer)
        self.answered += [f"{what} {which}" for what, which in told] or [f"nothing, when asked for {name}"]
        deleted = [which for what, which in told if what == "Deleted"]
        if deleted and self.image.id not in deleted:
            self.others.append(f"{name} meant another image by then, which is gone: {natural_list(deleted, 3)}")
            return False
        if not told and (now := self._now()) is not None and name in as_texts(now.get("RepoTags")):
            raise Refused(200, f"{_NO_ANSWER}, and kept the name {name}")
        self.taken += 1
        # A containerd store says so of a last name although it keeps the image for what was made from it.
        return self._is_deleted(answer) and self._now() is None

    def _is_deleted(self, answer: Any) -> bool:
        return ("Deleted", self.image.id) in _told(answer)

    def _now(self) -> dict[str, Any] | None:
        """Return the engine's description of the image as it is now, None when it is gone."""
        try:
            return as_dict(self.connection.get_json(f"{_path(self.image.id)}/json"))
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def _is_gone(self) -> bool:
        """Does the engine say that there is no such image? An engine that refuses to tell does not say so."""
        try:
            return self._now() is None
        except Refused:
            return False

    def _has_new_names(self) -> bool:
        now = self._now()
        return now is None or not set(as_texts(now.get("RepoTags"))) <= {*self.image.tags, *self.image.digests}

    def _blocker(self) -> str:
        """Return the rule by which the engine would refuse to remove it, empty if it would not."""
        if blocker := self._container():
            return blocker
        return self.rules.child_rule if self.rules.child_image_blocks and self._has_children() else ""

    def _has_children(self) -> bool:
        """Is there an image that was made from this one?"""
        return any(image.parent_id == self.image.id for image in list_images(self.connection))

    def _container(self) -> str:
        """Return the rule and the container by which the engine would refuse, empty if it would not."""
        for container in list_containers(self.connection):
            if container.image_id == self.image.id:
                return f"{self.rules.stopped_rule}: {container.name or container.id[:12]} ({container.state})"
        return ""


def _told(answer: Any) -> list[tuple[str, str]]:
    """Return the rows of an answer to a removal, (Untagged, name) and (Deleted, ID); none where it is none."""
    rows = [(what, as_text(as_dict(row).get(what))) for row in as_list(answer) for what in ("Untagged", "Deleted")]
    return [(what, with_prefix(which) if what == "Deleted" else which) for what, which in rows if which]


def _path(name: str) -> str:
    return f"/images/{quote(name, safe='/:@')}"
