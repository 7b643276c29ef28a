"""Panes: the views of one scene, each a widget that is shown it and posts messages."""
