"""Which functions the runs of one queue are of, and the time that they took: from its newest runs."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.history.database import database
from allegro_queue.history.rows import first_id_at
from allegro_queue.history.run_rows import RUNS

# ruff: noqa: S608 - what is put into the statement is a constant of this file or of the model; values are parameters
LOOKED_AT = 5_000
"""Runs that are summed up, at most."""

MOST = 8


@dataclass(frozen=True, slots=True)
class FunctionShare:
    """One function in one queue."""

    name: str
    runs: int
    """Attempts."""
    failed: int
    """Attempts that failed, those that were tried again included."""
    seconds: float
    """Worker time."""


@dataclass(frozen=True, slots=True)
class FunctionShares:
    """The functions that took the most time, the longest first."""

    rows: tuple[FunctionShare, ...]
    runs: int
    """Attempts looked at."""
    is_all: bool
    """Whether these were all since then."""


def functions_of(queue: str, *, since: float) -> FunctionShares:
    """What ran in a queue since a time, by the time it took. One query, over a bounded number of rows."""
    with database().cursor() as cursor:
        cursor.execute(
            "SELECT name, count(*), sum(CASE WHEN outcome IN ('failed', 'lost', 'retried') THEN 1 ELSE 0 END), "
            "sum(CASE WHEN ended_at > started_at AND started_at > 0 THEN ended_at - started_at ELSE 0 END) AS busy "
            f"FROM (SELECT name, outcome, started_at, ended_at FROM {RUNS} WHERE queue = %s AND id >= %s AND ended_at >= %s "
            f"ORDER BY id DESC LIMIT {LOOKED_AT}) AS newest GROUP BY name ORDER BY busy DESC, name",
            [queue, first_id_at(since), since],
        )
        found = [FunctionShare(name, int(runs), int(failed), float(busy)) for name, runs, failed, busy in cursor]
    runs = sum(each.runs for each in found)
    return FunctionShares(rows=tuple(found[:MOST]), runs=runs, is_all=runs < LOOKED_AT)
