"""Lengths of time, to be told."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from allegro_queue.tellings import Telling, telling

UNITS = (
    (86_400, gettext_noop("{n} d"), 3_600, gettext_noop("{n} d {rest} h")),
    (3_600, gettext_noop("{n} h"), 60, gettext_noop("{n} h {rest} min")),
    (60, gettext_noop("{n} min"), 1, gettext_noop("{n} min {rest} s")),
)
"""A unit in seconds, the words for a number of it, the next smaller unit, and the words with a rest in it."""


def lasting(seconds: float) -> Telling:
    """To two units: ``12 s``, ``4 min 48 s``, ``2 h 3 min``."""
    whole = round(max(seconds, 0.0))
    for size, alone, smaller, both in UNITS:
        if whole >= size:
            number, rest = whole // size, whole % size // smaller
            return telling(both, n=number, rest=rest) if rest else telling(alone, n=number)
    return telling("{n} s", n=whole)
