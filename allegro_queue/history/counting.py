"""How many runs there are of a filter or of each outcome, as far as that is quick. Nothing counts a whole table."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.history.collected import PLACE
from allegro_queue.history.conditions import Part, index_of, joined, remaining, source_of, values_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.rows import OUTCOMES
from allegro_queue.history.run_rows import RUNS
from allegro_queue.history.runs import COMPARED_BY

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

COUNTED = 10_000
"""Up to where matches are counted; more are "10,000+"."""


MOST_COMMON = "succeeded"

UP_TO = f"(SELECT count(*) FROM (SELECT 1 FROM {RUNS} AS run WHERE run.outcome = %s LIMIT %s) AS found)"


@dataclass(frozen=True, slots=True)
class Matches:
    """How many there are, as far as was counted."""

    count: int
    is_more: bool
    """Whether there are more than that."""

    def __str__(self) -> str:
        return f"{self.count:,}{'+' if self.is_more else ''}"


def count_runs(wanted: Filter, *, most: int = COUNTED) -> Matches:
    """How many runs there are of a filter, up to ``most``. How many there are at all, the collector has counted."""
    driver = wanted.driver
    rest = remaining(wanted, driver)
    source, parts = source_of(wanted, driver) if rest else index_of(wanted, driver)
    inner = f"SELECT {COMPARED_BY if rest else 1} FROM {source} WHERE {joined(parts)} LIMIT %s"
    # Whether it has looked at all: without more to ask, the count says so itself.
    further = Part("NULL")
    if rest:
        further = Part(
            f"(SELECT 1 FROM {index_of(wanted, driver)[0]} WHERE {joined(parts)} LIMIT 1 OFFSET %s)",
            (*values_of(parts), most),
        )
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT count(*), {further.sql} FROM ({inner}) AS run WHERE {joined(rest) if rest else '1 = 1'}",
            [*further.values, *values_of(parts), most + 1, *values_of(rest)],
        )
        count, one_more = cursor.fetchone()
    return Matches(min(count, most), is_more=count > most or one_more is not None)


def counts_by_outcome(*, most: int = COUNTED) -> dict[str, Matches]:
    """How many runs ended in each way, up to ``most`` of each: one query.

    Most succeed. Those are what the others leave of all runs, which the collector has counted; they are counted themselves,
    in a second query, only where one of the others is too many to be counted.
    """
    others = sorted(OUTCOMES - {MOST_COMMON})
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join([UP_TO] * len(others))}, (SELECT runs FROM {PLACE} WHERE id = 1)",
            [value for name in others for value in (name, most + 1)],
        )
        *counts, kept = cursor.fetchone()
        found = {
            name: Matches(min(count, most), is_more=count > most) for name, count in zip(others, counts, strict=True)
        }
        if not any(each.is_more for each in found.values()):
            return {**found, MOST_COMMON: Matches(max((kept or 0) - sum(counts), 0), is_more=False)}
        cursor.execute(f"SELECT {UP_TO}", [MOST_COMMON, most + 1])
        (count,) = cursor.fetchone()
    return {**found, MOST_COMMON: Matches(min(count, most), is_more=count > most)}
