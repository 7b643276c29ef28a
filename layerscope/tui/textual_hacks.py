"""What layerscope uses of Textual that Textual does not promise: all of it is here, and nothing of it elsewhere.

Checked on Textual 8.2.8. The first two are for speed alone: without them a key costs 1.2 to 3 ms more of processor time
(``python -m dev.benchmarks.keys``), and the screen looks the same. Whoever drops them drops
:mod:`layerscope.tui.widgets.frame` and :mod:`layerscope.tui.widgets.cached` too. With another version of Textual,
``tests/tui/test_cached.py`` says whether what is drawn is still what Textual would draw.
"""

from __future__ import annotations

import asyncio
import codecs
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import lru_cache, partial
from operator import is_
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from rich.console import Console, RenderableType
from textual import events, work
from textual._callback import invoke
from textual._styles_cache import StylesCache
from textual.app import App
from textual.command import CommandPalette
from textual.content import Content
from textual.css.model import RuleSet, SelectorType
from textual.css.query import NoMatches
from textual.css.styles import RenderStyles, RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.drivers import linux_driver
from textual.geometry import Region
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.timer import Timer, TimerCallback
from textual.widget import Widget

from layerscope.tui.leaves import LeavesOnce

if TYPE_CHECKING:
    AnApp = App[int]
    Base = Widget
else:
    AnApp = object
    Base = object  # a widget takes its default styles from its first base that is a widget: this must not be it

SETTLE = 1.0
"""Seconds that a key waits for a screen which the key before it opened; a screen that takes longer gets it anyway."""


def lines_with_frame(
    widget: Widget, label: Content, line: Callable[[int], Strip], wanted: Iterable[int]
) -> list[Strip]:
    """Return some lines of ``widget`` as Textual draws them now, ``label`` in both edges and ``line`` for content.

    Uses ``StylesCache.render``, ``Widget._get_title_style_information`` and ``_get_subtitle_style_information``
    (Textual 8.2.8). Without: there is no other way to ask for the border of a widget, so Textual would draw it again
    for each line in each frame, which is most of what a cursor key costs. If the signature of ``render``
    changes, every list fails at its first line with a TypeError.
    """
    below, background = widget.background_colors
    size, cache = widget.region.size, StylesCache()
    title = (label, *widget._get_title_style_information(below))
    subtitle = (label, *widget._get_subtitle_style_information(below))
    filters, inside = widget.get_line_filters(), widget.content_region.size
    lines: list[Strip] = []
    for y in wanted:
        crop = Region(0, y, size.width, 1)
        lines += cache.render(
            widget.styles, size, below, background, line, filters, title, subtitle, content_size=inside, crop=crop
        )
    return lines


def let_lines_go() -> None:
    """Let Textual forget what a widget that is gone had drawn.

    Replaces ``StylesCache.get_inner_outer`` (Textual 8.2.8), which has nothing to do with the object it is called on.
    Without: its cache of 1,024 calls keeps each of those objects with all of its lines, 20 MB after some hundred
    dialogs. If Textual asks for these colours otherwise one day, this does nothing.
    """
    method = getattr(StylesCache, "get_inner_outer", None)
    if (once := getattr(method, "__wrapped__", None)) is not None:
        colours = lru_cache(1024)(partial(once, None))
        StylesCache.get_inner_outer = lambda _, base, background: colours(base, background)  # type: ignore[assignment,method-assign]


class HearsOfDirt(Base):
    """Mixin of a widget that is told which of its regions are to be drawn again.

    Overrides ``Widget._set_dirty`` (Textual 8.2.8), which ``refresh`` and changes of style call. Without: lines
    that are kept could not know that they are stale. If Textual calls it otherwise, lists show rows of before:
    ``test_what_is_kept_is_what_would_be_drawn`` fails.
    """

    def became_dirty(self, regions: Sequence[Region]) -> Sequence[Region]:
        """Note what is to be drawn again (no region: the whole widget); return what Textual is to take for it."""
        raise NotImplementedError

    def _set_dirty(self, *regions: Region) -> None:
        super()._set_dirty(*self.became_dirty(regions))


def take_any_bytes(encoding: str) -> None:
    """Let Textual's driver read keys in ``encoding``, bytes that are no text included.

    Replaces ``linux_driver.getincrementaldecoder`` (Textual 8.2.8), which decodes UTF-8 strictly. Without: the
    first other byte that a terminal sends ends the program. If the driver decodes otherwise one day, this does nothing.
    """
    decoder = partial(codecs.getincrementaldecoder(encoding), "replace")
    linux_driver.getincrementaldecoder = lambda _: decoder  # type: ignore[attr-defined,assignment]


class TellsFaults(AnApp):
    """Mixin of an app that hands over the details of a fault and prints nothing itself.

    Overrides ``App._print_error_renderables`` and reads ``App._exit_renderables`` (Textual 8.2.8). Without: some 300
    lines of a traceback, with the values of variables, fill the terminal of whoever met the fault.
    """

    _exit_renderables: list[RenderableType]

    def failed(self, details: str) -> None:
        """Take the details, a traceback in lines."""
        raise NotImplementedError

    def _print_error_renderables(self) -> None:
        if self._exit_renderables:
            console = Console(width=120, color_system=None, file=io.StringIO(), record=True)
            for renderable in reversed(self._exit_renderables):  # the first, of which the others come, ends the details
                console.print(renderable)
            self._exit_renderables.clear()
            self.failed(console.export_text())


