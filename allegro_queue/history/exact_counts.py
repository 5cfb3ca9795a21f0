"""How many runs there are of a filter, counted to the end: a slice after the other, for as long as somebody waits.

What a list says beside its rows (``counting``) stops early, so that no list waits for it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from allegro_queue.history.collected import read_place
from allegro_queue.history.conditions import before, id_in, index_of, joined, order_of, remaining, source_of, values_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.rows import recorded_at
from allegro_queue.history.runs import COMPARED_BY

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

SLICE = 20_000
"""Runs that the first query looks at: as many as a page of a search may look at."""

SLICE_SECONDS = 0.1
"""The next looks at twice as many as one that took half of this at most: few questions where an index answers, and none that
takes long where each run is asked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunCount:
    """How many were found, and how far that goes."""

    number: int
    looked_at: int
    back_to: float | None
    """Up to when (Unix time, going back) it has counted; ``None`` when that is all."""


def count_to_the_end(wanted: Filter, *, patience: float) -> RunCount:
    """Count runs, newest first. How many there are at all, the collector has counted.

    Args:
        patience: seconds after which no further slice is begun.
    """
    if wanted == Filter():
        every = read_place().runs
        return RunCount(number=every, looked_at=every, back_to=None)
    began = time.monotonic()
    ends = began + patience
    number = looked_at = last = 0
    size = SLICE
    while True:
        fitting, seen, last = count_slice(wanted, last, size)
        number, looked_at = number + fitting, looked_at + seen
        if seen < size:
            return RunCount(number=number, looked_at=looked_at, back_to=None)
        ended = time.monotonic()
        if ended >= ends:
            return RunCount(number=number, looked_at=looked_at, back_to=recorded_at(last))
        if ended - began <= SLICE_SECONDS / 2:
            size *= 2
        began = ended


def count_slice(wanted: Filter, after: int, size: int) -> tuple[int, int, int]:
    """How many fit among the next runs, how many those are, and the last of them."""
    driver = wanted.driver
    if driver == "text" and database().vendor == "postgresql":
        # Its index of words has no order, so that nothing could go on from there.
        driver = replace(wanted, text="").driver
    rest = remaining(wanted, driver)
    source, parts = source_of(wanted, driver) if rest else index_of(wanted, driver)
    parts += before(after, driver)
    order = order_of(driver)
    compared = COMPARED_BY if rest else f"{id_in(driver)} AS id"
    inner = f"SELECT {compared} FROM {source} WHERE {joined(parts)} ORDER BY {order} DESC LIMIT %s"
    fits = joined(rest) if rest else "1 = 1"
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT coalesce(sum(CASE WHEN {fits} THEN 1 ELSE 0 END), 0), count(*), min(run.id) FROM ({inner}) AS run",
            [*values_of(rest), *values_of(parts), size],
        )
        fitting, seen, last = cursor.fetchone()
    return int(fitting), seen, last or 0
