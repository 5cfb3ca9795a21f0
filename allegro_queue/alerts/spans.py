"""Lengths of time as alerts write them."""

from __future__ import annotations

from allegro_queue.tellings import Telling, telling


def span(seconds: float) -> Telling:
    """A length of time in words: ``48 s``, ``4 min``, ``2 h 5 min``, ``3 d``."""
    whole = round(max(seconds, 0))
    if whole < 120:
        return telling("{n} s", n=whole)
    if whole < 7200:
        return telling("{n} min", n=whole // 60)
    if whole < 2 * 86400:
        hours, rest = whole // 3600, whole % 3600 // 60
        return telling("{n} h {rest} min", n=hours, rest=rest) if rest else telling("{n} h", n=hours)
    return telling("{n} d", n=whole // 86400)
