"""How long a failed job waits before it is tried again: spelled by people, kept as a short tuple. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

MOST_PAUSES = 20
"""Pauses that are kept with a job; the last counts for every later attempt."""

LONGEST_PAUSE = 30 * 86_400.0
"""Seconds."""

RIGHT = (
    "it must be seconds, a list of seconds (the last counts for all that follow), or exponential(first, cap=...), "
    f"each from 0 to {LONGEST_PAUSE:,.0f}"
)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses before the second, third, ... attempt."""

    pauses: tuple[float, ...] = ()
    """Seconds; the last counts for all that follow. Empty: at once."""

    jitter: float = 0.0
    """Share of a pause, from 0 to 1, by which it may be longer, at random."""


def exponential(first: float, *, cap: float = 3600, factor: float = 2, jitter: float = 0.1) -> Backoff:
    """Each pause ``factor`` times the one before, up to ``cap``.

    Args:
        first: seconds before the second attempt.
        cap: seconds that a pause takes at most, ``jitter`` apart.
        jitter: share by which each may be longer, so that jobs that failed together do not come back together.

    Raises:
        ValueError: a number is out of its bounds; says which.
    """
    if not (is_number(first) and 0 < first <= LONGEST_PAUSE):
        raise ValueError(f"exponential() has first = {first!r}; it must be seconds, more than 0.")
    if not (is_number(cap) and first <= cap <= LONGEST_PAUSE):
        raise ValueError(
            f"exponential() has cap = {cap!r}; it must be seconds from first = {first!r} to {LONGEST_PAUSE:,.0f}."
        )
    if not (is_number(factor) and factor > 1):
        raise ValueError(f"exponential() has factor = {factor!r}; it must be a number above 1.")
    if not (is_number(jitter) and 0 <= jitter <= 1):
        raise ValueError(f"exponential() has jitter = {jitter!r}; it must be a share from 0 to 1.")
    pauses = [float(first)]
    while pauses[-1] < cap and len(pauses) < MOST_PAUSES:
        pauses.append(min(float(cap), pauses[-1] * factor))
    return Backoff(tuple(pauses), float(jitter))


def backoff_from(given: Any) -> Backoff:
    """Seconds, a list of seconds or ``exponential(...)`` as a value.

    Raises:
        ValueError: it is none of these; says what would be right.
    """
    if isinstance(given, Backoff):
        return given
    pauses = list(given) if isinstance(given, list | tuple) else [given]
    if not all(is_number(each) and 0 <= each <= LONGEST_PAUSE for each in pauses):
        raise ValueError(f"{RIGHT}.")
    if len(pauses) > MOST_PAUSES:
        raise ValueError(f"it has {len(pauses)} pauses; at most {MOST_PAUSES} are kept, the last for all that follow.")
    return Backoff(tuple(float(each) for each in pauses) if any(pauses) else ())


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
