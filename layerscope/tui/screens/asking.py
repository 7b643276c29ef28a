"""Asking: the dialogs over the main screen, and what comes of their answers. Each is loaded when it is needed."""

# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from textual.screen import Screen

from layerscope.core.graph import ImageNode, LayerGraph
from layerscope.state.pins import PinsError
from layerscope.text import clean, fit
from layerscope.tui.live import Live
from layerscope.tui.scene import Scene
from layerscope.tui.session import Session
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.core.removal.plan import RemovalPlan
    from layerscope.tui.messages import ScanFailed
    from layerscope.tui.subject import Subject
    from layerscope.tui.widgets.rowtable import RowTable

T = TypeVar("T")


def rebase(screen: Screen[None], scene: Scene, graph: LayerGraph) -> None:
    """Carry marks over to a newer graph, and tell the dialogs that show the old one."""
    scene.rebase(graph)
    if len(screen.app.screen_stack) > 1:
        from layerscope.tui.dialogs.dialog import Dialog

        for over in screen.app.screen_stack:
            if isinstance(over, Dialog) and over.drawn:
                over.scene_changed()


def open_once(screen: Screen[None], box: Screen[T], answered: Callable[[T | None], None] | None = None) -> None:
    """Open a dialog, unless one of its kind is open: a key and a command of the palette in one burst ask twice."""
    if all(type(over) is not type(box) for over in screen.app.screen_stack):
        screen.app.push_screen(box, answered)


def go_on(
    screen: Screen[None], scene: Scene, graph: LayerGraph, session: Session, live: Live, *, news: bool = False
) -> None:
    """Take a newer graph; say what came of pulls that were looked at before, and with ``news`` what else changed."""
    old = scene.graph
    if news:
        from layerscope.views.changes import describe

        live.tell(describe(old, graph, session.units))
    for one in session.come(old, graph):
        from layerscope.views.pulled import pulled_wordings

        wordings = pulled_wordings(one, session.units)
        live.tell(wordings)
        screen.notify(wordings[0], markup=False, timeout=10)
    rebase(screen, scene, graph)


def ask_free(screen: Screen[None], scene: Scene, proposed: Callable[[tuple[str, ...] | None], None]) -> None:
    """Ask how much is to be freed; ``proposed`` gets the IDs of what is to be removed for it, or None."""
    from layerscope.tui.dialogs.free import FreeScreen

    open_once(screen, FreeScreen(scene), proposed)


def ask_keep(screen: Screen[None], scene: Scene, accepted: Callable[[tuple[str, ...] | None], None]) -> None:
    """Ask for a file of keep rules; ``accepted`` gets the IDs of what goes by them, or None."""
    from layerscope.tui.dialogs.keep import KeepScreen

    open_once(screen, KeepScreen(scene), accepted)


def ask_diff(screen: Screen[None], scene: Scene) -> None:
    """Ask for an earlier scan, and show what came and went since."""
    from layerscope.tui.dialogs.diff import DiffScreen

    open_once(screen, DiffScreen(scene))


def ask_preset(screen: Screen[None], scene: Scene, chosen: Callable[[tuple[str, ...] | None], None]) -> None:
    """Offer ready-made sets; ``chosen`` gets the IDs of the one that was taken, or None."""
    from layerscope.tui.dialogs.presets import PresetsScreen

    open_once(screen, PresetsScreen(scene), chosen)


def keeper_of(screen: Screen[None], scene: Scene, here: Iterable[ImageNode]) -> ImageNode | None:
    """Return the image that keeps most of what is marked (unmarked: of ``here``); say so where none does."""
    figures = scene.marks.figures if len(scene.marks) else scene.alone(list(here)).figures
    if figures.keeper is None:
        screen.notify("no other image keeps any of it")
    return figures.keeper


def toggle_only_marked(screen: Screen[None], scene: Scene) -> bool:
    """Show only what is marked now, or all again; False (and a word) where nothing is marked."""
    if scene.only is None and not len(scene.marks):
        screen.notify("nothing is marked: Space marks what the cursor is on")
        return False
    scene.only = None if scene.only is not None else frozenset(scene.marks.ids)
    return True


