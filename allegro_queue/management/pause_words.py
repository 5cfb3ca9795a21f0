"""A pause in words for the terminal: by whom, until when, why. Pure."""

from __future__ import annotations

from datetime import datetime


def pause_in_words(*, by: str, reason: str, until: float | None) -> str:
    """Such as ``paused by anna until 2026-11-24 20:05:00: maintenance``; the time is this machine's."""
    words = f"paused by {by or 'somebody'}"
    if until is not None:
        words += f" until {datetime.fromtimestamp(until).astimezone():%Y-%m-%d %H:%M:%S}"
    return f"{words}: {reason}" if reason else words
