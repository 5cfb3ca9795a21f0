"""Many names side by side over one stretch of time, summed up where they are stored: for tables of queues and jobs.

What would have to be added up here otherwise is tens of thousands of rows for a year of fifty names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from allegro_queue.history.database import database
from allegro_queue.history.stretches import SERIES, SERIES_COLUMNS
from allegro_queue.metrics.counts import Counts, Kind
from allegro_queue.metrics.histograms import decode_all

# ruff: noqa: S608 - what is put into a statement is a constant of this file or of the model; values are parameters

HISTOGRAMS = ("run_times", "wait_times")

Names = Mapping[Kind, Sequence[str]]


def counts_of(names: Names, *, seconds: int, since: float) -> dict[Kind, dict[str, Counts]]:
    """What was counted of each of these names: one query. Those of which nothing was are left out.

    Args:
        seconds: length of the stretches that are added up.
        since: the earliest start.
    """
    columns = ", ".join(summed_up(each) for each in SERIES_COLUMNS)
    found: dict[Kind, dict[str, Counts]] = {kind: {} for kind in names}
    for kind, name, *values in grouped(names, columns, "", seconds, since):
        found[kind][name] = counts_from(dict(zip(SERIES_COLUMNS, values, strict=True)))
    return found


def done_of(
    names: Names, *, seconds: int, since: float, first: float, bucket_seconds: int
) -> dict[Kind, dict[str, dict[int, int]]]:
    """Successful runs of each of these names by the number of the bucket, without the empty ones: one query.

    Args:
        seconds: length of the stretches that are added up.
        since: the earliest start.
        first: where the bucket with the number 0 begins, in Unix seconds.
        bucket_seconds: length of a bucket, a multiple of ``seconds``.
    """
    place = f"(starts_at - {int(first)}) / {int(bucket_seconds)}"
    found: dict[Kind, dict[str, dict[int, int]]] = {kind: {} for kind in names}
    for kind, name, number, count in grouped(names, f"{place}, sum(succeeded)", place, seconds, max(since, first)):
        if count:
            found[kind].setdefault(name, {})[int(number)] = int(count)
    return found


def grouped(names: Names, columns: str, further: str, seconds: int, since: float) -> list[tuple[Any, ...]]:
    """Kind, name and these columns, by name and what else is named. Each kind is a question of its own, so that SQLite
    looks its names up one by one."""
    questions: list[str] = []
    values: list[Any] = []
    for kind, each in names.items():
        if each:
            questions.append(
                f"SELECT kind, name, {columns} FROM {SERIES} WHERE kind = %s AND name IN ({', '.join(['%s'] * len(each))}) "
                f"AND seconds = {int(seconds)} AND starts_at >= %s "
                f"GROUP BY kind, name{', ' if further else ''}{further}"
            )
            values += [kind, *each, int(since)]
    if not questions:
        return []
    with database().cursor() as cursor:
        cursor.execute(" UNION ALL ".join(questions), values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def summed_up(column: str) -> str:
    """How the values of a column become one."""
    if column in HISTOGRAMS:
        # Both leave one text behind the other; SQLite has known PostgreSQL's word for it only since 3.44.
        return f"{'group_concat' if database().vendor == 'sqlite' else 'string_agg'}({column}, ' ')"
    return f"{'max' if column.endswith('_longest') else 'sum'}({column})"


def counts_from(given: Mapping[str, Any]) -> Counts:
    """One row's sums; PostgreSQL gives those of whole numbers as decimals."""
    counts = Counts()
    for column, value in given.items():
        if column in HISTOGRAMS:
            setattr(counts, column, decode_all(value))
        else:
            setattr(counts, column, float(value) if isinstance(getattr(counts, column), float) else int(value))
    return counts
