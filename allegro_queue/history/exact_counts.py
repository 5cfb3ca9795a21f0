"""How many runs there are of a filter, counted to the end: a slice after the other, for as long as somebody waits.

What a list says beside its rows (``counting``) stops early, so that no list waits for it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from allegro_queue.history.conditions import before, joined, order_of, remaining, source_of, values_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.rows import recorded_at
from allegro_queue.history.runs import COMPARED_BY

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

SLICE = 20_000
"""Runs that one query looks at: as many as a page of a search may look at, so that none takes longer than that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCount:
    """How many were found, and how far that goes."""

    number: int
    looked_at: int
    back_to: float | None
    """Up to when (Unix time, going back) it has counted; ``None`` when that is all."""


def count_to_the_end(wanted: Filter, *, patience: float) -> RunCount:
    """Count runs, newest first.

    Args:
        patience: seconds after which no further slice is begun.
    """
    ends = time.monotonic() + patience
    number = looked_at = last = 0
    while True:
        fitting, seen, last = count_slice(wanted, last)
        number, looked_at = number + fitting, looked_at + seen
        if seen < SLICE:
            return RunCount(number=number, looked_at=looked_at, back_to=None)
        if time.monotonic() >= ends:
            return RunCount(number=number, looked_at=looked_at, back_to=recorded_at(last))


def count_slice(wanted: Filter, after: int) -> tuple[int, int, int]:
    """How many fit among the next runs, how many those are, and the last of them."""
    driver = wanted.driver
    if driver == "text" and database().vendor == "postgresql":
        # Its index of words has no order, so that nothing could go on from there.
        driver = replace(wanted, text="").driver
    source, parts = source_of(wanted, driver)
    parts += before(after, driver)
    order = order_of(driver)
    rest = remaining(wanted, driver)
    inner = (
        f"SELECT {COMPARED_BY if rest else 'run.id'} FROM {source} WHERE {joined(parts)} ORDER BY {order} DESC LIMIT %s"
    )
    fits = joined(rest) if rest else "1 = 1"
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(sum(CASE WHEN {fits} THEN 1 ELSE 0 END), 0), count(*), min(run.id) FROM ({inner}) AS run",
            [*values_of(rest), *values_of(parts), SLICE],
        )
        fitting, seen, last = cursor.fetchone()
    return int(fitting), seen, last or 0
