"""Screens: each with its styles beside it."""
