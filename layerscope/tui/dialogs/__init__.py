"""Dialogs: screens that lie over the main screen and go away again."""
