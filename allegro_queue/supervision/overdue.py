"""Whether a child is past the time limit of what it runs, although the alarm went off inside. Pure."""

from __future__ import annotations

GRACE_SECONDS = 2.5
"""Seconds past the limit after which a child is killed: its own alarm had its chance. With what a pass of the master may
take while Redis does not answer, a job is dead five seconds past its limit at the latest."""


def is_overdue(deadline: float, now: float) -> bool:
    """Both are monotonic times; a deadline of 0 is none."""
    return 0.0 < deadline < now - GRACE_SECONDS
