"""How long a failed job rests before it is tried again. Pure."""

from __future__ import annotations

import math

from allegro_queue.terms import Terms


def pause_after(terms: Terms, attempt: int, chance: float) -> float:
    """Seconds from the end of a failed attempt to the next; 0 for at once.

    Args:
        attempt: number of the one that failed, 1 for the first.
        chance: at random, from 0 to 1: which part of the jitter is added.
    """
    if not terms.backoff:
        return 0.0
    pause = terms.backoff[min(max(attempt, 1), len(terms.backoff)) - 1]
    return pause * (1 + terms.jitter * chance)


def whole_rest(pause: float, now: float) -> int:
    """A pause in the whole seconds that RQ is to be given: it cuts off the time at which they end, and a job that is to
    rest must not come back too early."""
    return math.ceil(now + pause) - math.floor(now) if pause > 0 else 0
