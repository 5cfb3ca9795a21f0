"""Many names side by side over one stretch of time, summed up where they are stored: for tables of queues and jobs.

What would have to be added up here otherwise is tens of thousands of rows for a year of fifty names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allegro_queue.history.database import database
from allegro_queue.history.writing import SERIES, SERIES_COLUMNS
from allegro_queue.metrics.counts import Counts, Kind
from allegro_queue.metrics.histograms import decode_all

# ruff: noqa: S608 - what is put into a statement is a constant of this file or of the model; values are parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """What was counted of one name."""

    counts: Counts
    done: Mapping[int, int]
    """Successful runs by the number of the bucket, from 0; without the empty ones."""


def sums_of(
    jobs: Sequence[str], *, seconds: int, since: float, buckets_from: float, bucket_seconds: int
) -> dict[Kind, dict[str, Sums]]:
    """All queues and some jobs: two queries.

    Args:
        jobs: names of jobs.
        seconds: length of the stretches that are added up.
        since: the earliest start.
        buckets_from: where the first bucket begins, in Unix seconds.
        bucket_seconds: length of a bucket, a multiple of ``seconds``.
    """
    named = f" OR (kind = 'job' AND name IN ({', '.join(['%s'] * len(jobs))}))" if jobs else ""
    where = f"WHERE seconds = %s AND starts_at >= %s AND (kind = 'queue'{named}) GROUP BY kind, name"
    columns = ", ".join(summed_up(each) for each in SERIES_COLUMNS)
    with database().cursor() as cursor:
        cursor.execute(f"SELECT kind, name, {columns} FROM {SERIES} {where}", [seconds, int(since), *jobs])
        rows = cursor.fetchall()
        # With the bucket's number in the grouping only; a parameter there would be another one to PostgreSQL.
        place = f"(starts_at - {int(buckets_from)}) / {int(bucket_seconds)}"
        cursor.execute(
            f"SELECT kind, name, {place}, sum(succeeded) FROM {SERIES} {where}, {place}",
            [seconds, int(max(since, buckets_from)), *jobs],
        )
        done: dict[tuple[str, str], dict[int, int]] = {}
        for kind, name, number, count in cursor.fetchall():
            if count:
                done.setdefault((kind, name), {})[int(number)] = int(count)
    found: dict[Kind, dict[str, Sums]] = {"queue": {}, "job": {}}
    for kind, name, *values in rows:
        counts = counts_from(dict(zip(SERIES_COLUMNS, values, strict=True)))
        found[kind][name] = Sums(counts=counts, done=done.get((kind, name), {}))
    return found


def counts_from(given: Mapping[str, Any]) -> Counts:
    """One row's sums; PostgreSQL gives those of whole numbers as decimals."""
    counts = Counts()
    for column, value in given.items():
        if column in HISTOGRAMS:
            setattr(counts, column, decode_all(value))
        else:
            setattr(counts, column, float(value) if isinstance(getattr(counts, column), float) else int(value))
    return counts


HISTOGRAMS = ("run_times", "wait_times")


def summed_up(column: str) -> str:
    """How the values of a column become one."""
    if column in HISTOGRAMS:
        # Both leave one text behind the other; SQLite has known PostgreSQL's word for it only since 3.44.
        return f"{'group_concat' if database().vendor == 'sqlite' else 'string_agg'}({column}, ' ')"
    return f"{'max' if column.endswith('_longest') else 'sum'}({column})"
