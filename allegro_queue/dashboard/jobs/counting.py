"""How many jobs there are of a query, counted to the end: on request, since a list does not wait for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from allegro_queue.history.exact_counts import count_to_the_end
from allegro_queue.history.filters import Filter
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import Matcher, State

PATIENCE = 3.0
"""Seconds after which a count says how far it has come."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """How many there are, or how many were found until time was up."""

    number: int
    looked_at: int
    seconds: float
    """That it took."""
    is_whole: bool
    """Whether all were looked at."""
    of: int = 0
    """How many there were to look at, of Redis' lists."""
    back_to: float | None = None
    """Up to when (Unix time, going back) runs were counted, when that was not all of them."""


def count_of_runs(wanted: Filter) -> Counted:
    """Runs in history, newest first."""
    began = time.monotonic()
    found = count_to_the_end(wanted, patience=PATIENCE)
    return Counted(
        number=found.number,
        looked_at=found.looked_at,
        seconds=time.monotonic() - began,
        is_whole=found.back_to is None,
        back_to=found.back_to,
    )


def count_of_listed(stores: Stores, states: Sequence[State], queues: Sequence[str], wanted: Matcher | None) -> Counted:
    """Jobs of some of Redis' lists.

    Args:
        wanted: what each must be; ``None`` for all, of which Redis knows the number.
    """
    began = time.monotonic()
    counts = stores.jobs.counts(queues)
    total = sum(counts[state] for state in states)
    number = looked_at = 0
    is_whole = True
    if wanted is None:
        number = looked_at = total
    else:
        for part in chain.from_iterable(stores.job_lists.all_of(state, queues) for state in states):
            if looked_at and time.monotonic() - began >= PATIENCE:
                is_whole = False
                break
            number += sum(map(wanted.holds, stores.jobs.rows(part, may_hold=wanted.may_hold)))
            looked_at += len(part)
    return Counted(number=number, looked_at=looked_at, seconds=time.monotonic() - began, is_whole=is_whole, of=total)
