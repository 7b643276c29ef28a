"""Which creation dates are ages: builders that make the same image twice write a date that says nothing.

Sources: Jib ``BuildImageStep`` and Bazel ``rules_oci`` (1970-01-01), ko (1970-01-01), Nix ``dockerTools``
(one second later), Cloud Native Buildpacks ``imgutil`` (1980-01-01, one second past midnight), kaniko (year 1, which
an inventory holds as None).
"""

from __future__ import annotations

_DAY = 86_400
_YEAR_1980 = 315_532_800
"""1980-01-01 00:00 UTC, the first date that a zip archive can hold."""
_SLACK = 300
"""Seconds by which two clocks may differ before a date counts as one in the future."""


def why_no_age(created: int | None, now: int) -> str:
    """Return why ``created`` is no age at ``now`` (both Unix seconds), in words; empty when it is one."""
    if created is None:
        return "it has no creation date"
    if created < _DAY:
        return "its date is 1970-01-01 or before, which builders write that make reproducible images"
    if _YEAR_1980 <= created < _YEAR_1980 + _DAY:
        return "its date is 1980-01-01, which builders write that make reproducible images"
    if created > now + _SLACK:
        return "its date lies in the future"
    return ""


def made(created: int | None, now: int) -> int | None:
    """Return ``created`` where it is an age at ``now`` (both Unix seconds); None where it says nothing."""
    return None if why_no_age(created, now) else created