class Palette(LeavesOnce, CommandPalette):
    """The command palette, which survives PageUp in a list that has no lines yet, and being left while it searches.

    Overrides ``CommandPalette._action_command_list``, ``_gather_commands``, ``_watch__list_visible`` and
    ``_watch__show_busy`` (Textual 8.2.8), and ``set_timer``. Without: ``OptionList._move_page`` raises KeyError for the
    place of the cursor, and what is told when the parts of the palette are gone NoMatches; the program ends. If they
    are called otherwise one day, this does nothing.
    """

    CSS_PATH = "palette.tcss"

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):
            super()._action_command_list(action)

    @work(exclusive=True, group=CommandPalette._GATHER_COMMANDS_GROUP)
    async def _gather_commands(self, search_value: str) -> None:
        with suppress(NoMatches):
            await CommandPalette._gather_commands.__wrapped__(self, search_value)  # type: ignore[attr-defined]

    def _watch__list_visible(self) -> None:
        with suppress(NoMatches):
            super()._watch__list_visible()

    async def _watch__show_busy(self) -> None:
        with suppress(NoMatches):
            await super()._watch__show_busy()

    def set_timer(self, delay: float, callback: TimerCallback | None = None, **options: Any) -> Timer:
        """Call ``callback`` after so many seconds, if there is still something to be told then."""

        async def called() -> None:
            with suppress(NoMatches):
                if callback is not None:
                    await invoke(callback)

        return super().set_timer(delay, called, **options)


class KeysInOrder(AnApp):
    """Mixin of an app in which a key, or a paste, has done all that it does before the next one is looked at.

    Overrides ``App.on_event``; uses ``App._check_bindings``, ``MessagePump._get_dispatch_methods``, ``_context`` and
    ``_mounted_event`` (Textual 8.2.8). Without: a letter is inserted by the input's own task, while Backspace, a
    binding, acts when the key has bubbled up to the app, after the letters behind it. Here the app itself takes each
    key from the widget with the focus up to itself. If Textual calls handlers otherwise one day,
    ``tests/tui/test_bursts.py`` fails.
    """

    _settled_screen: Screen[object] | None = None

    async def on_event(self, event: events.Event) -> None:
        """Take a key from the widget with the focus up to the app; everything else as before."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self.app_focus = True
        await self._settle()
        event._set_forwarded()
        if isinstance(event, events.Key) and await self._check_bindings(event.key, priority=True):
            return
        name = event.handler_name
        node: MessagePump | None = self.focused or self.screen
        chain: list[MessagePump] = []
        while node is not None and node is not self:
            if not node.check_message_enabled(event):
                return
            chain.append(node)
            event._no_default_action = False
            with node._context(), self.prevent(*event._prevent):
                for _, method in node._get_dispatch_methods(name, event):
                    await invoke(method, event)
            node.check_idle()
            if event._stop_propagation:
                break
            node = node._parent
        else:
            event._no_default_action = False
            await super().on_event(event)
        if isinstance(event, events.Key) and event.key == "enter":  # what is told by message then: submitted, activated
            for node in chain:
                await _drained(node)

    async def _settle(self) -> None:
        """Wait until the screen that is on top now can be typed in."""
        for _ in range(4):
            screen = self.screen
            if screen is self._settled_screen:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(screen._mounted_event.wait(), SETTLE)
            await _drained(screen)
            self._settled_screen = screen


async def _drained(pump: MessagePump) -> None:
    """Wait until ``pump`` has handled the messages that it has now; not forever."""
    done = asyncio.Event()
    if pump.is_running and pump.call_later(done.set):
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), SETTLE)


class QuickStylesheet(Stylesheet):
    """A stylesheet that finds rules once for each kind of node, and styles component classes if they may have changed.

    Overrides ``Stylesheet.apply`` and ``_process_component_classes``; uses ``_rules``, ``_rules_map``,
    ``DOMNode._selector_names``, ``_get_component_classes``, ``_component_styles`` and the four ``_has_…`` that
    ``apply`` sets (Textual 8.2.8). Without: the first screen and each change of view take longer, as all rules are
    gone through for each of some 900 nodes, most of them component classes, which Textual styles anew whenever
    anything about a widget or what is around it changes. If Textual applies rules otherwise one day, a widget could
    keep colors of before: ``test_quick_stylesheet.py`` compares with its own.
    """

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parts: dict[frozenset[str], _Part] = {}
        self._parts_before: dict[frozenset[str], _Part] = {}
        """Those of the rules before: good where they have the same rules now."""
        self._parts_of: object = None
        self._places: dict[str, list[int]] = {}
        """Where the rules are that have a name in them."""
        self._styled: WeakKeyDictionary[DOMNode, tuple[_Part, object]] = WeakKeyDictionary()

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[object, ...], RulesMap] | None = None
    ) -> None:
        """Apply the rules that have a name of ``node`` in them; see ``Stylesheet.apply``."""
        self._part(frozenset(node._selector_names)).apply(node, animate=animate, cache=cache)
        self._process_component_classes(node)

    def _process_component_classes(self, node: DOMNode) -> None:
        names = node._get_component_classes()
        if not names:
            return
        part = self._part(frozenset({"*", "DOMNode", *(f".{name}" for name in names)}))
        state = part.state(node)
        if self._styled.get(node) == (part, state):
            return
        before = node._component_styles
        if (known := part.components.get(state)) is None:
            node._component_styles = {name: before[name] for name in names if name in before}
            super()._process_component_classes(node)
            known = {name: styles.base.get_rules() for name, styles in node._component_styles.items()}
            part.components[state] = known
        else:
            was_part, was_state = self._styled.get(node, (None, None))
            node._component_styles = _Components(node, known)
            if was_part is None or was_part.components[was_state] != known:
                node.refresh()
        self._styled[node] = part, state

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the variables of a theme; where they are those of before, what was parsed with them is still good."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Parse what was not parsed yet with the variables of now."""
        before = self._rules
        self.parse()
        if len(before) == len(self._rules) and all(map(is_, before, self._rules)):
            self._rules = before

    def _part(self, names: frozenset[str]) -> _Part:
        rules = self.rules
        if rules is not self._parts_of:
            self._parts, self._parts_before, self._parts_of = self._no_parts(), self._parts, rules
            self._places = defaultdict(list)
            for place, rule in enumerate(rules):
                for name in rule.selector_names:
                    self._places[name].append(place)
        if (part := self._parts.get(names)) is None:
            places = {place for name in names if name in self._places for place in self._places[name]}
            wanted = [rules[place] for place in sorted(places)]
            part = self._parts_before.get(names)
            if part is None or len(part.rules) != len(wanted) or not all(map(is_, part.rules, wanted)):
                part = _Part(self, names, wanted)
            self._parts[names] = part
        return part

    def _no_parts(self) -> dict[frozenset[str], _Part]:
        return {}


