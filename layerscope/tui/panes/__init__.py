"""Panes: the views of one host, each a widget that is shown a Host and posts messages."""
