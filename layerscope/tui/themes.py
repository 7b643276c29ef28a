"""Themes: dark, light, high contrast, one that is safe for colour-blind eyes, and one without colour.

The interface uses a few hues of its own (``$hue-unique``, ``$row-cursor`` …). They are
worked out from whatever theme is chosen, Textual's own included, so that text
and bars can be read on every ground they stand on: :func:`hues`.
"""

from __future__ import annotations

from textual.color import BLACK, WHITE, Color
from textual.theme import Theme

DARK = Theme(
    name="layerscope-dark",
    primary="#5fb3d4",
    secondary="#3d6f88",
    accent="#f2b155",
    warning="#e8a33d",
    error="#e5675e",
    success="#7cc48d",
    foreground="#d7dde3",
    background="#10151b",
    surface="#161d25",
    panel="#202a34",
    dark=True,
)
LIGHT = Theme(
    name="layerscope-light",
    primary="#0b6a94",
    secondary="#7fa9bd",
    accent="#a85a00",
    warning="#a85a00",
    error="#b3261e",
    success="#1f7a3a",
    foreground="#1d2730",
    background="#fbfaf7",
    surface="#f4f2ec",
    panel="#e4e1d8",
    dark=False,
)
CONTRAST = Theme(
    name="layerscope-contrast",
    primary="#ffffff",
    secondary="#9a9a9a",
    accent="#ffe600",
    warning="#ffe600",
    error="#ff6b6b",
    success="#5dff8f",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#303030",
    dark=True,
)
COLOURBLIND = Theme(
    # Okabe and Ito's palette: blue, orange, sky blue and vermilion stay apart for all common kinds of colour blindness.
    name="layerscope-colourblind",
    primary="#56b4e9",
    secondary="#0072b2",
    accent="#e69f00",
    warning="#e69f00",
    error="#d55e00",
    success="#009e73",
    foreground="#e6e6e6",
    background="#121212",
    surface="#1a1a1a",
    panel="#282828",
    dark=True,
)
_FROM_A_THEME = (
    *("ansi-background", "ansi-foreground", "border", "border-blurred", "block-hover-background"),
    *("block-cursor-foreground", "block-cursor-background", "block-cursor-blurred-background"),
    *("input-cursor-foreground", "input-cursor-background", "input-selection-foreground"),
    *("input-selection-background", "screen-selection-foreground", "screen-selection-background"),
    *("scrollbar", "scrollbar-hover", "scrollbar-active", "scrollbar-background", "scrollbar-corner-color"),
    *("scrollbar-background-hover", "scrollbar-background-active", "link-color", "link-color-hover"),
)
"""Colours that Textual looks up in every theme of the terminal's own colours, and would choose itself otherwise."""
PLAIN = Theme(
    # For NO_COLOR: the terminal's own two colours; shapes, bold, dim and reverse say the rest.
    name="layerscope-plain",
    primary="ansi_default",
    secondary="ansi_default",
    accent="ansi_default",
    warning="ansi_default",
    error="ansi_default",
    success="ansi_default",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    ansi=True,
    variables=dict.fromkeys(_FROM_A_THEME, "ansi_default")
    | {"block-cursor-text-style": "bold reverse", "block-cursor-blurred-text-style": "bold underline"},
)
THEMES = (DARK, LIGHT, CONTRAST, COLOURBLIND)
DEFAULT = DARK.name

TEXT, SIGN = 4.5, 3.0
"""WCAG 2.1: the least contrast of text (1.4.3), and of bars and other signs (1.4.11)."""


def hues(theme: Theme) -> dict[str, str]:
    """Return the interface's own CSS variables for a theme.

    A colour of the theme is kept where it can be read on the theme's grounds, and
    moved towards black or white just as far as needed where it cannot. A theme of
    the terminal's own colours is left alone: nobody knows what they look like.
    """
    primary = theme.primary
    secondary, accent = theme.secondary or primary, theme.accent or primary
    success, warning, error = theme.success or primary, theme.warning or primary, theme.error or primary
    if theme.ansi:
        plain = "ansi_default"
        return {
            "text-dim": plain, "text-quiet": plain, "row-cursor": plain, "row-cursor-rest": plain,
            "rule": plain, "thumb": plain,
            "hue-unique": accent, "hue-shared": primary, "hue-listed": secondary, "hue-link": primary,
            "hue-good": success, "hue-warn": warning, "hue-bad": error, "hue-key": accent,
        }  # fmt: skip
    made = theme.to_color_system().generate()
    ground, ink = Color.parse(made["background"]), Color.parse(made["foreground"])
    grounds = [ground, Color.parse(made["surface"])]
    cursor = ground.blend(Color.parse(primary), 0.26 if theme.dark else 0.2, alpha=1)
    rest = ground.blend(ink, 0.1, alpha=1)
    rows = [ground, rest, cursor]
    ink = _readable(ink, [*grounds, *rows], TEXT)

    def hue(color: str | Color, least: float, on: list[Color], rows_least: float = SIGN) -> str:
        shown = _readable(Color.parse(color) if isinstance(color, str) else color, on, least)
        return _readable(shown, rows, rows_least).hex

    return {
        "foreground": ink.hex,
        "text-dim": hue(ground.blend(ink, 0.55), TEXT, [*grounds, rest]),
        "text-quiet": hue(ground.blend(ink, 0.75), TEXT, [*grounds, rest]),
        "row-cursor": cursor.hex,
        "row-cursor-rest": rest.hex,
        "rule": _readable(ground.blend(ink, 0.22), [ground], 1.5).hex,
        "thumb": hue(ground.blend(ink, 0.35), SIGN, grounds),
        "hue-unique": hue(accent, TEXT, [ground], TEXT),
        "hue-shared": hue(ground.blend(Color.parse(primary), 0.75), SIGN, [ground]),
        "hue-listed": hue(secondary, SIGN, [ground]),
        "hue-link": hue(primary, TEXT, grounds, TEXT),
        "hue-good": hue(success, TEXT, grounds, TEXT),
        "hue-warn": hue(warning, TEXT, grounds, TEXT),
        "hue-bad": hue(error, TEXT, grounds, TEXT),
        "hue-key": hue(accent, TEXT, grounds),
    }


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two opaque colours as WCAG 2.1 defines it: 1 (none) to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _readable(color: Color, grounds: list[Color], least: float) -> Color:
    """Return ``color``, moved towards white or black as far as it takes to reach a contrast on all of some grounds."""
    away = WHITE if max(_luminance(ground) for ground in grounds) < 0.18 else BLACK
    for step in range(21):
        shown = color.blend(away, step / 20, alpha=1)
        if all(contrast(shown, ground) >= least for ground in grounds):
            return shown
    return away