class _Components(dict[str, RenderStyles]):
    """Styles of the component classes of a node, each made when it is asked for: of some 230 on a screen, few are."""

    def __init__(self, node: DOMNode, rules: dict[str, RulesMap]) -> None:
        super().__init__()
        self._node, self._rules = node, rules

    def __contains__(self, name: object) -> bool:
        return name in self._rules or super().__contains__(name)

    def __missing__(self, name: str) -> RenderStyles:
        virtual = DOMNode(classes=name)
        virtual._attach(self._node)
        virtual.styles.base.merge_rules(self._rules[name])
        self[name] = virtual.styles
        return virtual.styles

    def clear(self) -> None:
        """Forget all of them, as Textual asks of a widget that is gone."""
        super().clear()
        self._rules = {}


class _Part(Stylesheet):
    """Those rules of a stylesheet that nodes with some names may need, and what came of them for each kind of node."""

    def __init__(self, whole: QuickStylesheet, names: frozenset[str], rules: list[RuleSet]) -> None:
        vars(self).update(vars(whole))  # caches of its own would be slow to make, and stay empty
        del self._parts, self._parts_before  # type: ignore[attr-defined]  # else no part would ever go
        self._rules = rules
        self._rules_map = {name: [rule for rule in rules if name in rule.selector_names] for name in names}
        chosen = [one for rule in rules for group in rule.selector_set for one in group.selectors]
        self._classes = frozenset(one.name for one in chosen if one.type is SelectorType.CLASS)
        self._ids = frozenset(one.name for one in chosen if one.type is SelectorType.ID)
        self._pseudo = sorted({name for one in chosen for name in one.pseudo_classes})
        self._known: dict[object, tuple[RulesMap | None, tuple[bool, bool, bool, bool]]] = {}
        self._found: RulesMap | None = None
        self.components: dict[object, dict[str, RulesMap]] = {}
        """What the component classes of a widget of a state have."""

    def state(self, node: DOMNode) -> object:
        """Return all that these rules depend on in ``node`` and what is around it."""
        classes, ids, pseudo = self._classes, self._ids, self._pseudo
        found: list[object] = []
        for one in node.css_path_nodes:
            known: Any = one._PSEUDO_CLASSES
            found += (type(one), classes & one._classes, one._id if one._id in ids else None)
            found += [name in known and known[name](one) for name in pseudo]
        return tuple(found)

    def apply(
        self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[object, ...], RulesMap] | None = None
    ) -> None:
        state = self.state(node)
        known = self._known.get(state)
        if known is None:
            self._found = None
            super().apply(node, animate=animate, cache=cache)
            flags = node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even
            self._known[state] = self._found, flags
            return
        rules, flags = known
        node._has_hover_style, node._has_focus_within, node._has_order_style, node._has_odd_or_even = flags
        if rules is not None:
            super().replace_rules(node, rules, animate=animate)

    def replace_rules(self, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:  # type: ignore[override]
        self._found = rules
        super().replace_rules(node, rules, animate=animate)

    def _process_component_classes(self, node: DOMNode) -> None:
        pass
