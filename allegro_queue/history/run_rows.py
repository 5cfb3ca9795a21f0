"""Runs and their tags, put into their tables.

SQLite gets ``executemany``; PostgreSQL gets a COPY into a table of the connection's own and one INSERT from there. In both,
a run whose execution is known already is left out.
"""

# ruff: noqa: S608 - every name that is put into a statement is a constant of this file
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from allegro_queue.history.rows import COLUMNS, Kept
from allegro_queue.history.search_index import WORDS_TABLE

RUNS = "allegro_queue_run"
TAGS = "allegro_queue_runtag"


def insert_runs(connection: BaseDatabaseWrapper, cursor: Any, runs: Sequence[Kept]) -> list[Kept]:
    """Insert runs; those that were new."""
    if connection.vendor == "postgresql":
        new = copy_runs(cursor, runs)
    else:
        new = insert_each(cursor, runs)
        cursor.executemany(
            f"INSERT INTO {WORDS_TABLE} (rowid, words) VALUES (%s, %s)",
            [(run.id, run.row[-1]) for run in new],
        )
    return new


def insert_each(cursor: Any, runs: Sequence[Kept]) -> list[Kept]:
    cursor.executemany(
        f"INSERT OR IGNORE INTO {RUNS} ({', '.join(COLUMNS)}) VALUES ({marks(COLUMNS)})",
        [run.row for run in runs],
    )
    if cursor.rowcount == len(runs):
        return list(runs)
    there: set[int] = set()
    for start in range(0, len(runs), 500):
        some = [run.id for run in runs[start : start + 500]]
        # An id is an entry's of the stream, which is read only once: who stands there was inserted just now.
        cursor.execute(f"SELECT id FROM {RUNS} WHERE id IN ({marks(some)})", some)
        there.update(number for (number,) in cursor.fetchall())
    return [run for run in runs if run.id in there]


def copy_runs(cursor: Any, runs: Sequence[Kept]) -> list[Kept]:
    columns = ", ".join(COLUMNS)
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS horizon_stage ON COMMIT DELETE ROWS AS "
        f"SELECT {columns} FROM {RUNS} LIMIT 0"
    )
    with cursor.copy(f"COPY horizon_stage ({columns}) FROM STDIN") as copy:
        for run in runs:
            copy.write_row(run.row)
    cursor.execute(
        f"INSERT INTO {RUNS} ({columns}) SELECT {columns} FROM horizon_stage ON CONFLICT DO NOTHING RETURNING id"
    )
    there = {number for (number,) in cursor.fetchall()}
    return list(runs) if len(there) == len(runs) else [run for run in runs if run.id in there]


def insert_tags(cursor: Any, runs: Sequence[Kept]) -> None:
    rows = [(tag, run.id) for run in runs for tag in run.tags]
    if rows:
        cursor.executemany(
            f"INSERT INTO {TAGS} (tag, run_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            rows,
        )


def marks(values: Sequence[Any]) -> str:
    """As many placeholders."""
    return ", ".join(["%s"] * len(values))