def ask_removal(
    screen: Screen[None],
    scene: Scene,
    here: Iterable[ImageNode],
    session: Session,
    changed: Callable[[], object],
    go: Callable[[ImageNode], object],
) -> None:
    """Show what removing the marked images would do (unmarked: those ``here``), and do it if the answer is yes.

    ``changed`` is called when a mark was taken off there, ``go`` to show what holds an image.
    Where nothing can be removed, the dialog says why.
    """
    from layerscope.tui.dialogs.plan import PlanScreen

    backend, marks = session.backend, scene.marks
    if backend is None:
        return
    if not len(marks):
        from layerscope.core.removal.marks import Marks

        marks = Marks(scene.graph)
        for node in here:
            marks.mark(node)
    if not len(marks):
        screen.notify("there is no image here to remove")
        return
    if not backend.no_removal and scene.graph.rules.build_cache_holds_layers and scene.graph.inventory.usage is None:
        session.ask_usage()  # what the build cache holds; the dialog learns of it
    open_once(
        screen,
        PlanScreen(scene, marks, backend.no_removal, changed, go),
        lambda plan: _remove(screen, scene, plan, session) if plan is not None else None,
    )


def _remove(screen: Screen[None], scene: Scene, plan: RemovalPlan, session: Session) -> None:
    from layerscope.tui.dialogs.removing import RemovingScreen  # out of reach where nothing is removed

    backend = session.backend
    remover = backend.remover() if backend is not None else None
    if backend is not None and remover is not None:
        screen.app.push_screen(RemovingScreen(scene, plan, backend, remover))


def toggle_pins(screen: Screen[None], nodes: list[ImageNode], session: Session) -> None:
    """Pin images, so that they are never proposed for removal, or unpin them; say which it was."""
    if not nodes:
        return
    try:
        pinned = session.pins.toggle(nodes)
        words = "pinned: never proposed for removal" if pinned else "no longer pinned"
        what = fit(clean(nodes[0].name, 200), 60) if len(nodes) == 1 else count(len(nodes), "image")
        screen.notify(f"{what} {words}", markup=False, timeout=3)
    except PinsError as error:
        screen.notify(str(error), severity="warning", markup=False)


def show_info(screen: Screen[None], scene: Scene, subject: Subject) -> None:
    """Show everything about a thing."""
    from layerscope.tui.dialogs.info import InfoScreen

    open_once(screen, InfoScreen(scene, subject))


def ask_where_to_save(screen: Screen[None], scene: Scene) -> None:
    """Ask where to save the scan, and save it there."""
    from layerscope.tui.dialogs.export import ExportScreen

    open_once(screen, ExportScreen(scene.graph.inventory, scene.now))


def ask_columns(screen: Screen[None], table: RowTable, session: Session) -> None:
    """Let the user choose the columns of a list, and keep what was chosen."""
    from layerscope.tui.dialogs.columns import ColumnsScreen

    def changed(hidden: frozenset[str]) -> None:
        table.hide(hidden)
        session.keep(hidden=tuple(sorted(hidden)))

    open_once(screen, ColumnsScreen(table.columns[1:], table.hidden, changed))


def begin_with(screen: Screen[None], graph: LayerGraph, session: Session, go_to: Callable[[ImageNode], None]) -> None:
    """Go to the image that was named at the start, as soon as it is there."""
    if not session.image:
        return
    from layerscope.search.select import SelectionError, select

    try:
        found = select(graph, [session.image])[0]
    except SelectionError as error:
        if graph.inventory.complete:
            session.image = ""
            screen.notify(str(error), severity="warning", markup=False)
    else:
        session.image = ""
        go_to(found)


def ask_pull(screen: Screen[None], scene: Scene | None, session: Session, subject: ImageNode | None) -> None:
    """Ask what pulling some images would cost, beginning with a newer one of ``subject``."""
    from layerscope.tui.dialogs.pull import PullScreen

    if scene is not None:
        open_once(screen, PullScreen(scene, session, subject))


def show_help(screen: Screen[None]) -> None:
    """Show all keys."""
    from layerscope.tui.dialogs.help import HelpScreen

    open_once(screen, HelpScreen(screen))


def show_error(screen: Screen[None], failed: ScanFailed, session: Session) -> None:
    """Say that there is no engine, and do what the user wants done about it."""
    from layerscope.tui.dialogs.error import ErrorScreen

    def answered(what_now: str | None) -> None:
        if what_now == "demo":
            session.open_demo()
        elif what_now == "retry":
            session.load()
        elif what_now is not None:
            session.open_elsewhere(what_now)

    box = ErrorScreen(
        failed.cause,
        failed.hint,
        failed.elsewhere,
        demo=session.demo is not None,
        status=2 if failed.wrong_use else 3,
    )
    open_once(screen, box, answered)
