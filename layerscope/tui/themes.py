"""Themes: dark, light, high contrast, one that is safe for colour-blind eyes, and one without colour."""

from __future__ import annotations

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
)
THEMES = (DARK, LIGHT, CONTRAST, COLOURBLIND)
DEFAULT = DARK.name
