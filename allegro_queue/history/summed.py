"""Many names side by side over one stretch of time, summed up where they are stored: for tables of queues and jobs.

What would have to be added up here otherwise is tens of thousands of rows for a year of fifty names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allegro_queue.history.database import database
from allegro_queue.history.stretches import SERIES, SERIES_COLUMNS
from allegro_queue.metrics.counts import Counts, Kind
from allegro_queue.metrics.histograms import decode_all

# ruff: noqa: S608 - what is put into a statement is a constant of this file or of the model; values are parameters

HISTOGRAMS = ("run_times", "wait_times")

Names = Mapping[Kind, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted of one name."""

    counts: Counts
    done: Mapping[int, int]
    """Successful runs by the number of the bucket; without the empty ones."""


def counts_of(names: Names, *, seconds: int, since: float) -> dict[Kind, dict[str, Counts]]:
    """What was counted of each of these names: one query. Those of which nothing was are left out.

    Args:
        seconds: length of the stretches that are added up.
        since: the earliest start.
    """
    return {
        kind: {name: counts for name, (counts, _) in found.items()}
        for kind, found in read(names, seconds, since, "NULL").items()
    }


def sums_of(
    names: Names, *, seconds: int, since: float, first: float, bucket_seconds: int
) -> dict[Kind, dict[str, Sums]]:
    """The same with the successful runs of each bucket: one query too.

    Args:
        first: where the bucket with the number 0 begins, in Unix seconds.
        bucket_seconds: length of a bucket, a multiple of ``seconds``.
    """
    place = f"((starts_at - {int(first)}) / {int(bucket_seconds)})"
    counted = f"CASE WHEN succeeded > 0 AND starts_at >= {int(first)} THEN {place} || ',' || succeeded END"
    return {
        kind: {name: Sums(counts, by_bucket(said)) for name, (counts, said) in found.items()}
        for kind, found in read(names, seconds, since, joined(counted, ",")).items()
    }


def by_bucket(said: str | None) -> dict[int, int]:
    """From numbers of buckets and counts in turn."""
    numbers = json.loads(f"[{said or ''}]")
    found: dict[int, int] = {}
    for place, count in zip(numbers[::2], numbers[1::2], strict=True):
        found[place] = found.get(place, 0) + count
    return found


def read(names: Names, seconds: int, since: float, further: str) -> dict[Kind, dict[str, tuple[Counts, Any]]]:
    """The sums by kind and name, with one further column. Each kind is a question of its own, so that SQLite looks its
    names up one by one."""
    columns = ", ".join([*(summed_up(each) for each in SERIES_COLUMNS), further])
    found: dict[Kind, dict[str, tuple[Counts, Any]]] = {kind: {} for kind in names}
    questions: list[str] = []
    values: list[Any] = []
    for kind, each in names.items():
        if each:
            questions.append(
                f"SELECT kind, name, {columns} FROM {SERIES} WHERE kind = %s AND name IN ({', '.join(['%s'] * len(each))}) "
                "AND seconds = %s AND starts_at >= %s GROUP BY kind, name"
            )
            values += [kind, *each, seconds, int(since)]
    if questions:
        with database().cursor() as cursor:
            cursor.execute(" UNION ALL ".join(questions), values)
            for kind, name, *sums, beside in cursor.fetchall():
                found[kind][name] = counts_from(dict(zip(SERIES_COLUMNS, sums, strict=True))), beside
    return found


def summed_up(column: str) -> str:
    """How the values of a column become one."""
    if column in HISTOGRAMS:
        return joined(column, " ")
    return f"{'max' if column.endswith('_longest') else 'sum'}({column})"


def joined(column: str, between: str) -> str:
    """All texts of a column, one behind the other. SQLite has known PostgreSQL's word for it only since 3.44."""
    return f"{'group_concat' if database().vendor == 'sqlite' else 'string_agg'}({column}, '{between}')"


def counts_from(given: Mapping[str, Any]) -> Counts:
    """One row's sums; PostgreSQL gives those of whole numbers as decimals."""
    counts = Counts()
    for column, value in given.items():
        if column in HISTOGRAMS:
            setattr(counts, column, decode_all(value))
        else:
            setattr(counts, column, float(value) if isinstance(getattr(counts, column), float) else int(value))
    return counts
