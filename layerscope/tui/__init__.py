"""The interactive session: screens, widgets, styles."""
