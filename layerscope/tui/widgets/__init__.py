"""Widgets: each takes data and posts messages; none computes bytes or makes calls."""
